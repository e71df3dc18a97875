"""Adding a claim, its facts, its assignee, notes.

Common to every act: `actor` is a person's id, `key` an idempotency key (made once when the form is shown; the same
key with the same parameters does nothing and returns the earlier receipt, with other parameters it is refused),
`claim` the claim's id, `version` the version that the person saw. Raises `Forbidden`, `Stale` or `Impossible`.
"""

from __future__ import annotations

from datetime import datetime

from refundcore.store.model import Facts, Receipt
from refundcore.store.store import Store


def add_claim(
    store: Store, *, actor: int, at: datetime, key: str, facts: Facts, assign_to: int | None = None
) -> Receipt:
    """Add a claim. Without a `claim_ref` among the facts it gets a reference such as RC-000001.

    Raises `Impossible` for facts of the wrong type, or where the same claim is there already.
    """
    raise NotImplementedError


def set_facts(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, changes: Facts) -> Receipt:
    """Change some facts (None: unknown) and judge the claim again. A waiting claim becomes new: the answer came.

    An instant given without its `_latest` column is known to the moment.
    """
    raise NotImplementedError


def assign(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, to: int | None) -> Receipt:
    """Give the claim to an agent or manager, or to nobody (None)."""
    raise NotImplementedError


def note(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, text: str) -> Receipt:
    """Add a note. A note does not need the latest version: it changes nothing but the timeline."""
    raise NotImplementedError
