"""Sums out of the daily figures, or where they don't hold the combination asked for, out of the rows of the claims."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from refundcore.metrics.model import Frame, number_of
from refundcore.store.acting import hidden_imports
from refundcore.store.figure_tables import SUMS, claim_figures, daily_figures
from refundcore.store.summing import BARE, KINDS, MONTHLY, Kind, named, query

Row = dict[str, Any]

_daily = daily_figures.c


def sums(
    connection: sa.Connection,
    kind: str,
    frame: Frame,
    by: Sequence[str] = (),
    *,
    facet: str = "",
    what: str | None = None,
) -> list[Row]:
    """The sums of a kind of figure within a frame, by some of `day`, `reason`, `currency`, `what` and `value`.

    `facet` is the column (currency, method, channel, agent, product) whose value `value` is; `what` leaves only the
    figures of that code. Rows hold what they are
    grouped by and the sums, in the order of the groups.
    """
    source = _kept(connection, kind, frame, facet, by)
    if source is None:
        return exact_sums(connection, kind, frame, by, facet=facet, what=what)
    return _grouped(connection, source, by, what)


def exact_sums(
    connection: sa.Connection,
    kind: str,
    frame: Frame,
    by: Sequence[str] = (),
    *,
    facet: str = "",
    what: str | None = None,
) -> list[Row]:
    """The same out of the claims' own rows, for any combination of filters."""
    return _grouped(connection, _exact(connection, kind, frame, facet), by, what)


def _grouped(
    connection: sa.Connection, source: sa.Select[Any] | sa.CompoundSelect[Any], by: Sequence[str], what: str | None
) -> list[Row]:
    table = source.subquery()
    groups = [table.c[name] for name in by]
    totals = [sa.func.sum(table.c[name]).label(name) for name in SUMS]
    asked = sa.select(*groups, *totals).group_by(*groups).order_by(*groups)
    found = connection.execute(asked if what is None else asked.where(table.c.what == what)).mappings()
    return [
        {name: _plain(name, row[name]) for name in by} | {n: int(row[n]) for n in SUMS} for row in found if row["n"]
    ]


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401 - a day is a number, everything else a text
    return value if name == "day" else str(value)


def from_rollup(kind: str, frame: Frame, facet: str = "", by: Sequence[str] = ()) -> bool:
    """Whether the daily figures hold what is asked for; otherwise the claims' own rows are summed."""
    return _place(KINDS[kind], frame, facet, by) is not None


def _place(kind: Kind, frame: Frame, facet: str, by: Sequence[str]) -> str | None:
    """The facet of the daily figures that answers; None where none does."""
    wanted = {name for name in (*frame.filters, facet) if name and name not in kind.keys}
    if not wanted:
        return ""
    held = {named(column) for column in kind.facets}
    if len(wanted) != 1 or not wanted <= held:
        return None
    place = next(iter(wanted))
    return None if place in BARE and (frame.reason is not None or "reason" in by) else place


def _kept(
    connection: sa.Connection, name: str, frame: Frame, facet: str, by: Sequence[str]
) -> sa.Select[Any] | sa.CompoundSelect[Any] | None:
    kind = KINDS[name]
    place = _place(kind, frame, facet, by)
    if place is None:
        return None
    wanted = [_daily.facet == place]
    if place in frame.filters:
        wanted.append(_daily.value == frame.filters[place])
    elif place:
        wanted.append(_daily.value.in_(values(connection, name, place)))
    else:
        wanted.append(_daily.value == "")
    wanted += [_daily[key] == value for key, value in frame.filters.items() if key in kind.keys]
    value: sa.ColumnElement[Any] = _daily[facet] if facet in kind.keys else _daily.value
    columns = (value.label("value"), *(_daily[key] for key in ("day", "reason", "currency", "what", *SUMS)))
    parts = [
        sa.select(*columns).where(
            _daily.kind == name + suffix, *wanted, _daily.day.between(number_of(first), number_of(last))
        )
        for suffix, first, last in _stretches(frame, by_day="day" in by)
    ]
    return parts[0] if len(parts) == 1 else sa.union_all(*parts)


def _stretches(frame: Frame, *, by_day: bool) -> list[tuple[str, date, date]]:
    """The frame in days and, where days aren't told apart, whole months: (end of the kind's name, first, last)."""
    first, last = frame.first, frame.last
    start = first if first.day == 1 else _following(first)
    end = last if _following(last) == last + timedelta(days=1) else last.replace(day=1) - timedelta(days=1)
    if by_day or start > end:
        return [("", first, last)]
    found = [(MONTHLY, start, end)]
    if first < start:
        found.append(("", first, start - timedelta(days=1)))
    if end < last:
        found.append(("", end + timedelta(days=1), last))
    return found


def _following(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def values(connection: sa.Connection, kind: str, facet: str) -> list[str]:
    """The values that a facet has, found by stepping from one to the next."""
    here = sa.and_(_daily.kind == kind, _daily.facet == facet)
    first = sa.select(sa.func.min(_daily.value).label("value")).where(here)
    steps = first.cte("steps", recursive=True)
    following = sa.select(sa.func.min(_daily.value)).where(here, _daily.value > steps.c.value).scalar_subquery()
    steps = steps.union_all(sa.select(following).where(steps.c.value.isnot(None)))
    return list(connection.execute(sa.select(steps.c.value).where(steps.c.value.isnot(None))).scalars())


def _exact(connection: sa.Connection, name: str, frame: Frame, facet: str) -> sa.Select[Any]:
    kind = KINDS[name]
    day = claim_figures.c[kind.day]
    there = [day.between(number_of(frame.first), number_of(frame.last)), seen(connection)]
    there += [chosen(kind, key, value) for key, value in frame.filters.items()]
    return query(name, sa.and_(*there), column_of(kind, facet) if facet else "")


def column_of(kind: Kind, name: str) -> str:
    """The column of a claim's row that a filter means: the agent of a decision is whoever made it."""
    return "decider" if name == "agent" and "decider" in kind.facets else name


def chosen(kind: Kind, name: str, value: str) -> sa.ColumnElement[bool]:
    """The condition that a claim's row has the value of a filter."""
    column = claim_figures.c[column_of(kind, name)]
    return column == (int(value or 0) if name == "agent" else value)


def seen(connection: sa.Connection) -> sa.ColumnElement[bool]:
    """The condition that leaves out claims of unfinished imports."""
    hidden = hidden_imports(connection)
    number = claim_figures.c.import_id
    return sa.or_(number.is_(None), number.notin_(hidden)) if hidden else sa.true()
