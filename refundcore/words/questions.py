"""What is missing: who knows it, how to ask, and what each answer would lead to."""

from __future__ import annotations

from dataclasses import dataclass

from refundcore.deadlines import DAY
from refundcore.facts import BY_NAME, REASONS, Fact
from refundcore.rules import judge
from refundcore.words.case import Case

CUSTOMER, LOG, TECHNICIANS, SALES_PAGE, AGENT, ACCOUNTS = (
    "the customer",
    "the provider's log",
    "the technicians",
    "the sales page",
    "an agent",
    "the order's record",
)

ASKED: dict[str, tuple[str, str]] = {
    "order_ref": (CUSTOMER, "Which order is it about?"),
    "customer_email": (ACCOUNTS, "Who claims, by which e-mail address?"),
    "reason": (CUSTOMER, "What went wrong: no code came, the number is invalid, or the product has a defect?"),
    "purchased_at": (ACCOUNTS, "When was the number purchased?"),
    "submitted_at": (ACCOUNTS, "When did the claim reach us?"),
    "amount": (ACCOUNTS, "How much was paid for it?"),
    "currency": (ACCOUNTS, "In which currency was it paid?"),
    "sms_code_received": (LOG, "Was an SMS with a code delivered to the number?"),
    "sms_received_at": (LOG, "When did the first SMS reach the number?"),
    "evidence_attached": (AGENT, "Did any evidence come?"),
    "evidence_sufficient": (AGENT, "Does the evidence show that the number is invalid?"),
    "defect_notified_at": (ACCOUNTS, "When did the customer first tell us of the defect?"),
    "defect_approved": (TECHNICIANS, "Is it a defect?"),
    "access_needed": (TECHNICIANS, "Was access to the customer's server needed?"),
    "listed_compatible": (SALES_PAGE, "Did the sales page list that third party as compatible at the purchase?"),
    "reproduced_without_third_party": (TECHNICIANS, "Does the fault show without the third party too?"),
    "replacement_price": (AGENT, "What does the replacement on offer cost?"),
    "remedy_choice": (CUSTOMER, "Would you like your money back, or the replacement that we offered?"),
    "access_granted_at": (CUSTOMER, "Please give our technicians access to your server. When can they have it?"),
    "fix_accepted": (CUSTOMER, "Do you accept that the defect was put right, although late?"),
    "description": (CUSTOMER, "What happened, and what did you try?"),
}

IN_TIME, AFTER_THE_WEEK, AFTER_DAY_14 = "in time", "after the week", "after day 14"


@dataclass(frozen=True)
class MissingLine:
    """One unknown fact that matters."""

    fact: str
    label: str
    question: str
    outcomes: list[tuple[str, str]]
    """Each answer and the verdict that it would lead to, the other facts staying as they are."""
    asks: str
    """Who knows it."""


def lines(case: Case) -> list[MissingLine]:
    """The missing facts; every answer to every question is judged in one call."""
    tried: list[tuple[str, str, dict[str, object]]] = []
    for name in case.missing:
        tried += [(name, answer, facts) for answer, facts in _answers(case, BY_NAME[name])]
    verdicts = _judged(case, [facts for _, _, facts in tried])
    made = []
    for name in case.missing:
        who, question = ASKED.get(name, (AGENT, ""))[0], of(name)
        if case.ahead(name):
            question = f"The date given, {case.told(name).removeprefix('on ')}, lies in the future. {question}"
        outcomes = [
            (answer, verdict) for (fact, answer, _), verdict in zip(tried, verdicts, strict=True) if fact == name
        ]
        made.append(MissingLine(name, BY_NAME[name].label, question, outcomes, who))
    return made


def of(name: str) -> str:
    """The question that asks for a fact."""
    return ASKED[name][1] if name in ASKED else f"{BY_NAME[name].label.rstrip('?')}?"


def _judged(case: Case, changes: list[dict[str, object]]) -> list[str]:
    if not changes:
        return []
    return judge(case.claim.varied(changes), case.policy, case.as_of, zone=case.zone)["verdict"].tolist()


def _answers(case: Case, fact: Fact) -> list[tuple[str, dict[str, object]]]:
    if fact.kind == "truth":
        return [("yes", {fact.name: True}), ("no", {fact.name: False})]
    if fact.name == "reason":
        return [(name.replace("_", " "), {"reason": name}) for name in REASONS]
    if fact.kind == "instant":
        return _dates(case, fact)
    if fact.name == "replacement_price":
        amount = int(case.value("amount") or 0)
        return [("about the same", {fact.name: amount}), ("much dearer", {fact.name: 10 * amount + 1_000})]
    if fact.name in {"amount", "currency"}:
        given: dict[str, object] = {} if case.value("amount") is not None else {"amount": 1_000}
        given |= {} if case.text("currency") else {"currency": "USD"}
        return [("once known", given)]
    return [("once known", {fact.name: "known"})]


def _dates(case: Case, fact: Fact) -> list[tuple[str, dict[str, object]]]:
    """An unknown date is tried in time, after the windows of a week, and after day 14."""
    far = (AFTER_THE_WEEK, 10), (AFTER_DAY_14, 20)
    if fact.name == "purchased_at" and case.submitted is not None:
        event = case.notice or case.submitted
        return [(label, _instant(fact, event - days * DAY)) for label, days in ((IN_TIME, 0), *far)]
    if fact.name in {"submitted_at", "defect_notified_at"} and case.purchase is not None:
        spans = [(label, case.purchase + days * DAY) for label, days in ((IN_TIME, 0), *far)]
        return [(label, _instant(fact, at)) for label, at in spans if at <= case.as_of]
    if fact.name == "sms_received_at" and case.purchase is not None and case.submitted is not None:
        return [
            ("on the day of the purchase", _instant(fact, case.purchase)),
            ("on the day of the claim", _instant(fact, case.submitted)),
        ]
    return []


def _instant(fact: Fact, at: int) -> dict[str, object]:
    return {fact.name: at, fact.latest: at}
