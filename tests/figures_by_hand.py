"""The figures once more, in plain Python over what happened to each claim: written without looking at any query."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from refundcore import store as desk

HOURS = 3600 * 1_000_000


@dataclass
class Decided:
    """The decision that stands at the end of a claim's events."""

    at: int
    outcome: str
    override: bool
    refund: int | None
    fee: int | None
    currency: str | None
    verdict: str
    clause: str


@dataclass
class Case:
    """A claim and what became of it."""

    facts: dict[str, Any]
    created: int
    verdict: str
    answered: int | None
    decided: Decided | None

    @property
    def came(self) -> int:
        return self.created if self.facts["submitted_at"] is None else self.facts["submitted_at"]

    @property
    def reason(self) -> str:
        return self.facts["reason"] or ""

    @property
    def took(self) -> int:
        assert self.decided is not None
        sent = self.facts["submitted_at"]
        return self.decided.at - (self.created if sent is None or sent > self.decided.at else sent)


def cases(store: desk.Store, size: int) -> list[Case]:
    """All claims of a store, each told from its events."""
    return [_case(store, number) for number in range(1, size + 1)]


def _case(store: desk.Store, number: int) -> Case:
    record = desk.claim(store, number)
    assert record is not None
    waiting: Decided | None = None
    standing: Decided | None = None
    answered: list[int] = []
    first, *later = desk.events(store, number)
    for event in later:
        body = event.body
        if event.kind in {"decided", "override_requested"}:
            found = Decided(
                event.at, body["outcome"], body["override"], body["refund"], body["fee"], body["currency"],
                body["verdict"], body["clause"],
            )  # fmt: skip
            standing, waiting = (found, None) if event.kind == "decided" else (None, found)
        elif event.kind == "override_approved":
            assert waiting is not None
            waiting.at = event.at
            standing, waiting = waiting, None
        elif event.kind in {"override_rejected", "reopened"}:
            standing = waiting = None
        if event.kind in {"asked", "decided", "override_approved"}:
            answered.append(event.at)
    return Case(dict(record.facts), first.at, record.verdict, min(answered, default=None), standing)


def by_day(found: list[Case], start: int, end: int, zone: str) -> Counter[tuple[date, str]]:
    days = Counter[tuple[date, str]]()
    for case in found:
        if start <= case.came < end:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=case.came)
            days[moment.astimezone(ZoneInfo(zone)).date(), case.reason] += 1
    return days


def verdicts(found: list[Case], start: int, end: int) -> Counter[tuple[str, str]]:
    return Counter((case.reason, case.verdict) for case in found if start <= case.came < end)


def decided(found: list[Case], start: int, end: int) -> list[Case]:
    return [case for case in found if case.decided and start <= case.decided.at < end]


def outcomes(found: list[Case], start: int, end: int) -> Counter[tuple[str, str]]:
    return Counter((case.reason, case.decided.outcome) for case in decided(found, start, end) if case.decided)


def denying(found: list[Case], start: int, end: int) -> Counter[tuple[str, str]]:
    clauses = Counter[tuple[str, str]]()
    for case in decided(found, start, end):
        if case.decided and case.decided.outcome == case.decided.verdict == "deny":
            clauses[case.reason, case.decided.clause] += 1
    return clauses


def sums(found: list[Case], start: int, end: int) -> dict[tuple[str, str], tuple[int, int, int]]:
    money: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for case in decided(found, start, end):
        if case.decided and case.decided.outcome == "approve":
            key = case.decided.currency or "", case.reason
            money[key].append((case.decided.refund or 0, case.decided.fee or 0))
    return {key: (len(rows), sum(net for net, _ in rows), sum(fee for _, fee in rows)) for key, rows in money.items()}


def medians(found: list[Case], start: int, end: int) -> dict[str, int]:
    took: dict[str, list[int]] = defaultdict(list)
    for case in decided(found, start, end):
        took[case.reason].append(case.took)
    return {reason: int(median(values)) for reason, values in took.items()}


def kept(moments: list[tuple[int | None, int, bool]], at: int) -> Counter[str]:
    """From when something was done, when it was due and whether its clock stands still."""
    states = Counter[str]()
    for done, due, stands in moments:
        if done is not None and done <= at:
            states["kept" if done <= due else "missed"] += 1
        else:
            states["running" if stands or due >= at else "missed"] += 1
    return states


def answers(found: list[Case], start: int, end: int, at: int) -> Counter[str]:
    return kept(
        [(case.answered, case.created + 24 * HOURS, False) for case in found if start <= case.created < end], at
    )


def cures(found: list[Case], start: int, end: int, at: int) -> Counter[str]:
    moments = []
    for case in found:
        facts = case.facts
        notified = facts["defect_notified_at"] or case.came
        if case.reason != "major_defect" or facts["defect_approved"] is not True or not start <= notified < end:
            continue
        due, stands = notified + 72 * HOURS, False
        asked, granted = facts["access_requested_at"], facts["access_granted_at"]
        if asked is not None and asked <= due:
            stands = granted is None
            if granted is not None:
                due += max(0, granted - max(asked, notified))
        moments.append((facts["defect_fixed_at"], due, stands))
    return kept(moments, at)
