"""Which editions of the policy rule in a store: taken up when it is opened, looked up again before every act."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import sqlalchemy as sa

from refundcore import policy as policies
from refundcore import rules
from refundcore.deadlines import FAR_PAST, micros, start_of_day
from refundcore.editions import Edition, Editions
from refundcore.store.edition_tables import editions
from refundcore.store.store import Store, rows_of


def day_begins(day: date, zone: str) -> int:
    """The first instant of a day in a zone."""
    number = (day - date(1970, 1, 1)).days
    return int(start_of_day(np.array([number], dtype=np.int64), zone)[0])


def take_up(store: Store, at: datetime, *, make: bool = True) -> None:
    """Let the store's editions rule; an empty store takes `data/policy.toml` as the first. Raises `PolicyError`.

    Without `make` nothing is written, and an empty store judges by that document.
    """
    with store.read() as connection:
        empty = connection.execute(sa.select(editions.c.id).limit(1)).first() is None
    if empty and not make:
        store.policy = policies.load()
        return
    if empty:
        document, fees = policies.texts()
        policy = policies.read(document, fees)
        rules.BOOK.check(policy)
        with store.write() as connection:
            if connection.execute(sa.select(editions.c.id).limit(1)).first() is None:  # else another start was faster
                connection.execute(
                    sa.insert(editions).values(
                        number=1,
                        state="released",
                        key="edition 1",
                        document=document,
                        fees=fees,
                        fingerprint=policy.fingerprint,
                        effective_from="",
                        reason="The document of the first start.",
                        proposed_at=micros(at),
                        approver_reason="",
                    )
                )
    with store.read() as connection:
        _follow(store, connection, micros(at))


def refresh(store: Store, connection: sa.Connection, at: int) -> None:
    """Learn of editions that were released since, and which is in force at a moment; little where nothing changed."""
    if not store.ruled:
        return
    released = sa.select(editions.c.number).where(editions.c.state == "released").order_by(editions.c.number)
    numbers = list(connection.execute(released).scalars())
    if sorted(edition.number for edition in store.laws.all) != numbers:
        _follow(store, connection, at)
    elif store.laws.at(at).policy is not store.policy:
        store.follow(store.laws, at)


def _follow(store: Store, connection: sa.Connection, at: int) -> None:
    found = rows_of(connection, sa.select(editions).where(editions.c.state == "released"))
    store.follow(
        Editions(
            [
                Edition(row["number"], policies.read(row["document"], row["fees"]), row["begins"] or FAR_PAST)
                for row in found
            ]
        ),
        at,
    )
