"""The claims of the past as a backtest takes them: in columns and in parts, each claim at the moment of its decision.

Only what judging looks at is read. Of an order and of an address it is whether they are known; of an erased claim what
was erased counts as it did when the claim was decided: the address known, the grounds detailed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from refundcore.backtest import Population
from refundcore.backtest.population import UNDECIDED
from refundcore.facts import BY_NAME, COLUMNS, FACTS, VERDICTS, Claims
from refundcore.store import tables
from refundcore.store.acting import visible
from refundcore.store.chain import ERASED_ON
from refundcore.store.store import Store

AT_ONCE = 1 << 16
"""Claims that are judged at once: the patterns of so many are worked out together, and memory stays small."""

ROWS = 8_192
"""Rows that are fetched at once."""

_KNOWN = ("order_ref", "customer_email")
"""Facts of which it matters whether they are known, not what they are."""
_UNUSED = ("claim_ref", "item_ref", "product", "channel", "payment_split", "chargeback_open")
"""Facts that no rule looks at."""
_FEW = tuple(fact.name for fact in FACTS if fact.name not in _UNUSED and (fact.kind == "truth" or fact.codes))
"""Facts with a few values: they are read as the digits of one number, since each column that is read costs."""


@dataclass(frozen=True)
class Chosen:
    """Which claims are tried: all, or those of a reason and of a period, by when they reached the company."""

    reason: str = ""
    start: int | None = None
    end: int | None = None
    """The first instant that is not of the period any more."""
    ref: str = ""
    """One claim by its reference."""


def population(store: Store, at: int, chosen: Chosen | None = None) -> Iterator[Population]:
    """The claims of a store in parts; `at` is the moment at which open ones are judged, in microseconds."""
    names, query = _query(chosen or Chosen())
    with store.read() as connection:
        asked = query.where(visible(connection))
        text = str(asked.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text)
            while part := _fetched(cursor, names):
                yield _part(part, at)
        finally:
            cursor.close()


def _query(chosen: Chosen) -> tuple[list[str], sa.Select[Any]]:
    claims, decisions = tables.claims, tables.decisions
    erased = claims.c.customer_email.startswith(ERASED_ON, autoescape=True)
    columns: list[sa.ColumnElement[Any]] = [claims.c.ref, claims.c.created_at]
    columns += [decisions.c.at, decisions.c.outcome]
    names = ["ref", "created_at", "decided_at", "outcome"]
    for fact in FACTS:
        if fact.name in _UNUSED or fact.name in _FEW:
            continue
        column: sa.ColumnElement[Any] = claims.c[fact.name]
        if fact.name in _KNOWN:
            column = sa.case((column != "", "1"))
        columns.append(column)
        names.append(fact.name)
        if fact.kind == "instant":
            columns.append(claims.c[fact.latest] - claims.c[fact.name])  # mostly 0, and small numbers are read faster
            names.append(fact.latest)
    columns.append(_digits(erased))
    names.append("few")
    standing = sa.and_(decisions.c.claim_id == claims.c.id, decisions.c.status == "standing")
    query = sa.select(*columns).select_from(claims.outerjoin(decisions, standing)).order_by(claims.c.id)
    came = sa.func.coalesce(claims.c.submitted_at, claims.c.created_at)
    if chosen.reason:
        query = query.where(claims.c.reason == chosen.reason)
    if chosen.start is not None:
        query = query.where(came >= chosen.start)
    if chosen.end is not None:
        query = query.where(came < chosen.end)
    if chosen.ref:
        query = query.where(claims.c.ref == chosen.ref)
    return names, query


def _values(name: str) -> tuple[Any, ...]:
    """What a fact with a few values can be; its digit is the place, or the number of them where it is unknown."""
    return BY_NAME[name].codes or (False, True)


def _digits(erased: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """All facts with a few values as one number."""
    total: sa.ColumnElement[int] = sa.literal(0)
    for name in _FEW:
        column, values = tables.claims.c[name], _values(name)
        given = [
            (column.is_(value) if isinstance(value, bool) else column == value, place)
            for place, value in enumerate(values)
        ]
        if name == "grounds_sufficient":
            given.append((erased, values.index(True)))
        total = total * (len(values) + 1) + sa.case(*given, else_=len(values))
    return total


def _few(packed: pa.Array) -> dict[str, pa.Array]:
    """The columns of the facts with a few values."""
    left = np.asarray(packed.to_numpy(zero_copy_only=False))
    found = {}
    for name in reversed(_FEW):
        values = _values(name)
        left, place = np.divmod(left, len(values) + 1)
        found[name] = pa.array([*values, None], COLUMNS[name].pyarrow_dtype).take(pa.array(place))
    return found


def _fetched(cursor: Any, names: Sequence[str]) -> dict[str, pa.Array]:  # noqa: ANN401 - of either driver
    """The next claims as columns; nothing once there are none."""
    parts: list[list[pa.Array]] = []
    while len(parts) * ROWS < AT_ONCE and (rows := cursor.fetchmany(ROWS)):
        parts.append([_array(name, values) for name, values in zip(names, zip(*rows, strict=True), strict=True)])
    if not parts:
        return {}
    return {name: pa.concat_arrays(each) for name, each in zip(names, zip(*parts, strict=True), strict=True)}


def _array(name: str, values: Sequence[Any]) -> pa.Array:
    if name in {"created_at", "decided_at", "few"}:
        return pa.array(values, pa.int64())
    return pa.array(values, COLUMNS[name].pyarrow_dtype if name in COLUMNS else pa.string())


def _part(columns: dict[str, pa.Array], at: int) -> Population:
    size = len(columns["ref"])
    columns |= _few(columns.pop("few"))
    facts = {}
    for name, dtype in COLUMNS.items():
        if name not in columns:
            facts[name] = pa.nulls(size, dtype.pyarrow_dtype)
        elif name.endswith("_latest"):
            facts[name] = _sum(columns[name.removesuffix("_latest")], columns[name])
        else:
            facts[name] = columns[name]
    decided = columns["decided_at"]
    outcome = pc.index_in(columns["outcome"], pa.array(VERDICTS)).fill_null(UNDECIDED)
    return Population(
        Claims(facts, size),
        np.asarray(decided.fill_null(at).to_numpy(zero_copy_only=False)),
        columns["ref"],
        outcome.to_numpy(zero_copy_only=False).astype(np.int64),
        np.asarray(columns["created_at"].to_numpy(zero_copy_only=False)),
    )


def _sum(early: pa.Array, span: pa.Array) -> pa.Array:
    return pc.add(early, span.fill_null(0))
