"""What a claim of its reason needs, what of it is there, and until when the rest can be supplied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refundcore.facts import BY_NAME
from refundcore.words.deadlines import DeadlineLine

THERE, MISSING, TO_JUDGE, INSUFFICIENT, NOT_NEEDED = "there", "missing", "to_judge", "insufficient", "not_needed"


@dataclass(frozen=True)
class Need:
    """One thing that the reason asks for."""

    title: str
    clause: str
    """The clause that asks for it."""
    state: str
    """`there`, `missing`, `to_judge` (there, and nobody has looked), `insufficient`, or `not_needed`."""
    sentence: str
    until: int | None = None
    """Microseconds: the last moment at which it can be supplied; None where none is set."""
    convention: str = ""
    """How that moment is counted, and in which zone."""


_RECORD = ("order_ref", "customer_email", "purchased_at", "submitted_at", "amount", "currency")

_ASKS: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "sms_not_received": (("sms_code_received", "C4a", "The provider's log", "whether a code reached the number"),),
    "invalid_number": (("sms_code_received", "C5a", "The provider's log", "whether a code reached the number"),),
    "major_defect": (
        ("defect_approved", "C6c", "The technicians' finding", "whether it is a defect"),
        ("access_needed", "C6e", "Is access needed?", "whether the technicians need access to the customer's server"),
    ),
    "incompatibility": (
        ("listed_compatible", "C7b", "The sales page", "whether it listed that third party as compatible"),
    ),
}
"""Reason -> fact, clause, title, and what the fact tells."""


def needs(facts: Mapping[str, Any], deadlines: Sequence[DeadlineLine], files: int = 0) -> list[Need]:
    """The checklist of a claim, from its facts by column, its deadlines and the number of files that are attached."""
    reason = facts.get("reason")
    made: list[Need | None] = [_record(facts)]
    made += [_asked(facts, deadlines, *ask) for ask in _ASKS.get(str(reason), ())]
    if facts.get("access_needed") is True and reason == "major_defect":
        made.append(_access(facts, deadlines))
    made.append(_evidence(facts, deadlines, files) if reason == "invalid_number" else _other_evidence(files))
    return [need for need in made if need is not None]


def _record(facts: Mapping[str, Any]) -> Need:
    blank = [BY_NAME[name].label.lower() for name in _RECORD if facts.get(name) in {None, ""}]
    said = f"Still unknown: {', '.join(blank)}." if blank else "Order, customer, dates and amount are known."
    return Need("The order's record", "C3", MISSING if blank else THERE, said)


def _asked(  # noqa: PLR0917 - a row of the table above
    facts: Mapping[str, Any], deadlines: Sequence[DeadlineLine], fact: str, clause: str, title: str, tells: str
) -> Need:
    value = facts.get(fact)
    if value is None:
        end = _until(deadlines, "C6b") if fact == "defect_approved" else None
        return Need(title, clause, MISSING, f"It is to tell {tells}.", *(end or ()))
    return Need(title, clause, THERE, f"It tells {tells}: {'yes' if value else 'no'}.")


def _access(facts: Mapping[str, Any], deadlines: Sequence[DeadlineLine]) -> Need:
    title = "Access to the customer's server"
    if facts.get("access_granted_at") is not None:
        return Need(title, "C6e", THERE, "The customer gave access.")
    if facts.get("access_refused") is True:
        return Need(title, "C6g", INSUFFICIENT, "The customer refused access in words.")
    asked = "It was asked for and not given yet." if facts.get("access_requested_at") else "Nobody has asked for it."
    return Need(title, "C6e", MISSING, asked, *(_until(deadlines, "C6f") or ()))


def _evidence(facts: Mapping[str, Any], deadlines: Sequence[DeadlineLine], files: int) -> Need:
    """What an invalid number hangs on."""
    title = "Evidence that the number is invalid"
    end = _until(deadlines, "C5b") or (None, "")
    attached, sufficient = facts.get("evidence_attached"), facts.get("evidence_sufficient")
    if attached is not True:
        none = "None has come" if attached is False else "Whether any came isn't known, and no file is here"
        return Need(title, "C5b", MISSING, f"{none}. Screenshots of the failed try, or the service's answer.", *end)
    here = f"{files} {'file is' if files == 1 else 'files are'} here" if files else "It came, but no file is here"
    if sufficient is None:
        return Need(title, "C5b", TO_JUDGE, f"{here}; nobody has said yet whether it shows enough.", *end)
    if sufficient:
        return Need(title, "C5b", THERE, f"{here}, and found sufficient.")
    return Need(title, "C5b", INSUFFICIENT, f"{here}, but found insufficient. Better evidence is wanted.", *end)


def _other_evidence(files: int) -> Need | None:
    if not files:
        return None
    here = f"{files} {'file is' if files == 1 else 'files are'} here"
    return Need("Files", "", NOT_NEEDED, f"{here}. Under this reason no clause asks for evidence.")


def _until(deadlines: Sequence[DeadlineLine], clause: str) -> tuple[int, str] | None:
    """The moment that a clause sets, where it is told."""
    found = next((line for line in deadlines if line.clause == clause), None)
    return (found.at, found.convention) if found else None
