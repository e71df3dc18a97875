"""How long: from the claim to its decision, and whether deadlines were kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import DAY, HOUR
from refundcore.metrics import sql
from refundcore.metrics.model import Kept, Period, Span
from refundcore.policy import Policy, instant_of
from refundcore.store import Store, setting
from refundcore.store.acting import visible

SPANS: tuple[tuple[str, int | None], ...] = (
    ("≤ 4 h", 4 * HOUR),
    ("≤ 1 d", DAY),
    ("≤ 3 d", 3 * DAY),
    ("≤ 7 d", 7 * DAY),
    ("≤ 14 d", 14 * DAY),
    ("longer", None),
)
"""The bins of the times to a decision: name and upper end (included) in microseconds."""

ANSWERS = ("asked", "decided", "override_approved")
"""The events by which a claim is answered."""

_known = sa.and_(sql.claims.c.submitted_at.isnot(None), sql.claims.c.submitted_at <= sql.EFFECTIVE)
_took = sql.EFFECTIVE - sa.case((_known, sql.claims.c.submitted_at), else_=sql.claims.c.created_at)
"""From the claim to its decision. A claim said to have come after it counts from when the desk had it."""


def times(store: Store, period: Period) -> list[Span]:
    """How long decisions took from the claim on, in the bins of `SPANS`."""
    conditions, lower = [], None
    for _, upper in SPANS:
        inside = sa.true() if upper is None else _took <= upper
        conditions.append(inside if lower is None else sa.and_(_took > lower, inside))
        lower = upper
    with store.read() as connection:
        query = sa.select(*(sql.number(condition) for condition in conditions)).select_from(sql.DECIDED)
        row = connection.execute(query.where(sql.took_effect(connection, period))).one()
    return [Span(name, int(decisions)) for (name, _), decisions in zip(SPANS, row, strict=True)]


def median(store: Store, period: Period) -> int | None:
    """The median time from the claim to its decision in microseconds; None where nothing was decided."""
    return _middle(store, period, sa.literal_column("''")).get("")


def medians(store: Store, period: Period) -> dict[str, int]:
    """The same by reason."""
    return _middle(store, period, sql.REASON)


def answers(store: Store, period: Period, at: int) -> tuple[Kept, int]:
    """Whether claims that came onto the desk had a first answer within the desk's own target; and its hours.

    An answer is a decision that stood, or a question to the customer or the technicians.
    """
    claims, events = sql.claims, sql.events
    hours = setting(store, "answer_hours")
    answering = sa.and_(events.c.claim_id == claims.c.id, events.c.kind.in_(ANSWERS))
    with store.read() as connection:
        first = (
            sa.select(claims.c.id, claims.c.created_at, sa.func.min(events.c.at).label("answered"))
            .select_from(claims.outerjoin(events, answering))
            .where(visible(connection), sql.within(period, claims.c.created_at))
            .group_by(claims.c.id, claims.c.created_at)
            .subquery()
        )
        due = first.c.created_at + hours * HOUR
        kept = _sorted_out(connection, first, done=first.c.answered, due=due, stands=sa.false(), at=at)
    return kept, hours


def cures(store: Store, period: Period, at: int) -> tuple[Kept, int]:
    """Whether confirmed defects that were notified in the period were put right in time; and today's hours for it.

    The hours are C6b's as they stood at the order. The clock stands still from the request for access until it is
    granted, where it was asked for before the end (A11).
    """
    policy: Policy = store.policy
    claims, numbers = sql.claims, policy.clauses["C6b"].numbers["cure_hours"]
    notified = sa.func.coalesce(claims.c.defect_notified_at, claims.c.submitted_at, claims.c.created_at)
    ordered = sa.func.coalesce(claims.c.ordered_at, claims.c.purchased_at)
    due = notified + _dated({start: hours * HOUR for start, hours in numbers.items()}, ordered)
    asked, granted = claims.c.access_requested_at, claims.c.access_granted_at
    stopped = sa.case((asked > notified, asked), else_=notified)
    in_time = sa.and_(asked.isnot(None), asked <= due)
    tolled = sa.and_(in_time, granted.isnot(None), granted > stopped)
    with store.read() as connection:
        defects = (
            sa.select(
                claims.c.defect_fixed_at.label("fixed"),
                sa.case((tolled, due + granted - stopped), else_=due).label("due"),
                sa.and_(in_time, granted.is_(None)).label("stands"),
            )
            .where(
                visible(connection),
                claims.c.reason == "major_defect",
                claims.c.defect_approved.is_(sa.true()),
                sql.within(period, notified),
            )
            .subquery()
        )
        column = defects.c
        kept = _sorted_out(connection, defects, done=column.fixed, due=column.due, stands=column.stands, at=at)
    begun = [start for start in sorted(numbers) if instant_of(start) <= at]
    return kept, numbers[begun[-1] if begun else min(numbers)]


def _middle(store: Store, period: Period, group: sa.ColumnElement[str]) -> dict[str, int]:
    """The median by group: the mean of the one or two rows in the middle."""
    with store.read() as connection:
        ranked = (
            sa.select(
                group.label("name"),
                _took.label("took"),
                sa.func.row_number().over(partition_by=group, order_by=_took).label("place"),
                sa.func.count().over(partition_by=group).label("size"),
            )
            .select_from(sql.DECIDED)
            .where(sql.took_effect(connection, period))
            .subquery()
        )
        twice = 2 * ranked.c.place
        middle = sa.and_(twice >= ranked.c.size, twice <= ranked.c.size + 2)
        rows = connection.execute(sa.select(ranked.c.name, ranked.c.took).where(middle)).all()
    found: dict[str, list[int]] = {}
    for name, took in rows:
        found.setdefault(name, []).append(int(took))
    return {name: sum(values) // len(values) for name, values in found.items()}


def _sorted_out(
    connection: sa.Connection,
    source: sa.Subquery,
    *,
    done: sa.ColumnElement[Any],
    due: sa.ColumnElement[Any],
    stands: sa.ColumnElement[bool],
    at: int,
) -> Kept:
    """Kept: done by the end. Missed: done later, or not at all though the end has passed. Else it runs."""
    happened = sa.and_(done.isnot(None), done <= at)
    state = sa.case(
        (sa.and_(happened, done <= due), "kept"),
        (happened, "missed"),
        (sa.or_(stands, due >= at), "running"),
        else_="missed",
    ).label("state")
    judged = sa.select(state).select_from(source).subquery()
    rows = connection.execute(sa.select(judged.c.state, sa.func.count()).group_by(judged.c.state))
    return Kept(**{name: int(claims) for name, claims in rows})


def _dated(values: Mapping[date, int], ordered: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The value that held when the order was placed, of a clause's number by the day from which each holds."""
    first, *later = sorted(values)
    typed = {start: sa.literal(value, sa.BigInteger) for start, value in values.items()}
    if not later:
        return typed[first]
    return sa.case(*((ordered >= instant_of(start), typed[start]) for start in reversed(later)), else_=typed[first])
