"""What a message says about a claim: facts with the place they stand in, as proposals that a person settles.

Nothing is taken of which there are two: then every candidate is shown and the fact stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date

from refundcore import money
from refundcore.deadlines import DAY, moment
from refundcore.intake.mail import phrases
from refundcore.intake.mail.messages import Message
from refundcore.intake.mail.phrases import Phrases
from refundcore.intake.problems import clip

SEARCHED = 20_000
"""Characters of the text in which facts are looked for."""

LONGEST_GROUNDS = 20_000
CLOSE = 60
"""Characters between a word and the date or amount that it is about."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero gennaio januari января",
            "february feb februar février febrero febbraio februari февраля",
            "march mar märz mars marzo maart марта",
            "april apr avril abril aprile апреля",
            "may mai mayo maggio mei мая",
            "june jun juni juin junio giugno июня",
            "july jul juli juillet julio luglio июля",
            "august aug août agosto augustus августа",
            "september sep sept septembre septiembre settembre сентября",
            "october oct oktober okt octobre octubre ottobre октября",
            "november nov novembre noviembre ноября",
            "december dec dezember dez décembre diciembre dicembre декабря",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    r"(?<![\w./-])(?:(?P<iso>\d{4}-\d{2}-\d{2})"
    r"|(?P<one>\d{1,2})(?P<mark>[./-])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4})"
    rf"|(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|er)?\s+(?:of\s+|de\s+)?(?P<month>{_MONTH})\.?,?\s+(?:de\s+)?(?P<of>\d{{4}})"
    rf"|(?P<name>{_MONTH})\.?\s+(?P<the>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<in>\d{{4}}))(?![\w/-]|\.\d)"
)
_NO_ORDER = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}|[12]\d{3}|\D*")
"""Dates, small numbers, years and words: no references."""


@dataclass(frozen=True)
class Candidate:
    """One value that the message may be saying, as it would be typed, and where it stands."""

    text: str
    place: str
    """As "line 3" of the text, or "the subject", or the name of a header."""
    quote: str
    sure: bool = True
    """Whether it is taken where nobody looks at it first."""


@dataclass(frozen=True)
class Found:
    """All that was found for one fact."""

    fact: str
    candidates: tuple[Candidate, ...]

    @property
    def text(self) -> str:
        """The one value; "" where there are several."""
        distinct = {one.text.casefold(): one.text for one in self.candidates}
        return next(iter(distinct.values())) if len(distinct) == 1 else ""

    @property
    def sure(self) -> bool:
        """Whether the one value is taken where nobody looks at it first."""
        return bool(self.text) and any(one.sure for one in self.candidates)


@dataclass(frozen=True)
class Proposed:
    """What a message says about a claim, fact by fact."""

    found: Mapping[str, Found]

    @property
    def texts(self) -> dict[str, str]:
        """Every fact of one value, as text: to be shown to a person."""
        return {name: found.text for name, found in self.found.items() if found.text}

    @property
    def certain(self) -> dict[str, str]:
        """The facts that are taken where nobody looks first; the others stay unknown."""
        return {name: found.text for name, found in self.found.items() if found.sure}


def propose(message: Message, words: Phrases | None = None) -> Proposed:
    """What the message says about a claim. `words` are those of `data/mail.toml` where not given."""
    words = words or phrases.load()
    spaces = [_Space("the subject", message.subject[:1_000]), _Space("", message.text[:SEARCHED])]
    found: dict[str, list[Candidate]] = {"channel": [Candidate("email", "the file", "an e-mail")]}
    if message.sender:
        shown = f"{message.sender_name} <{message.sender}>" if message.sender_name else message.sender
        found["customer_email"] = [Candidate(message.sender, "From", shown)]
    confirmed = None not in {message.sent_at, message.received_at} and _soon(message)
    moments = (
        ("sent_at", message.sent_at, "Date", confirmed),
        ("submitted_at", message.received_at, "Received", True),
    )
    for fact, at, where, sure in moments:
        if at is not None:
            text = f"{moment(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            found[fact] = [Candidate(text, where, text, sure)]
    if grounds := message.text.strip():
        found["description"] = [Candidate(grounds[:LONGEST_GROUNDS], "the text", "the newest text of the message")]
    found["order_ref"] = [one for space in spaces for one in _orders(space, words)]
    found["reason"] = [one for space in spaces for one in _reasons(space, words)]
    for fact, near in words.dates.items():
        found[fact] = [one for space in spaces for one in _dates(space, near)]
    found["amount"], found["currency"] = _amounts(spaces, words)
    return Proposed({name: Found(name, tuple(some)) for name, some in found.items() if some})


def _soon(message: Message) -> bool:
    """Whether a message was received within a day of when its sender says that it was sent."""
    return (message.received_at or 0) - (message.sent_at or 0) <= DAY


class _Space:
    """A text to look in: on one line, letter for letter, so that places stay those of its lines."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._lines = name, text.split("\n")
        self.text = text.replace("\n", " ").replace("\t", " ").replace("’", "'").replace("\xa0", " ")
        lower = self.text.lower()
        self.lower = lower if len(lower) == len(self.text) else "".join(c.lower()[:1] or c for c in self.text)
        self._starts = [0]
        for line in self._lines[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def candidate(self, text: str, start: int, *, sure: bool = True) -> Candidate:
        """What was found at a place of the text."""
        number = max(row for row, begins in enumerate(self._starts) if begins <= start)
        line = self._lines[number]
        offset = max(0, min(start - self._starts[number] - 25, len(line) - 60))
        if offset:
            offset = line.find(" ", offset, start - self._starts[number]) + 1 or offset
        return Candidate(text, self._name or f"line {number + 1}", clip(line[offset:].strip()), sure)


def _orders(space: _Space, words: Phrases) -> Iterator[Candidate]:
    """References, each as it is written; one without a word for an order before it is not sure."""
    seen: set[str] = set()
    for pattern, sure in ((words.order, True), (words.beginning, True), (words.hash, False)):
        for found in pattern.finditer(space.lower):
            start, end = found.span("ref")
            ref = space.text[start:end]
            if len(ref) < 3 or _NO_ORDER.fullmatch(ref) or ref.casefold() in seen:
                continue
            seen.add(ref.casefold())
            yield space.candidate(ref, start, sure=sure)


def _reasons(space: _Space, words: Phrases) -> Iterator[Candidate]:
    for reason, pattern in words.reasons.items():
        if found := pattern.search(space.lower):
            yield space.candidate(reason, found.start())


def _dates(space: _Space, near: re.Pattern[str]) -> Iterator[Candidate]:
    """Days close to a word, of those that can be read in one way only."""
    marks = [(found.start(), found.end()) for found in near.finditer(space.lower)]
    if not marks:
        return
    for found in _DATE.finditer(space.lower):
        day = _day(found)
        if day is not None and any(_close(space.lower, found, start, end) for start, end in marks):
            yield space.candidate(f"{day:%Y-%m-%d}", found.start())


def _close(text: str, found: re.Match[str], start: int, end: int) -> bool:
    """Whether a word stands close before what was found, or right behind it, in the same sentence."""
    between = text[end : found.start()] if end <= found.start() else text[found.end() : start]
    reach = CLOSE if end <= found.start() else CLOSE // 2
    return len(between) <= reach and not re.search(r"[.!?;]\s", between)


def _day(found: re.Match[str]) -> date | None:
    """The day of a date; None for one that does not exist, that can be read both ways or lies far off."""
    try:
        if found["iso"]:
            day = date.fromisoformat(found["iso"])
        elif found["one"]:
            one, two = int(found["one"]), int(found["two"])
            if found["mark"] != "." and one <= 12 and two <= 12 and one != two:
                return None  # 03/04: of March or of April
            if found["mark"] == "." or one > 12:
                one, two = two, one
            day = date(int(found["year"]), one, two)
        elif found["day"]:
            day = date(int(found["of"]), _MONTHS[found["month"]], int(found["day"]))
        else:
            day = date(int(found["in"]), _MONTHS[found["name"]], int(found["the"]))
    except ValueError:
        return None
    return day if date(1995, 1, 1) <= day <= date(2195, 1, 1) else None


def _amounts(spaces: list[_Space], words: Phrases) -> tuple[list[Candidate], list[Candidate]]:
    """What was paid: the amounts close to a word for paying, else the only one there is; and their currencies."""
    close: list[tuple[Candidate, Candidate | None]] = []
    others: list[tuple[Candidate, Candidate | None]] = []
    for space in spaces:
        marks = [(found.start(), found.end()) for found in words.paid.finditer(space.lower)]
        for found in words.amount.finditer(space.text):
            sign = found["before"] or found["behind"]
            code = words.signs.get(sign, sign)
            text = _plain(found["first"] or found["last"], code)
            if text is None:
                continue
            paid = any(_close(space.lower, found, start, end) for start, end in marks)
            amount = space.candidate(text, found.start(), sure=paid)
            currency = space.candidate(code, found.start(), sure=paid) if code else None
            (close if paid else others).append((amount, currency))
    chosen = close or others
    return [amount for amount, _ in chosen], [currency for _, currency in chosen if currency]


def _plain(written: str, code: str) -> str | None:
    """An amount as `1234.50`; None where its marks can be read in two ways or its currency has fewer decimals."""
    text = re.sub(r"[ '\u00a0\u202f]", "", written)
    marks = [letter for letter in text if letter in ".,"]
    if not marks:
        return text
    whole, _, fraction = text.rpartition(marks[-1])
    exponent = money.exponent(code) if code else 2
    if len(fraction) == 3:
        if len(marks) == 1 or len(set(marks)) == 2:
            return None  # 1,234 may be thousands or decimals
        return re.sub(r"[.,]", "", text)  # 1,234,567
    if len(fraction) > exponent or len(set(marks[:-1])) > 1 or marks[-1] in marks[:-1]:
        return None
    return f"{re.sub(r'[.,]', '', whole)}.{fraction}"
