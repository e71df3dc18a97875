"""The verdict kept with each claim, and when the claim is to be acted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from refundcore import promises
from refundcore.deadlines import FAR_FUTURE, HOUR, Instants, micros
from refundcore.editions import Editions
from refundcore.facts import COLUMNS, Claims
from refundcore.promises import Broken, Told
from refundcore.store import tables
from refundcore.store.model import OPEN_STATES
from refundcore.store.ruling import refresh
from refundcore.store.settings import JUDGED_UNDER, Settings, judged_under, load, write
from refundcore.store.store import Store, rows_of

JUDGED = ("new", "waiting_customer", "waiting_technician", "awaiting_approval")
"""The open states, beside that of a failed payout, in which a claim's verdict is the policy's of now."""

AWAITS = ("need_info", "pending")
"""The verdicts under which somebody else's answer is awaited."""

CHOICE = "remedy_choice"
"""What a claim waits for whose customer was offered a replacement: the money is due where they choose nothing."""

CHUNK = 5_000
"""Claims that are judged again in one transaction: others who write wait half a second at most."""


class Verdict(NamedTuple):
    """What `rules.judge` says of one claim; None for what it leaves open."""

    verdict: str
    leaning: str
    clause: str
    clauses: str
    missing: str
    next_deadline: int | None
    refund: int | None
    fee: int | None
    holds_until: int | None
    edition: int = 1
    """The edition of the policy that judged it."""


VERDICT_COLUMNS: Mapping[str, pa.DataType] = {
    name: pa.string() if name in {"verdict", "leaning", "clause", "clauses", "missing"} else pa.int64()
    for name in Verdict._fields
}


def judge(store: Store, claims: Claims, at: int | Instants, since: Sequence[int] | None = None) -> list[Verdict]:
    """The verdicts of claims at an instant, or at one for each, in their order, by the edition in force at the order.

    `since` is since when each is on the desk: what counts where none of its dates is known.
    """
    if not len(claims):
        return []
    columns = [column.to_pylist() for column in verdict_columns(store, claims, at, since).values()]
    return [Verdict(*row) for row in zip(*columns, strict=True)]


def verdict_columns(
    store: Store, claims: Claims, at: int | Instants, since: Sequence[int] | None = None
) -> dict[str, pa.Array]:
    """The verdicts of claims at an instant as the columns of `VERDICT_COLUMNS`, null for what a verdict leaves open."""
    if not len(claims):
        return {name: pa.nulls(0, type_) for name, type_ in VERDICT_COLUMNS.items()}
    known = None if since is None else np.array(since, dtype=np.int64)
    found = store.laws.judge(claims, at, since=known, by=store.judge)
    return {name: arrow(found[name], type_) for name, type_ in VERDICT_COLUMNS.items()}


def arrow(column: pd.Series[Any], type_: pa.DataType) -> pa.Array:
    """A column of a frame as one Arrow array, null for what is missing."""
    found = pa.array(column, type=type_, from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def judge_rows(store: Store, rows: Sequence[Mapping[str, Any]], at: int | Instants) -> list[Verdict]:
    """The verdicts of rows that hold the columns of facts and, where customers were told deadlines, `promised`.

    `at` is an instant in microseconds, for all or one a row.
    """
    moments = np.broadcast_to(np.asarray(at, dtype=np.int64), (len(rows),))
    since = [row.get("created_at") or moment for row, moment in zip(rows, moments.tolist(), strict=True)]
    verdicts = judge(store, Claims.of({name: [row[name] for row in rows] for name in COLUMNS}), at, since)
    told = {place: promises.read(row["promised"]) for place, row in enumerate(rows) if row.get("promised")}
    for edition in {verdicts[place].edition for place in told}:
        places = [place for place in told if verdicts[place].edition == edition]
        claims = Claims.of({name: [rows[place][name] for place in places] for name in COLUMNS})
        policy, by = store.laws.of_number(edition).policy, [verdicts[place].verdict for place in places]
        found = promises.broken_of(claims, policy, moments[places], [told[place] for place in places], by)
        for place, broken in zip(places, found, strict=True):
            verdicts[place] = _held_to(verdicts[place], told[place], int(moments[place]), broken)
    return verdicts


def _held_to(verdict: Verdict, told: Sequence[Told], at: int, found: Broken | None) -> Verdict:
    """The verdict, or a review of a claim whose customer was told a deadline that is worse now."""
    ends = [end for end in (verdict.holds_until, promises.last_moment(told, at)) if end is not None]
    held = verdict._replace(holds_until=min(ends, default=None))
    if found is None:
        return held
    leaning = verdict.verdict if verdict.verdict in promises.DECIDED else verdict.leaning
    deadlines = [moment for moment in (verdict.next_deadline, found.told.at) if moment is not None and moment >= at]
    return held._replace(
        verdict="review",
        leaning=leaning,
        clause=found.clause,
        clauses=found.clause,
        missing="",
        next_deadline=min(deadlines, default=None),
        refund=None,
        fee=None,
    )


def pay_by(
    laws: Editions,
    editions: pa.Int64Array,
    submitted: pa.Int64Array,
    ordered: pa.Int64Array,
    purchased: pa.Int64Array,
) -> pa.Int64Array:
    """Until when the desk means to pay each claim, by its edition and dates; null where it isn't known when it came."""
    law = _filled(pc.coalesce(ordered, purchased, submitted, pa.scalar(0, pa.int64())))
    came, numbers = _filled(submitted), _filled(editions)
    ends = np.zeros(len(came), dtype=np.int64)
    for number in np.unique(numbers).tolist():
        policy, own = laws.of_number(number).policy, numbers == number
        ends[own] = policy.pay_by(came[own], law[own], policy.zone)
    return pa.array(ends, type=pa.int64(), mask=~_given(submitted))


def _filled(column: pa.Int64Array, blank: int = 0) -> npt.NDArray[np.int64]:
    return np.asarray(column.fill_null(blank).to_numpy(zero_copy_only=False))


def _given(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))


def act_by(
    state: str,
    outcome: str,
    verdict: Verdict,
    *,
    pay_by: int | None,
    answer_from: int,
    settings: Settings,
    asked_for: str = "",
    asked_until: int | None = None,
) -> int | None:
    """When the claim is to be acted on next; None where nothing is left to do.

    The earliest of: some hours before the verdict's next deadline, the desk's own answer target (or, while the claim
    waits for somebody else, until when the answer was asked for, or the day to ask again) and, where money or a
    replacement is due, the day by which it is due. A claim whose verdict is there although an answer is still awaited
    waits for us.
    """
    if state not in OPEN_STATES:
        if state == "decided" and outcome in {"approved", "exchanged"}:
            return answer_from + settings.answer_hours * HOUR if pay_by is None else pay_by
        return None
    waits = state.startswith("waiting_") and (verdict.verdict in AWAITS or asked_for == CHOICE)
    patience = answer_from + settings.follow_up_hours * HOUR if asked_until is None else asked_until
    moments = [patience if waits else answer_from + settings.answer_hours * HOUR]
    if verdict.next_deadline is not None:
        moments.append(verdict.next_deadline - settings.margin_hours * HOUR)
    if pay_by is not None and verdict.verdict in {"approve", "exchange"}:
        moments.append(pay_by)
    return min(moments)


def first_act_by(
    verdict: pa.StringArray, next_deadline: pa.Int64Array, paid: pa.Int64Array, *, answer_from: int, settings: Settings
) -> list[int]:
    """When new claims are to be acted on: `act_by` of whole columns, `paid` being what `pay_by` gives."""
    moments = np.full(len(verdict), answer_from + settings.answer_hours * HOUR, dtype=np.int64)
    moments = np.minimum(moments, _filled(next_deadline, FAR_FUTURE) - settings.margin_hours * HOUR)
    due = pc.is_in(verdict, pa.array(("approve", "exchange"))).to_numpy(zero_copy_only=False)
    found: list[int] = np.where(due, np.minimum(moments, _filled(paid, FAR_FUTURE)), moments).tolist()
    return found


def kept(verdict: Verdict, row: Mapping[str, Any], settings: Settings, laws: Editions) -> dict[str, Any]:
    """The columns of a claim that follow from its verdict, state and facts."""
    dates = (pa.array([row[name]], type=pa.int64()) for name in ("submitted_at", "ordered_at", "purchased_at"))
    (paid,) = pay_by(laws, pa.array([verdict.edition], type=pa.int64()), *dates).to_pylist()
    moment = act_by(
        row["state"],
        row["outcome"],
        verdict,
        pay_by=paid,
        answer_from=row["answer_from"],
        settings=settings,
        asked_for=row["asked_for"],
        asked_until=row.get("asked_until"),
    )
    values: dict[str, Any] = {name: getattr(verdict, name) for name in VERDICT_COLUMNS}
    values["act_by"] = moment
    values["queue_at"] = moment if row["state"] in OPEN_STATES else None
    return values


def rejudge_due(store: Store, at: datetime, *, everything: bool = False) -> int:
    """Judge open claims again whose verdict is no longer known to hold at `at`; how many were judged.

    All open claims are judged where `everything` says so or the policy is another than at the last time. A verdict
    follows from facts, policy and time, so no event is written and the claims keep their versions.
    """
    moment, done, after = micros(at), 0, 0
    due: sa.ColumnElement[bool] = tables.claims.c.queue_at.isnot(None)
    with store.read() as connection:
        refresh(store, connection, moment)
        changed = judged_under(connection) != store.laws.fingerprint
        if not (everything or changed):
            due = sa.and_(due, tables.claims.c.holds_until < moment)
            if connection.execute(sa.select(tables.claims.c.id).where(due).limit(1)).first() is None:
                return 0
    while True:
        with store.write() as connection:
            query = sa.select(tables.claims).where(due, tables.claims.c.id > after)
            rows = rows_of(connection, query.order_by(tables.claims.c.id).limit(CHUNK))
            if rows:
                _write(connection, rows, judge_rows(store, rows, moment), load(connection), store.laws)
            done += len(rows)
            if len(rows) < CHUNK:
                if changed:
                    write(connection, JUDGED_UNDER, store.laws.fingerprint, at=moment, by=None)
                return done
        after = rows[-1]["id"]


def _write(
    connection: sa.Connection,
    rows: Sequence[Mapping[str, Any]],
    verdicts: Sequence[Verdict],
    settings: Settings,
    laws: Editions,
) -> None:
    names = (*VERDICT_COLUMNS, "act_by", "queue_at", "answer_from")
    changed = []
    for row, verdict in zip(rows, verdicts, strict=True):
        since = row["answer_from"]
        settled = row["verdict"] in AWAITS and verdict.verdict not in AWAITS and row["asked_for"] != CHOICE
        if row["state"].startswith("waiting_") and settled:
            since = max(since, row["holds_until"] or since)  # time settled it: from then on it is ours to answer
        values = {**kept(verdict, {**row, "answer_from": since}, settings, laws), "answer_from": since}
        if any(row[name] != values[name] for name in names):
            changed.append({"number": row["id"], **values})
    if changed:
        connection.execute(
            sa.update(tables.claims)
            .where(tables.claims.c.id == sa.bindparam("number"))
            .values({name: sa.bindparam(name) for name in names}),
            changed,
        )
