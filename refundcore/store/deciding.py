"""Deciding a claim; decisions against the policy and their approval; closing and reopening.

The parameters common to every act are described in `acts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from refundcore.store.model import Outcome, Receipt
from refundcore.store.store import Store


def decide(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    claim: int,
    version: int,
    outcome: Outcome,
    reason: str = "",
    ask_for: Sequence[str] = (),
    ask_of: Literal["customer", "technician"] = "customer",
    reply: str = "",
    refund: int | None = None,
) -> Receipt:
    """Decide a claim, or ask for facts.

    The claim is judged once more at `at`. An outcome that follows the verdict stands at once. A `review` may be
    decided either way with a reason. Anything else is an override and needs a reason: a manager's stands at once,
    an agent's waits for another person, a manager (`awaiting_approval`). `refund` (minor units) is only for an
    approval where the policy gives no amount; it defaults to the amount paid less what was refunded before.
    `ask` waits for `ask_for` (names of facts) of the customer or the technicians.
    """
    raise NotImplementedError


def approve_override(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, reason: str = ""
) -> Receipt:
    """Let a decision against the policy stand: a manager, never the person who asked for it."""
    raise NotImplementedError


def reject_override(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, reason: str
) -> Receipt:
    """Refuse a decision against the policy; the claim is new again."""
    raise NotImplementedError


def reopen(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, reason: str) -> Receipt:
    """Open a decided or closed claim again; its decision is withdrawn and the claim is new."""
    raise NotImplementedError


def close(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int) -> Receipt:
    """Close a decided claim."""
    raise NotImplementedError
