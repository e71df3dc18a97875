"""Deadlines that a customer was told, held against those that the facts give now.

A deadline is counted from facts, so a corrected fact moves it. Where it was told to the customer before and would
move to their harm, nobody's clock moves silently: the claim is for a person, with both moments shown (`broken`).
What moves in the customer's favour is no matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from refundcore.deadlines import FAR_FUTURE, SECOND, Instants
from refundcore.facts import Claims
from refundcore.policy import Policy
from refundcore.rulebook import known as k
from refundcore.rulebook.reading import Reader
from refundcore.rulebook.regions import Region

DECIDED = ("approve", "exchange", "deny")


class Told(NamedTuple):
    """A deadline that a customer was told: which one (a key of `KINDS`), and its last instant in microseconds."""

    what: str
    at: int


@dataclass(frozen=True)
class Kind:
    """A kind of deadline that is told to customers."""

    clause: str
    title: str
    words: str
    """What it is, to follow "We told the customer"."""


KINDS: Mapping[str, Kind] = MappingProxyType({
    "evidence": Kind("C5b", "Evidence can be sent", "that evidence can be sent until"),
    "evidence_last": Kind("C5b", "Evidence can be sent", "that evidence can be sent until"),
    "work": Kind("C6b", "Time to put it right", "that the defect can be put right until"),
    "access": Kind("C6f", "Access is waited for", "that access is waited for until"),
    "payment": Kind("C3", "Pay by", "that the money is paid by"),
})  # fmt: skip
"""`evidence` is the cure date, `evidence_last` the end of day 14, which is told once the cure date has passed (A07)."""


@dataclass(frozen=True)
class Broken:
    """A deadline that is worse for the customer now than what they were told."""

    told: Told
    now: int | None
    """Its last instant by the facts of now; None where by those there is no such deadline at all."""

    @property
    def clause(self) -> str:
        """The clause that the deadline comes from."""
        return KINDS[self.told.what].clause


def read(text: str | None) -> tuple[Told, ...]:
    """What `write` wrote; nothing for None."""
    return of_body({"told": json.loads(text)}) if text else ()


def of_body(body: Mapping[str, Any]) -> tuple[Told, ...]:
    """What an event's body says, under `told`, that a customer was told."""
    return tuple(Told(str(what), int(at)) for what, at in body.get("told", ()))


def write(told: Iterable[Told]) -> str | None:
    """What was told as JSON; None for nothing."""
    kept = [[what, at] for what, at in told]
    return json.dumps(kept) if kept else None


def added(present: Sequence[Told], new: Iterable[Told]) -> tuple[Told, ...]:
    """What was told so far with what is told now: of one kind the deadline that is best for the customer."""
    best: dict[str, Told] = {}
    for one in (*present, *new):
        other = best.get(one.what)
        later_is_worse = one.what in {"work", "payment"}
        if other is None or (one.at < other.at if later_is_worse else one.at > other.at):
            best[one.what] = one
    return tuple(best[what] for what in KINDS if what in best)


def last_moment(told: Iterable[Told], as_of: int) -> int | None:
    """The next instant at which what was told runs out; None where none lies ahead."""
    return min((one.at for one in told if one.at >= as_of), default=None)


def broken(
    claim: Claims, policy: Policy, as_of: int, told: Sequence[Told], verdict: str, *, zone: str | None = None
) -> Broken | None:
    """The first of the told deadlines that is worse now for one claim (a table of one row); None where none is.

    `verdict` is the policy's own: when the money is paid matters only while some is due.
    """
    if not told:
        return None
    return broken_of(claim, policy, np.array([as_of], dtype=np.int64), [told], [verdict], zone=zone)[0]


def broken_of(
    claims: Claims,
    policy: Policy,
    as_of: Instants,
    told: Sequence[Sequence[Told]],
    verdicts: Sequence[str],
    *,
    zone: str | None = None,
) -> list[Broken | None]:
    """`broken` of many claims, one entry a row of the table, in its order."""
    reader = Reader(claims, as_of)
    reasons = claims.columns["reason"].to_pylist()
    found: list[Broken | None] = [None] * len(reasons)
    for reason in {reason for reason in reasons if reason is not None}:
        rows = np.array([place for place, each in enumerate(reasons) if each == reason])
        region = Region(reader, policy, zone or policy.zone, reason, rows)
        for at, place in enumerate(rows.tolist()):
            one = _One(region, at, int(as_of[place]), verdicts[place])
            found[place] = next(filter(None, (_CHECKS[each.what](one, each) for each in told[place])), None)
    return found


@dataclass(frozen=True)
class _One:
    """One claim of a region."""

    region: Region
    at: int
    """Its place among the region's rows."""
    as_of: int
    verdict: str

    @property
    def reason(self) -> str:
        return self.region.reason

    def instant(self, values: Instants) -> int | None:
        """Its entry of an array of instants; None for one that there is not."""
        value = int(values[self.at])
        return None if value >= FAR_FUTURE else value

    def code(self, name: str) -> int | None:
        column = self.region.columns.get(name)
        return None if column is None else int(column[self.at])

    def fact(self, name: str) -> int | None:
        """A fact that is a whole number; None where it is blank."""
        values, given = self.region.read.whole(name)
        place = int(self.region.rows[self.at])
        return int(values[place]) if given[place] else None

    def gone(self, told: Told) -> Broken | None:
        """A deadline that there no longer is, and that would have to run on: the claim is denied before its time."""
        return Broken(told, None) if self.verdict == "deny" and self.as_of <= told.at else None


def _evidence_until(one: _One, told: Told, end: int | None) -> Broken | None:
    """Evidence: what came, or can still come, within the time that was told must not be late now."""
    if end is None or end >= told.at:
        return None
    attached = one.code("attached") == k.YES
    came = one.fact("evidence_received_at")
    sent = int(one.region.submitted[one.at]) if came is None else came
    point = sent if attached else one.as_of
    if attached and point <= end:
        return None
    return Broken(told, end) if point <= told.at else None


def _evidence(one: _One, told: Told) -> Broken | None:
    if one.reason != "invalid_number":
        return one.gone(told)
    end = one.instant(one.region.cure_end)
    in_hours = bool(one.region.cure_in_hours[one.at])
    return _evidence_until(one, told, None if end is None else end - (1 if in_hours else SECOND))


def _evidence_last(one: _One, told: Told) -> Broken | None:
    if one.reason != "invalid_number":
        return one.gone(told)
    end = one.instant(one.region.day_14)
    return _evidence_until(one, told, None if end is None else end - SECOND)


def _work(one: _One, told: Told) -> Broken | None:
    """The time to put a defect right; waiting for access, which the reply excepts, is not counted in (C6e, A11)."""
    if one.reason != "major_defect":
        return one.gone(told)
    end = one.instant(one.region.cure_plain)
    if end is None or end <= told.at or one.code("approved") == k.NO:
        return None
    fixed = one.fact("defect_fixed_at")
    if fixed is None or fixed > one.as_of:
        return Broken(told, end)
    late_as_told = fixed > told.at and one.code("fix_plain") == k.FIXED_IN_TIME
    return Broken(told, end) if late_as_told else None


def _access(one: _One, told: Told) -> Broken | None:
    end = one.instant(one.region.silence_end)
    return Broken(told, end) if end is not None and end < told.at and one.as_of <= told.at else None


def _payment(one: _One, told: Told) -> Broken | None:
    if one.verdict not in {"approve", "exchange"} or not bool(one.region.has_claim[one.at]):
        return None
    ends = one.region.policy.pay_by(one.region.submitted, one.region.law, one.region.zone)
    end = int(ends[one.at])
    return Broken(told, end) if end > told.at else None


_CHECKS = {
    "evidence": _evidence,
    "evidence_last": _evidence_last,
    "work": _work,
    "access": _access,
    "payment": _payment,
}
