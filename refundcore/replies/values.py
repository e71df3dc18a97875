"""The values that sentences of a reply may hold: each with the facts it rests on, and there only where they are known.

A value that isn't known is not in the mapping at all, so a sentence that needs it cannot be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from refundcore.facts import BY_NAME
from refundcore.money import grouped
from refundcore.promises import Told
from refundcore.rulebook import known as k
from refundcore.words import questions
from refundcore.words.case import Case
from refundcore.words.deadlines import RUNNING, lines
from refundcore.words.questions import CUSTOMER

FOLLOWS: Mapping[str, str] = {
    "ask": "need_info",
    "approve": "approve",
    "exchange": "exchange",
    "deny": "deny",
    "wait": "pending",
    "look": "review",
    "closed": "",
}
"""Outcome of a reply -> the verdict that it follows; "" for that of a claim which its customer withdrew."""


def follows(outcome: str, case: Case) -> bool:
    """Whether a reply of this outcome says what the policy says of the claim."""
    return FOLLOWS[outcome] == case.verdict


@dataclass(frozen=True)
class Value:
    """A value as it is written, and the facts that it rests on."""

    text: str
    facts: tuple[str, ...] = ()
    told: Told | None = None
    """The deadline that the customer is told by it."""


@dataclass(frozen=True)
class Decided:
    """What somebody decided, where that is known: the refund and fee in minor units, and their currency."""

    refund: int | None = None
    fee: int | None = None
    currency: str | None = None


MEANINGS: Mapping[str, str] = {
    "order": "the order's reference",
    "item": "the item or number within the order",
    "claim": "the claim's reference",
    "refund": "what is paid back",
    "fee": "the fee that is kept",
    "amount": "what was paid",
    "refunded_before": "what was refunded before",
    "method": "how it was paid",
    "pay_by": "by when we aim to pay",
    "answer_by": "until when the customer can answer",
    "question": "what the customer is asked",
    "claimed_on": "the day on which the claim reached us",
    "claim_day": "how many days after the purchase the claim came",
    "purchased_on": "the day of the purchase",
    "ordered_on": "the day of the order",
    "told_on": "the day of the claim, of a defect that of its notice",
    "order_day": "how many days after the order that was",
    "window_days": "how many days are allowed",
    "cure_hours": "how many hours there are to put a defect right",
    "evidence_when": "when the evidence came",
    "fixed_when": "when the defect was put right",
    "notified_when": "when the defect was notified",
    "work_until": "until when the defect can be put right",
    "access_asked": "when access was asked for",
    "silence_until": "until when access is waited for",
    "replacement_price": "what the replacement costs",
    "paragraph": "the paragraph of the policy that decides",
    "clause_title": "its title",
}
"""The values that a text may hold, and what they are."""

MARKS = frozenset({
    "anything_asked", "grounds_wanted", "evidence_wanted", "no_code", "code_delivered", "evidence_good",
    "evidence_none", "evidence_thin", "defect_confirmed", "defect_rejected", "not_fixed_in_time", "fixed_in_time",
    "fix_accepted", "access_refused", "third_party", "nothing_left", "unlawful", "reason_unlisted",
    "replacement_chosen", "chargeback",
})  # fmt: skip
"""Values without a text: that something is so."""

_ACCESS = ("access_requested_at", "access_granted_at")


def values(case: Case, outcome: str, ref: str, decided: Decided | None) -> dict[str, Value]:
    """Everything that is known of a claim for a reply of this outcome."""
    found: dict[str, Value] = {}
    for part in (_names, _money, _days, _defect, _evidence, _facts_by_code):
        found.update(part(case))
    if ref:
        found["claim"] = Value(ref)
    if follows(outcome, case):
        for follow in (_led, _owed, _awaited, _pending):
            found.update(follow(case))
    if decided and decided.refund is not None and decided.currency:
        found.update(_decided(case, decided))
    return found


OWN_WORDS = frozenset({"description", "evidence_attached", "evidence_sufficient"})
"""Facts that are asked for by a sentence of the document rather than by a question of their own."""


def asked(case: Case, wanted: Sequence[str] | None = None) -> list[Value]:
    """The questions that go to the customer, each naming the fact that it asks for.

    They are those that the policy leaves open, or those that somebody chose (`wanted`).
    """
    if wanted is not None:
        return [Value(questions.of(name), (name,)) for name in wanted if name not in OWN_WORDS]
    if case.verdict != "need_info":
        return []
    return [Value(line.question, (line.fact,)) for line in questions.lines(case) if line.asks == CUSTOMER]


def chosen(case: Case, wanted: Sequence[str]) -> dict[str, Value]:
    """What is known for asking the customer for facts that somebody chose."""
    found = {"anything_asked": Value("")} if wanted else {}
    if "description" in wanted:
        found["grounds_wanted"] = Value("", ("description",))
    if {"evidence_attached", "evidence_sufficient"} & {*wanted}:
        found["evidence_wanted"] = Value("", ("evidence_attached",))
    if case.next_deadline is not None and case.verdict == "need_info":
        found["answer_by"] = answer_value(case, case.next_deadline)
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _names(case: Case) -> Iterator[tuple[str, Value]]:
    for name, fact in (("order", "order_ref"), ("item", "item_ref"), ("method", "payment_method")):
        if text := _one_line(case.text(fact)):
            yield name, Value(text.replace("_", " ") if name == "method" else text, (fact,))


def _money(case: Case) -> Iterator[tuple[str, Value]]:
    if not case.text("currency"):
        return
    for name in ("amount", "refunded_before", "replacement_price"):
        if minor := case.value(name):
            yield name, Value(case.money(int(minor)), (name, "currency"))


def _day(case: Case, name: str, at: int | None) -> str:
    """The local day of an instant, '' where it isn't known on which day it was."""
    late = case.value(BY_NAME[name].latest)
    if at is None or late is None or case.day(at) != case.day(int(late)):
        return ""
    return case.day_text(at)


def _first(case: Case, *names: str) -> str:
    """The first of some facts that is known."""
    return next((name for name in names if case.value(name) is not None), "")


def _days(case: Case) -> Iterator[tuple[str, Value]]:
    defect = case.reason == "major_defect"
    told = _first(case, "defect_notified_at", "submitted_at") if defect else _first(case, "submitted_at")
    events = {
        "claimed_on": ("submitted_at", case.submitted),
        "told_on": (told, case.notice if defect else case.submitted),
        "purchased_on": (_first(case, "purchased_at", "ordered_at"), case.purchase),
        "ordered_on": (_first(case, "ordered_at", "purchased_at"), case.order),
    }
    days = {}
    for name, (fact, at) in events.items():
        if fact and at is not None and (text := _day(case, fact, at)):
            days[name] = (at, fact)
            yield name, Value(text, (fact,))
    for name, event, later in (("claim_day", "purchased_on", "claimed_on"), ("order_day", "ordered_on", "told_on")):
        if event in days and later in days:
            (start, of), (end, fact) = days[event], days[later]
            yield name, Value(str(case.days_between(start, end)), (of, fact))


def _defect(case: Case) -> Iterator[tuple[str, Value]]:
    if case.reason != "major_defect" or case.notice is None:
        return
    notice = _first(case, "defect_notified_at", "submitted_at")
    yield "notified_when", Value(case.told(notice), (notice,))
    if case.order is not None:
        yield "cure_hours", Value(str(case.number("C6b", "cure_hours")), (_first(case, "ordered_at", "purchased_at"),))
    fixed = ("defect_fixed_at",)
    if case.happened("defect_fixed_at") is not None:
        yield "fixed_when", Value(case.told("defect_fixed_at"), fixed)
    standing = case.column("fix_standing")
    clock = (notice, *(name for name in _ACCESS if case.value(name) is not None))
    if standing == k.FIXED_IN_TIME:
        yield "fixed_in_time", Value("", (*fixed, *clock))
    elif standing in {k.FIXED_LATE, k.FIXED_DOUBTFUL} and case.column("accepted"):
        yield "fix_accepted", Value("", (*fixed, *clock, "fix_accepted"))
    elif standing in {k.UNFIXED, k.FIXED_LATE}:
        last = case.at("clock_last")
        if last is not None and case.as_of > last:
            yield "not_fixed_in_time", Value("", (*fixed, *clock))


def _evidence(case: Case) -> Iterator[tuple[str, Value]]:
    if case.reason != "invalid_number":
        return
    attached, sufficient = case.column("attached"), case.column("sufficient")
    if attached == k.NO and case.value("evidence_attached") is not None:
        yield "evidence_none", Value("", ("evidence_attached",))
    if attached == k.YES and case.value("evidence_sufficient") is not None:
        mark = "evidence_good" if sufficient == k.YES else "evidence_thin"
        yield mark, Value("", ("evidence_sufficient",))
    if case.happened("evidence_received_at") is not None:
        yield "evidence_when", Value(case.told("evidence_received_at"), ("evidence_received_at",))


_SO: tuple[tuple[str, tuple[str, ...], Callable[[Case], bool]], ...] = (
    ("no_code", ("sms_code_received",), lambda c: c.value("sms_code_received") is False),
    ("code_delivered", ("sms_code_received",), lambda c: c.value("sms_code_received") is True),
    ("defect_confirmed", ("defect_approved",), lambda c: c.value("defect_approved") is True),
    ("defect_rejected", ("defect_approved",), lambda c: c.value("defect_approved") is False),
    (
        "access_refused",
        ("access_refused", "access_needed"),
        lambda c: c.value("access_refused") is True and c.value("access_needed") is True,
    ),
    ("unlawful", ("unlawful_use",), lambda c: c.text("unlawful_use") == "confirmed"),
    ("reason_unlisted", ("reason",), lambda c: c.text("reason") == "other"),
    ("replacement_chosen", ("remedy_choice",), lambda c: c.text("remedy_choice") == "replacement"),
    ("chargeback", ("chargeback_open",), lambda c: c.value("chargeback_open") is True),
    (
        "nothing_left",
        ("amount", "refunded_before"),
        lambda c: c.value("amount") is not None and (c.value("refunded_before") or 0) >= c.value("amount"),
    ),
)


def _facts_by_code(case: Case) -> Iterator[tuple[str, Value]]:
    for name, facts, so in _SO:
        if so(case):
            yield name, Value("", facts)
    named = case.text("reason") == "incompatibility" or case.value("third_party_cause") is True
    if named and case.value("listed_compatible") is False:
        by = "reason" if case.text("reason") == "incompatibility" else "third_party_cause"
        yield "third_party", Value("", (by, "listed_compatible"))


def _led(case: Case) -> Iterator[tuple[str, Value]]:
    """What the clause says that decided; its wording is that of the day of the order."""
    if not case.clause or case.order is None:
        return
    clause, dated = case.policy.clauses[case.clause], (_first(case, "ordered_at", "purchased_at"),)
    yield "paragraph", Value(str(clause.paragraph))
    yield "clause_title", Value(clause.title)
    window = "C4c" if case.clause == "C4d" else "C5c" if case.clause == "C5d" else case.clause
    if "window_days" in case.policy.clauses[window].numbers:
        yield "window_days", Value(str(case.number(window, "window_days")), dated)


def _owed(case: Case) -> Iterator[tuple[str, Value]]:
    if case.verdict != "approve" or not case.text("currency"):
        return
    told = ("fee_disclosed", "payment_method") if case.fee else ()
    before = ("refunded_before",) if case.value("refunded_before") else ()
    yield "refund", Value(case.money(case.refund), ("amount", "currency", *before, *told))
    if case.fee:
        yield "fee", Value(case.money(case.fee), (*told, "amount", "currency", *before))
    yield from _pay_by(case)


def _pay_by(case: Case) -> Iterator[tuple[str, Value]]:
    for line in lines(case):
        if line.clause == "C3" and line.title.startswith("Pay by") and line.state == RUNNING:
            yield "pay_by", Value(case.when(line.at), ("submitted_at",), Told("payment", line.at))


def _decided(case: Case, decided: Decided) -> Iterator[tuple[str, Value]]:
    """The amounts of a decision that was made take the place of the policy's."""
    facts = ("amount", "currency")
    if decided.refund is not None:
        yield "refund", Value(_amount(case, decided.refund, decided.currency), facts)
    if decided.fee:
        yield "fee", Value(_amount(case, decided.fee, decided.currency), (*facts, "fee_disclosed"))


def _amount(case: Case, minor: int, currency: str | None) -> str:
    return case.money(minor) if case.text("currency") == currency else f"{grouped(minor, str(currency))} {currency}"


def _awaited(case: Case) -> Iterator[tuple[str, Value]]:
    """What the customer is asked, and until when."""
    if case.verdict != "need_info":
        return
    wanted = [name for value in asked(case) for name in value.facts]
    if "C8e" in case.clauses:
        wanted.append("description")
        yield "grounds_wanted", Value("", ("description",))
    attached = case.column("attached")
    if "C5b" in case.clauses and (attached != k.YES or case.column("sufficient") == k.NO):
        wanted.append("evidence_attached")
        yield "evidence_wanted", Value("", ("evidence_attached",))
    if wanted:
        yield "anything_asked", Value("")
    if case.next_deadline is not None:
        yield "answer_by", answer_value(case, case.next_deadline)


def answer_value(case: Case, until: int) -> Value:
    """Until when an answer is asked for; where evidence can be sent as long, the customer is told that deadline."""
    cure, last = case.at("cure_end"), case.at("day_14")
    told = None
    if case.reason == "invalid_number" and cure is not None and last is not None and until < last:
        told = Told("evidence" if until < cure else "evidence_last", until)
    return Value(case.when(until), _of_deadline(case), told)


def _of_deadline(case: Case) -> tuple[str, ...]:
    """The facts from which the claim's next deadline is counted."""
    if case.reason == "major_defect":
        names: tuple[str, ...] = (_first(case, "defect_notified_at", "submitted_at"), *_ACCESS)
    else:
        names = ("ordered_at", "purchased_at", "submitted_at", "sms_received_at")
    return tuple(name for name in names if name and case.value(name) is not None)


def _pending(case: Case) -> Iterator[tuple[str, Value]]:
    if case.verdict != "pending" or case.next_deadline is None:
        return
    if case.at("silence_end") is not None:
        facts = ("access_requested_at",)
        yield "access_asked", Value(case.told("access_requested_at"), facts)
        yield "silence_until", Value(case.when(case.next_deadline), facts, Told("access", case.next_deadline))
        return
    yield "work_until", Value(case.when(case.next_deadline), _of_deadline(case), Told("work", case.next_deadline))
