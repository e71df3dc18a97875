"""Reading people. Accounts (passwords, sessions) are `refundcore.accounts`'s."""

from __future__ import annotations

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.acting import load_person
from refundcore.store.model import Person
from refundcore.store.store import Store


def person(store: Store, number: int) -> Person | None:
    """The person of an id, active or not; None where there is none."""
    with store.read() as connection:
        return load_person(connection, number)


def people(store: Store, *, active: bool | None = None) -> list[Person]:
    """Everybody with an account, by name; only the active (or inactive) ones where `active` says so."""
    columns = [tables.people.c[name] for name in Person.__dataclass_fields__]
    query = sa.select(*columns).order_by(tables.people.c.name, tables.people.c.id)
    if active is not None:
        query = query.where(tables.people.c.active == active)
    with store.read() as connection:
        return [Person(**row) for row in connection.execute(query).mappings()]
