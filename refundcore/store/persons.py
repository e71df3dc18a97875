"""Reading people. Accounts (passwords, sessions) are `refundcore.accounts`'s."""

from __future__ import annotations

from refundcore.store.model import Person
from refundcore.store.store import Store


def person(store: Store, number: int) -> Person | None:
    """The person of an id, active or not; None where there is none."""
    raise NotImplementedError


def people(store: Store, *, active: bool | None = None) -> list[Person]:
    """Everybody with an account, by name; only the active (or inactive) ones where `active` says so."""
    raise NotImplementedError
