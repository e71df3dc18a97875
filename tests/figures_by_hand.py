"""The figures once more, in plain Python over what happened to each claim: written without looking at any query."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from refundcore import store as desk
from refundcore.metrics import Frame
from refundcore.policy import Policy

SECONDS = 1_000_000
HOURS = 3600 * SECONDS


@dataclass
class Decided:
    """The decision that stands at the end of a claim's events."""

    at: int
    who: int
    outcome: str
    override: bool
    refund: int
    fee: int
    verdict: str
    clause: str


@dataclass
class Case:
    """A claim and what became of it."""

    number: int
    facts: dict[str, Any]
    created: int
    assignee: int
    answered: int | None
    decided: Decided | None
    goodwill: tuple[int, int] | None
    """When it was granted and how much."""
    zone: str = "UTC"
    policy: Policy | None = field(default=None, repr=False)

    def day(self, at: int) -> date:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(ZoneInfo(self.zone)).date()

    def fact(self, name: str) -> str:
        return self.facts[name] or ""

    @property
    def came(self) -> date:
        sent = self.facts["submitted_at"]
        return self.day(self.created if sent is None else sent)

    @property
    def bought(self) -> date | None:
        at = self.facts["purchased_at"] if self.facts["ordered_at"] is None else self.facts["ordered_at"]
        return None if at is None else self.day(at)

    @property
    def took(self) -> int:
        assert self.decided is not None
        sent = self.facts["submitted_at"]
        return self.decided.at - (self.created if sent is None or sent > self.decided.at else sent)

    @property
    def effect(self) -> date | None:
        return self.day(self.decided.at) if self.decided else None

    @property
    def gross(self) -> int:
        granted = self.decided.refund + self.decided.fee if self.decided else 0
        return max(self.facts["amount"] or 0, granted)

    @property
    def lost(self) -> int:
        assert self.policy is not None
        assert self.decided is not None
        method, ordered = self.facts["payment_method"], self.facts["ordered_at"] or self.facts["purchased_at"]
        row = self.policy.fee(method, ordered, self.zone) if method and ordered else None
        if row is None or self.decided.outcome != "approve":
            return 0
        return max(0, sum(row.parts(self.decided.refund + self.decided.fee, self.fact("currency"))) - self.decided.fee)

    def cure(self, today: date) -> tuple[date, str] | None:
        """When the defect was notified, and whether it was put right in time; None without a confirmed defect."""
        facts = self.facts
        if facts["reason"] != "major_defect" or facts["defect_approved"] is not True:
            return None
        sent = self.created if facts["submitted_at"] is None else facts["submitted_at"]
        notified = sent if facts["defect_notified_at"] is None else facts["defect_notified_at"]
        due, stands = notified + 72 * HOURS, False
        asked, granted, fixed = (facts[f"{n}_at"] for n in ("access_requested", "access_granted", "defect_fixed"))
        if asked is not None and asked <= due:
            stands = granted is None
            if granted is not None:
                due += max(0, granted - max(asked, notified))
        if fixed is not None:
            return self.day(notified), "kept" if fixed <= due else "missed"
        return self.day(notified), "running" if stands or self.day(due) >= today else "missed"

    def answer(self, hours: int, today: date) -> str:
        """Whether it was answered in time."""
        if self.answered is not None:
            return "kept" if self.answered - self.created <= hours * HOURS else "missed"
        return "running" if self.day(self.created) + timedelta(days=-(-hours // 24)) >= today else "missed"

    def chosen(self, frame: Frame, *, decision: bool = False) -> bool:
        """Whether it has the values that a frame is narrowed to."""
        who = self.decided.who if decision and self.decided else self.assignee
        mine = {
            name: self.fact("payment_method" if name == "method" else name) for name in frame.filters if name != "agent"
        }
        return all(mine[name] == value for name, value in frame.filters.items() if name != "agent") and (
            frame.agent is None or int(frame.agent) == who
        )


def cases(store: desk.Store, size: int) -> list[Case]:
    """All claims of a store, each told from its events."""
    return [_case(store, number) for number in range(1, size + 1)]


def _case(store: desk.Store, number: int) -> Case:
    record = desk.claim(store, number)
    assert record is not None
    waiting: Decided | None = None
    standing: Decided | None = None
    answered: list[int] = []
    payouts: dict[int, dict[str, Any]] = {}
    first, *later = desk.events(store, number)
    assignee = first.body["after"]["assignee_id"]
    for event in later:
        body = event.body
        assignee = body.get("after", {}).get("assignee_id", assignee)
        if event.kind in {"decided", "override_requested"}:
            found = Decided(
                event.at, event.person_id, body["outcome"], body["override"], body["refund"] or 0, body["fee"] or 0,
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
        for payout in body.get("payouts", ()):
            kept = payouts.setdefault(payout["id"], {"granted": None})
            kept.update(payout)
            if payout["state"] == "queued" and kept["granted"] is None:
                kept["granted"] = event.at
    gifts = [one for one in payouts.values() if one["remedy"] == "goodwill" and one["state"] == "queued"]
    return Case(
        number,
        dict(record.facts),
        first.at,
        assignee or 0,
        min(answered, default=None),
        standing,
        (gifts[0]["granted"], gifts[0]["amount"]) if gifts else None,
        store.policy.zone,
        store.policy,
    )


def within(day: date | None, frame: Frame) -> bool:
    return day is not None and frame.first <= day <= frame.last


def came(found: Iterable[Case], frame: Frame) -> list[Case]:
    return [case for case in found if within(case.came, frame) and case.chosen(frame)]


def bought(found: Iterable[Case], frame: Frame) -> list[Case]:
    return [case for case in found if within(case.bought, frame) and case.chosen(frame)]


def decided(found: Iterable[Case], frame: Frame) -> list[Case]:
    return [case for case in found if within(case.effect, frame) and case.chosen(frame, decision=True)]


def created(found: Iterable[Case], frame: Frame) -> list[Case]:
    return [case for case in found if within(case.day(case.created), frame) and case.chosen(frame)]


def cures(found: Iterable[Case], frame: Frame, today: date) -> Counter[str]:
    states = Counter[str]()
    for case in found:
        cure = case.cure(today)
        if cure and within(cure[0], frame) and case.chosen(frame):
            states[cure[1]] += 1
    return states


def answers(found: Iterable[Case], frame: Frame, hours: int, today: date) -> Counter[str]:
    return Counter(case.answer(hours, today) for case in created(found, frame))


def gifts(found: Iterable[Case], frame: Frame) -> list[Case]:
    return [c for c in found if c.goodwill and within(c.day(c.goodwill[0]), frame) and c.chosen(frame)]


def money(found: Iterable[Case], frame: Frame) -> dict[str, Counter[str]]:
    """What decisions did with the money of each currency."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for case in decided(found, frame):
        made, part = case.decided, sums[case.fact("currency")]
        assert made is not None
        part["decisions"] += 1
        part["gross"] += case.gross
        part[{"approve": "approved", "deny": "refused", "exchange": "exchanged"}[made.outcome]] += case.gross
        if made.outcome == "approve":
            part["refunds"] += 1
            part["net"] += made.refund
            part["fees"] += made.fee
            part["withheld"] += case.gross - made.refund - made.fee
            part["lost"] += case.lost
    for case in gifts(found, frame):
        assert case.goodwill is not None
        sums[case.fact("currency")]["goodwill"] += case.goodwill[1]
        sums[case.fact("currency")]["gifts"] += 1
    return dict(sums)


def middle(times: list[int]) -> int | None:
    """The lower median of lengths of time; None of none."""
    return sorted(times)[(len(times) - 1) // 2] if times else None
