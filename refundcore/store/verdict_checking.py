"""Checking verdicts: what is kept with each open claim is what the policy says at that moment."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import sqlalchemy as sa

from refundcore.deadlines import micros
from refundcore.store import tables
from refundcore.store.judging import JUDGED, VERDICT_COLUMNS, judge_rows
from refundcore.store.settings import judged_under
from refundcore.store.store import Row, Store

AT_ONCE = 5_000
"""Claims that are judged at once."""


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
    ends = (row["holds_until"] for row in rows)
    instants = np.array([moment if end is None else min(end, moment) for end in ends], dtype=np.int64)
    for row, fresh in zip(rows, judge_rows(store, rows, instants), strict=True):
        for name, value in zip(VERDICT_COLUMNS, fresh, strict=True):
            if row[name] != value:
                kept, says = row[name] or "nothing", value or "nothing"
                return (
                    f"Claim {row['ref']}: its {name.replace('_', ' ')} is kept as {kept}, but the policy says {says}."
                )
    return ""
