"""A second judge of refund claims, written from the clauses alone, for checking the desk's own.

It is as plain and as slow as can be: one claim at a time, each unknown fact replaced by each of its values in turn,
each of these claims judged under each of the three readings (`one_reading.py`). It shares nothing with the engine but
the names of the facts.

A claim is a dict with the columns of `refundcore.facts.COLUMNS`: instants in microseconds UTC, twice (earliest and
`_latest`), money in minor units, None for unknown. `from_cells` makes one of a row of text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from zoneinfo import ZoneInfo

from counting import SECOND_US, day_begins, from_us
from dictionary_rows import from_cells
from one_reading import (
    CURE_US,
    DEFAULT,
    LAST_DAYS,
    READINGS,
    STANDING_US,
    Case,
    Claim,
    Outcome,
    as_known,
    within_tolerance,
)

from refundcore.facts import FACTS, REASONS, REQUIRED

__all__ = ["FeeRow", "from_cells", "judge"]

IN_FORCE = date(2024, 4, 2)

PRECEDENCE = "C2 C7a C6g C4c C4d C5c C5d C3 C8b C4a C5a C5b C6b C6c C6a C6f C6d C7b C8e C8f C8c C8d V".split()  # noqa: SIM905

# Which clause a missing fact is asked for under, the first that leads first.
ASKED_UNDER = (
    ("sms_code_received", "C4a"),
    ("sms_code_received", "C5a"),
    ("evidence", "C5b"),
    ("listed_compatible", "C7b"),
    ("reproduced_without_third_party", "C7a"),
    ("access_needed", "C6g"),
    ("replacement_price", "C6d"),
    ("sms_received_at", "C5c"),
    ("grounds", "C8e"),
)
ASKING = [clause for _, clause in ASKED_UNDER] + ["C4c", "C8b", "C3"]
WINDOW_CLAUSE = {"sms_not_received": "C4c", "invalid_number": "C5c", "major_defect": "C8b"}
DECIDED = ("approve", "exchange", "deny")
GRANTED = ("approve", "exchange")


def precedes_purchase(known: Claim) -> list[str]:
    """The instants of the claim that lie before its purchase: a mistake in the data."""
    bought = known["purchased_at"]
    checked = ["submitted_at", "defect_notified_at"] if known["reason"] == "major_defect" else ["submitted_at"]
    if bought is None:
        return []
    return [name for name in checked if known[name] is not None and known[f"{name}_latest"] < bought]


# ------------------------------------------------------------------------------------------------- unknown facts


@dataclass(frozen=True)
class Question:
    """Something unknown: the key it is answered under, the answers, the blank facts behind it."""

    key: str
    answers: tuple[object, ...]
    facts: tuple[str, ...]


def open_questions(known: Claim) -> list[Question]:
    """Every unknown that can matter under the claim's reason, with all its values."""
    reason = known["reason"]
    third_party = reason == "incompatibility" or (known["third_party_cause"] and reason != "sms_not_received")
    questions = [yes_or_no(known, "listed_compatible")] if third_party else []
    if reason in ("sms_not_received", "invalid_number"):
        questions.append(yes_or_no(known, "sms_code_received"))
    if reason == "invalid_number":
        questions += of_number(known)
    if reason == "major_defect":
        questions += of_defect(known)
    return [question for question in questions if question] + dates_unknown(known)


def yes_or_no(known: Claim, name: str) -> Question | None:
    return Question(name, (True, False), (name,)) if known[name] is None else None


def of_number(known: Claim) -> list[Question | None]:
    first_sms = Question("first SMS", ("early", "late"), ("sms_received_at",))
    return [
        first_sms if known["sms_received_at"] is None else None,
        yes_or_no(known, "evidence_attached"),
        yes_or_no(known, "evidence_sufficient") if known["evidence_attached"] is not False else None,
    ]


def of_defect(known: Claim) -> list[Question | None]:
    price = tuple(name for name in ("replacement_price", "amount") if known[name] is None)
    value_unknown = known["remedy_choice"] == "replacement" and within_tolerance(known) is None
    return [
        yes_or_no(known, "reproduced_without_third_party") if known["third_party_cause"] else None,
        yes_or_no(known, "access_needed") if known["access_refused"] else None,
        Question("price within", (True, False), price) if value_unknown else None,
    ]


def dates_unknown(known: Claim) -> list[Question]:
    """Where a date of the claim's timing is unknown: in time for all, late for the weeks only, late for all."""
    defect = known["reason"] == "major_defect"
    bought = () if known["purchased_at"] is not None else ("purchased_at",)
    if defect and known["notice"] is None:
        answers = (("in", "running"), ("in", "over"), ("mid", "over"), ("far", "over"))
        return [Question("timing", answers, (*bought, "submitted_at"))]
    claimed = () if defect or known["submitted_at"] is not None else ("submitted_at",)
    if bought or claimed:
        return [Question("timing", (("in", ""), ("mid", ""), ("far", "")), (*bought, *claimed))]
    return []


# ---------------------------------------------------------------------------------------------- putting together


@dataclass
class Combined:
    """What the three readings together make of one completion of the facts."""

    verdict: str
    outcomes: Sequence[Outcome]
    settled: str = ""
    leaning: str = ""
    clause: str = ""
    held: bool = False


def combine(facts: Claim, as_of: int, zone: str) -> Combined:
    """The three readings of one claim of which all is known."""
    outcomes = [Case(facts, reading, as_of, zone).judge() for reading in READINGS]
    verdicts = [outcome.verdict for outcome in outcomes]
    if "review" in verdicts:
        holders = outcomes[1:2] if verdicts[1] == "review" else [o for o in outcomes if o.verdict == "review"]
        clause = first(clause for outcome in holders for clause in outcome.holds)
        return Combined("review", outcomes, clause=clause, held=True)
    if len(set(verdicts)) == 1 and verdicts[0] != "pending":
        return Combined(verdicts[0], outcomes)
    if "need_info" in verdicts:
        return Combined("need_info", outcomes)
    if "pending" in verdicts:
        later = {Case(facts, reading, as_of, zone, settled=True).judge().verdict for reading in READINGS}
        if len(later) == 1 and later <= set(DECIDED):
            return Combined("pending", outcomes, settled=later.pop())
    return Combined("review", outcomes, leaning=leaning(verdicts, outcomes), clause=parting(outcomes))


def leaning(verdicts: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """Where the readings part: what the default makes of it, but evidence by day 14 leans to the customer (A07)."""
    default, generous = verdicts[1], verdicts[2]
    if default == "deny" and set(outcomes[1].bars) == {"C5b"} and generous in GRANTED:
        return generous
    return default if default in DECIDED else ""


def parting(outcomes: Sequence[Outcome]) -> str:
    """The clause on which the readings part; where only contact saves a late claim, C5d (A39)."""
    denying = [set(outcome.bars) for outcome in outcomes if outcome.bars]
    leading = first(set.intersection(*denying) or set.union(*denying))
    return "C5d" if leading == "C5c" and any(outcome.rescued for outcome in outcomes) else leading


def first(clauses: Iterable[str]) -> str:
    """The first in the order of precedence; '' of none."""
    return min(clauses, key=PRECEDENCE.index, default="")


def names(facts: Iterable[str]) -> str:
    chosen = set(facts)
    return " ".join(fact.name for fact in FACTS if fact.name in chosen)


def blank_required(known: Claim) -> list[str]:
    return [name for name in REQUIRED if known[name] is None]


def result(verdict: str, *, clause: str = "", clauses: Iterable[str] = (), missing: Iterable[str] = ()) -> dict:
    """A row of the verdicts; of the clauses the leading one comes first, the others in their order."""
    led = sorted(set(clauses), key=lambda one: (one != clause, PRECEDENCE.index(one)))
    return {
        "verdict": verdict,
        "leaning": "",
        "clause": clause,
        "clauses": " ".join(led),
        "missing": names(missing),
        "next_deadline": None,
        "refund": None,
        "fee": None,
    }


def judge(claim: Claim, as_of: int, zone: str, fees: Sequence[FeeRow] = ()) -> dict:
    """The verdict on one claim, with the columns of the engine's own table."""
    known = as_known(claim, as_of)
    if early := precedes_purchase(known):
        return result("need_info", missing=[*early, "purchased_at"])
    if known["ordered_at"] is not None and known["ordered_at_latest"] < day_begins(IN_FORCE, zone):
        return result("review", clause="V", clauses=["V"]) | {"next_deadline": clock_shown(known, as_of, zone)}
    if known["reason"] is None:
        return without_reason(known, as_of, zone)
    return judge_reason(known, as_of, zone, fees)


def without_reason(known: Claim, as_of: int, zone: str) -> dict:
    """A claim that would be denied whatever its reason is denied; of any other the reason is asked."""
    under_each = [known | {"reason": reason} for reason in REASONS]
    if not any(precedes_purchase(one) for one in under_each):
        tries = [[combined for _, combined in completions(one, as_of, zone)] for one in under_each]
        if all(one.verdict == "deny" for ways in tries for one in ways):
            common = set.intersection(*(certain_bars(ways) for ways in tries))
            clauses = common or set.union(*(certain_bars(ways) for ways in tries))
            return result("deny", clause=first(clauses), clauses=clauses)
    return result("need_info", missing=["reason", *blank_required(known)])


def completions(known: Claim, as_of: int, zone: str) -> list[tuple[tuple[object, ...], Combined]]:
    """Every way in which the unknown facts can turn out, with what follows from each."""
    questions = open_questions(known)
    ways = product(*(question.answers for question in questions))
    keys = [question.key for question in questions]
    return [(way, combine(known | dict(zip(keys, way, strict=True)), as_of, zone)) for way in ways]


def judge_reason(known: Claim, as_of: int, zone: str, fees: Sequence[FeeRow] = ()) -> dict:
    questions = open_questions(known)
    tries = completions(known, as_of, zone)
    all_ways = [one for _, one in tries]
    verdicts = {one.verdict for one in all_ways}
    blank = blank_required(known) if any(would_grant(one) for one in all_ways) else []
    if len(verdicts) > 1 or blank:
        decisive = deciding(questions, tries, lambda one: one.verdict)
        return asked(known, all_ways, decisive, blank, evidence_shown(known, as_of, zone))
    match verdicts.pop():
        case "deny":
            bars = certain_bars(all_ways)
            told = result("deny", clause=first(bars), clauses=bars)
        case "need_info":
            told = asked(known, all_ways, [], [], evidence_shown(known, as_of, zone))
        case "pending":
            decisive = deciding(questions, tries, lambda one: one.settled)
            told = waiting(known, decisive) | {"next_deadline": clock_shown(known, as_of, zone)}
        case "review":
            told = reviewed(all_ways) | {"next_deadline": clock_shown(known, as_of, zone)}
        case "exchange":
            told = result("exchange", clause="C6d", clauses=["C6c", "C6d"])
        case _:
            told = approved(known, zone, fees)
    return told


def would_grant(one: Combined) -> bool:
    """Whether a required fact that is blank stands in the way of anything."""
    return one.verdict != "pending" and not one.held and any(o.verdict in GRANTED for o in one.outcomes)


def deciding(questions: Sequence[Question], tries: Sequence, outcome_of: Callable[[Combined], str]) -> list[Question]:
    """The questions of which two answers, the others equal, lead to different outcomes."""
    found = []
    for at, question in enumerate(questions):
        seen: dict[tuple[object, ...], set[str]] = {}
        for way, one in tries:
            seen.setdefault(way[:at] + way[at + 1 :], set()).add(outcome_of(one))
        if any(len(outcomes) > 1 for outcomes in seen.values()):
            found.append(question)
    return found


def certain_bars(all_ways: Sequence[Combined]) -> set[str]:
    """Every ground that applies in every case under the default reading; where there is none, any."""
    bars = [set(one.outcomes[1].bars) for one in all_ways]
    return set.intersection(*bars) or set.union(*bars)


def waiting(known: Claim, decisive: Sequence[Question]) -> dict:
    undecided = ["defect_approved"] if known["defect_approved"] is None else []
    missing = [name for question in decisive for name in question.facts]
    return result("pending", clause="C6b", clauses=["C6b"], missing=[*missing, *undecided, *blank_required(known)])


def asked(
    known: Claim,
    all_ways: Sequence[Combined],
    decisive: Sequence[Question],
    required: Sequence[str],
    cure_date: int | None,
) -> dict:
    """What is still to be supplied, and the clauses that ask for it."""
    missing = [name for question in decisive for name in question.facts]
    lacking = {c for one in all_ways for o in one.outcomes if o.verdict == "need_info" for c in o.supplies}
    about = set(missing)
    about |= {"evidence"} if "C5b" in lacking or about & {"evidence_attached", "evidence_sufficient"} else set()
    about |= {"grounds"} if "C8e" in lacking else set()
    not_concerned = "C5a" if known["reason"] == "sms_not_received" else "C4a"
    clauses = [clause for fact, clause in ASKED_UNDER if fact in about and clause != not_concerned]
    if any(question.key == "timing" for question in decisive):
        clauses.append(WINDOW_CLAUSE.get(known["reason"], "C3"))
    leading = min(clauses, key=ASKING.index, default="")
    told = result("need_info", clause=leading, clauses=clauses, missing=[*missing, *required])
    return told | {"next_deadline": cure_date if "evidence" in about else None}


def reviewed(all_ways: Sequence[Combined]) -> dict:
    clauses = set()
    for one in all_ways:
        if one.held:
            clauses.update(c for o in one.outcomes if o.verdict == "review" for c in o.holds)
        else:
            clauses.update(c for o in one.outcomes for c in o.bars)
    leanings, leading = {one.leaning for one in all_ways}, {one.clause for one in all_ways}
    leads = leading.pop() if len(leading) == 1 else first(clauses)
    told = result("review", clause=leads, clauses=clauses)
    if len(leanings) == 1:
        told["leaning"] = leanings.pop()
    return told


# ------------------------------------------------------------------------------------------------ dates that show


def clock_shown(known: Claim, as_of: int, zone: str) -> int | None:
    """The end of a defect's 72 hours while they run, or of the ten days of a standstill."""
    if known["reason"] != "major_defect" or known["notice"] is None:
        return None
    if known["defect_fixed_at"] is not None or known["defect_approved"] is False:
        return None
    case = Case(known, DEFAULT, as_of, zone)
    if case.stands_still():
        end = known["access_requested_at_latest"] + STANDING_US
        return end if as_of <= end else None
    return next((end for end in case.ends() if as_of <= end), None)


def evidence_shown(known: Claim, as_of: int, zone: str) -> int | None:
    """The cure date of the evidence while it lies ahead, else the end of day 14.

    Days show their last second, hours their instant; of a claim known to the day the earliest end comes first (A14).
    """
    if known["purchased_at"] is None or known["submitted_at"] is None:
        return None
    case = Case(known, DEFAULT, as_of, zone)
    late_day_14, late_window = case.late_from("ordered_at", LAST_DAYS), case.number_late_from()

    def cure_date(submitted: int) -> int:
        if submitted + CURE_US < late_window:
            return min(late_window, late_day_14) - SECOND_US
        return submitted + CURE_US if submitted + CURE_US < late_day_14 else late_day_14 - SECOND_US

    ends = (cure_date(known["submitted_at"]), cure_date(known["submitted_at_latest"]), late_day_14 - SECOND_US)
    return next((end for end in ends if as_of <= end), None)


# ---------------------------------------------------------------------------------------------------------- money


@dataclass(frozen=True)
class FeeRow:
    """A row of the fee schedule: for one method of payment, from a day on."""

    payment_method: str
    since: date
    percent: Decimal
    fixed: int


def approved(known: Claim, zone: str, fees: Sequence[FeeRow]) -> dict:
    ground = {"sms_not_received": "C4a", "invalid_number": "C5a"}.get(known["reason"], "C6c")
    due = max(0, known["amount"] - (known["refunded_before"] or 0))
    fee = fee_on(due, known, zone, fees)
    if fee and fee >= due:
        return result("review", clause="C8c", clauses=["C8c"])
    clauses = [ground, "C8c"] if fee else [ground]
    return result("approve", clause=ground, clauses=clauses) | {"refund": due - fee, "fee": fee}


def fee_on(due: int, known: Claim, zone: str, fees: Sequence[FeeRow]) -> int:
    """The fee, each part rounded half up, never above what is due; none on a defect or where nobody told of it."""
    if not known["fee_disclosed"] or known["reason"] == "major_defect":
        return 0
    day = from_us(known["ordered_at"]).astimezone(ZoneInfo(zone)).date()
    rows = [row for row in fees if row.payment_method == known["payment_method"] and row.since <= day]
    if not rows:
        return 0
    row = max(rows, key=lambda row: row.since)
    part = (row.percent * due / 100).quantize(Decimal(1), ROUND_HALF_UP)
    return min(due, int(part) + row.fixed)
