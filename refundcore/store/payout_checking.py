"""Checking payouts: against the events that tell of them, their decisions, their batches and the balances of orders."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.payable import TOLD
from refundcore.store.payout_tables import LIVE, balances, batches, payouts
from refundcore.store.store import rows_of

_AT_ONCE = 5_000


def check_payouts(connection: sa.Connection) -> tuple[int, str]:
    """How many payouts there are, and the first thing that is wrong with them; "" where all is well."""
    found = {row["id"]: row for row in rows_of(connection, sa.select(payouts).order_by(payouts.c.id))}
    wrong = (
        _events_wrong(connection, found)
        or _decisions_wrong(connection, found)
        or _balances_wrong(connection, found)
        or _batches_wrong(connection, found)
    )
    return len(found), wrong


def _events_wrong(connection: sa.Connection, found: Mapping[int, Mapping[str, Any]]) -> str:
    """Each payout is as the last event says that tells of it, and was made by the event that it names."""
    events = tables.events
    query = (
        sa.select(events.c.id, events.c.claim_id, events.c.body)
        .where(events.c.body.like('%"payouts":[%'))
        .order_by(events.c.id)
    )
    last: dict[int, tuple[int, Mapping[str, Any]]] = {}
    first: dict[int, int] = {}
    for event in connection.execution_options(yield_per=_AT_ONCE).execute(query):
        for part in json.loads(event.body).get("payouts", ()):
            first.setdefault(part["id"], event.id)
            last[part["id"]] = (event.claim_id, part)
    for number, row in found.items():
        if number not in last:
            return f"Payout {number} is told of by no event."
        claim, part = last[number]
        if row["claim_id"] != claim or row["event_id"] != first[number]:
            return f"Payout {number} belongs to another claim or event than the journal says."
        changed = next((name for name in TOLD if row[name] != part[name]), "")
        if changed:
            return f"Payout {number}: {changed} is not what its events say."
    missing = min(last.keys() - found.keys(), default=None)
    return f"Payout {missing} is missing." if missing is not None else ""


def _decisions_wrong(connection: sa.Connection, found: Mapping[int, Mapping[str, Any]]) -> str:
    """Each refund is what its decision says, and no decision is paid twice or paid though it does not stand."""
    decisions = tables.decisions
    wanted = {row["decision_id"] for row in found.values() if row["decision_id"] is not None}
    query = sa.select(decisions).where(decisions.c.outcome == "approve")
    known = {row["id"]: row for row in rows_of(connection, query) if row["id"] in wanted}
    live: set[int] = set()
    for number, row in found.items():
        wrong = _alone(row)
        if not wrong and row["decision_id"] is not None:
            wrong = _undecided(row, known.get(row["decision_id"]))
            if not wrong and row["state"] in LIVE and row["decision_id"] in live:
                wrong = "is the second for one decision"
            live |= {row["decision_id"]} if row["state"] in LIVE else set()
        if wrong:
            return f"Payout {number} {wrong}."
    return ""


def _alone(row: Mapping[str, Any]) -> str:
    """What is wrong with who approved a payout."""
    if row["needs"] and row["approver_id"] is None and row["state"] not in {"awaiting", "withdrawn"}:
        return f"needs another manager, but is {row['state']} without one"
    return "was approved by the person who asked for it" if row["approver_id"] == row["person_id"] else ""


def _undecided(row: Mapping[str, Any], decision: Mapping[str, Any] | None) -> str:
    """What of a payout its decision does not say."""
    same = ("claim_id", "order_ref", "item_ref", "currency")
    if decision is None or any(row[name] != decision[name] for name in same):
        return "does not belong to a decision to approve"
    if row["amount"] != decision["refund"]:
        return "is not the amount that was decided"
    if row["state"] in LIVE and decision["status"] != "standing":
        return f"is {row['state']}, but its decision no longer stands"
    return ""


def _balances_wrong(connection: sa.Connection, found: Mapping[int, Mapping[str, Any]]) -> str:
    """Each order's balance is the sum of its live payouts, and not above what was paid."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in found.values():
        sums[row["order_ref"], row["currency"]] += row["amount"] if row["state"] in LIVE else 0
    for row in rows_of(connection, sa.select(balances)):
        total = sums.pop((row["order_ref"], row["currency"]), 0)
        if row["refunded"] != total:
            return f"Order {row['order_ref']}: its balance counts {row['refunded']} as refunded, its payouts {total}."
        if row["earlier"] + row["refunded"] > row["paid"]:
            return f"Order {row['order_ref']}: more went back than was paid."
    left = next((order for (order, _), total in sums.items() if total), None)
    return f"Order {left} has payouts, but no balance." if left is not None else ""


def _batches_wrong(connection: sa.Connection, found: Mapping[int, Mapping[str, Any]]) -> str:
    """Each batch is in the state that the journal sealed last, and its payouts agree with that."""
    heads = tables.heads
    sealed: dict[int, str] = {}
    query = sa.select(heads.c.body).where(heads.c.body.like('%"payout_batch":%')).order_by(heads.c.id)
    for body in connection.execute(query).scalars():
        told = json.loads(body)
        sealed[told["payout_batch"]] = told["state"]
    states: dict[int, set[str]] = defaultdict(set)
    for row in found.values():
        if row["batch_id"] is not None:
            states[row["batch_id"]].add(row["state"])
    allowed = {
        "drafted": {"in_batch"},
        "exported": {"in_batch", "paid", "failed"},
        "settled": {"paid", "failed"},
        "discarded": set[str](),
    }
    for row in rows_of(connection, sa.select(batches)):
        number, state = row["id"], row["state"]
        if sealed.pop(number, None) != state:
            return f"Batch {number} is {state}, but the journal says otherwise."
        if not states[number] <= allowed[state] or (state == "exported" and "in_batch" not in states[number]):
            return f"Batch {number} is {state}, which its payouts are not."
    return f"Batch {min(sealed)} is missing." if sealed else ""
