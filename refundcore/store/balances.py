"""What was paid for an order and what went back: one row an order and currency, never more back than was paid.

`amount` and `refunded_before` are facts of an item, so an order was paid the sum of its items, or what a claim for
the whole order says where that is more. The row is changed in the transaction of the payout itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from refundcore.store import sentences, tables
from refundcore.store.acting import visible
from refundcore.store.errors import Impossible
from refundcore.store.payout_tables import balances


@dataclass(frozen=True)
class Room:
    """An order in one currency, in minor units."""

    paid: int
    before: int
    """Refunded before the desk knew of it."""
    refunded: int
    """By payouts of the desk that are due, under way or made."""

    @property
    def left(self) -> int:
        """What can still go back."""
        return self.paid - self.before - self.refunded


def room(connection: sa.Connection, order: str, currency: str) -> Room:
    """What is known of an order now."""
    claims = tables.claims
    item = sa.func.coalesce(claims.c.item_ref, sa.literal_column("''"))
    query = (
        sa.select(item, sa.func.max(claims.c.amount), sa.func.max(claims.c.refunded_before))
        .where(claims.c.order_ref == order, claims.c.currency == currency, visible(connection))
        .group_by(item)
    )
    whole, items = (0, 0), (0, 0)
    for name, amount, before in connection.execute(query):
        if name:
            items = (items[0] + (amount or 0), items[1] + (before or 0))
        else:
            whole = (amount or 0, before or 0)
    kept = connection.execute(sa.select(balances.c.refunded).where(*_this(order, currency))).scalar()
    return Room(max(whole[0], items[0]), max(whole[1], items[1]), kept or 0)


def refuse_beyond(connection: sa.Connection, order: str, currency: str, amount: int) -> None:
    """Raise `Impossible` where the order has no room for an amount."""
    _refuse(room(connection, order, currency), order, currency, amount)


def _refuse(found: Room, order: str, currency: str, amount: int) -> None:
    if amount > found.left:
        back = sentences.amount(found.before + found.refunded, currency)
        raise Impossible(
            f"Order {order}: of {sentences.amount(found.paid, currency)} paid, {back} went back or is about to; "
            f"at most {sentences.amount(max(found.left, 0), currency)} more can be refunded."
        )


def take(connection: sa.Connection, order: str, currency: str, amount: int) -> None:
    """Count an amount as refunded. Raises `Impossible` where there is no room for it."""
    found = room(connection, order, currency)
    _refuse(found, order, currency, amount)
    known = connection.execute(sa.select(balances.c.order_ref).where(*_this(order, currency))).first()
    if known is None:
        first = {"paid": found.paid, "earlier": found.before, "refunded": 0}
        connection.execute(sa.insert(balances).values(order_ref=order, currency=currency, **first))
    changed = connection.execute(
        sa.update(balances)
        .where(*_this(order, currency), found.before + balances.c.refunded + amount <= found.paid)
        .values(paid=found.paid, earlier=found.before, refunded=balances.c.refunded + amount)
    )
    if changed.rowcount != 1:
        raise Impossible(f"Order {order} was refunded by somebody else just now; reload to see it.")


def give_back(connection: sa.Connection, order: str, currency: str, amount: int) -> None:
    """An amount that was counted is not refunded after all."""
    connection.execute(sa.update(balances).where(*_this(order, currency)).values(refunded=balances.c.refunded - amount))


def _this(order: str, currency: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return balances.c.order_ref == order, balances.c.currency == currency
