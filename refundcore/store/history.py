"""Claims that were decided before they came onto the desk: they come in as decided, outside of any policy of the desk.

Such a decision follows no verdict, so no rate of a clause and no override ever counts it; nothing is paid for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.acting import Act, acting, visible
from refundcore.store.figuring import HISTORY
from refundcore.store.sentences import DONE
from refundcore.store.store import Store, rows_of

TOGETHER = 500


@dataclass(frozen=True)
class Past:
    """What a file says became of a claim."""

    ref: str
    outcome: str
    """approve, exchange or deny."""
    at: int | None = None
    """When it was decided; None: not known, so it counts on the day on which the claim was received."""
    refund: int | None = None
    """What went back, in minor units."""


@dataclass(frozen=True)
class Recorded:
    """How many claims were recorded as decided, and how many were left as they are."""

    decided: int
    left: int
    """Not here, or somebody worked on them since."""


def record_history(store: Store, past: Iterable[Past], *, actor: int, at: datetime) -> Recorded:
    """Record claims as decided earlier, some hundreds a transaction; those that anybody worked on are left.

    Repeating it records what is missing. Raises `Forbidden`.
    """
    counts = Counter[str]()
    waiting: list[Past] = []
    for one in past:
        waiting.append(one)
        if len(waiting) == TOGETHER:
            counts += _record(store, waiting, actor=actor, at=at)
            waiting = []
    if waiting:
        counts += _record(store, waiting, actor=actor, at=at)
    return Recorded(counts["decided"], counts["left"])


def _record(store: Store, past: Sequence[Past], *, actor: int, at: datetime) -> Counter[str]:
    claims = tables.claims
    with acting(store, "import", actor=actor, at=at) as act:
        wanted = {one.ref: one for one in past}
        query = sa.select(claims).where(claims.c.ref.in_(wanted), claims.c.version == 1, visible(act.connection))
        rows = rows_of(act.connection, query)
        for row in rows:
            _decide(act, row, wanted[row["ref"]])
    return Counter(decided=len(rows), left=len(past) - len(rows))


def _decide(act: Act, row: dict[str, object], one: Past) -> None:
    paid = one.outcome == "approve" and one.refund is not None
    decision = {
        "outcome": one.outcome,
        "override": False,
        "reason": "",
        "reply": "",
        "refund": one.refund if paid else None,
        "fee": 0 if paid else None,
        "currency": row["currency"] if paid else None,
        "verdict": "",
        "clause": "",
        "policy": HISTORY,
    }
    body = {**decision, "facts": {}, "decided_at": one.at}
    changes = {"state": "decided", "outcome": DONE[one.outcome]}
    _, event = act.change(row, "decided", body, changes, facts_in="facts")
    received = row["submitted_at"] or row["created_at"]
    act.connection.execute(
        sa.insert(tables.decisions).values(
            claim_id=row["id"],
            event_id=event,
            at=received if one.at is None else one.at,
            person_id=act.actor.id,
            status="standing",
            order_ref="",
            item_ref="",
            remedy="",
            approver_reason="",
            **decision,
        )
    )
