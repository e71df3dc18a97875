"""The verdict kept with each claim, and when the claim is to be acted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa

from refundcore.deadlines import HOUR, micros
from refundcore.editions import Editions
from refundcore.facts import COLUMNS, Claims
from refundcore.store import tables
from refundcore.store.model import OPEN_STATES
from refundcore.store.ruling import refresh
from refundcore.store.settings import JUDGED_UNDER, Settings, judged_under, load, write
from refundcore.store.store import Store, rows_of

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


VERDICT_COLUMNS = (
    "verdict",
    "leaning",
    "clause",
    "clauses",
    "missing",
    "next_deadline",
    "refund",
    "fee",
    "holds_until",
    "edition",
)


def judge(store: Store, claims: Claims, at: int, since: Sequence[int] | None = None) -> list[Verdict]:
    """The verdicts of claims at an instant, in their order, each by the edition in force at its order.

    `since` is since when each is on the desk: what counts where none of its dates is known.
    """
    if not len(claims):
        return []
    known = None if since is None else np.array(since, dtype=np.int64)
    found = store.laws.judge(claims, at, since=known, by=store.judge)
    columns = [plain(found[name]) for name in VERDICT_COLUMNS]
    return [Verdict(*row) for row in zip(*columns, strict=True)]


def plain(column: pd.Series[Any]) -> list[Any]:
    """A column as Python's own values, None for what is missing."""
    # Most often it is one claim, of which pandas' `where` alone took a fifth of a decision.
    return [None if gone else value for value, gone in zip(column.tolist(), column.isna().tolist(), strict=True)]


def judge_rows(store: Store, rows: Sequence[Mapping[str, Any]], at: int) -> list[Verdict]:
    """The verdicts of rows that hold the columns of facts."""
    since = [row.get("created_at") or at for row in rows]
    return judge(store, Claims.of({name: [row[name] for row in rows] for name in COLUMNS}), at, since)


def pay_by(
    laws: Editions,
    editions: Sequence[int],
    submitted: Sequence[int | None],
    ordered: Sequence[int | None],
    purchased: Sequence[int | None],
) -> list[int | None]:
    """Until when the desk means to pay each claim, by its edition and dates; None where it isn't known when it came."""
    came = np.array([at or 0 for at in submitted], dtype=np.int64)
    dates = zip(ordered, purchased, submitted, strict=True)
    law = np.array([next((at for at in each if at is not None), 0) for each in dates], dtype=np.int64)
    ends, numbers = np.zeros(len(came), dtype=np.int64), np.array(editions, dtype=np.int64)
    for number in set(editions):
        policy, own = laws.of_number(number).policy, numbers == number
        ends[own] = policy.pay_by(came[own], law[own], policy.zone)
    return [None if at is None else end for at, end in zip(submitted, ends.tolist(), strict=True)]


def act_by(
    state: str,
    outcome: str,
    verdict: Verdict,
    *,
    pay_by: int | None,
    answer_from: int,
    settings: Settings,
) -> int | None:
    """When the claim is to be acted on next; None where nothing is left to do.

    The earliest of the verdict's next deadline, the desk's own answer target (or, while the claim waits for somebody
    else, the day to ask again) and, where money or a replacement is due, the day by which it is due.
    """
    if state not in OPEN_STATES:
        if state == "decided" and outcome in {"approved", "exchanged"}:
            return answer_from + settings.answer_hours * HOUR if pay_by is None else pay_by
        return None
    waits = state.startswith("waiting_")
    moments = [answer_from + (settings.follow_up_hours if waits else settings.answer_hours) * HOUR]
    if verdict.next_deadline is not None:
        moments.append(verdict.next_deadline)
    if pay_by is not None and verdict.verdict in {"approve", "exchange"}:
        moments.append(pay_by)
    return min(moments)


def kept(verdict: Verdict, row: Mapping[str, Any], settings: Settings, laws: Editions) -> dict[str, Any]:
    """The columns of a claim that follow from its verdict, state and facts."""
    (paid,) = pay_by(laws, [verdict.edition], [row["submitted_at"]], [row["ordered_at"]], [row["purchased_at"]])
    moment = act_by(
        row["state"],
        row["outcome"],
        verdict,
        pay_by=paid,
        answer_from=row["answer_from"],
        settings=settings,
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
    names = (*VERDICT_COLUMNS, "act_by", "queue_at")
    changed = []
    for row, verdict in zip(rows, verdicts, strict=True):
        values = kept(verdict, row, settings, laws)
        if any(row[name] != values[name] for name in names):
            changed.append({"number": row["id"], **values})
    if changed:
        connection.execute(
            sa.update(tables.claims)
            .where(tables.claims.c.id == sa.bindparam("number"))
            .values({name: sa.bindparam(name) for name in names}),
            changed,
        )
