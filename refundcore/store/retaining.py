"""Letting go in time: evidence and personal data of claims that were closed long ago, traces of signing in.

What was decided and why stays, and the journal still verifies; each claim gets an event that says what was let go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import micros
from refundcore.store import tables
from refundcore.store.acting import acting, allowed
from refundcore.store.erasing import erase, give_up_files, holds_personal, preview_erasure, unneeded_files
from refundcore.store.errors import Impossible
from refundcore.store.evidence_reading import files
from refundcore.store.evidence_table import evidence
from refundcore.store.store import Store, rows_of

SIGNIN_DAYS = 90
"""Days after which used links and ended sessions go."""

TOGETHER = 100
"""Claims whose files are given up in one transaction."""

_QUIET = ("noted", "evidence_erased", "erased")
"""Kinds of events that do not put off the end of a claim's time."""


@dataclass(frozen=True)
class Retained:
    """What was let go, or would be."""

    files_of: int
    """Claims whose files of evidence go."""
    persons_of: int
    """Claims whose personal data goes."""
    waiting: int
    """Claims that are old enough, but whose customer has something open."""

    @property
    def sentence(self) -> str:
        """It in words."""
        said = f"Evidence of {self.files_of:,} claims and personal data of {self.persons_of:,} claims."
        return f"{said} {self.waiting:,} wait, since their customer has something open." if self.waiting else said


def retain(
    store: Store, *, actor: int, at: datetime, evidence_days: int, personal_days: int, dry_run: bool = False
) -> Retained:
    """Let go of what is older than so many days after its claim was closed (0: never).

    Raises `Forbidden` for who may not erase. A run that was cut off is carried on by the next.
    """
    with store.read() as connection:
        allowed(connection, actor, "erase")
    with_files = _closed(store, at, evidence_days, files_only=True) if evidence_days else []
    old = _closed(store, at, personal_days, files_only=False) if personal_days else []
    gone = set(old)
    only_files = [claim for claim in with_files if claim not in gone]
    waiting = 0 if not dry_run else sum(bool(preview_erasure(store, claim=claim).refusal) for claim in old)
    if dry_run:
        return Retained(len(only_files), len(old) - waiting, waiting)
    for start in range(0, len(only_files), TOGETHER):
        _let_go_of_files(store, only_files[start : start + TOGETHER], actor=actor, at=at)
    done = 0
    for claim in old:
        if not preview_erasure(store, claim=claim).refs:  # it went with another claim of the same customer
            done += 1
            continue
        try:
            erase(store, actor=actor, at=at, key=token_urlsafe(16), reason="Its time is over", claim=claim)
            done += 1
        except Impossible:
            waiting += 1
    _forget_signing_in(store, at)
    return Retained(len(only_files), done, waiting)


def _closed(store: Store, at: datetime, days: int, *, files_only: bool) -> list[int]:
    """The claims that were closed so long ago and still hold what is to go."""
    claims, events, before = tables.claims, tables.events, micros(at - timedelta(days=days))
    lately = sa.select(events.c.id).where(
        events.c.claim_id == claims.c.id, events.c.at > before, events.c.kind.notin_(_QUIET)
    )
    query = sa.select(claims).where(claims.c.state == "closed", ~lately.exists()).order_by(claims.c.id)
    if files_only:
        held = sa.select(evidence.c.id).where(evidence.c.claim_id == claims.c.id, evidence.c.erased_at.is_(None))
        query = query.where(held.exists())
    with store.read() as connection:
        return [row["id"] for row in rows_of(connection, query) if files_only or holds_personal(row)]


def _let_go_of_files(store: Store, numbers: list[int], *, actor: int, at: datetime) -> None:
    with acting(store, "erase", actor=actor, at=at) as act:
        found = rows_of(act.connection, sa.select(tables.claims).where(tables.claims.c.id.in_(numbers)))
        given_up = give_up_files(act, numbers)
        for row in found:
            claim: Mapping[str, Any] = row
            for sha256 in given_up.get(row["id"], ()):
                claim, _ = act.change(claim, "evidence_erased", {"sha256": sha256, "reason": "Its time is over"})
        gone = unneeded_files(act, {sha256 for each in given_up.values() for sha256 in each})
        act.sealed = {"retained": {"claims": len(given_up), "files": sum(map(len, given_up.values()))}}
    for sha256 in gone:
        files(store).remove(sha256)


def _forget_signing_in(store: Store, at: datetime) -> None:
    before = micros(at - timedelta(days=SIGNIN_DAYS))
    with store.write() as connection:
        for table, column in (
            (tables.sessions, tables.sessions.c.expires_at),
            (tables.password_links, tables.password_links.c.expires_at),
            (tables.signin_addresses, tables.signin_addresses.c.at),
            (tables.signin_failures, tables.signin_failures.c.at),
        ):
            connection.execute(sa.delete(table).where(column < before))
