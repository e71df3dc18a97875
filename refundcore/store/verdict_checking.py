"""Checking verdicts: what is kept with each open claim is what the policy says at that moment."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import sqlalchemy as sa

from refundcore.deadlines import micros
from refundcore.facts import COLUMNS, Claims
from refundcore.store import tables
from refundcore.store.judging import VERDICT_COLUMNS, plain
from refundcore.store.settings import judged_under
from refundcore.store.store import Row, Store

AT_ONCE = 5_000
"""Claims that are judged at once."""

JUDGED = ("new", "waiting_customer", "waiting_technician", "awaiting_approval")
"""The open states that are judged again whenever the policy changes."""


def check_verdicts(store: Store, connection: sa.Connection, at: datetime) -> tuple[int, str]:
    """How many open claims were judged afresh, and what is wrong with the first that differs; "" where none does.

    A verdict is kept until `holds_until`, so it is compared with a fresh one as of `at` or, where it is due for
    judging by then, as of the last moment for which it was known to hold. Nothing is compared where the policy is
    another than the one that claims were last judged under: the desk judges them again when it starts.
    """
    if store.policy is None or judged_under(connection) != store.laws.fingerprint:
        return 0, ""
    claims, moment = tables.claims, micros(at)
    query = sa.select(claims).where(claims.c.state.in_(JUDGED)).order_by(claims.c.id)
    count = 0
    with connection.execution_options(yield_per=AT_ONCE).execute(query) as found:
        for part in found.mappings().partitions(AT_ONCE):
            rows = [dict(row) for row in part]
            count += len(rows)
            if wrong := _compare(store, rows, moment):
                return count, wrong
    return count, ""


def _compare(store: Store, rows: list[Row], moment: int) -> str:
    given = Claims.of({name: [row[name] for row in rows] for name in COLUMNS})
    ends = (row["holds_until"] for row in rows)
    instants = np.array([moment if end is None else min(end, moment) for end in ends], dtype=np.int64)
    since = np.array([row["created_at"] for row in rows], dtype=np.int64)
    fresh = store.laws.judge(given, instants, since=since, by=store.judge)
    columns = {name: plain(fresh[name]) for name in VERDICT_COLUMNS}
    for place, row in enumerate(rows):
        for name, values in columns.items():
            if row[name] != values[place]:
                kept, says = row[name] or "nothing", values[place] or "nothing"
                return (
                    f"Claim {row['ref']}: its {name.replace('_', ' ')} is kept as {kept}, but the policy says {says}."
                )
    return ""
