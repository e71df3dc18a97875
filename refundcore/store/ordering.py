"""Orders of an uploaded file: how much was sold on each day, so that rates of claims have a whole to be a part of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from refundcore.deadlines import day_number
from refundcore.facts import Claims
from refundcore.store.acting import acting
from refundcore.store.figure_keeping import ORDERS, write_sums
from refundcore.store.figure_tables import SUMS, orders
from refundcore.store.store import Store, rows_of
from refundcore.store.summing import Sums

TOGETHER = 5_000
_ZERO = len(SUMS) * [0]


@dataclass(frozen=True)
class OrdersKept:
    """What became of the rows of an orders file."""

    added: int
    changed: int
    unchanged: int
    left_out: int
    """Without a reference or a day."""

    @property
    def sentence(self) -> str:
        """The same in words."""
        parts = [f"{self.added:,} orders were added"]
        parts += [f"{self.changed:,} changed"] * bool(self.changed)
        parts += [f"{self.unchanged:,} were here already"] * bool(self.unchanged)
        parts += [f"{self.left_out:,} rows have no reference or no day and were left out"] * bool(self.left_out)
        return ", ".join(parts) + "."


def add_orders(
    store: Store, given: Iterable[Claims], *, actor: int, at: datetime, key: str | None = None
) -> OrdersKept:
    """Keep orders, read as claims are (`order_ref`, `ordered_at`, `product`, `amount`, `currency`).

    An order is known by its reference and product; a row that says otherwise replaces it. Raises `Forbidden`.
    """
    del key  # the same file twice changes nothing
    counts = {"added": 0, "changed": 0, "unchanged": 0, "left_out": 0}
    for rows in _parts(given, counts):
        with acting(store, "change_settings", actor=actor, at=at) as act:
            _keep(act.connection, rows, store.policy.zone, counts)
            act.sealed = {"orders": dict(counts)}
    return OrdersKept(**counts)


def _parts(given: Iterable[Claims], counts: dict[str, int]) -> Iterator[dict[tuple[str, str], tuple[int, int, str]]]:
    """Orders by (reference, product), some thousands at a time: (when, amount, currency)."""
    found: dict[tuple[str, str], tuple[int, int, str]] = {}
    for claims in given:
        columns = (
            claims.columns[name].to_pylist()
            for name in ("order_ref", "product", "ordered_at", "purchased_at", "amount", "currency")
        )
        for ref, product, ordered, bought, amount, currency in zip(*columns, strict=True):
            when = bought if ordered is None else ordered
            if not ref or when is None:
                counts["left_out"] += 1
                continue
            found[ref, product or ""] = (when, amount or 0, currency or "")
            if len(found) >= TOGETHER:
                yield found
                found = {}
    if found:
        yield found


def _keep(
    connection: sa.Connection,
    rows: dict[tuple[str, str], tuple[int, int, str]],
    zone: str,
    counts: dict[str, int],
) -> None:
    refs = sorted({ref for ref, _ in rows})
    here = {
        (row["order_ref"], row["product"]): (row["at"], row["amount"], row["currency"])
        for row in rows_of(connection, sa.select(orders).where(orders.c.order_ref.in_(refs)))
    }
    gone = {key: here[key] for key, value in rows.items() if key in here and here[key] != value}
    new = {key: value for key, value in rows.items() if here.get(key) != value}
    counts["changed"] += len(gone)
    counts["added"] += len(new) - len(gone)
    counts["unchanged"] += len(rows) - len(new)
    for ref, product in gone:
        connection.execute(sa.delete(orders).where(orders.c.order_ref == ref, orders.c.product == product))
    if new:
        names = ("order_ref", "product", "at", "amount", "currency")
        connection.execute(
            sa.insert(orders), [dict(zip(names, (*key, *value), strict=True)) for key, value in new.items()]
        )
    change: Sums = {}
    add_up(change, gone, zone, -1)
    add_up(change, new, zone)
    write_sums(connection, change)


def add_up(into: Sums, rows: dict[tuple[str, str], tuple[int, int, str]], zone: str, sign: int = 1) -> None:
    """Add orders to daily sums, or take them away: all, by product and by currency."""
    if not rows:
        return
    days = day_number(np.array([when for when, _, _ in rows.values()], dtype=np.int64), zone).tolist()
    place = SUMS.index("gross")
    for ((_, product), (_, amount, currency)), day in zip(rows.items(), days, strict=True):
        for facet, value in (("", ""), ("product", product), ("currency", currency)):
            total = into.setdefault((ORDERS, facet, value, day, "", currency, ""), list(_ZERO))
            total[0] += sign
            total[place] += sign * amount


def all_orders(connection: sa.Connection, zone: str) -> Sums:
    """The daily sums of all orders, counted anew."""
    found: Sums = {}
    query = sa.select(orders).order_by(orders.c.order_ref, orders.c.product).execution_options(yield_per=TOGETHER)
    for rows in connection.execute(query).partitions():
        add_up(found, _by_key(rows), zone)
    return found


def _by_key(rows: Sequence[Any]) -> dict[tuple[str, str], tuple[int, int, str]]:
    return {(row.order_ref, row.product): (row.at, row.amount, row.currency) for row in rows}
