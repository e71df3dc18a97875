"""Acts on payouts of one claim: approving, another route, goodwill, queueing again, chargebacks, what became of it.

Four eyes: whatever needs a second person waits until a manager other than the one who asked for it approves it; the
database refuses anything else. The parameters common to every act are described in `acts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from refundcore.store import sentences, tables
from refundcore.store.acting import Act, Row, acting, words
from refundcore.store.acts import judged_as
from refundcore.store.errors import Forbidden, Impossible
from refundcore.store.model import Receipt
from refundcore.store.payable import (
    move,
    of_claim,
    of_decision,
    planned,
    told,
    why_waiting,
    write,
)
from refundcore.store.payout_tables import batches, payouts
from refundcore.store.store import Store, first_of

LONGEST_ROUTE = 60
AFTER_DECISION = ("decided", "closed", "payout_failed")
"""The states of a claim in which there is money to speak of."""

STATES = {
    "awaiting": "waiting for another manager",
    "queued": "due",
    "in_batch": "in a batch",
    "paid": "paid",
    "failed": "failed",
    "withdrawn": "withdrawn",
}


def _this(act: Act, row: Row, number: int, *wanted: str) -> Row:
    """A payout of the claim, in one of some states."""
    query = sa.select(payouts).where(payouts.c.id == number, payouts.c.claim_id == row["id"])
    found = first_of(act.connection, query)
    if found is None:
        raise Impossible("There is no such payout on this claim.")
    if found["state"] not in wanted:
        what = sentences.amount(found["amount"], found["currency"])
        raise Impossible(f"The payout of {what} is {_state(found)} and cannot be changed so; reload to see it.")
    return found


def _state(payout: Row) -> str:
    return f"in batch {payout['batch_id']}" if payout["state"] == "in_batch" else STATES[payout["state"]]


def _decision(act: Act, payout: Row) -> Row | None:
    if payout["decision_id"] is None:
        return None
    return first_of(act.connection, sa.select(tables.decisions).where(tables.decisions.c.id == payout["decision_id"]))


def _refuse_own(act: Act, payout: Row) -> None:
    """Raise `Forbidden` for whoever wants the payout themselves, by their decision or by asking for it."""
    asked = {payout["person_id"]}
    if {"override", "limit"} & {*payout["needs"].split()} and (decision := _decision(act, payout)):
        asked.add(decision["person_id"])
    if act.actor.id in asked:
        raise Forbidden("You asked for this payout yourself: another manager has to look at it.")


def approve_payout(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, payout: int, reason: str = ""
) -> Receipt:
    """Let a payout that needs a second manager become due."""
    parameters = {"claim": claim, "version": version, "payout": payout, "reason": reason}
    with acting(store, "approve_payout", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        found = _this(act, row, payout, "awaiting")
        _refuse_own(act, found)
        text = words(reason, "The reason")
        now = move(act, found, "queued", approver_id=actor, approved_at=act.at)
        after, event = act.change(row, "payout_approved", {"payouts": [told(now)], "reason": text})
        what = sentences.amount(now["amount"], now["currency"])
        return act.receipt(after, event, f"Claim {row['ref']}: the payout of {what} was approved and is due.")


def reject_payout(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, payout: int, reason: str
) -> Receipt:
    """Refuse a payout that needs a second manager.

    Another route: the payout goes the way it was to go before. Goodwill: it is withdrawn. Otherwise the decision is
    rejected with it, and the claim is new again.
    """
    parameters = {"claim": claim, "version": version, "payout": payout, "reason": reason}
    with acting(store, "reject_payout", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        found = _this(act, row, payout, "awaiting")
        _refuse_own(act, found)
        text = words(reason, "The reason", needed=True)
        gone = move(act, found, "withdrawn")
        body: dict[str, Any] = {"payouts": [told(gone)], "reason": text}
        if "route" in found["needs"].split():
            before = first_of(act.connection, sa.select(payouts).where(payouts.c.id == found["replaces"]))
            if before is None:
                raise Impossible("The payout that this one replaced is gone.")
            again = planned(act, row, amount=found["amount"], **_same(before, replaces=found["id"]))
            body["payouts"].append(told(again))
            after, event = act.change(row, "payout_rejected", body)
            write(act, again, event)
            return act.receipt(after, event, f"Claim {row['ref']}: the other route was refused.")
        if found["decision_id"] is None:
            after, event = act.change(row, "payout_rejected", body)
            return act.receipt(after, event, f"Claim {row['ref']}: the goodwill payment was refused.")
        changes = {"state": "new", "outcome": "", "answer_from": act.at}
        after, event = act.change(row, "payout_rejected", body, changes, verdict=act.verdict(row))
        act.connection.execute(
            sa.update(tables.decisions)
            .where(tables.decisions.c.id == found["decision_id"])
            .values(status="rejected", approver_id=actor, approved_at=act.at, approver_reason=text)
        )
        return act.receipt(after, event, f"Claim {row['ref']}: the payout was refused and the claim is new again.")


def _same(payout: Row, **others: object) -> dict[str, Any]:
    """What a payout that takes the place of another keeps of it."""
    kept = ("decision_id", "person_id", "remedy", "route", "needs", "reason", "approver_id", "approved_at")
    return {**{name: payout[name] for name in kept}, **others}


def ask_route(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, payout: int, route: str, reason: str
) -> Receipt:
    """Have a due payout go another way than it was paid (C8d): a manager, with a reason; another one approves it."""
    parameters = {"claim": claim, "version": version, "payout": payout, "route": route, "reason": reason}
    with acting(store, "ask_route", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        found = _this(act, row, payout, "awaiting", "queued")
        text, way = words(reason, "The reason", needed=True), words(route, "The route", needed=True)
        if len(way) > LONGEST_ROUTE or not way.isprintable():
            raise Impossible(f"A route is named in at most {LONGEST_ROUTE} characters, such as bank_transfer.")
        if way == found["route"]:
            raise Impossible(f"The payout goes by {way} already.")
        waits = [need for need in found["needs"].split() if found["state"] == "awaiting" and need != "route"]
        gone = move(act, found, "withdrawn")
        new = planned(
            act,
            row,
            amount=found["amount"],
            remedy=found["remedy"],
            decision_id=found["decision_id"],
            route=way,
            needs=" ".join([*waits, "route"]),
            reason=text,
            replaces=found["id"],
        )
        body = {"payouts": [told(gone), told(new)], "reason": text, "route": way}
        after, event = act.change(row, "route_asked", body)
        write(act, new, event)
        sentence = f"Claim {row['ref']}: the payout by {way} waits for another manager, since {why_waiting('route')}."
        return act.receipt(after, event, sentence)


def goodwill(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, amount: int, reason: str
) -> Receipt:
    """Ask for money outside the policy on a decided claim (`amount` in minor units); another manager approves it.

    It is kept apart from decisions, so no rate of a clause ever counts it, but in the order's balance like any other.
    """
    parameters = {"claim": claim, "version": version, "amount": amount, "reason": reason}
    with acting(store, "goodwill", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        if row["state"] not in {"decided", "closed"} or row["outcome"] == "withdrawn":
            how = "withdrawn" if row["outcome"] == "withdrawn" else sentences.STATES[row["state"]]
            raise Impossible(f"This claim is {how}: goodwill is for claims that were decided.")
        text = words(reason, "The reason", needed=True)
        if row["order_ref"] is None or row["currency"] is None:
            raise Impossible("The order or the currency is unknown: fill it in first.")
        if amount <= 0:
            raise Impossible("Goodwill is an amount above nothing.")
        new = planned(act, row, amount=amount, remedy="goodwill", needs="goodwill", reason=text)
        after, event = act.change(row, "goodwill_asked", {"payouts": [told(new)], "reason": text})
        write(act, new, event)
        what = sentences.amount(amount, row["currency"])
        return act.receipt(after, event, f"Claim {row['ref']}: goodwill of {what} waits for another manager.")


def queue_payout(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, payout: int | None = None
) -> Receipt:
    """Make a failed payout due again, as a new one; with None, that of an approval that never had a payout."""
    parameters = {"claim": claim, "version": version, "payout": payout}
    with acting(store, "queue_payout", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        if row["state"] not in AFTER_DECISION:
            raise Impossible(f"This claim is {sentences.STATES[row['state']]}: no payout of it can be queued.")
        new = _first(act, row) if payout is None else _again(act, row, payout)
        changes: dict[str, Any] = {}
        others = [failed for failed in unresolved(act.connection, row["id"]) if failed["id"] != payout]
        if row["state"] == "payout_failed" and not others:
            changes = {"state": "decided"}
        after, event = act.change(row, "payout_queued", {"payouts": [told(new)]}, changes)
        write(act, new, event)
        what = sentences.amount(new["amount"], new["currency"])
        return act.receipt(after, event, f"Claim {row['ref']}: the payout of {what} is {STATES[new['state']]}.")


def _first(act: Act, row: Row) -> dict[str, Any]:
    decisions = tables.decisions
    query = sa.select(decisions).where(decisions.c.claim_id == row["id"], decisions.c.status == "standing")
    decision = first_of(act.connection, query)
    had = decision and any(each["decision_id"] == decision["id"] for each in of_claim(act.connection, row["id"]))
    new = of_decision(act, row, decision) if decision and not had else None
    if decision is None or new is None:
        raise Impossible("No refund of this claim is without its payout.")
    return {**new, "decision_id": decision["id"]}


def _again(act: Act, row: Row, payout: int) -> dict[str, Any]:
    failed = _this(act, row, payout, "failed")
    if payout not in {each["id"] for each in unresolved(act.connection, row["id"])}:
        raise Impossible("This payout was queued again already, or its decision no longer stands.")
    return planned(act, row, amount=failed["amount"], **_same(failed, replaces=failed["id"]))


def unresolved(connection: sa.Connection, claim: int) -> list[Row]:
    """The failed payouts of a claim that nothing was put in the place of, while their decision stands."""
    found = of_claim(connection, claim)
    replaced = {payout["replaces"] for payout in found}
    decisions = tables.decisions
    query = sa.select(decisions.c.id).where(decisions.c.claim_id == claim, decisions.c.status == "standing")
    standing = {*connection.execute(query).scalars(), None}
    return [
        payout
        for payout in found
        if payout["state"] == "failed" and payout["id"] not in replaced and payout["decision_id"] in standing
    ]


def set_chargeback(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, is_open: bool
) -> Receipt:
    """Record on a decided claim that a chargeback was opened or closed: its payouts wait while one is open."""
    parameters = {"claim": claim, "version": version, "is_open": is_open}
    with acting(store, "set_chargeback", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        if row["state"] not in AFTER_DECISION:
            raise Impossible(f"This claim is {sentences.STATES[row['state']]}: change the fact itself.")
        if bool(row["chargeback_open"]) == is_open:
            raise Impossible(f"The chargeback is {'open' if is_open else 'closed'} already.")
        changed: Mapping[str, Any] = {"chargeback_open": is_open}
        verdict = act.verdict({**row, **changed})
        body = {"changes": dict(changed), **judged_as(verdict, act.store)}
        after, event = act.change(row, "facts_set", body, changed, verdict=verdict, facts_in="changes")
        says = "is open, so nothing is paid out" if is_open else "is closed; what is due can be paid out"
        return act.receipt(after, event, f"Claim {row['ref']}: the chargeback {says}.")


def mark_payout(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    claim: int,
    version: int,
    payout: int,
    result: Literal["paid", "failed"],
    why: str = "",
) -> Receipt:
    """Record by hand what became of a payout of an exported batch; a failed one needs to say why."""
    parameters = {"claim": claim, "version": version, "payout": payout, "result": result, "why": why}
    with acting(store, "pay", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        found = _this(act, row, payout, "in_batch")
        text = words(why, "Why it failed", needed=result == "failed")
        state = act.connection.execute(sa.select(batches.c.state).where(batches.c.id == found["batch_id"])).scalar()
        if state != "exported":
            raise Impossible(f"Batch {found['batch_id']} was not exported yet: nobody can have paid it.")
        after, event = record(act, row, found, result, text)
        settle_if_done(act, found["batch_id"])
        what = sentences.amount(found["amount"], found["currency"])
        return act.receipt(after, event, f"Claim {row['ref']}: the payout of {what} {_became(result, text)}.")


def _became(result: str, why: str) -> str:
    return "was paid" if result == "paid" else f"failed: {why}"


def record(act: Act, row: Row, payout: Row, result: str, why: str) -> tuple[Row, int]:
    """Write down what became of a payout: paid closes the claim's money, failed brings the claim back."""
    if result not in {"paid", "failed"}:
        raise Impossible(f"A payout is paid or failed, not “{result}”.")
    now = move(act, payout, result, settled_at=act.at, why=why if result == "failed" else "")
    changes: dict[str, Any] = {}
    if result == "failed":
        changes = {"state": "payout_failed", "answer_from": act.at}
    elif row["state"] == "decided" and not of_claim(act.connection, row["id"], ("awaiting", "queued", "in_batch")):
        changes = {"state": "closed"}
    body = {"payouts": [told(now)], "reason": now["why"]}
    return act.change(row, f"payout_{result}", body, changes)


def settle_if_done(act: Act, batch: int) -> bool:
    """A batch whose last payout was paid or failed is settled; whether it is now."""
    open_ = sa.select(payouts.c.id).where(payouts.c.batch_id == batch, payouts.c.state == "in_batch").limit(1)
    done = act.connection.execute(open_).first() is None
    if done:
        act.connection.execute(
            sa.update(batches).where(batches.c.id == batch).values(state="settled", settled_at=act.at)
        )
        act.sealed = {"payout_batch": batch, "state": "settled"}
    return done
