"""Reading one claim and the journal."""

from __future__ import annotations

from refundcore.store.model import ClaimRecord, Event
from refundcore.store.store import Store


def claim(store: Store, which: int | str) -> ClaimRecord | None:
    """A claim by its id (int) or its reference (str); None where there is none."""
    raise NotImplementedError


def events(store: Store, claim: int) -> list[Event]:
    """What happened to a claim, first to last."""
    raise NotImplementedError


def journal(store: Store, *, before: int | None = None, person: int | None = None, limit: int = 100) -> list[Event]:
    """What happened in the whole desk, latest first; `before` is an event's id, for the next page."""
    raise NotImplementedError
