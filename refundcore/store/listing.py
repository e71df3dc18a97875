"""The queue: pages of claims in the order in which they are to be acted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import DAY, HOUR, micros
from refundcore.store import tables
from refundcore.store.acting import visible
from refundcore.store.model import OPEN_STATES, STATE_GROUPS, STATES, Figures, Filter, QueuePage, QueueRow
from refundcore.store.store import Store, rows_of

PAGE = 50
SOON = 4 * HOUR

_claims = tables.claims
_DIRECT = tuple(name for name in QueueRow.__dataclass_fields__ if name not in {"missing", "assignee"})


@dataclass(frozen=True)
class Order:
    """How the claims of a filter are ordered: by (act_by, id) while they are open, else newest first."""

    open: bool

    @classmethod
    def of(cls, chosen: Filter) -> Order:
        """The order of a filter."""
        return cls(set(STATE_GROUPS[chosen.state]) <= set(OPEN_STATES))

    def by(self, *, backwards: bool = False) -> list[sa.ColumnElement[Any]]:
        """The columns to order by."""
        columns = [_claims.c.queue_at, _claims.c.id] if self.open else [_claims.c.id]
        return [column.desc() if backwards == self.open else column.asc() for column in columns]

    def beyond(self, cursor: tuple[int, ...], *, backwards: bool = False) -> list[sa.ColumnElement[bool]]:
        """The conditions, one after the other, for the claims after a cursor, or before it.

        Claims of one import are often to be acted on at the same instant, hence first those of the cursor's instant
        and then the later ones: as one comparison of pairs, SQLite would read all of the same instant each time,
        since it takes no range of two columns where the second is the row's own number.
        """
        number = _claims.c.id < cursor[-1] if backwards == self.open else _claims.c.id > cursor[-1]
        if not self.open:
            return [number]
        same, queue_at = _claims.c.queue_at == cursor[0], _claims.c.queue_at
        return [sa.and_(same, number), queue_at < cursor[0] if backwards else queue_at > cursor[0]]

    def cursor(self, act_by: int | None, number: int) -> str:
        """The cursor at a claim."""
        return f"{act_by}.{number}" if self.open else str(number)

    def read(self, cursor: str | None) -> tuple[int, ...] | None:
        """The values of a cursor; None for none or one that cannot be read."""
        if not cursor:
            return None
        try:
            values = tuple(int(part) for part in cursor.split("."))
        except ValueError:
            return None
        inside = all(abs(value) < 2**63 for value in values)
        return values if inside and len(values) == (2 if self.open else 1) else None


def conditions(connection: sa.Connection, chosen: Filter, person: int, at: int) -> list[sa.ColumnElement[bool]]:
    """What a filter asks of a claim. `person` is who "me" is."""
    wanted = [visible(connection)]
    states = set(STATE_GROUPS[chosen.state])
    if states <= set(OPEN_STATES):
        wanted.append(_claims.c.queue_at.isnot(None))
    elif not states & set(OPEN_STATES):
        wanted.append(_claims.c.queue_at.is_(None))
    if states not in ({*STATES}, {*OPEN_STATES}):
        wanted.append(_claims.c.state.in_(sorted(states)))
    wanted += [
        column == value
        for column, value in ((_claims.c.verdict, chosen.verdict), (_claims.c.reason, chosen.reason))
        if value
    ]
    if chosen.assignee == "nobody":
        wanted.append(_claims.c.assignee_id.is_(None))
    elif chosen.assignee:
        wanted.append(_claims.c.assignee_id == (person if chosen.assignee == "me" else _number(chosen.assignee)))
    if chosen.due:
        ahead = {"soon": SOON, "day": DAY}.get(chosen.due)
        wanted.append(_claims.c.queue_at < at if ahead is None else _claims.c.queue_at.between(at, at + ahead))
    if chosen.imported:
        wanted.extend(_of_import(connection, _number(chosen.imported), in_queue=states <= set(OPEN_STATES)))
    if text := chosen.text.strip():
        wanted.append(_found(text))
    return wanted


def _number(digits: str) -> int:
    return min(int(digits), 2**63 - 1)


def _of_import(connection: sa.Connection, number: int, *, in_queue: bool) -> list[sa.ColumnElement[bool]]:
    """The claims of an import: in the queue its index tells, elsewhere they stand close together by their ids."""
    ours = _claims.c.import_id == number
    if in_queue:
        return [ours]
    imports = tables.imports
    row = connection.execute(
        sa.select(imports.c.first_claim, imports.c.last_claim).where(imports.c.id == number)
    ).first()
    if row is None or row.first_claim is None:
        return [sa.false()]
    return [_claims.c.id.between(row.first_claim, row.last_claim), ours]


def _found(text: str) -> sa.ColumnElement[bool]:
    """A reference, an order or an address that is the text or begins with it: ranges of indexes, no LIKE."""
    ways = [_begins(_claims.c.email_key, text.lower())]
    for spelled in dict.fromkeys((text, text.upper())):
        ways += [_begins(_claims.c.ref, spelled), _begins(_claims.c.order_ref, spelled)]
    return sa.or_(*ways)


def _begins(column: sa.Column[Any], start: str) -> sa.ColumnElement[bool]:
    return sa.and_(column >= start, column < start + "\U0010ffff")


def by_numbers(connection: sa.Connection, numbers: Sequence[int]) -> list[QueueRow]:
    """Claims by their ids, in that order: the ids come from an index alone, then the rows."""
    if not numbers:
        return []
    columns = [_claims.c[name] for name in _DIRECT]
    full = (
        sa.select(*columns, _claims.c.missing, tables.people.c.name.label("assignee"))
        .outerjoin(tables.people, tables.people.c.id == _claims.c.assignee_id)
        .where(_claims.c.id.in_(numbers))
    )
    found = {row["id"]: _row(row) for row in rows_of(connection, full)}
    return [found[number] for number in numbers]


def _row(row: Mapping[str, Any]) -> QueueRow:
    values = {name: row[name] for name in _DIRECT}
    return QueueRow(**values, missing=tuple(row["missing"].split()), assignee=row["assignee"] or "")


def queue(
    store: Store,
    filter: Filter,  # noqa: A002 - the word people use
    *,
    person: int,
    at: datetime,
    after: str | None = None,
    before: str | None = None,
    limit: int = PAGE,
) -> QueuePage:
    """A page of the claims of a filter: open ones by (act_by, id), others newest first.

    `after` and `before` are cursors of `QueuePage`; an unreadable one is the first page. `person` is who "me" is.
    """
    order = Order.of(filter)
    forward, back = order.read(after), order.read(before)
    backwards = back is not None
    with store.read() as connection:
        queries = page_queries(connection, filter, person, micros(at), limit + 1, after=forward, before=back)
        rows = by_numbers(connection, _numbers(connection, queries, limit + 1))
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    if not rows:
        return QueuePage((), None, None)
    first, last = order.cursor(rows[0].act_by, rows[0].id), order.cursor(rows[-1].act_by, rows[-1].id)
    further = more or backwards
    earlier = more if backwards else forward is not None
    return QueuePage(tuple(rows), last if further else None, first if earlier else None)


def page_queries(
    connection: sa.Connection,
    chosen: Filter,
    person: int,
    at: int,
    limit: int,
    *,
    after: tuple[int, ...] | None = None,
    before: tuple[int, ...] | None = None,
) -> list[sa.Select[Any]]:
    """Queries for the ids of a page: what the first leaves of the limit is found by the second."""
    order, backwards = Order.of(chosen), before is not None
    query = sa.select(_claims.c.id).where(*conditions(connection, chosen, person, at))
    query = query.order_by(*order.by(backwards=backwards)).limit(limit)
    cursor = before if backwards else after
    if cursor is None:
        return [query]
    return [query.where(condition) for condition in order.beyond(cursor, backwards=backwards)]


def _numbers(connection: sa.Connection, queries: Sequence[sa.Select[Any]], limit: int) -> list[int]:
    found: list[int] = []
    for query in queries:
        if len(found) < limit:
            found += connection.execute(query.limit(limit - len(found))).scalars()
    return found


def queue_figures(store: Store, *, person: int, at: datetime) -> Figures:
    """The figures on top of the queue, over all open claims."""
    moment = micros(at)

    def number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    state, queue_at = _claims.c.state, _claims.c.queue_at
    with store.read() as connection:
        query = sa.select(
            number(queue_at.between(moment, moment + SOON)).label("due_soon"),
            number(queue_at < moment).label("overdue"),
            number(state.in_(STATE_GROUPS["us"])).label("waiting_us"),
            number(state == "waiting_customer").label("waiting_customer"),
            number(state == "waiting_technician").label("waiting_technician"),
            number(state == "awaiting_approval").label("awaiting_approval"),
            number(_claims.c.assignee_id == person).label("mine"),
            sa.func.count().label("open"),
        ).where(queue_at.isnot(None), visible(connection))
        return Figures(**connection.execute(query).mappings().one())


def count_matching(store: Store, filter: Filter, *, person: int, at: datetime) -> int:  # noqa: A002 - as in `queue`
    """How many claims a filter finds."""
    with store.read() as connection:
        query = (
            sa.select(sa.func.count()).select_from(_claims).where(*conditions(connection, filter, person, micros(at)))
        )
        return int(connection.execute(query).scalar_one())


def neighbours(
    store: Store,
    filter: Filter,  # noqa: A002 - as in `queue`
    *,
    person: int,
    at: datetime,
    claim: int,
) -> tuple[QueueRow | None, QueueRow | None]:
    """The claims before and after a claim within a filter's order, whether the filter finds the claim itself or not."""
    order, moment = Order.of(filter), micros(at)
    with store.read() as connection:
        here = connection.execute(
            sa.select(_claims.c.id, _claims.c.act_by).where(_claims.c.id == claim, visible(connection))
        ).first()
        if here is None:
            return None, None
        # A claim that has left the queue with nothing left to do stands before its first.
        cursor = (-1 if here.act_by is None else here.act_by, here.id) if order.open else (here.id,)
        before = page_queries(connection, filter, person, moment, 1, before=cursor)
        after = page_queries(connection, filter, person, moment, 1, after=cursor)
        found = [by_numbers(connection, _numbers(connection, queries, 1)) for queries in (before, after)]
    return (found[0][0] if found[0] else None), (found[1][0] if found[1] else None)


def related(store: Store, claim: int, limit: int = 20) -> list[QueueRow]:
    """Other claims of the same order or the same customer's e-mail, newest first."""
    with store.read() as connection:
        here = connection.execute(
            sa.select(_claims.c.order_ref, _claims.c.email_key).where(_claims.c.id == claim)
        ).first()
        ways = (
            []
            if here is None
            else [
                column == value
                for column, value in ((_claims.c.order_ref, here.order_ref), (_claims.c.email_key, here.email_key))
                if value is not None
            ]
        )
        if not ways:
            return []
        query = sa.select(_claims.c.id).where(sa.or_(*ways), _claims.c.id != claim, visible(connection))
        numbers = connection.execute(query.order_by(_claims.c.id.desc()).limit(limit)).scalars()
        return by_numbers(connection, list(numbers))
