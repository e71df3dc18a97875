"""What was paid for an order and what went back: one row an order and currency, never more back than was paid.

`amount` and `refunded_before` are facts of an item, so an order was paid the sum of its items, or what a claim for
the whole order says where that is more. The row is changed in the transaction of the payout itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from refundcore.store import sentences, tables
from refundcore.store.acting import SEEN
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
    known: bool = True
    """Whether the order has a row of its own yet."""

    @property
    def left(self) -> int:
        """What can still go back."""
        return self.paid - self.before - self.refunded


_ITEM = sa.func.coalesce(tables.claims.c.item_ref, sa.literal_column("''"))
_THIS = (balances.c.order_ref == sa.bindparam("this_order"), balances.c.currency == sa.bindparam("this_currency"))
# Made once: to build a statement takes as long as to run it.
_ROOM = (
    sa.select(
        _ITEM,
        sa.func.max(tables.claims.c.amount),
        sa.func.max(tables.claims.c.refunded_before),
        sa.select(balances.c.refunded).where(*_THIS).scalar_subquery(),
    )
    .where(
        tables.claims.c.order_ref == sa.bindparam("this_order"),
        tables.claims.c.currency == sa.bindparam("this_currency"),
        SEEN,
    )
    .group_by(_ITEM)
)
_REFUNDED = sa.bindparam("amount", type_=sa.BigInteger)
_TAKE = (
    sa.update(balances)
    .where(*_THIS, sa.bindparam("before", type_=sa.BigInteger) + balances.c.refunded + _REFUNDED <= sa.bindparam("sum"))
    .values(paid=sa.bindparam("sum"), earlier=sa.bindparam("before"), refunded=balances.c.refunded + _REFUNDED)
)
_FIRST = sa.insert(balances)


def room(connection: sa.Connection, order: str, currency: str) -> Room:
    """What is known of an order now."""
    whole, items, refunded = (0, 0), (0, 0), None
    for name, amount, before, kept in connection.execute(_ROOM, {"this_order": order, "this_currency": currency}):
        refunded = kept
        if name:
            items = (items[0] + (amount or 0), items[1] + (before or 0))
        else:
            whole = (amount or 0, before or 0)
    return Room(max(whole[0], items[0]), max(whole[1], items[1]), refunded or 0, known=refunded is not None)


def checked(connection: sa.Connection, order: str, currency: str, amount: int) -> Room:
    """What is known of an order. Raises `Impossible` where it has no room for an amount."""
    found = room(connection, order, currency)
    if amount > found.left:
        back = sentences.amount(found.before + found.refunded, currency)
        raise Impossible(
            f"Order {order}: of {sentences.amount(found.paid, currency)} paid, {back} went back or is about to; "
            f"at most {sentences.amount(max(found.left, 0), currency)} more can be refunded."
        )
    return found


def take(connection: sa.Connection, order: str, currency: str, amount: int, found: Room) -> None:
    """Count an amount as refunded, of an order of which this was found. Raises `Impossible` where it isn't so now."""
    this = {"this_order": order, "this_currency": currency}
    values = {"sum": found.paid, "before": found.before, "amount": amount}
    changed = connection.execute(_TAKE, {**this, **values}).rowcount
    if not changed and not found.known:
        row = {"order_ref": order, "currency": currency, "paid": found.paid, "earlier": found.before}
        connection.execute(_FIRST, {**row, "refunded": amount})
        changed = 1  # its key refuses a second row; not every driver counts what was inserted
    if changed != 1:
        raise Impossible(f"Order {order} was refunded by somebody else just now; reload to see it.")


def give_back(connection: sa.Connection, order: str, currency: str, amount: int) -> None:
    """An amount that was counted is not refunded after all."""
    connection.execute(sa.update(balances).where(*_this(order, currency)).values(refunded=balances.c.refunded - amount))


def _this(order: str, currency: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return balances.c.order_ref == order, balances.c.currency == currency
