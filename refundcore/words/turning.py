"""What would turn a verdict: the smallest changes of facts, and another reason that the same facts fit.

Nobody is told to change a fact. An agent sees how firm a verdict is and which fact carries it; and a claim that fails
its reason but would fit another isn't lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from refundcore.deadlines import HOUR, SECOND
from refundcore.facts import BY_NAME, FACTS, REASONS
from refundcore.rules import judge
from refundcore.words.case import Case

SHOWN = 5
"""No more turning points than this are told."""
MOST_PAIRS = 300
LISTED = REASONS[:3]
BETTER = ("approve", "exchange", "pending", "need_info", "review")

Change = tuple[str, dict[str, object]]
"""`evidence were found sufficient`, and the facts that make it so."""


@dataclass(frozen=True)
class Turn:
    """One smallest change that would lead to another verdict."""

    facts: tuple[str, ...]
    sentence: str
    verdict: str


@dataclass(frozen=True)
class SecondBest:
    """Another listed reason under which the same facts would fare better."""

    reason: str
    verdict: str
    sentence: str
    until: int | None
    """Until when what is missing can be supplied, in microseconds; None where nothing runs."""


def turns(case: Case) -> list[Turn]:
    """The smallest changes, one fact first; of two facts at once only where no single one turns the verdict."""
    singles = _singles(case)
    found = _turning(case, [(change,) for change in singles])
    if found:
        return found
    pairs = [(a, b) for a, b in combinations(singles, 2) if not set(a[1]) & set(b[1])]
    return _turning(case, pairs[:MOST_PAIRS])


def _turning(case: Case, tries: Sequence[tuple[Change, ...]]) -> list[Turn]:
    if not tries:
        return []
    changes = [{name: value for _, facts in one for name, value in facts.items()} for one in tries]
    verdicts = judge(case.claim.varied(changes), case.policy, case.as_of, zone=case.zone)["verdict"].tolist()
    found, seen = [], set()
    for one, verdict in zip(tries, verdicts, strict=True):
        names = tuple(name for _, facts in one for name in facts if not name.endswith("_latest"))
        if verdict != case.verdict and (names, verdict) not in seen:
            seen.add((names, verdict))
            found.append(Turn(names, f"If {' and '.join(words for words, _ in one)}.", verdict))
    found.sort(key=lambda turn: BETTER.index(turn.verdict) if turn.verdict in BETTER else len(BETTER))
    return found[:SHOWN]


def _singles(case: Case) -> list[Change]:
    """Every other value of each fact that concerns the claim's reason."""
    made: list[Change] = []
    for fact in FACTS:
        if case.reason not in fact.reasons:
            continue
        label, present = fact.label.rstrip("?").lower(), case.value(fact.name)
        if fact.kind == "truth":
            made += [
                (f"“{label}” were {'yes' if value else 'no'}", {fact.name: value})
                for value in (True, False)
                if present is not value and not (present is None and fact.blank and not value)
            ]
        elif fact.name in {"unlawful_use", "remedy_choice"}:
            made += [
                (f"“{label}” were “{code}”", {fact.name: code})
                for code in fact.codes
                if code != (present or fact.codes[0])
            ]
    if case.text("terms_section"):
        made.append(("no section of the terms were cited", {"terms_section": None}))
    return made + _moments(case) + _prices(case)


def _moments(case: Case) -> list[Change]:
    """The last moment in time and the first late one of each deadline that a date had to keep."""
    if case.purchase is None or case.order is None:
        return []
    made: list[Change] = []
    ends = [case.at("day_14")]
    clause = {"sms_not_received": "C4c", "invalid_number": "C5c", "major_defect": "C8b"}.get(case.reason)
    if clause:
        events = case.region.order_late if clause == "C8b" else case.region.purchase_late
        ends.insert(0, int(case.region.window(events, clause)[0]))
    claimed = "defect_notified_at" if case.reason == "major_defect" else "submitted_at"
    for end in ends:
        if end is not None:
            made += _either_side(case, claimed, end - SECOND, end)
    if (
        case.reason == "invalid_number"
        and (cure := case.at("cure_end")) is not None
        and case.happened("evidence_received_at")
    ):
        made += _either_side(case, "evidence_received_at", cure - SECOND, cure)
    if case.reason == "major_defect" and case.notice is not None:
        due = case.notice + HOUR * case.number("C6b", "cure_hours")
        made += _either_side(case, "defect_fixed_at", due, due + SECOND)
    return made


def _either_side(case: Case, name: str, last: int, late: int) -> list[Change]:
    """A date moved to the other side of a deadline, where that lies between the purchase and now."""
    fact, present = BY_NAME[name], case.happened(name)
    if name == "defect_notified_at" and present is None:
        present = case.submitted
    made: list[Change] = []
    words = {
        "submitted_at": "the claim had been received",
        "defect_notified_at": "the defect had been notified",
        "evidence_received_at": "the evidence had come",
        "defect_fixed_at": "the defect had been put right",
    }[name]
    purchase = case.purchase or 0
    if (present is None or present > last) and purchase <= last <= case.as_of:
        made.append((f"{words} by {case.when(last)}", {name: last, fact.latest: last}))
    if (present is None or present <= last) and late <= case.as_of:
        made.append((f"{words} only from {case.when(late)} on", {name: late, fact.latest: late}))
    return made


def _prices(case: Case) -> list[Change]:
    amount, price = case.value("amount"), case.value("replacement_price")
    if amount is None or price is None or case.text("remedy_choice") != "replacement":
        return []
    percent = case.number("C6d", "tolerance_percent")
    dearest = int(amount) * (100 + percent) // 100
    within = dearest if int(price) > dearest else dearest + 1
    return [(f"the replacement cost {case.money(within)}", {"replacement_price": within})]


def second_best(case: Case) -> list[SecondBest]:
    """Other listed reasons under which a claim that fails its own would not be denied."""
    if case.verdict not in {"deny", "review"} or not case.reason_known:
        return []
    others = [reason for reason in LISTED if reason != case.reason]
    changes: list[dict[str, object]] = [{"reason": reason} for reason in others]
    judged = judge(case.claim.varied(changes), case.policy, case.as_of, zone=case.zone)
    made = []
    for reason, row in zip(others, judged.to_dict("records"), strict=True):
        verdict, missing = str(row["verdict"]), str(row["missing"]).split()
        if verdict == "deny" or not _fits(case, reason):
            continue
        deadline = row["next_deadline"]
        until = None if deadline is None or deadline != deadline else int(deadline)  # noqa: PLR0124 - NaN differs from itself
        asks = (
            f"; to be known: {', '.join(BY_NAME[name].label.rstrip('?').lower() for name in missing)}"
            if missing
            else ""
        )
        by = f", until {case.when(until)}" if until else ""
        made.append(
            SecondBest(reason, verdict, f"The same facts fit “{reason.replace('_', ' ')}” better{asks}{by}.", until)
        )
    return made


def _fits(case: Case, reason: str) -> bool:
    """Whether anything on record speaks for a reason: a delivered code, none, or a notified defect."""
    code = case.value("sms_code_received")
    return {
        "sms_not_received": code is False,
        "invalid_number": code is True,
        "major_defect": case.value("defect_notified_at") is not None or case.value("defect_approved") is True,
    }[reason]
