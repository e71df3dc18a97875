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

from refundcore.deadlines import FAR_FUTURE, SECOND
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
    """Its last instant by the facts of now; None where it stands still and no end can be told."""

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
    reason = claim.columns["reason"][0].as_py()
    if not told or reason is None:
        return None
    reader = Reader(claim, np.array([as_of], dtype=np.int64))
    region = Region(reader, policy, zone or policy.zone, str(reason), np.array([0]))
    for one in told:
        found = _CHECKS[one.what](region, one, as_of, verdict)
        if found is not None:
            return found
    return None


def _one(values: object) -> int | None:
    """The only entry of an array of instants; None for one that there is not."""
    value = int(np.asarray(values).reshape(-1)[0])
    return None if value >= FAR_FUTURE else value


def _code(region: Region, name: str) -> int | None:
    column = region.columns.get(name)
    return None if column is None else int(column[0])


def _evidence_until(region: Region, told: Told, end: int | None, as_of: int) -> Broken | None:
    """Evidence: what came, or can still come, within the time that was told must not be late now."""
    if end is None or end >= told.at:
        return None
    attached = _code(region, "attached") == k.YES
    came, given = region.read.whole("evidence_received_at")
    point = (int(came[0]) if given[0] else int(region.submitted[0])) if attached else as_of
    if attached and point <= end:
        return None
    return Broken(told, end) if point <= told.at else None


def _evidence(region: Region, told: Told, as_of: int, _: str) -> Broken | None:
    if region.reason != "invalid_number":
        return None
    end = _one(region.cure_end)
    in_hours = bool(region.cure_in_hours[0])
    return _evidence_until(region, told, None if end is None else end - (1 if in_hours else SECOND), as_of)


def _evidence_last(region: Region, told: Told, as_of: int, _: str) -> Broken | None:
    if region.reason != "invalid_number":
        return None
    end = _one(region.day_14)
    return _evidence_until(region, told, None if end is None else end - SECOND, as_of)


def _work(region: Region, told: Told, _: int, __: str) -> Broken | None:
    if region.reason != "major_defect" or not bool(region.running[0]):
        return None
    end = _one(region.clock_first)
    return Broken(told, end) if end is None or end > told.at else None


def _access(region: Region, told: Told, as_of: int, _: str) -> Broken | None:
    end = _one(region.silence_end)
    return Broken(told, end) if end is not None and end < told.at and as_of <= told.at else None


def _payment(region: Region, told: Told, _: int, verdict: str) -> Broken | None:
    if verdict not in {"approve", "exchange"} or not bool(region.has_claim[0]):
        return None
    end = int(region.policy.pay_by(region.submitted, region.law, region.zone)[0])
    return Broken(told, end) if end > told.at else None


_CHECKS = {
    "evidence": _evidence,
    "evidence_last": _evidence_last,
    "work": _work,
    "access": _access,
    "payment": _payment,
}
