"""The claims behind a figure: the very rows that it is the sum of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from refundcore.deadlines import HOUR
from refundcore.metrics.figures import UNANSWERED
from refundcore.metrics.model import FILTERS, Frame, Pick, day_of, number_of
from refundcore.metrics.reading import chosen, seen
from refundcore.store import Store, tables
from refundcore.store.acting import visible
from refundcore.store.figure_tables import claim_figures
from refundcore.store.listing import by_numbers
from refundcore.store.model import QueueRow
from refundcore.store.summing import KINDS, OPEN
from refundcore.store.time_bins import within

PAGE = 50
_MONEY = {
    "gross": claim_figures.c.amount,
    "refund": claim_figures.c.refund,
    "fee": claim_figures.c.fee,
    "lost": claim_figures.c.lost,
    "withheld": claim_figures.c.amount - claim_figures.c.refund - claim_figures.c.fee,
    "goodwill": claim_figures.c.goodwill,
}
DUE = "due"
"""The kind of what falls due: open claims by when they are to be acted on."""

_ONLY = ("reason", "currency", "what", "upto", "over", "kept", *FILTERS)


@dataclass(frozen=True)
class Behind:
    """How many claims there are behind a figure, what they sum to by currency, and a page of them."""

    count: int
    sums: tuple[tuple[str, int], ...]
    rows: tuple[QueueRow, ...]


def pick(kind: str, frame: Frame, part: str = "n", money: str = "", **where: str | int) -> Pick:
    """The claims of a figure within a frame, with further values."""
    own = {name: str(value) for name, value in where.items()}
    return Pick(kind, frame.first, frame.last, part, money, {**frame.filters, **own})


def behind(store: Store, wanted: Pick, page: int = 0) -> Behind:
    """The claims behind a figure, the newest first; 50 a page."""
    if wanted.kind == DUE:
        return _due_behind(store, wanted, page)
    column = claim_figures.c
    with store.read() as connection:
        there = conditions(connection, wanted)
        total = _MONEY[wanted.money] if wanted.money else sa.literal_column("0")
        counted = connection.execute(
            sa.select(column.currency, sa.func.count(), sa.func.sum(total))
            .where(there)
            .group_by(column.currency)
            .order_by(sa.func.count().desc(), column.currency)
        ).all()
        day = column[KINDS[wanted.kind].day]
        numbers = connection.execute(
            sa.select(column.claim_id)
            .where(there)
            .order_by(day.desc(), column.claim_id.desc())
            .limit(PAGE)
            .offset(page * PAGE)
        ).scalars()
        rows = by_numbers(connection, list(numbers))
    return Behind(
        sum(count for _, count, _ in counted),
        tuple((currency, int(sum_)) for currency, _, sum_ in counted) if wanted.money else (),
        tuple(rows),
    )


def _due_behind(store: Store, wanted: Pick, page: int) -> Behind:
    """The open claims that are to be acted on between two instants, the most urgent first."""
    claims = tables.claims.c
    low, high = (int(wanted.where[end]) for end in ("from", "to"))
    with store.read() as connection:
        there = sa.and_(
            claims.queue_at.isnot(None), claims.queue_at >= low, claims.queue_at < high, visible(connection)
        )
        count = connection.execute(sa.select(sa.func.count()).select_from(tables.claims).where(there)).scalar_one()
        numbers = connection.execute(
            sa.select(claims.id).where(there).order_by(claims.queue_at, claims.id).limit(PAGE).offset(page * PAGE)
        ).scalars()
        return Behind(count, (), tuple(by_numbers(connection, list(numbers))))


def conditions(connection: sa.Connection, wanted: Pick) -> sa.ColumnElement[bool]:
    """What a claim's row has to fulfil to be behind a figure."""
    kind, column = KINDS[wanted.kind], claim_figures.c
    found = [seen(connection), column[kind.day].between(number_of(wanted.first), number_of(wanted.last))]
    if wanted.part != "n":
        found.append(_part(wanted.part))
    for name, value in wanted.where.items():
        if name == "what":
            found.append(column[kind.what] == (int(value) if kind.what in {"took", "answer"} else value))
        elif name == "upto":  # a bin of time, included
            found.append(column[kind.what].between(0, int(value)))
        elif name == "over":  # a bin of time, left out
            found.append(column[kind.what] > int(value))
        elif name == "kept":
            found.append(_kept(wanted.kind, value))
        else:
            found.append(chosen(kind, name, value))
    return sa.and_(*found)


def _part(name: str) -> sa.ColumnElement[bool]:
    column = claim_figures.c
    return {
        "decided": column.decided.isnot(None),
        "undecided": column.decided.is_(None),
        "approved": column.outcome == "approve",
        "denied": sa.and_(column.outcome == "deny", column.verdict == "deny"),
        "overridden": column.overridden == 1,
        "fee": column.fee > 0,
        "lost": column.lost > 0,
        "withheld": sa.and_(column.outcome == "approve", column.amount > column.refund + column.fee),
    }[name]


def _kept(kind: str, value: str) -> sa.ColumnElement[bool]:
    """Claims by what became of their deadline: `kept`, `missed` or `running`, then the day and the hours it is of."""
    column = claim_figures.c
    state, today, hours = (*value.split("."), "0")[:3]
    day = int(today)
    if kind == "cure":
        return {
            "kept": column.cure == "kept",
            "missed": sa.or_(column.cure == "missed", sa.and_(column.cure == OPEN, column.cure_due < day)),
            "running": sa.or_(column.cure == "stands", sa.and_(column.cure == OPEN, column.cure_due >= day)),
        }[state]
    limit, latest = within(int(hours) * HOUR), day + (-int(hours) // 24)
    waits = column.answer == int(UNANSWERED)
    return {
        "kept": column.answer.between(0, limit - 1),
        "missed": sa.or_(column.answer >= limit, sa.and_(waits, column.created < latest)),
        "running": sa.and_(waits, column.created >= latest),
    }[state]


def to_text(wanted: Pick) -> str:
    """A pick as one word of an address."""
    given = {"kind": wanted.kind, "first": wanted.first.isoformat(), "last": wanted.last.isoformat()}
    if wanted.part != "n":
        given["part"] = wanted.part
    if wanted.money:
        given["money"] = wanted.money
    return urlencode({**given, **{f"-{name}": value for name, value in wanted.where.items()}})


def of_text(text: str) -> Pick | None:
    """The pick of an address; None for one that says nothing."""
    given = dict(parse_qsl(text, keep_blank_values=True))
    try:
        first, last = (day_of(0).fromisoformat(given[name]) for name in ("first", "last"))
        found = Pick(
            given["kind"],
            first,
            last,
            given.get("part", "n"),
            given.get("money", ""),
            {name[1:]: value for name, value in given.items() if name.startswith("-")},
        )
        if found.kind == DUE:
            return found if {"from", "to"} == {*found.where} and all(map(int, found.where.values())) else None
        kind = KINDS[found.kind]
        if found.part != "n":
            _part(found.part)
        _ = _MONEY[found.money] if found.money else None
        for name, value in found.where.items():
            if name not in _ONLY or (name in {"what", "upto", "over"} and not kind.what):
                return None
            if name == "kept":
                _kept(found.kind, value)
            if name in {"agent", "upto", "over"} or (name == "what" and kind.what in {"took", "answer"}):
                int(value)
    except (KeyError, ValueError):
        return None
    return found


def due(store: Store, edges: Sequence[int]) -> list[int]:
    """How many open claims are to be acted on between each two edges, in microseconds; from the queue's own index."""
    queue_at = tables.claims.c.queue_at
    steps = list(pairwise(edges))
    counts = [
        sa.func.coalesce(sa.func.sum(sa.case((sa.and_(queue_at >= low, queue_at < high), 1), else_=0)), 0)
        for low, high in steps
    ]
    with store.read() as connection:
        there = sa.and_(queue_at.isnot(None), queue_at >= edges[0], queue_at < edges[-1], visible(connection))
        return [int(count) for count in connection.execute(sa.select(*counts).where(there)).one()]
