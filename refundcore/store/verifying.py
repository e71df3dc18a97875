"""Checking the whole store: the file, the chains, the heads, the claims against their events, the balances."""

from __future__ import annotations

from dataclasses import dataclass

from refundcore.store.store import Store


@dataclass(frozen=True)
class Finding:
    """The outcome of a check of the store."""

    good: bool
    sentence: str
    """What was checked, or the first thing that is wrong."""


def verify(store: Store) -> Finding:
    """Check everything that must hold; stops at the first thing that does not."""
    raise NotImplementedError
