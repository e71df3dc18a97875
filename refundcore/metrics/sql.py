"""What the figures' queries share: which claims and decisions there are, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from refundcore.metrics.model import Period
from refundcore.store import tables
from refundcore.store.acting import visible

claims, decisions, events = tables.claims, tables.decisions, tables.events

CAME = sa.func.coalesce(claims.c.submitted_at, claims.c.created_at)
"""When the claim reached the company, or else came onto the desk."""

EFFECTIVE = sa.func.coalesce(decisions.c.approved_at, decisions.c.at)
"""When a decision took effect: one against the policy, when a manager approved it."""

REASON = sa.func.coalesce(claims.c.reason, sa.literal_column("''"))

DECIDED = decisions.join(claims, claims.c.id == decisions.c.claim_id)


def within(period: Period, at: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The condition that an instant lies in a period."""
    return sa.and_(at >= period.start, at < period.end)


def came_in(connection: sa.Connection, period: Period) -> sa.ColumnElement[bool]:
    """Claims that may be seen and came in during a period."""
    return sa.and_(visible(connection), within(period, CAME))


def took_effect(connection: sa.Connection, period: Period) -> sa.ColumnElement[bool]:
    """Decisions that stand, on claims that may be seen, and took effect in a period."""
    return sa.and_(visible(connection), decisions.c.status == "standing", within(period, EFFECTIVE))


def number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """How many rows fulfil a condition."""
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def grouped(
    connection: sa.Connection,
    source: sa.FromClause,
    there: sa.ColumnElement[bool],
    by: Sequence[sa.ColumnElement[Any]],
    totals: Sequence[sa.ColumnElement[Any]] = (),
) -> list[tuple[Any, ...]]:
    """Rows of: what is grouped by, how many, the sum of each total; in the order of the groups.

    Groups are columns of an inner query: PostgreSQL takes two equal expressions with parameters for different ones.
    """
    inner = (
        sa.select(
            *(column.label(f"by_{place}") for place, column in enumerate(by)),
            *(sa.func.coalesce(total, 0).label(f"total_{place}") for place, total in enumerate(totals)),
        )
        .select_from(source)
        .where(there)
        .subquery()
    )
    groups = [inner.c[f"by_{place}"] for place in range(len(by))]
    added = [sa.func.sum(inner.c[f"total_{place}"]) for place in range(len(totals))]
    query = sa.select(*groups, sa.func.count(), *added).group_by(*groups).order_by(*groups)
    return [tuple(row) for row in connection.execute(query)]
