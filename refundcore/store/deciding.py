"""Deciding a claim; decisions against the policy and their approval; closing and reopening.

The parameters common to every act are described in `acts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from refundcore import promises
from refundcore.facts import BY_NAME, COLUMNS
from refundcore.store import payable, roles, sentences, tables
from refundcore.store.acting import Act, Row, acting, names_of, words
from refundcore.store.acts import ANSWERED, CHANGEABLE, judged_as
from refundcore.store.errors import Forbidden, Impossible
from refundcore.store.judging import Verdict
from refundcore.store.model import OUTCOMES, Outcome, Receipt
from refundcore.store.sentences import DONE
from refundcore.store.store import Store, first_of

REMEDIES = {"approve": "refund", "exchange": "replacement", "deny": ""}


# Made once: to build a statement takes as long as to run it.
_DECISION = sa.insert(tables.decisions)
_ITEM = sa.bindparam("item", type_=sa.Text)
_ANOTHER = (
    sa.select(
        tables.decisions.c.person_id,
        tables.decisions.c.at,
        tables.decisions.c.item_ref,
        tables.decisions.c.remedy,
        tables.claims.c.ref,
    )
    .join(tables.claims, tables.claims.c.id == tables.decisions.c.claim_id)
    .where(
        tables.decisions.c.status == sa.literal_column("'standing'"),
        tables.decisions.c.remedy != sa.literal_column("''"),
        tables.decisions.c.order_ref == sa.bindparam("order"),
        sa.or_(sa.literal_column("''") == _ITEM, tables.decisions.c.item_ref.in_([_ITEM, sa.literal_column("''")])),
        tables.decisions.c.claim_id != sa.bindparam("claim"),
    )
)
"""A remedy for an item, or for the whole order, on another claim."""


@dataclass(frozen=True)
class Wish:
    """A decision that somebody wants to make."""

    outcome: Outcome
    reason: str = ""
    ask_for: tuple[str, ...] = ()
    ask_of: str = "customer"
    reply: str = ""
    refund: int | None = None
    ask_until: int | None = None


def decide(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    claim: int,
    version: int,
    outcome: Outcome,
    reason: str = "",
    ask_for: Sequence[str] = (),
    ask_of: Literal["customer", "technician"] = "customer",
    reply: str = "",
    refund: int | None = None,
    ask_until: int | None = None,
) -> Receipt:
    """Decide a claim, or ask for facts.

    The verdict is that of `at`: the claim is judged once more unless its verdict is known to hold. An outcome that
    follows the verdict stands at once. A `review` may be decided either way with a reason. Anything else is an
    override and needs a reason: a manager's stands at once, an agent's waits for another person, a manager
    (`awaiting_approval`). `refund` (minor units) is only for an approval where the policy gives no amount; it
    defaults to the amount paid less what was refunded before and the fee.
    `ask` waits for `ask_for` (names of facts) of the customer or the technicians, until `ask_until` (microseconds)
    where a moment was named.
    """
    wish = Wish(outcome, reason, tuple(ask_for), ask_of, reply, refund, ask_until)
    parameters = {"claim": claim, "version": version, **wish.__dict__}
    with acting(store, "decide", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        refuse_state(act, row)
        after, event, sentence = settle(act, row, act.standing_verdict(row) or act.verdict(row), wish)
        return act.receipt(after, event, sentence)


def refuse_state(act: Act, row: Row) -> None:
    """Raise `Impossible`, saying who decided and when, for a claim that cannot be decided now."""
    if row["state"] in CHANGEABLE:
        return
    found = act.connection.execute(
        sa.select(tables.decisions)
        .where(
            tables.decisions.c.claim_id == row["id"], tables.decisions.c.status.in_(("standing", "awaiting_approval"))
        )
        .order_by(tables.decisions.c.id.desc())
    ).first()
    if found is None:
        raise Impossible(f"This claim is {sentences.STATES[row['state']]} already.")
    who = "You" if found.person_id == act.actor.id else names_of(act.connection)[found.person_id]
    when = sentences.clock(found.at, act.at)
    if found.status == "awaiting_approval":
        raise Impossible(
            f"{who} asked {when} for approval of a decision against the policy ({DONE[found.outcome]}); a manager has"
            " to approve or reject it first."
        )
    raise Impossible(f"{who} {DONE[found.outcome]} this claim {when}; reopen it to decide again.")


def settle(act: Act, row: Row, verdict: Verdict, wish: Wish) -> tuple[Row, int, str]:
    """Decide a loaded claim whose state allows it; the claim afterwards, the event's id and a sentence.

    Raises before it writes anything, so that several may share a transaction.
    """
    if wish.outcome not in OUTCOMES:
        raise Impossible(f"'{wish.outcome}' is no decision: choose one of {', '.join(OUTCOMES)}.")
    if wish.outcome == "ask":
        return _ask(act, row, verdict, wish)
    reason, reply = words(wish.reason, "The reason"), words(wish.reply, "The reply")
    follows = wish.outcome == verdict.verdict
    override = not follows and verdict.verdict != "review"
    if not follows and not reason:
        against = "goes against the policy" if override else "is a matter of discretion"
        raise Impossible(
            f"The policy's verdict is {sentences.verdict(verdict.verdict)}, so to {wish.outcome} this claim {against}:"
            " give a reason."
        )
    money = _money(act, row, verdict, wish)
    confirmed = wish.outcome == "deny" and row["unlawful_use"] == "confirmed"
    waits = confirmed or (override and not roles.may(act.actor.role, "decide_override_alone"))
    refuse_second(act, row, wish.outcome)
    decision = {
        "outcome": wish.outcome,
        "override": override,
        "reason": reason,
        "reply": reply,
        **money,
    }
    body = {
        **decision,
        **judged_as(verdict, act.store),
        "facts": {name: row[name] for name in COLUMNS if row[name] is not None},
    }
    if told := promises.read(row["promised"]):
        body["told"] = [list(one) for one in told]
    whose = {**decision, "person_id": act.actor.id, "approver_id": None}
    payout = None if waits else payable.of_decision(act, row, whose)
    if payout:
        body["payouts"] = [payable.told(payout)]
    if waits:
        changes: dict[str, Any] = {"state": "awaiting_approval", **ANSWERED, "answer_from": act.at}
        kind = "override_requested"
        against = f"goes against the policy's verdict ({sentences.verdict(verdict.verdict)})"
        because = against if override else "rests on unlawful use"
        sentence = f"Claim {row['ref']}: the decision {because} and waits for a manager's approval."
    else:
        changes = {"state": "decided", "outcome": DONE[wish.outcome], **ANSWERED}
        kind = "decided"
        sentence = f"Claim {row['ref']} was {DONE[wish.outcome]}{_paid(money)}{_second(payout)}."
    after, event = act.change(row, kind, body, changes, verdict=verdict, facts_in="facts")
    kept = {
        "claim_id": row["id"],
        "event_id": event,
        "at": act.at,
        "person_id": act.actor.id,
        "status": "awaiting_approval" if waits else "standing",
        "verdict": verdict.verdict,
        "clause": verdict.clause,
        "policy": body["policy"],
        "order_ref": "" if wish.outcome == "deny" else row["order_ref"],
        "item_ref": "" if wish.outcome == "deny" else row["item_ref"] or "",
        "remedy": REMEDIES[wish.outcome],
        "approver_reason": "",
        **decision,
    }
    made = act.connection.execute(_DECISION, kept)
    if payout and made.inserted_primary_key:
        payable.write(act, payout, event, decision_id=made.inserted_primary_key[0])
    return after, event, sentence


def _second(payout: dict[str, Any] | None) -> str:
    """What a payout that is not due at once waits for."""
    if payout is None or payout["state"] != "awaiting":
        return ""
    return f", once another manager has approved it, since {payable.why_waiting(payout['needs'])}"


def _paid(money: dict[str, Any]) -> str:
    if money["refund"] is None:
        return ""
    fee = f" (fee {sentences.amount(money['fee'], money['currency'])})" if money["fee"] else ""
    return f": {sentences.amount(money['refund'], money['currency'])} to be refunded{fee}"


def _money(act: Act, row: Row, verdict: Verdict, wish: Wish) -> dict[str, Any]:
    """Refund, fee and currency of a decision, frozen with it."""
    if wish.outcome != "approve":
        return {"refund": None, "fee": None, "currency": None}
    if row["currency"] is None or row["amount"] is None:
        raise Impossible("The amount paid or its currency is unknown: fill it in before approving a refund.")
    most = max(row["amount"] - (row["refunded_before"] or 0), 0)
    if verdict.verdict == "approve" and verdict.refund is not None:
        if wish.refund is not None and wish.refund != verdict.refund:
            due = sentences.amount(verdict.refund, row["currency"])
            raise Impossible(f"The policy sets the refund: {due}.")
        return {"refund": verdict.refund, "fee": verdict.fee or 0, "currency": row["currency"]}
    fee = _fee(act, row, most, verdict) if wish.refund is None else 0
    refund = most - fee if wish.refund is None else wish.refund
    if fee and not refund:
        raise Impossible("The fee would take the whole refund: name the amount that is to be refunded.")
    if not 0 < refund <= most:
        raise Impossible(f"At most {sentences.amount(most, row['currency'])} can be refunded on this claim.")
    return {"refund": refund, "fee": fee, "currency": row["currency"]}


def _fee(act: Act, row: Row, due: int, verdict: Verdict) -> int:
    """What the fee schedule keeps of an amount due, where the customer was told of it (C8c)."""
    policy = act.store.laws.of_number(verdict.edition).policy
    ordered = row["purchased_at"] if row["ordered_at"] is None else row["ordered_at"]
    told = row["fee_disclosed"] and row["payment_method"] and ordered is not None
    if not told or row["reason"] not in policy.clauses["C8c"].reasons:
        return 0
    found = policy.fee(row["payment_method"], ordered, policy.zone)
    return sum(found.parts(due, row["currency"])) if found else 0


def refuse_second(act: Act, row: Row, outcome: str) -> None:
    """Refuse a remedy for an item that it, or its whole order, has had on another claim: one remedy an item."""
    if not REMEDIES[outcome]:
        return
    if row["order_ref"] is None:
        raise Impossible("The order is unknown: fill it in, so that nothing is paid twice for it.")
    given = {"order": row["order_ref"], "item": row["item_ref"] or "", "claim": row["id"]}
    found = act.connection.execute(_ANOTHER, given).first()
    if found is None:
        return
    who = "You" if found.person_id == act.actor.id else names_of(act.connection)[found.person_id]
    what = f"item {found.item_ref}" if found.item_ref else "the whole order"
    raise Impossible(
        f"{who} approved a {found.remedy} for {what} of order {row['order_ref']} on claim {found.ref}"
        f" {sentences.clock(found.at, act.at)}: one remedy an item."
    )


def _ask(act: Act, row: Row, verdict: Verdict, wish: Wish) -> tuple[Row, int, str]:
    if strange := [name for name in wish.ask_for if name not in BY_NAME]:
        raise Impossible(f"There is no fact called {strange[0]}.")
    if "claim_ref" in wish.ask_for:
        raise Impossible("A claim's reference is not asked for: it cannot be changed.")
    if not wish.ask_for:
        raise Impossible("Say what is asked for: choose at least one fact.")
    if wish.ask_of not in {"customer", "technician"}:
        raise Impossible("Ask the customer or the technician.")
    if wish.ask_until is not None and wish.ask_until <= act.at:
        raise Impossible("The answer is to come by a moment that has passed: name a later one, or none.")
    ends = verdict.next_deadline if verdict.verdict == "need_info" else None
    if wish.ask_until is not None and ends is not None and wish.ask_until > ends:
        raise Impossible(
            f"The policy's own deadline, {sentences.clock(ends, act.at)}, comes before the day by which the answer is"
            " asked for: name an earlier one."
        )
    body = {
        "outcome": "ask",
        "of": wish.ask_of,
        "ask_for": list(wish.ask_for),
        "until": wish.ask_until,
        "reason": words(wish.reason, "The reason"),
        "reply": words(wish.reply, "The reply"),
        **judged_as(verdict, act.store),
    }
    changes = {
        "state": f"waiting_{wish.ask_of}",
        "asked_for": " ".join(wish.ask_for),
        "asked_until": wish.ask_until,
        "answer_from": act.at,
    }
    after, event = act.change(row, "asked", body, changes, verdict=verdict)
    whom = "the customer" if wish.ask_of == "customer" else "the technicians"
    return after, event, f"Claim {row['ref']} now waits for {whom}: {sentences.labels(wish.ask_for)}."


def _waiting_decision(act: Act, row: Row) -> Row:
    decisions = tables.decisions
    query = sa.select(decisions).where(decisions.c.claim_id == row["id"], decisions.c.status == "awaiting_approval")
    found = first_of(act.connection, query)
    if row["state"] != "awaiting_approval" or found is None:
        raise Impossible(f"This claim is {sentences.STATES[row['state']]}: no decision waits for approval.")
    return found


def approve_override(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, reason: str = ""
) -> Receipt:
    """Let a decision against the policy stand: a manager, never the person who asked for it."""
    parameters = {"claim": claim, "version": version, "reason": reason}
    with acting(store, "approve_override", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        decision = _waiting_decision(act, row)
        if decision["person_id"] == act.actor.id:
            raise Forbidden("You asked for this decision yourself: another manager has to approve it.")
        refuse_second(act, row, decision["outcome"])
        text = words(reason, "The reason")
        money = {name: decision[name] for name in ("refund", "fee", "currency")}
        body = {"outcome": decision["outcome"], "decision": decision["event_id"], "reason": text, **money}
        payout = payable.of_decision(act, row, {**decision, "approver_id": actor})
        if payout:
            body["payouts"] = [payable.told(payout)]
        changes = {"state": "decided", "outcome": DONE[decision["outcome"]]}
        after, event = act.change(row, "override_approved", body, changes)
        _mark(act, decision, status="standing", approver_id=actor, approved_at=act.at, approver_reason=text)
        if payout:
            payable.write(act, payout, event, decision_id=decision["id"])
        return act.receipt(after, event, f"Claim {row['ref']} was {DONE[decision['outcome']]}{_paid(money)}.")


def reject_override(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, reason: str
) -> Receipt:
    """Refuse a decision against the policy; the claim is new again."""
    parameters = {"claim": claim, "version": version, "reason": reason}
    with acting(store, "reject_override", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        decision = _waiting_decision(act, row)
        if decision["person_id"] == act.actor.id:
            raise Forbidden("You asked for this decision yourself: another manager has to look at it.")
        text = words(reason, "The reason", needed=True)
        body = {"outcome": decision["outcome"], "decision": decision["event_id"], "reason": text}
        changes = {"state": "new", "answer_from": act.at}
        after, event = act.change(row, "override_rejected", body, changes, verdict=act.verdict(row))
        _mark(act, decision, status="rejected", approver_id=actor, approved_at=act.at, approver_reason=text)
        return act.receipt(after, event, f"Claim {row['ref']}: the decision was rejected and the claim is new again.")


def _mark(act: Act, decision: Row, **values: object) -> None:
    act.connection.execute(sa.update(tables.decisions).where(tables.decisions.c.id == decision["id"]).values(values))


def reopen(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, reason: str) -> Receipt:
    """Open a decided or closed claim again; its decision is withdrawn and the claim is new."""
    parameters = {"claim": claim, "version": version, "reason": reason}
    with acting(store, "reopen", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        if row["state"] not in {"decided", "closed", "payout_failed"}:
            raise Impossible(f"This claim is {sentences.STATES[row['state']]}: there is nothing to reopen.")
        text = words(reason, "The reason", needed=True)
        changes = {"state": "new", "outcome": "", "answer_from": act.at}
        body: dict[str, Any] = {"reason": text}
        if gone := payable.withdraw_all(act, row):
            body["payouts"] = gone
        after, event = act.change(row, "reopened", body, changes, verdict=act.verdict(row))
        act.connection.execute(
            sa.update(tables.decisions)
            .where(tables.decisions.c.claim_id == claim, tables.decisions.c.status == "standing")
            .values(status="withdrawn")
        )
        return act.receipt(after, event, f"Claim {row['ref']} was reopened.")


def close(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int) -> Receipt:
    """Close a decided claim."""
    parameters = {"claim": claim, "version": version}
    with acting(store, "close", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        if row["state"] != "decided":
            raise Impossible(f"This claim is {sentences.STATES[row['state']]}: only a decided claim can be closed.")
        after, event = act.change(row, "closed", {}, {"state": "closed"})
        return act.receipt(after, event, f"Claim {row['ref']} was closed.")
