"""What happened, as sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from refundcore import money
from refundcore.deadlines import moment
from refundcore.facts import BY_NAME

DONE = {"approve": "approved", "exchange": "exchanged", "deny": "denied"}
"""Outcome of a decision -> outcome of the claim."""

VERDICTS: Mapping[str, str] = {
    "approve": "Approve",
    "exchange": "Exchange",
    "deny": "Deny",
    "need_info": "Need info",
    "pending": "Pending",
    "review": "Review",
}
"""The policy's verdicts as people read them."""

STATES: Mapping[str, str] = {
    "new": "new",
    "waiting_customer": "waiting for the customer",
    "waiting_technician": "waiting for the technicians",
    "awaiting_approval": "waiting for a manager's approval",
    "decided": "decided",
    "payout_failed": "back, since its payout failed",
    "closed": "closed",
}


STEPS: Mapping[str, str] = {
    "answered": "recorded the answer",
    "access_requested": "recorded that access was asked for",
    "access_granted": "recorded that access was given",
    "access_refused": "recorded that the customer refused access",
    "defect_confirmed": "recorded that the technicians confirmed the defect",
    "defect_rejected": "recorded that the technicians found no defect",
    "fix_recorded": "recorded that the defect was put right",
    "fix_accepted": "recorded that the customer accepted the late fix",
    "replacement_offered": "recorded the offer of a replacement",
    "remedy_chosen": "recorded the customer's choice",
    "withdrawn": "recorded that the customer withdrew the claim",
}
"""Kind of a step -> what somebody did, to follow their name."""


def labels(columns: Iterable[str]) -> str:
    """Names of columns of facts as people know them, once each."""
    seen = dict.fromkeys(BY_NAME[column.removesuffix("_latest")].label for column in columns)
    return ", ".join(seen)


def verdict(code: object) -> str:
    """A verdict as people read it."""
    return VERDICTS.get(str(code), "not known")


def amount(minor: int | None, currency: str | None) -> str:
    """An amount with its currency, or "an unknown amount"."""
    if minor is None or not currency:
        return "an unknown amount"
    try:
        return f"{money.grouped(minor, currency)} {currency}"
    except ValueError:
        return f"{minor} minor units of {currency}"


def clock(at: int, now: int) -> str:
    """When something was: `at 14:02 UTC`, with its date where that was another day."""
    then, today = moment(at), moment(now)
    time = f"{then:%H:%M} UTC"
    return f"at {time}" if then.date() == today.date() else f"on {then:%Y-%m-%d} at {time}"


def phrase(kind: str, body: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """What somebody did, to follow their name: "approved this claim". `names` are people's by id."""
    outcome = DONE.get(str(body.get("outcome")), "decided")
    if kind == "assigned":
        to = body.get("to")
        if left := body.get("left_by"):
            heir = "everybody" if to is None else names.get(to, "somebody")
            return f"handed this claim of {names.get(left, 'somebody')} over to {heir}"
        return "took this claim from its assignee" if to is None else f"gave this claim to {names.get(to, 'somebody')}"
    if kind == "undone":
        return f"took back their last act ({phrase(str(body.get('undid')), body, names)})"
    return {
        **STEPS,
        "created": "imported this claim" if "import" in body else "added this claim",
        "facts_set": f"changed {labels(body.get('changes', ()))}",
        "noted": "added a note to this claim",
        "evidence_attached": "attached evidence to this claim",
        "evidence_removed": "took evidence away from this claim",
        "evidence_erased": "erased a file of evidence",
        "erased": "erased the customer's personal data",
        "evidence_judged": f"found the evidence {body.get('finding')}",
        "asked": f"asked {_of(body)} about this claim",
        "decided": f"{outcome} this claim",
        "override_requested": (
            f"asked for approval of a decision{' against the policy' if body.get('override') else ''}: {outcome}"
        ),
        "override_approved": f"let the decision against the policy stand: {outcome}",
        "override_rejected": "rejected the decision against the policy",
        "reopened": "reopened this claim",
        "reply_begun": "began to send a reply",
        "reply_sent": "sent the reply",
        "reply_failed": "could not send the reply",
        "replied": "kept a reply as sent",
        "closed": "closed this claim",
        "payout_approved": "approved a payout",
        "payout_rejected": "rejected a payout",
        "route_asked": f"asked for a payout by {str(body.get('route')).replace('_', ' ')}",
        "goodwill_asked": "asked for goodwill outside the policy",
        "payout_queued": "queued a payout",
        "payout_batched": f"put the payout into batch {body.get('batch')}",
        "payout_unbatched": f"gave batch {body.get('batch')} up",
        "payout_paid": "recorded the payout as paid",
        "payout_failed": "recorded the payout as failed",
    }.get(kind, "changed this claim")


def _of(body: Mapping[str, Any]) -> str:
    return "the technicians" if body.get("of") == "technician" else "the customer"


def told(who: str, kind: str, body: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """An event as a sentence, with its details."""
    sentence = _did(who, kind, body, names)
    details = [*_of_step(kind, body), *_of_money(kind, body), *_of_words(kind, body)]
    full = f"{sentence}: {'; '.join(details)}" if details else sentence
    return full if full.endswith("?") else f"{full}."


def _did(who: str, kind: str, body: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """Somebody and what they did."""
    if kind == "assigned" and names.get(body.get("to") or 0) == who:
        return f"{who} took this claim"
    return f"{who} {phrase(kind, body, names)}"


def _of_step(kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    """What was asked for, offered or chosen, and the words that came with it."""
    if kind == "asked" and body.get("ask_for"):
        yield labels(body["ask_for"])
    if kind == "asked" and body.get("until"):
        yield f"until {moment(body['until']):%Y-%m-%d %H:%M} UTC"
    if kind == "answered":
        yield labels(body["changes"])
    if kind == "replacement_offered":
        yield amount(body["price"], body["currency"])
    if kind == "remedy_chosen":
        yield str(body["choice"])
    moments = {"access_requested": "access_requested_at", "access_granted": "access_granted_at"}
    moments["fix_recorded"] = "defect_fixed_at"
    if kind in moments and moments[kind] in body["changes"]:
        yield f"{moment(body['changes'][moments[kind]]):%Y-%m-%d %H:%M} UTC"
    if kind in STEPS and body.get("text"):
        yield f"“{body['text']}”"


def _of_money(kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("refund") is not None:
        yield f"{amount(body['refund'], body.get('currency'))} to be refunded"
        if body.get("fee"):
            yield f"fee {amount(body['fee'], body.get('currency'))}"
    elif body.get("payouts") and kind not in {"reopened", "undone"}:
        yield amount(body["payouts"][-1]["amount"], body["payouts"][-1]["currency"])
    if body.get("override") and kind == "decided":
        yield f"against the policy's verdict, {verdict(body.get('verdict'))}"


def _of_words(kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    if kind in {"noted", "evidence_attached", "evidence_removed"}:
        yield str(body.get("text"))
    if body.get("subject"):
        to = f" to {body['customer_email']}" if body.get("customer_email") else ""
        yield f"“{body['subject']}”{to}"
    if body.get("problem"):
        yield str(body["problem"]).removesuffix(".")
    if body.get("reason"):
        yield f"“{body['reason']}”"


def changed_since(  # noqa: PLR0917 - an event and the present
    who: str, kind: str, body: Mapping[str, Any], names: Mapping[int, str], at: int, now: int
) -> str:
    """Why a stale act is refused."""
    return f"{_did(who, kind, body, names)} {clock(at, now)}; reload to see it."


def utc(at: datetime) -> str:
    """A moment as a file's name may hold it."""
    return f"{at:%Y%m%dT%H%M%SZ}"
