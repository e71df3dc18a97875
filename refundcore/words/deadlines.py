"""The deadlines of a claim with their convention, zone and state."""

from __future__ import annotations

from dataclasses import dataclass

from refundcore.deadlines import SECOND
from refundcore.rulebook import known as k
from refundcore.words.case import Case

RUNNING, OVER, STOPPED, KEPT, MISSED = "running", "over", "stopped", "kept", "missed"


@dataclass(frozen=True)
class DeadlineLine:
    """One deadline of a claim."""

    title: str
    at: int
    """Microseconds: the last second of a day's end, the instant itself of an end in hours."""
    clause: str
    convention: str
    """How it is counted, and in which zone."""
    counted: str
    """The event from which it is counted."""
    state: str
    """`running`, `over`, `stopped` (standing still), or of what the claim itself had to keep, `kept` or `missed`."""


def days(case: Case, number: int, event: str) -> str:
    """How a window of days is counted."""
    return f"{number} calendar days from {event}, its own day not counted, to the end of the last day ({case.zone})"


def hours(number: int, event: str) -> str:
    """How hours are counted."""
    return f"{number} elapsed hours from {event}, nights and weekends included"


def lines(case: Case) -> list[DeadlineLine]:
    """All deadlines that can be told from the facts, the claim's own windows first."""
    made = [*_windows(case), *_evidence(case), *_clock(case), *_payment(case)]
    return [line for line in made if line is not None]


def _kept(case: Case, at: int | None, end: int) -> str:
    if at is None:
        return RUNNING if case.as_of < end else OVER
    return KEPT if at < end else MISSED


def _window(case: Case, clause: str, event_at: int, event: str, claimed: int | None) -> DeadlineLine:
    """A window of days that the claim, or the notice, had to keep."""
    end = int(case.region.window(case.region.order * 0 + event_at, clause)[0])
    convention = days(case, case.number(clause, "window_days"), event)
    title = case.policy.clauses[clause].title
    return DeadlineLine(title, end - SECOND, clause, convention, event, _kept(case, claimed, end))


def _windows(case: Case) -> list[DeadlineLine]:
    if case.purchase is None or case.order is None:
        return []
    claimed = case.notice if case.reason == "major_defect" else case.submitted
    made = []
    if case.reason == "sms_not_received":
        made.append(_window(case, "C4c", case.purchase, "the purchase", claimed))
    elif case.reason == "invalid_number":
        made.append(_window(case, "C5c", case.purchase, "the purchase", claimed))
        sms = case.happened("sms_received_at")
        if sms is not None and case.day(sms) > case.day(case.purchase):
            made.append(_window(case, "C5c", sms, "the first SMS", claimed))
    elif case.reason == "major_defect":
        made.append(_window(case, "C8b", case.order, "the order", claimed))
    made.append(_window(case, "C3", case.order, "the order", claimed))
    return made


def _evidence(case: Case) -> list[DeadlineLine]:
    end = case.at("cure_end") if case.reason == "invalid_number" else None
    if end is None or (case.column("attached") == k.YES and case.column("sufficient") == k.YES):
        return []
    in_hours = bool(case.region.cure_in_hours[0])
    number = case.number("C5b", "cure_hours")
    convention = hours(number, "the claim") if in_hours else f"to the end of the window's last day ({case.zone})"
    at = end - 1 if in_hours else end - SECOND
    state = RUNNING if case.as_of < end else OVER
    return [DeadlineLine("Evidence can be sent", at, "C5b", convention, "the claim", state)]


def _clock(case: Case) -> list[DeadlineLine]:
    if case.reason != "major_defect" or case.notice is None:
        return []
    number = case.number("C6b", "cure_hours")
    made = []
    silence, end = case.at("silence_end"), case.at("clock_last")
    if silence is not None:
        limit = case.number("C6f", "silence_hours")
        state = RUNNING if case.as_of <= silence else OVER
        made.append(
            DeadlineLine(
                "Access is waited for, then a person looks",
                silence,
                "C6f",
                hours(limit, "the request for access"),
                "the request",
                state,
            )
        )
    if end is None:
        plain = case.at("cure_plain")
        if plain is not None:
            standing = hours(number, "the first notice") + "; it stands still until access is given"
            title = case.policy.clauses["C6b"].title
            made.append(DeadlineLine(title, plain, "C6b", standing, "the notice", STOPPED))
        return made
    first = case.at("clock_first")
    shown = first if first is not None and first >= case.as_of else end
    convention = hours(number, "the first notice")
    if case.region.stood_still[0]:
        convention += ", and the time that access took"
    fixed = case.column("fix_standing") != k.UNFIXED or case.column("approved") == k.NO
    state = (KEPT if case.column("fix_standing") == k.FIXED_IN_TIME else OVER) if fixed else ""
    state = state or (RUNNING if case.as_of <= end else OVER)
    made.append(DeadlineLine(case.policy.clauses["C6b"].title, shown, "C6b", convention, "the notice", state))
    return made


def _payment(case: Case) -> list[DeadlineLine]:
    if case.submitted is None or case.verdict not in {"approve", "exchange"}:
        return []
    number = case.number("C3", "pay_by_days")
    end = int(case.policy.pay_by(case.region.submitted, case.region.law, case.zone)[0])
    state = RUNNING if case.as_of <= end else OVER
    return [DeadlineLine("Pay by (our own target)", end, "C3", days(case, number, "the request"), "the request", state)]
