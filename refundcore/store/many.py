"""Acts on several claims at once, and taking the next one.

`claims` is either pairs (id, version) or a `Filter`, which means every claim it finds, on all pages, as it is now.
Each claim is done, or refused with its sentence, on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from refundcore.store.model import Filter, ManyResult, Outcome, Preview, Receipt
from refundcore.store.store import Store

Which = Filter | Sequence[tuple[int, int]]
"""Pairs (id, version), or everything that a filter finds."""


def take_next(store: Store, *, actor: int, at: datetime, key: str, filter: Filter | None = None) -> Receipt | None:  # noqa: A002
    """Assign to the actor the new claim of nobody's that is to be acted on first; None where there is none left."""
    raise NotImplementedError


def assign_many(store: Store, *, actor: int, at: datetime, key: str, claims: Which, to: int | None) -> ManyResult:
    """Give claims to somebody, or to nobody."""
    raise NotImplementedError


def note_many(store: Store, *, actor: int, at: datetime, key: str, claims: Which, text: str) -> ManyResult:
    """Add a note to each claim."""
    raise NotImplementedError


def decide_many(
    store: Store, *, actor: int, at: datetime, key: str, claims: Which, outcome: Outcome, reason: str = ""
) -> ManyResult:
    """Decide each claim whose verdict is `outcome` (approve, exchange or deny); the others are left with a sentence."""
    raise NotImplementedError


def preview_decide_many(store: Store, *, actor: int, at: datetime, claims: Which, outcome: Outcome) -> Preview:
    """What `decide_many` would do now."""
    raise NotImplementedError
