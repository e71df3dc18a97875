"""One claim of which all is known, under one reading of the clauses: the inner half of the oracle.

Every method states one clause, or one part of it, as the clauses document says it; an `A` number names the ambiguity
whose reading decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from counting import HOUR_US, first_late

from refundcore.facts import FACTS

Claim = dict[str, object]

WEEK_DAYS = 7
LAST_DAYS = 14
CURE_US = 72 * HOUR_US
STANDING_US = 240 * HOUR_US
TOLERANCE_PERCENT = 10
SUBSTANCE_WORDS = 8

STRICT, DEFAULT, GENEROUS = READINGS = (
    {
        "A01 days for a defect": WEEK_DAYS,
        "A02 anchors": ("purchased_at", "ordered_at"),
        "A03 anchor": "purchase",
        "A06 counts": "received",
        "A07 evidence by": "window",
        "A11 standstill": True,
        "A22 undecided": "no right",
        "A26 refusal bars": "always",
        "A32 ends reason 1": "any SMS",
        "A37 replacement": "barred",
        "A39 contact": "claim",
    },
    {
        "A01 days for a defect": LAST_DAYS,
        "A02 anchors": ("purchased_at",),
        "A03 anchor": "purchase or first SMS",
        "A06 counts": "sent",
        "A07 evidence by": "cure",
        "A11 standstill": True,
        "A22 undecided": "held",
        "A26 refusal bars": "where needed",
        "A32 ends reason 1": "a code",
        "A37 replacement": "barred",
        "A39 contact": "any",
    },
    {
        "A01 days for a defect": LAST_DAYS,
        "A02 anchors": ("purchased_at",),
        "A03 anchor": "purchase or first SMS",
        "A06 counts": "sent",
        "A07 evidence by": "day 14",
        "A11 standstill": False,
        "A22 undecided": "failed",
        "A26 refusal bars": "where needed",
        "A32 ends reason 1": "a code",
        "A37 replacement": "allowed",
        "A39 contact": "any",
    },
)


def as_known(claim: Claim, as_of: int) -> Claim:
    """The claim as it stands at `as_of`: later instants have not happened, blanks with a meaning have it."""
    known: Claim = {fact.name: claim.get(fact.name) for fact in FACTS}
    for fact in FACTS:
        if fact.kind == "instant":
            first, last = claim.get(fact.name), claim.get(fact.latest)
            first, last = (last if first is None else first), (first if last is None else last)
            if first is not None and first > as_of:
                if fact.name == "evidence_received_at":
                    known["evidence_attached"] = False
                    known["evidence_sufficient"] = None
                first = last = None
            known[fact.name], known[fact.latest] = first, last
    given = known["evidence_received_at"] is not None or known["evidence_sufficient"] is not None
    if known["evidence_attached"] is None and given:
        known["evidence_attached"] = True
    known["unlawful_use"] = known["unlawful_use"] or "none"
    for one, other in (("purchased_at", "ordered_at"), ("ordered_at", "purchased_at")):
        if known[one] is None:
            known[f"{one} stood in for"] = True
            known[one], known[f"{one}_latest"] = known[other], known[f"{other}_latest"]
    known["notice"], known["notice_latest"] = known["defect_notified_at"], known["defect_notified_at_latest"]
    if known["notice"] is None:
        known["notice"], known["notice_latest"] = known["submitted_at"], known["submitted_at_latest"]
    return known


@dataclass
class Outcome:
    """What one reading makes of a claim of which all is known."""

    bars: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    supplies: list[str] = field(default_factory=list)
    running: bool = False
    rescued: bool = False
    right: str = "approve"

    @property
    def verdict(self) -> str:
        if self.bars:
            return "deny"
        if self.holds:
            return "review"
        if self.supplies:
            return "need_info"
        return "pending" if self.running else self.right


class Case:
    """A claim of which all is known, at one moment, in one zone, under one reading."""

    def __init__(self, facts: Claim, reading: dict, as_of: int, zone: str, *, settled: bool = False) -> None:
        self.facts, self.reading, self.as_of, self.zone, self.settled = facts, reading, as_of, zone, settled
        self.timing, self.clock_answer = facts.get("timing", ("", ""))

    def __getitem__(self, name: str) -> object:
        return self.facts[name]

    def late_from(self, anchor: str, days: int) -> int:
        """The first instant too late for a window of days from the latest the anchor can have been."""
        return first_late(self[f"{anchor}_latest"], days, self.zone)

    def judge(self) -> Outcome:
        outcome = Outcome()
        {
            "sms_not_received": self.no_sms,
            "invalid_number": self.invalid_number,
            "major_defect": self.major_defect,
            "incompatibility": self.incompatibility,
            "other": self.not_listed,
        }[self["reason"]](outcome)
        self.of_every_reason(outcome)
        return outcome

    # C2, C3, C8: what holds for every reason

    def of_every_reason(self, outcome: Outcome) -> None:
        replaced = self["reason"] == "major_defect" and self.replacement_available()
        spared = replaced and self.reading["A37 replacement"] == "allowed"
        if self["unlawful_use"] == "confirmed" and not spared:
            outcome.bars.append("C2")
        if self["unlawful_use"] == "alleged":
            outcome.holds.append("C2")
        if self.after_day_14():
            outcome.bars.append("C3")
        if self["terms_section"]:
            outcome.holds.append("C8f")
        if self.grounds_thin():
            outcome.supplies.append("C8e")
        amount, refunded = self["amount"], self["refunded_before"] or 0
        if amount is not None and refunded >= amount:
            outcome.bars.append("C8d")

    def after_day_14(self) -> bool:
        """C3: counted from the order, by what was received, for a defect by its notice."""
        if self.timing:
            return self.timing == "far"
        received = self["notice"] if self["reason"] == "major_defect" else self["submitted_at"]
        return received >= self.late_from("ordered_at", LAST_DAYS)

    def grounds_thin(self) -> bool:
        if self["grounds_sufficient"] is not None:
            return not self["grounds_sufficient"]
        return len((self["description"] or "").split()) < SUBSTANCE_WORDS

    # C4: reason 1

    def no_sms(self, outcome: Outcome) -> None:
        any_sms = self["sms_received_at"] is not None and self.reading["A32 ends reason 1"] == "any SMS"
        if self["sms_code_received"] or any_sms:
            outcome.bars.append("C4a")
        if self.late_after_purchase():
            outcome.bars += ["C4c", "C4d"]

    def late_after_purchase(self) -> bool:
        if self.timing:
            return self.timing != "in"
        return any(self.counts_from() >= self.late_from(anchor, WEEK_DAYS) for anchor in self.reading["A02 anchors"])

    def counts_from(self) -> int:
        """A06: when the claim counts as made."""
        received, sent = self["submitted_at"], self["sent_at"]
        if self.reading["A06 counts"] == "sent" and sent is not None:
            return min(sent, received)
        return received

    # C5: reason 2

    def invalid_number(self, outcome: Outcome) -> None:
        if not self["sms_code_received"]:
            outcome.holds.append("C5a")
        late = self.late_for_number()
        outcome.rescued = late and self.contact_rescues()
        if late and not outcome.rescued:
            outcome.bars.append("C5c")
            if self.with_both_anchors().late_for_number():
                outcome.bars.append("C5d")
        supplied = self["evidence_attached"] and self["evidence_sufficient"]
        if not supplied and self.evidence_still_open():
            outcome.supplies.append("C5b")
        elif not (supplied and self.evidence_in_time()):
            outcome.bars.append("C5b")
        self.third_party(outcome, saved=bool(self["listed_compatible"]))

    def with_both_anchors(self) -> Case:
        reading = self.reading | {"A03 anchor": DEFAULT["A03 anchor"]}
        return Case(self.facts, reading, self.as_of, self.zone, settled=self.settled)

    def sms_late_from(self) -> int:
        """A03: the end of the week from the first SMS, never past day 14; 0 where that adds nothing."""
        if self.reading["A03 anchor"] == "purchase" or self.after_day_14():
            return 0
        day_14 = self.late_from("ordered_at", LAST_DAYS) if self["ordered_at"] is not None else None
        if self.facts.get("first SMS") == "late":
            return day_14 or 0
        if self["sms_received_at"] is None:
            return 0
        week = self.late_from("sms_received_at", WEEK_DAYS)
        return min(week, day_14 or week)

    def number_late_from(self) -> int:
        return max(self.late_from("purchased_at", WEEK_DAYS), self.sms_late_from())

    def late_for_number(self) -> bool:
        if not self.timing:
            return self.counts_from() >= self.number_late_from()
        if self.timing == "mid" and self.reading["A03 anchor"] != "purchase":
            if self.facts.get("first SMS") == "late":
                return False
            if self["submitted_at"] is not None:
                return self.counts_from() >= self.sms_late_from()
        return self.timing != "in"

    def contact_rescues(self) -> bool:
        """A39: proper contact in the default window lets a late claim through, by day 14."""
        contacted = self["contacted_at"]
        if contacted is None or self.reading["A39 contact"] == "claim" or self.after_day_14():
            return False
        default = self.with_both_anchors()
        if self["purchased_at"] is not None:
            return contacted < default.number_late_from()
        if self.facts.get("first SMS") == "late" or self.timing == "in":
            return True
        return contacted < default.sms_late_from()

    def evidence_limit(self) -> int:
        """A07: the last instant at which evidence is in time. The purchase is known."""
        day_14 = self.late_from("ordered_at", LAST_DAYS) - 1
        by = self.reading["A07 evidence by"]
        if by == "day 14":
            return day_14
        limit = self.number_late_from() - 1
        if by == "cure" and self["submitted_at"] is not None:
            limit = max(limit, self["submitted_at_latest"] + CURE_US)
        return min(limit, day_14)

    def by_timing(self) -> bool:
        """Whether what shares the fate of an unknown date is in time for evidence."""
        late_sms = self.facts.get("first SMS") == "late" and self.reading["A07 evidence by"] == "cure"
        generous = self.reading["A07 evidence by"] == "day 14"
        return self.timing == "in" or (self.timing == "mid" and (generous or late_sms))

    def evidence_in_time(self) -> bool:
        came = self["evidence_received_at"]
        if came is None:
            came = self["submitted_at"]
        if came is None or self["purchased_at"] is None:
            return self.by_timing()
        return came <= self.evidence_limit()

    def evidence_still_open(self) -> bool:
        return self.by_timing() if self["purchased_at"] is None else self.as_of <= self.evidence_limit()

    # C7, and the reasons that are not listed

    def third_party(self, outcome: Outcome, *, saved: bool) -> None:
        if self["third_party_cause"] and not saved:
            outcome.bars.append("C7a")

    def incompatibility(self, outcome: Outcome) -> None:
        if self["listed_compatible"]:
            outcome.holds.append("C7b")
        else:
            outcome.bars.append("C7a")

    def not_listed(self, outcome: Outcome) -> None:
        if not self.after_day_14():
            outcome.bars.append("C3")
        self.third_party(outcome, saved=bool(self["listed_compatible"]))

    # C6: reason 3

    def major_defect(self, outcome: Outcome) -> None:
        self.third_party(outcome, saved=bool(self["listed_compatible"] or self["reproduced_without_third_party"]))
        anyhow = self.reading["A26 refusal bars"] == "always"
        if self["access_refused"] and (anyhow or self["access_needed"]):
            outcome.bars.append("C6g")
        if self.late_notice():
            outcome.bars.append("C8b")
        if self["defect_approved"] is False:
            outcome.bars.append("C6c")
            return
        outcome.right = "exchange" if self.replacement_available() else "approve"
        fixed = self.fixed()
        if fixed == "in time" or (fixed != "no" and self["fix_accepted"]):
            outcome.bars.append("C6b")
            return
        if fixed == "doubtful":
            outcome.holds.append("C6b")
        self.clock_and_finding(outcome, fixed)

    def clock_and_finding(self, outcome: Outcome, fixed: str) -> None:
        if self.settled:
            return
        if self.stands_still() and fixed == "no":
            outcome.running = self.as_of <= self["access_requested_at_latest"] + STANDING_US
            if not outcome.running:
                outcome.holds.append("C6f")
            return
        if self.clock_running():
            outcome.running = fixed == "no"
        elif self["defect_approved"] is None and self.reading["A22 undecided"] == "no right":
            outcome.bars.append("C6c")
        elif self["defect_approved"] is None and self.reading["A22 undecided"] == "held":
            outcome.holds.append("C6c")

    def late_notice(self) -> bool:
        days = self.reading["A01 days for a defect"]
        if days == LAST_DAYS:
            return False  # C3 sees to it
        if self.timing:
            return self.timing != "in"
        return self["notice"] >= self.late_from("ordered_at", days)

    def replacement_available(self) -> bool:
        return self["remedy_choice"] == "replacement" and bool(
            self.facts["price within"] if "price within" in self.facts else within_tolerance(self.facts)
        )

    def stands_still(self) -> bool:
        """A11: access asked for in time and not granted yet."""
        requested = self["access_requested_at"]
        if not self.reading["A11 standstill"] or self["notice"] is None or requested is None:
            return False
        return self["access_granted_at"] is None and requested <= self["notice_latest"] + CURE_US

    def ends(self) -> tuple[int, int]:
        """The earliest and the latest end of the 72 hours, a standstill that is over added."""
        first, last = self["notice"] + CURE_US, self["notice_latest"] + CURE_US
        if self.reading["A11 standstill"] and None not in (self["access_requested_at"], self["access_granted_at"]):
            asked_first, asked_last = self["access_requested_at"], self["access_requested_at_latest"]
            if asked_last <= first:
                first += max(0, self["access_granted_at"] - max(asked_last, self["notice"]))
            if asked_first <= last:
                last += max(0, self["access_granted_at_latest"] - max(asked_first, self["notice_latest"]))
        return first, max(first, last)

    def clock_running(self) -> bool:
        return self.clock_answer == "running" if self.clock_answer else self.as_of <= self.ends()[1]

    def fixed(self) -> str:
        if self["defect_fixed_at"] is None:
            return "no"
        if self.clock_answer:
            return "in time" if self.clock_answer == "running" else "late"
        first, last = self.ends()
        if self.stands_still():
            asked_surely_in_time = self["access_requested_at_latest"] <= first
            return "in time" if asked_surely_in_time or self["defect_fixed_at_latest"] <= first else "doubtful"
        if self["defect_fixed_at_latest"] <= first:
            return "in time"
        return "late" if self["defect_fixed_at"] > last else "doubtful"


def within_tolerance(facts: Claim) -> bool | None:
    """A21: about the same value. None where the price or what was paid is unknown."""
    price, paid = facts["replacement_price"], facts["amount"]
    if price is None or paid is None:
        return None
    return abs(price - paid) * 100 <= TOLERANCE_PERCENT * paid
