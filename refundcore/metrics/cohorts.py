"""Two ways to tell a rate: by when something happened, and by when what it is about was bought.

By activity, what happened in a week is set against what was sold in that week. By cohort, what was sold in a week is
followed until today. The first is known at once; the second is true of the week's sales, but its last weeks are still
filling up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa

from refundcore.metrics.grains import Bucket
from refundcore.metrics.model import Cohort, Frame, number_of
from refundcore.metrics.reading import sums
from refundcore.store import Store
from refundcore.store.figure_keeping import ORDERS
from refundcore.store.figure_tables import daily_figures

RIPE = 14 + 7
"""Days after which claims on a purchase hardly come: the policy's last day for one (C3) and a week to decide."""


def has_orders(store: Store) -> bool:
    """Whether an orders file was uploaded."""
    daily = daily_figures.c
    with store.read() as connection:
        return connection.execute(sa.select(daily.n).where(daily.kind == ORDERS).limit(1)).first() is not None


def cohorts(store: Store, frame: Frame, buckets: Sequence[Bucket], today: date) -> list[Cohort]:
    """Each bucket of a frame, told both ways.

    Orders are counted where a file of them was uploaded; they know products and currencies, no other filter.
    """
    with store.read() as connection:
        bought = {row["day"]: row for row in sums(connection, "bought", frame, ("day",))}
        came = {row["day"]: row["n"] for row in sums(connection, "came", frame, ("day",))}
        decided = sums(connection, "decided", frame, ("day", "what"))
        orders = orders_by_day(connection, frame)
    found = []
    for bucket in buckets:
        first, last = max(bucket.start, frame.first), min(bucket.end - timedelta(days=1), frame.last)
        days = range(number_of(first), number_of(last) + 1)
        mine = [bought[day] for day in days if day in bought]
        done = [row for row in decided if row["day"] in days]
        found.append(
            Cohort(
                first=first,
                last=last,
                orders=sum(orders.get(day, 0) for day in days),
                bought=sum(row["n"] for row in mine),
                bought_refunded=sum(row["approved"] for row in mine),
                came=sum(came.get(day, 0) for day in days),
                refunded=sum(row["n"] for row in done if row["what"] == "approve"),
                decisions=sum(row["n"] for row in done),
                mature=last + timedelta(days=RIPE) < today,
            )
        )
    return found


def orders_by_day(connection: sa.Connection, frame: Frame) -> dict[int, int]:
    """How many orders were placed on each day, narrowed by product or currency; nothing where neither can tell."""
    daily, chosen = daily_figures.c, frame.filters
    if set(chosen) - {"product", "currency"} or len(chosen) > 1:
        return {}
    facet, value = next(iter(chosen.items()), ("", ""))
    query = (
        sa.select(daily.day, sa.func.sum(daily.n).label("n"))
        .where(
            daily.kind == ORDERS,
            daily.facet == facet,
            daily.value == value,
            daily.day.between(number_of(frame.first), number_of(frame.last)),
        )
        .group_by(daily.day)
    )
    return {row.day: int(row.n) for row in connection.execute(query)}
