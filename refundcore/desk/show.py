"""How things are told to people: amounts, moments, verdicts, states and reasons as words.

A verdict is a word with an icon and a tone, never a colour alone. Everything here returns text; who shows text
that came from outside shows it inert (`st.text`, a component's `textContent`), never as Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import streamlit as st
from babel.numbers import format_decimal

from refundcore.deadlines import HOUR, SECOND, moment
from refundcore.desk import context
from refundcore.facts import BY_NAME
from refundcore.money import EXPONENTS

_BLANKS = frozenset({"None", "nan", "<NA>", "NaT"})
MINUTE = 60
_UNITS = ((86_400, "d"), (3_600, "h"), (MINUTE, "min"))

Tone = Literal["green", "red", "orange", "blue", "violet", "gray"]


@dataclass(frozen=True)
class Word:
    """A value as people read it: label, Material icon (its bare name), tone and a sentence of help."""

    label: str
    icon: str
    tone: Tone
    help: str = ""


VERDICTS: Mapping[str, Word] = {
    "approve": Word("Approve", "check_circle", "green", "A refund is due under every reading of the policy."),
    "exchange": Word(
        "Exchange", "swap_horiz", "green", "A replacement is due: the customer chose it and one is on offer."
    ),
    "deny": Word("Deny", "block", "red", "At least one clause bars the claim under every reading of the policy."),
    "need_info": Word("Need info", "help", "orange", "A fact is missing that would decide the claim."),
    "pending": Word("Pending", "hourglass_top", "blue", "A clock is running; time alone will settle the claim."),
    "review": Word("Review", "balance", "violet", "The policy leaves the outcome to a person."),
}
"""The policy's verdicts."""

LEANINGS: Mapping[str, str] = {
    "approve": "leaning to approve",
    "exchange": "leaning to exchange",
    "deny": "leaning to deny",
}

STATES: Mapping[str, Word] = {
    "new": Word("Open", "inbox", "gray", "Waiting for us."),
    "waiting_customer": Word(
        "Waiting for customer", "forward_to_inbox", "gray", "We asked; the customer has not answered yet."
    ),
    "waiting_technician": Word("Waiting for technicians", "engineering", "gray", "The technicians have the claim."),
    "awaiting_approval": Word("Awaiting approval", "approval_delegation", "orange", "An override waits for a manager."),
    "decided": Word("Decided", "task_alt", "green", "Somebody decided the claim."),
    "payout_failed": Word("Payout failed", "money_off", "red", "The money did not arrive; queue it again."),
    "closed": Word("Closed", "archive", "gray", "Nothing is left to do."),
}
"""The states of a claim."""

OUTCOMES: Mapping[str, Word] = {
    "approve": Word("Approved", "check_circle", "green"),
    "approved": Word("Approved", "check_circle", "green"),
    "exchange": Word("Exchanged", "swap_horiz", "green"),
    "exchanged": Word("Exchanged", "swap_horiz", "green"),
    "deny": Word("Denied", "block", "red"),
    "denied": Word("Denied", "block", "red"),
    "withdrawn": Word("Withdrawn", "undo", "gray", "The customer withdrew the claim."),
}
"""What a person decided."""

REASONS: Mapping[str, str] = {
    "sms_not_received": "SMS not received",
    "invalid_number": "Invalid number",
    "major_defect": "Major defect",
    "incompatibility": "Incompatibility",
    "other": "Other reason",
}
"""Why a customer asks for the money back."""

CODES: Mapping[str, str] = {
    **REASONS,
    "email": "E-mail",
    "form": "Form",
    "chat": "Chat",
    "phone": "Phone",
    "csv": "File",
    "none": "None",
    "alleged": "Alleged",
    "confirmed": "Confirmed",
    "refund": "Money back",
    "replacement": "Replacement",
}
"""Values of the facts that are one of a few codes."""

ROLES: Mapping[str, str] = {"agent": "agent", "manager": "manager", "auditor": "auditor"}

CLAUSE_STATES: Mapping[str, Word] = {
    "met": Word("met", "check", "green"),
    "not_met": Word("not met", "close", "red"),
    "unknown": Word("unknown", "question_mark", "orange"),
    "not_concerned": Word("not concerned", "remove", "gray"),
}
"""What a clause has to say about a claim."""


def known(value: object) -> bool:
    """Whether a value of a claim is there at all: neither None, nor empty, nor one of pandas' blanks."""
    return value != "" if isinstance(value, str) else str(value) not in _BLANKS


def money_text(minor: object, currency: object, *, unknown: str = "") -> str:
    """An amount as `1,234.50 USD`; `unknown` where there is none. Without a known currency the digits stay plain."""
    if not known(minor):
        return unknown
    code = str(currency) if known(currency) else ""
    places = EXPONENTS.get(code, 2)
    digits = format_decimal(
        Decimal(int(str(minor))).scaleb(-places), format=f"#,##0.{'0' * places}" if places else "#,##0", locale="en"
    )
    return f"{digits} {code}".strip() if code else f"{digits} (no currency)"


def when_text(at: object, *, unknown: str = "") -> str:
    """An instant (microseconds, UTC) as `14 May 2024, 23:59 UTC` in the desk's zone."""
    if not known(at):
        return unknown
    local = moment(int(str(at)), context.zone())
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"


def day_text(at: object, *, unknown: str = "") -> str:
    """An instant as its day in the desk's zone: `14 May 2024`."""
    if not known(at):
        return unknown
    local = moment(int(str(at)), context.zone())
    return f"{local.day} {local:%b %Y}"


def instant_text(earliest: object, latest: object, *, unknown: str = "unknown") -> str:
    """A fact that is an instant: the moment, or only the day where no more is known."""
    if not known(earliest):
        return unknown
    if known(latest) and int(str(latest)) - int(str(earliest)) >= HOUR:
        return day_text(earliest)
    return when_text(earliest)


def span_text(microseconds: int) -> str:
    """A length of time in its two largest units: `2 d 4 h`, `3 h 12 min`, `45 s`."""
    seconds = abs(int(microseconds)) // SECOND
    days, hours, minutes = seconds // 86_400, seconds % 86_400 // 3_600, seconds % 3_600 // 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def ago_text(at: object) -> str:
    """Roughly how long ago an instant was, in one unit: `3 h ago`; `in 3 h` for one that is still to come."""
    if not known(at):
        return ""
    gone = context.now_us() - int(str(at))
    seconds = abs(gone) // SECOND
    if seconds < MINUTE:
        return "just now"
    rough = next(f"{seconds // size} {unit}" for size, unit in _UNITS if seconds >= size)
    return f"in {rough}" if gone < 0 else f"{rough} ago"


def count_text(number: int, one: str, many: str = "") -> str:
    """`1 claim`, `1,200 claims`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size_text(count: int) -> str:
    """A number of bytes as `12 KB`, `1.5 MB`."""
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{max(1, round(count / 1024)):,} KB"


def fact_label(name: str) -> str:
    """The label of a fact, or the name itself for what is no fact."""
    return BY_NAME[name].label if name in BY_NAME else name.replace("_", " ")


def code_text(value: object, *, unknown: str = "unknown") -> str:
    """A code of a fact as people read it."""
    return CODES.get(str(value), str(value)) if known(value) else unknown


def value_text(name: str, facts: Mapping[str, Any], *, unknown: str = "unknown") -> str:
    """The value of one fact of a claim as people read it."""
    fact, value = BY_NAME[name], facts.get(name)
    if not known(value):
        return unknown
    match fact.kind:
        case "truth":
            return "Yes" if value else "No"
        case "instant":
            return instant_text(value, facts.get(fact.latest))
        case "money":
            return money_text(value, facts.get("currency"))
        case "code":
            return code_text(value)
        case _:
            return str(value)


JOINER = "\u2060"
"""An invisible mark that keeps Markdown from making a link of an address that stands in a text."""


def plain(text: str) -> str:
    """Text made inert for the places that only take Markdown (alerts, toasts, labels).

    Every mark of Markdown is escaped, and addresses are parted by an invisible mark, since escapes don't keep them
    from becoming links.
    """
    escaped = re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=@&])", r"\\\1", text.replace("\n", " "))
    return re.sub(r"(\\@|\\:(?=//)|www(?=\\\.))", rf"\1{JOINER}", escaped, flags=re.IGNORECASE)


def verdict_word(verdict: object, leaning: object = "") -> Word:
    """The verdict as a word, with its leaning where a person has to judge."""
    word = VERDICTS.get(str(verdict), Word("Not judged", "pending", "gray"))
    if verdict == "review" and known(leaning):
        return Word(f"{word.label}, {LEANINGS.get(str(leaning), str(leaning))}", word.icon, word.tone, word.help)
    return word


def state_word(state: object, outcome: object = "") -> Word:
    """The state of a claim as a word; a decided one by its outcome."""
    if state in {"decided", "closed"} and str(outcome) in OUTCOMES:
        return OUTCOMES[str(outcome)]
    return STATES.get(str(state), Word(str(state), "circle", "gray"))


def badge(word: Word) -> None:
    """Draw a word as a badge: icon, label and tone."""
    st.badge(word.label, icon=f":material/{word.icon}:", color=word.tone, help=word.help or None)


def verdict_badge(verdict: object, leaning: object = "") -> None:
    """Draw the verdict as a badge."""
    badge(verdict_word(verdict, leaning))
