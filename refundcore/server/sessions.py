"""What the gate remembers of sessions: who is behind a token, asked anew every few seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import anyio
from sqlalchemy.exc import SQLAlchemyError

from refundcore import accounts
from refundcore.accounts import LIMITS, Limits
from refundcore.store import Person, Store, StoreError

FRESH = 5.0
"""Seconds for which an answer of the store is good: how long a disabled account may still be served."""

GRACE = 60.0
"""Seconds for which the last answer has to do while the store gives none, rather than sign everybody out."""

_MOST = 10_000

log = logging.getLogger(__name__)


class Sessions:
    """The people behind tokens, each looked up in the store at most every `FRESH` seconds."""

    def __init__(self, store: Store, now: Callable[[], datetime], limits: Limits = LIMITS) -> None:
        self.store = store
        self.limits = limits
        self.now = now
        self._known: dict[str, tuple[float, bool, Person]] = {}
        """Token -> when it was asked about, whether as a use, and who it is."""
        self._asked: dict[tuple[str, bool], asyncio.Future[Person | None]] = {}
        self._ended = 0
        self._store_ended = store.sessions_ended

    async def person(self, token: str | None, *, used: bool = True, fresh: bool = False) -> Person | None:
        """Who is signed in with this token, or None. `used=False` for what a page does by itself.

        `fresh` asks the store in any case: what somebody does never rests on an answer of seconds ago.

        Raises `StoreError` or `SQLAlchemyError` where the store cannot be asked, and was not within `GRACE`.
        """
        if not token:
            return None
        if self._store_ended != self.store.sessions_ended:  # somebody's were ended in this process: perhaps these
            self._store_ended = self.store.sessions_ended
            self._ended += 1
            self._known.clear()
        at, counted, known = self._known.get(token, (float("-inf"), False, None))
        age = time.monotonic() - at
        if known is not None and not fresh and age < FRESH and (counted or not used):
            return known
        asked = self._asked.get((token, used))
        if asked is None:
            asked = asyncio.ensure_future(self._ask(token, used=used))
            self._asked[token, used] = asked
            asked.add_done_callback(lambda _: self._asked.pop((token, used), None))
        try:
            return await asyncio.shield(asked)
        except (StoreError, SQLAlchemyError):
            if known is None or age > GRACE:
                raise
            log.warning("The store could not be asked about a session; its last answer has to do.")
            return known

    async def _ask(self, token: str, *, used: bool) -> Person | None:
        """Ask the store; a page's forty files at once ask it once."""
        ended = self._ended
        look = partial(accounts.session, self.store, token, at=self.now(), used=used, limits=self.limits)
        found = await anyio.to_thread.run_sync(look)
        if found is None or ended != self._ended:  # somebody signed out while we asked: perhaps this one
            self._known.pop(token, None)
            return found
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[token] = (time.monotonic(), used, found)
        return found

    def forget(self, token: str) -> None:
        """Have the store asked about this token the next time."""
        self._ended += 1
        self._known.pop(token, None)
