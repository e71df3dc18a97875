"""How claims add up to daily figures: one table of kinds, read three ways.

`shares` tells what one claim adds, `summed` adds up many claims at once, and `query` asks the database for the sum of
claims that some condition chooses. All three follow from `KINDS`, and `verify` compares what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from refundcore.store.figure_tables import KEY, SUMS, claim_figures

Key = tuple[str, str, str, int, str, str, str]
"""The values of `KEY`."""

Sums = dict[Key, list[int]]
"""Key -> the values of `SUMS`."""


@dataclass(frozen=True)
class Kind:
    """One kind of daily figure."""

    day: str
    """The column of the day; a claim without one does not count."""
    keys: tuple[str, ...] = ("reason",)
    """The columns that each figure is also kept apart by: reason, currency."""
    what: str = ""
    """The column whose values are counted apart; '' for none."""
    sums: tuple[str, ...] = ("n",)
    facets: tuple[str, ...] = ("currency", "method", "channel", "agent")
    """The columns by each of which the figure is kept once more, for whoever filters or compares by it."""


BARE = ("product",)
"""Facets under which figures are kept without their reason, since there are so many of their values."""

MONTHLY = "*"
"""Ends the kind of a month's sum, which stands under the month's first day."""

_RATE = ("n", "decided", "approved")
_DECISION = ("currency", "method", "channel", "decider")

KINDS: Mapping[str, Kind] = {
    "came": Kind("came", sums=_RATE, facets=("currency", "method", "channel", "agent", "product")),
    "bought": Kind("bought", sums=_RATE, facets=("currency", "method", "channel", "agent", "product")),
    "decided": Kind(
        "decided",
        keys=("reason", "currency"),
        what="outcome",
        sums=("n", "overridden", "gross", "refund", "fee", "lost"),
        facets=("method", "channel", "decider", "product"),
    ),
    "clause": Kind("decided", what="clause", sums=("n", "denied", "overridden"), facets=_DECISION),
    "took": Kind("decided", keys=(), what="took", facets=("reason", *_DECISION)),
    "answered": Kind("created", keys=(), what="answer", facets=("reason", "currency", "method", "channel", "agent")),
    "cure": Kind("cure_day", what="cure"),
    "goodwill": Kind(
        "granted", keys=("reason", "currency"), sums=("n", "refund"), facets=("method", "channel", "agent")
    ),
}
"""Kind -> how it is counted."""

_EPOCH = date(1970, 1, 1)

OPEN = "open"
"""A cure that isn't over counts under the day on which it is due."""


def named(column: str) -> str:
    """The facet under which a column is kept: whoever decided a claim is the agent of its decision."""
    return "agent" if column == "decider" else column


def shares(row: Mapping[str, Any]) -> Iterator[tuple[Key, list[int]]]:
    """What one claim adds to the daily figures."""
    for name, kind in KINDS.items():
        if row[kind.day] is None:
            continue
        own = row["reason"] if "reason" in kind.keys else ""
        currency = row["currency"] if "currency" in kind.keys else ""
        values = [_values(name, sum_, row) if sum_ in kind.sums else 0 for sum_ in SUMS]
        what = _what(kind, row)
        yield (name, "", "", row[kind.day], own, currency, what), values
        for facet in kind.facets:
            reason = "" if facet in BARE else own
            yield (name, named(facet), str(row[facet]), row[kind.day], reason, currency, what), values


def _what(kind: Kind, row: Mapping[str, Any]) -> str:
    if kind.what == "cure" and row["cure"] == OPEN:
        return str(row["cure_due"])
    return str(row[kind.what]) if kind.what else ""


def _values(kind: str, name: str, row: Mapping[str, Any]) -> int:
    if name == "n":
        return 1
    if name == "decided":
        return int(row["decided"] is not None)
    if name == "approved":
        return int(row["outcome"] == "approve")
    if name == "denied":
        return int(row["outcome"] == row["verdict"] == "deny")
    if name == "refund" and kind == "goodwill":
        return int(row["goodwill"])
    return int(row["amount" if name == "gross" else name])


def add(into: Sums, found: Iterator[tuple[Key, list[int]]], sign: int = 1) -> None:
    """Add what `shares` tells of a claim, or take it away."""
    for key, values in found:
        total = into.setdefault(key, [0] * len(SUMS))
        for place, value in enumerate(values):
            total[place] += sign * value


def summed(columns: Mapping[str, Sequence[Any]], into: Sums) -> None:
    """Add many claims, given as columns of `claim_figures`."""
    size = len(columns["claim_id"])
    if not size:
        return
    table = _Codes(columns)
    arrays = {
        "n": np.ones(size, dtype=np.int64),
        "decided": np.array([day is not None for day in columns["decided"]], dtype=np.int64),
        "approved": np.array([outcome == "approve" for outcome in columns["outcome"]], dtype=np.int64),
        "denied": np.array(
            [one == other == "deny" for one, other in zip(columns["outcome"], columns["verdict"], strict=True)],
            dtype=np.int64,
        ),
        "gross": np.array(columns["amount"], dtype=np.int64),
        **{name: np.array(columns[name], dtype=np.int64) for name in ("overridden", "refund", "fee", "lost")},
        "goodwill": np.array(columns["goodwill"], dtype=np.int64),
    }
    for name, kind in KINDS.items():
        days = columns[kind.day]
        there = np.array([day is not None for day in days])
        if not there.any():
            continue
        for facet in ("", *kind.facets):
            _add_up(table, name, kind, facet, there, arrays, into)


class _Codes:
    """Columns as small numbers, each made once."""

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns = dict(columns)
        self._columns["cure"] = [
            due if word == OPEN else word for word, due in zip(columns["cure"], columns["cure_due"], strict=True)
        ]
        self._made: dict[str, tuple[Any, list[Any]]] = {}

    def of(self, name: str) -> tuple[Any, list[Any]]:
        """The number of each value, and the values by number."""
        if name not in self._made:
            values = self._columns[name]
            codes, found = pd.factorize(pd.Series(values, dtype=object), use_na_sentinel=False)
            self._made[name] = codes.astype(np.int64), list(found)
        return self._made[name]


def _add_up(  # noqa: PLR0917 - one cell of the table of kinds and facets
    table: _Codes,
    name: str,
    kind: Kind,
    facet: str,
    there: npt.NDArray[np.bool_],
    arrays: Mapping[str, Any],
    into: Sums,
) -> None:
    keys = [key for key in kind.keys if key != "reason" or facet not in BARE]
    by = [kind.day, *keys, *filter(None, (kind.what, facet))]
    combined, sizes = np.zeros(int(there.sum()), dtype=np.int64), []
    for column in by:
        codes, values = table.of(column)
        combined = combined * len(values) + codes[there]
        sizes.append(values)
    groups, cells = pd.factorize(combined)
    first = np.zeros(len(cells), dtype=np.int64)
    first[groups[::-1]] = np.flatnonzero(there)[::-1]
    totals = []
    for sum_ in SUMS:
        array = arrays["goodwill" if name == "goodwill" and sum_ == "refund" else sum_]
        total = np.zeros(len(cells), dtype=np.int64)
        if sum_ == "n":
            total = np.bincount(groups, minlength=len(cells))
        elif sum_ in kind.sums and array.any():
            total = np.bincount(groups, weights=array[there], minlength=len(cells)).astype(np.int64)
        totals.append(total.tolist())
    found = {column: [table.of(column)[1][code] for code in table.of(column)[0][first]] for column in by}
    blank = [""] * len(cells)
    cells_of = zip(
        [str(value) for value in found[facet]] if facet else blank,
        [int(day) for day in found[kind.day]],
        found["reason"] if "reason" in keys else blank,
        found["currency"] if "currency" in keys else blank,
        [str(value) for value in found[kind.what]] if kind.what else blank,
        strict=True,
    )
    for (value, day, reason, currency, what), row in zip(cells_of, zip(*totals, strict=True), strict=True):
        kept = into.setdefault((name, named(facet), value, day, reason, currency, what), [0] * len(SUMS))
        for place, number in enumerate(row):
            kept[place] += number


def months(sums: Mapping[Key, Sequence[int]]) -> Sums:
    """The same by month: each kind once more, under the first day of the month."""
    firsts: dict[int, int] = {}
    found: Sums = {}
    for (kind, facet, value, day, reason, currency, what), values in sums.items():
        first = firsts.get(day)
        if first is None:
            first = firsts[day] = day - (_EPOCH + timedelta(days=day)).day + 1
        total = found.setdefault((kind + MONTHLY, facet, value, first, reason, currency, what), [0] * len(SUMS))
        for place, number in enumerate(values):
            total[place] += number
    return found


def query(name: str, there: sa.ColumnElement[bool], facet: str = "") -> sa.Select[Any]:
    """The sums of a kind over the claims that a condition chooses, in the columns of `daily_figures`."""
    kind, column = KINDS[name], claim_figures.c
    blank = sa.literal_column("''", sa.Text)
    what = _as_text(column[kind.what]) if kind.what else blank
    if kind.what == "cure":
        what = sa.case((column.cure == OPEN, sa.cast(column.cure_due, sa.Text)), else_=column.cure)
    by = {
        "value": _as_text(column[facet]) if facet else blank,
        "day": column[kind.day],
        "reason": column.reason if "reason" in kind.keys else blank,
        "currency": column.currency if "currency" in kind.keys else blank,
        "what": what,
    }
    inner = sa.select(
        *(expression.label(key) for key, expression in by.items()),
        *(_expression(name, sum_).label(sum_) for sum_ in kind.sums),
    ).where(column[kind.day].isnot(None), there)
    table = inner.subquery()
    totals = [
        (sa.func.sum(table.c[sum_]) if sum_ in kind.sums else sa.literal_column("0")).label(sum_) for sum_ in SUMS
    ]
    groups = [table.c[key] for key in by]
    return sa.select(*groups, *totals).group_by(*groups)


def _as_text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A column as the daily figures keep it."""
    return column if isinstance(column.type, sa.Text) else sa.cast(column, sa.Text)


def _expression(kind: str, name: str) -> sa.ColumnElement[Any]:
    column = claim_figures.c
    one = sa.literal_column("1", sa.BigInteger)
    conditions = {
        "decided": column.decided.isnot(None),
        "approved": column.outcome == "approve",
        "denied": sa.and_(column.outcome == "deny", column.verdict == "deny"),
    }
    if name == "n":
        return one
    if name in conditions:
        return sa.case((conditions[name], 1), else_=0)
    if name == "refund" and kind == "goodwill":
        return column.goodwill
    return column.amount if name == "gross" else column[name]


def key_of(row: sa.RowMapping) -> Key:
    """The key of a row of `daily_figures`."""
    return tuple(row[name] for name in KEY)
