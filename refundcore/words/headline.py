"""The verdict in one sentence for the agent."""

from __future__ import annotations

from refundcore.facts import BY_NAME
from refundcore.promises import KINDS, Broken
from refundcore.words import sentences
from refundcore.words.case import Case

VERDICTS = {
    "approve": "A refund is due.",
    "exchange": "A replacement is due.",
    "deny": "A clause bars the claim.",
    "need_info": "Something must be supplied first.",
    "pending": "A clock is running.",
    "review": "A person decides.",
}


def lower(sentence: str) -> str:
    """A sentence to stand after a colon."""
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() or sentence.startswith("A ") else sentence


TO_KNOW = {
    "order_ref": "which order it is about",
    "customer_email": "the customer's e-mail address",
    "reason": "the reason",
    "purchased_at": "when the number was purchased",
    "submitted_at": "when the claim was received",
    "amount": "the amount paid",
    "currency": "the currency",
    "sms_code_received": "whether a code was delivered",
    "sms_received_at": "when the first SMS came",
    "evidence_attached": "whether evidence came",
    "evidence_sufficient": "whether the evidence is good enough",
    "defect_notified_at": "when the defect was notified",
    "defect_approved": "whether it is a defect",
    "access_needed": "whether access was needed",
    "listed_compatible": "whether the third party was listed",
    "reproduced_without_third_party": "whether the fault is there without the third party",
    "replacement_price": "what the replacement costs",
}
"""What is to be known, to stand in a sentence."""


def named(facts: list[str]) -> str:
    """The facts in a sentence, as `the amount paid, the currency and whether a code was delivered`."""
    told = [TO_KNOW.get(name, f"“{BY_NAME[name].label.rstrip('?')}”") for name in facts]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def of(case: Case) -> str:
    """The sentence, such as `Denied: the claim came on day 9; 7 days from the purchase are allowed (C4c)`."""
    return {
        "approve": _approve,
        "exchange": _exchange,
        "deny": _deny,
        "need_info": _ask,
        "pending": _wait,
        "review": _review,
    }[case.verdict](case)


def promise(case: Case, broken: Broken) -> str:
    """The sentence on a deadline that the customer was told and that is worse for them now, with both moments."""
    told, kind = case.when(broken.told.at), KINDS[broken.told.what]
    now = "there is no such time" if broken.now is None else f"it is {case.when(broken.now)}"
    return f"For a person: we told the customer {kind.words} {told}; by the facts of now {now} ({broken.clause})."


def _cited(case: Case) -> str:
    return f" ({case.clause})" if case.clause else ""


def _led(case: Case) -> str:
    """The leading clause's sentence with its citation before the full stop."""
    return lower(sentences.of(case, case.clause, sentences.NOT_MET)).removesuffix(".") + f"{_cited(case)}."


def _approve(case: Case) -> str:
    ground = {
        "C4a": "no code reached the number in usable form, and the claim came in time",
        "C5a": "the number makes trouble, the claim came in time and its evidence is good",
        "C6c": "the defect was confirmed and not put right in time",
    }.get(case.clause, "nothing stands against it")
    due = f" {case.money(case.refund)} is due"
    kept = f" after a fee of {case.money(case.fee)}" if case.fee else ""
    return f"Approved: {ground}{_cited(case)}.{due}{kept}."


def _exchange(case: Case) -> str:
    chosen = "the customer chose a replacement of about the same value"
    return f"Exchange: the refund would be due, and {chosen}{_cited(case)}."


def _deny(case: Case) -> str:
    return f"Denied: {_led(case)}"


def _ask(case: Case) -> str:
    missing = case.missing
    if "purchased_at" in missing and case.purchase is not None:
        wrong = "the notice" if "submitted_at" not in missing else "the claim"
        return f"Ask first: {wrong} is dated before the purchase, so one of the two dates is wrong."
    if not missing:
        return f"Ask first: {_led(case)}" if case.clause else "Ask first: something must be supplied."
    ahead = [name for name in missing if case.ahead(name)]
    if ahead:
        labels = " and ".join(f"“{BY_NAME[name].label}”" for name in ahead)
        return f"Ask first: {labels} {'lies' if len(ahead) == 1 else 'lie'} in the future, so a date must be wrong."
    why = f" {sentences.of(case, case.clause, sentences.NOT_MET)}" if case.clause in {"C5b", "C8e"} else ""
    return f"Ask first: still to be known is {named(missing)}{_cited(case)}.{why}"


def _wait(case: Case) -> str:
    until = f" {sentences.of(case, 'C6b', sentences.UNKNOWN)}"
    asks = f" Still to be known is {named(case.missing)}." if case.missing else ""
    return f"Wait: time alone will settle it{_cited(case)}.{until}{asks}"


def _review(case: Case) -> str:
    if case.clause == "V":
        return f"For a person: {_led(case)}"
    lean = f" It leans to {case.leaning}." if case.leaning else ""
    if case.clause and (case.clause, "hold") in case.answers and case.answers[case.clause, "hold"].any():
        return f"For a person: {_led(case)}{lean}"
    if not case.clause:
        return f"For a person: the policy leaves it open.{lean}"
    why = sentences.of(case, case.clause, sentences.NOT_MET).removesuffix(".")
    return f"For a person: the policy can be read two ways here. {why}{_cited(case)}.{lean}"
