"""The policy document: clauses, dated numbers, readings and the fee schedule, read strictly.

`load` refuses a key it doesn't know, a number that the wording never quotes and a reading without a meaning, with a
sentence that says where it stands and what is wanted: what a document silently ignores, somebody relies on.
The format is described in docs/policy-format.md.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np

from refundcore.deadlines import (
    FAR_PAST,
    SECOND,
    Instants,
    day_number,
    micros,
    start_of_day,
    window_end,
    zone_of,
)
from refundcore.facts import REASONS
from refundcore.money import EXPONENTS, parse, percent_half_up
from refundcore.published import KEYS, SETTLED, Paper, PolicyError, Published, Term, papers, published, refer, terms

__all__ = ["READINGS", "ROLES", "Clause", "Fee", "Policy", "PolicyError", "Reading", "load", "read"]

DOCUMENT = Path(__file__).resolve().parent.parent / "data" / "policy.toml"

ROLES = ("ground", "bar", "hold", "supply", "clock", "remedy", "fee", "note")
READINGS = ("strict", "default", "generous")

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Clause:
    """One clause in the desk's own words."""

    id: str
    title: str
    paragraph: int
    """Of the published text, counted by its lines."""
    roles: tuple[str, ...]
    """How it weighs: see `ROLES`."""
    text: str
    """The wording, with its numbers as `{name}`."""
    reasons: tuple[str, ...]
    """The reasons for a claim that it concerns."""
    numbers: Mapping[str, Mapping[date, int]]
    """Each number by name, as its value from each day on."""
    off: bool = False
    """Whether it is switched off: its words stand, its rules don't weigh."""
    said: Published = field(default_factory=Published)
    """What the published text says, as structure."""

    def concerns(self, reason: str) -> bool:
        """Whether it weighs on a claim for a reason."""
        return reason in self.reasons and not self.off

    def on(self, day: date) -> str:
        """The wording as it read on a day, numbers filled in."""
        return self.text.format_map({name: _on(values, day) for name, values in self.numbers.items()})


@dataclass(frozen=True)
class Reading:
    """A place that leaves room, and the three readings taken of it."""

    id: str
    title: str
    clauses: tuple[str, ...]
    strict: str
    default: str
    generous: str
    why: str
    meanings: Mapping[str, str]
    """What each value of the reading says."""
    parts: tuple[str, ...] = ()
    """The clauses on which a claim splits by it; the first that concerns the claim's reason is named."""
    leans: str = ""
    """The reading whose outcome a split by it leans to, where that isn't the default."""
    settles: str = ""
    """The kind of finding that it settles: see `published.SETTLED`."""

    @property
    def splits(self) -> bool:
        """Whether the three differ."""
        return len({self.strict, self.default, self.generous}) > 1

    def value(self, name: str) -> str:
        """Its value under `strict`, `default` or `generous`."""
        return {"strict": self.strict, "default": self.default, "generous": self.generous}[name]


@dataclass(frozen=True)
class Fee:
    """One row of the fee schedule (C8c): for a payment method, from a day on."""

    method: str
    start: date
    basis_points: int
    """Hundredths of a percent of what is due."""
    fixed: Mapping[str, int]
    """Minor units by currency."""

    def parts(self, due: int, currency: str) -> tuple[int, int]:
        """The percentage and the fixed part of what is due, each rounded half up, together never above it."""
        share = min(due, percent_half_up(due, self.basis_points))
        return share, min(due - share, self.fixed.get(currency, 0))


@dataclass(frozen=True)
class Policy:
    """A whole edition of the policy."""

    title: str
    in_force_from: date
    zone: str
    clauses: Mapping[str, Clause]
    readings: Mapping[str, Reading]
    fees: tuple[Fee, ...] = ()
    fingerprint: str = field(default="", compare=False)
    """SHA-256 of the documents it was read from."""
    terms: Mapping[str, Term] = field(default_factory=dict)
    """The published text's words on which something hangs."""
    documents: Mapping[str, Paper] = field(default_factory=dict)
    """The papers outside the policy to which the published text refers."""

    def number(self, clause: str, name: str, ordered: Instants, zone: str) -> Instants | int:
        """A clause's number as it stood when each order was placed; one number where it never changed."""
        values = self.clauses[clause].numbers[name]
        if len(values) == 1:
            return next(iter(values.values()))
        starts = sorted(values)
        begins = start_of_day(np.array([(day - date(1970, 1, 1)).days for day in starts], dtype=np.int64), zone)
        begins[0] = FAR_PAST
        steps = np.array([values[day] for day in starts], dtype=np.int64)
        return steps[np.searchsorted(begins, ordered, side="right") - 1]

    @property
    def rolls(self) -> bool:
        """Whether a last day on a weekend moves to the Monday (A04)."""
        return self.readings["A04"].default == "calendar_days_rolling"

    def pay_by(self, submitted: Instants, ordered: Instants, zone: str) -> Instants:
        """The last second of the day by which the desk means to pay each claim (A13)."""
        days = self.number("C3", "pay_by_days", ordered, zone)
        return window_end(submitted, days, zone, roll=self.rolls) - SECOND

    def first_instant(self, zone: str) -> int:
        """When the text came into force: midnight of its first day in the zone (V)."""
        return int(start_of_day(np.array([(self.in_force_from - date(1970, 1, 1)).days]), zone)[0])

    def schedule(self, method: str, zone: str) -> tuple[Instants, list[Fee]]:
        """The rows of the schedule of a payment method in their order, and from which instant on each is in force."""
        rows = sorted((row for row in self.fees if row.method == method), key=lambda row: row.start)
        days = np.array([(row.start - date(1970, 1, 1)).days for row in rows], dtype=np.int64)
        return start_of_day(days, zone), rows

    def fee(self, method: str, ordered: int, zone: str) -> Fee | None:
        """The row of the schedule for a payment method that was in force when the order was placed."""
        day = date.fromordinal(int(day_number(np.array([ordered]), zone)[0]) + date(1970, 1, 1).toordinal())
        rows = [row for row in self.fees if row.method == method and row.start <= day]
        return max(rows, key=lambda row: row.start, default=None)


def load(path: Path | None = None, fees: Path | None = None) -> Policy:
    """The policy in a document, with the fee schedule beside it (`fees.toml`, if there is one).

    Raises `PolicyError` for a document that cannot be read or says something that nobody would know of.
    """
    path = path or DOCUMENT
    fees = fees or path.with_name("fees.toml")
    parts = [_text(path)]
    if fees.exists():
        parts.append(_text(fees))
    return read(*parts)


def texts(path: Path | None = None) -> tuple[str, str]:
    """The text of a document and of the schedule of fees beside it, "" for none. Raises `PolicyError`."""
    path = path or DOCUMENT
    fees = path.with_name("fees.toml")
    return _text(path), _text(fees) if fees.exists() else ""


def read(document: str, fees: str = "") -> Policy:
    """The policy in the text of a document and of a fee schedule. Raises `PolicyError` as `load` does."""
    body = _toml(document, "The policy document")
    known = {"title", "in_force_from", "zone", "clauses", "readings", "terms", "documents"}
    _known(body, known, "The policy document")
    zone = _string(body, "zone", "The policy document")
    try:
        zone_of(zone)
    except ValueError as error:
        raise PolicyError(f"The policy document, zone: {error}") from None
    clauses = {name: _clause(name, given) for name, given in _table(body, "clauses", "The policy document").items()}
    readings = {
        name: _reading(name, given, clauses) for name, given in _table(body, "readings", "The policy document").items()
    }
    words, outside = terms(body.get("terms", {})), papers(body.get("documents", {}))
    for clause in clauses.values():
        refer(f"Clause {clause.id}", "terms", clause.said.terms, words)
        refer(f"Clause {clause.id}", "documents", clause.said.documents, outside)
        refer(f"Clause {clause.id}", "excepts", clause.said.excepts, clauses)
    return Policy(
        title=_string(body, "title", "The policy document"),
        in_force_from=_date(body.get("in_force_from"), "The policy document, in_force_from"),
        zone=zone,
        clauses=clauses,
        readings=readings,
        fees=_fees(fees),
        fingerprint=hashlib.sha256(f"{document}\0{fees}".encode()).hexdigest(),
        terms=words,
        documents=outside,
    )


def instant_of(day: date) -> int:
    """Midnight UTC of a day in microseconds."""
    return micros(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _on(values: Mapping[date, int], day: date) -> int:
    past = [start for start in sorted(values) if start <= day]
    return values[past[-1] if past else min(values)]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PolicyError(f"The policy document {path} cannot be read: {reason}.") from None


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{where} is not TOML: {error}.") from None


def _known(body: Mapping[str, Any], known: set[str], where: str) -> None:
    if strange := sorted(set(body) - known):
        raise PolicyError(f"{where}: nobody knows the key '{strange[0]}'; known are {', '.join(sorted(known))}.")


def _string(body: Mapping[str, Any], key: str, where: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value.strip():
        raise PolicyError(f"{where}: '{key}' must be a text, it is {value!r}.")
    return value


def _strings(body: Mapping[str, Any], key: str, where: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    value = body.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise PolicyError(f"{where}: '{key}' must be a list of texts, it is {value!r}.")
    if strange := [one for one in value if one not in allowed]:
        raise PolicyError(f"{where}: '{key}' knows no '{strange[0]}'; it can be {', '.join(allowed)}.")
    return tuple(value)


def _table(body: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = body.get(key)
    if not isinstance(value, dict) or not value:
        raise PolicyError(f"{where}: '{key}' must be a table with at least one entry.")
    return value


def _date(value: object, where: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise PolicyError(f"{where} must be a day such as 2024-04-02, it is {value!r}.")
    return value


def _clause(name: str, given: object) -> Clause:
    where = f"Clause {name}"
    if not isinstance(given, dict):
        raise PolicyError(f"{where} must be a table with title, paragraph, roles and text.")
    known = {"title", "paragraph", "roles", "reasons", "text", "off", *KEYS}
    plain = {key: value for key, value in given.items() if key in known}
    numbers = {key: value for key, value in given.items() if key not in known}
    text = _string(plain, "text", where)
    quoted = set(_PLACEHOLDER.findall(text))
    dated = {}
    for key, value in numbers.items():
        dated[key] = _dated(key, value, where)
        if key not in quoted:
            raise PolicyError(f"{where}: the text never says {{{key}}}, so no reader could know that number.")
    if unknown := sorted(quoted - set(dated)):
        raise PolicyError(f"{where}: the text says {{{unknown[0]}}}, and no such number is given.")
    paragraph = plain.get("paragraph")
    if not isinstance(paragraph, int) or isinstance(paragraph, bool) or paragraph < 1:
        raise PolicyError(f"{where}: 'paragraph' must be the number of a paragraph, it is {paragraph!r}.")
    roles, off = _strings(plain, "roles", where, ROLES), plain.get("off", False)
    if not isinstance(off, bool):
        raise PolicyError(f"{where}: 'off' must be true or false, it is {off!r}.")
    if off and "ground" in roles:
        raise PolicyError(f"{where}: 'off' cannot be said of a ground: nobody would know on what a claim rests.")
    return Clause(
        id=name,
        title=_string(plain, "title", where),
        paragraph=paragraph,
        roles=roles,
        text=text,
        reasons=_strings(plain, "reasons", where, REASONS) if "reasons" in plain else REASONS,
        numbers=dated,
        off=off,
        said=published(plain, where, dated),
    )


def _dated(key: str, value: object, where: str) -> dict[date, int]:
    if not isinstance(value, dict) or not value:
        raise PolicyError(f"{where}: '{key}' must be a table that gives a number for each day from which it holds.")
    dated = {}
    for day, number in value.items():
        try:
            start = date.fromisoformat(day)
        except ValueError:
            raise PolicyError(f"{where}, {key}: '{day}' is not a day such as 2024-04-02.") from None
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 10_000:
            raise PolicyError(f"{where}, {key} from {day}: {number!r} is not a whole number from 0 to 10000.")
        dated[start] = number
    return dated


def _reading(name: str, given: object, clauses: Mapping[str, Clause]) -> Reading:
    where = f"Reading {name}"
    if not isinstance(given, dict):
        raise PolicyError(f"{where} must be a table with title, clauses, reading, why and meanings.")
    three = set(READINGS)
    _known(given, three | {"reading", "title", "clauses", "parts", "leans", "settles", "why", "meanings"}, where)
    if ("reading" in given) == bool(three & set(given)):
        raise PolicyError(f"{where} has either one 'reading' or a strict, a default and a generous one.")
    values = {each: _string(given, "reading" if "reading" in given else each, where) for each in READINGS}
    meanings = {key: _string(given["meanings"], key, where) for key in _table(given, "meanings", where)}
    if nameless := [value for value in values.values() if value not in meanings]:
        raise PolicyError(f"{where}: '{nameless[0]}' has no meaning; known are {', '.join(meanings)}.")
    leans = given.get("leans", "")
    if leans and leans not in three:
        raise PolicyError(f"{where}: 'leans' must be strict, default or generous, it is {leans!r}.")
    if settles := given.get("settles", ""):
        refer(where, "settles", [settles], SETTLED)
    return Reading(
        id=name,
        title=_string(given, "title", where),
        clauses=_strings(given, "clauses", where, tuple(clauses)),
        why=_string(given, "why", where),
        meanings=meanings,
        parts=_strings(given, "parts", where, tuple(clauses)) if "parts" in given else (),
        leans=leans,
        settles=settles,
        **values,
    )


def _fees(text: str) -> tuple[Fee, ...]:
    body = _toml(text, "The fee schedule")
    _known(body, {"fee"}, "The fee schedule")
    rows = body.get("fee", [])
    if not isinstance(rows, list):
        raise PolicyError("The fee schedule: each row is written as [[fee]].")
    return tuple(_fee(number, row) for number, row in enumerate(rows, 1))


def _fee(number: int, row: Mapping[str, Any]) -> Fee:
    where = f"The fee schedule, row {number}"
    _known(row, {"method", "from", "percent", "fixed"}, where)
    try:
        points = Decimal(_string(row, "percent", where) if "percent" in row else "0") * 100
    except InvalidOperation:
        raise PolicyError(f"{where}: 'percent' must be written as \"2.5\", it is {row['percent']!r}.") from None
    if points != points.to_integral_value() or not 0 <= points <= 10_000:
        raise PolicyError(f"{where}: 'percent' is from 0 to 100 with at most two decimals, it is {row['percent']!r}.")
    fixed = row.get("fixed", {})
    if not isinstance(fixed, dict):
        raise PolicyError(f"{where}: 'fixed' is written by currency, as {{ EUR = \"0.30\" }}.")
    amounts = {}
    for currency, amount in fixed.items():
        if currency not in EXPONENTS:
            raise PolicyError(f"{where}: '{currency}' is no currency code of ISO 4217.")
        try:
            amounts[currency] = parse(str(amount), currency)
        except ValueError as error:
            raise PolicyError(f"{where}, {currency}: {error}") from None
    return Fee(
        method=_string(row, "method", where),
        start=_date(row.get("from"), f"{where}, from"),
        basis_points=int(points),
        fixed=amounts,
    )
