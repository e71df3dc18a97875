"""One claim with everything that sentences are made of: its facts, its regions, its rules' answers."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from refundcore import deadlines
from refundcore.deadlines import DAY, FAR_FUTURE, day_number
from refundcore.facts import BY_NAME, Claims
from refundcore.money import EXPONENTS, grouped
from refundcore.policy import Policy
from refundcore.rulebook import Taken, completions
from refundcore.rulebook.reading import Reader
from refundcore.rulebook.regions import Region
from refundcore.rules import BOOK

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


LAST_SECOND = (23, 59, 59)


class Case:
    """A claim of one row, judged; where its reason isn't known, the first reason's windows are shown."""

    def __init__(self, claim: Claims, policy: Policy, as_of: int, zone: str, judged: pd.Series) -> None:
        self.claim, self.policy, self.as_of, self.zone = claim, policy, as_of, zone
        self.book = BOOK
        self.verdict, self.leaning = str(judged["verdict"]), str(judged["leaning"])
        self.clause, self.missing = str(judged["clause"]), str(judged["missing"]).split()
        self.clauses = str(judged["clauses"]).split()
        self.next_deadline = None if pd.isna(judged["next_deadline"]) else int(judged["next_deadline"])
        self.refund = 0 if pd.isna(judged["refund"]) else int(judged["refund"])
        self.fee = 0 if pd.isna(judged["fee"]) else int(judged["fee"])
        self.reason_known = self.text("reason") != ""
        self.reason = self.text("reason") or "sms_not_received"
        reader = Reader(claim, np.array([as_of], dtype=np.int64))
        self.region = Region(reader, policy, zone, self.reason, np.array([0]))
        self.known = completions.of(self.region).known
        taken = Taken.three(policy)
        self.answers = BOOK.answers(self.known, taken, policy, self.reason)
        self.effects = BOOK.weigh(self.answers, self.known.rows, len(taken.columns))

    def value(self, name: str) -> Any:  # noqa: ANN401 - a cell of any kind
        """A cell; None where it is blank."""
        return self.claim.columns[name][0].as_py()

    def text(self, name: str) -> str:
        """A text or code; empty where it is blank."""
        return str(self.value(name) or "")

    def happened(self, name: str) -> int | None:
        """The earliest moment of an instant that lies in the past; None where it is blank or still to come."""
        at = self.value(name)
        return int(at) if at is not None and int(at) <= self.as_of else None

    def ahead(self, name: str) -> bool:
        """Whether a date is given that lies in the future, and so counts as not known yet."""
        fact = BY_NAME[name]
        return fact.kind == "instant" and self.value(name) is not None and self.happened(name) is None

    def column(self, name: str) -> int | None:
        """A region's code of the claim."""
        column = self.region.columns.get(name)
        return None if column is None else int(column[0])

    def at(self, name: str) -> int | None:
        """A deadline or anchor of the region; None where there is none."""
        value = int(getattr(self.region, name)[0])
        return None if value >= FAR_FUTURE else value

    def number(self, clause: str, name: str) -> int:
        """A clause's number as it stood at the order."""
        return int(np.asarray(self.policy.number(clause, name, self.region.law, self.zone)).reshape(-1)[0])

    @cached_property
    def order_day(self) -> date:
        """The local day of the order, whose wording counts; the present day where it isn't known."""
        return self.day(int(self.region.law[0]))

    def day(self, at: int) -> date:
        """The local day of an instant."""
        number = int(day_number(np.array([at], dtype=np.int64), self.zone)[0])
        return date.fromordinal(number + date(1970, 1, 1).toordinal())

    def days_between(self, event: int, later: int) -> int:
        """On which day after the event's own something came."""
        return (self.day(later) - self.day(event)).days

    def day_text(self, at: int) -> str:
        """`13 May 2024`."""
        day = self.day(at)
        return f"{day.day} {MONTHS[day.month - 1]} {day.year}"

    def when(self, at: int) -> str:
        """`13 May 2024, 14:30 (UTC)`, or `the end of 13 May 2024 (UTC)` for the last second of a day."""
        local = deadlines.moment(at, deadlines.zone_of(self.zone))
        if (local.hour, local.minute, local.second) == LAST_SECOND:
            return f"the end of {self.day_text(at)} ({self.zone})"
        return self.moment(at)

    def moment(self, at: int) -> str:
        """`13 May 2024, 14:30 (UTC)`; seconds only where there are some."""
        local = deadlines.moment(at, deadlines.zone_of(self.zone))
        clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
        return f"{local.day} {MONTHS[local.month - 1]} {local.year}, {clock} ({self.zone})"

    def told(self, name: str) -> str:
        """An instant as it is known: with its time, or as a day where only the day is known."""
        early, late = self.value(name), self.value(BY_NAME[name].latest)
        if early is None:
            return "on an unknown day"
        whole_day = late is not None and int(late) - int(early) >= DAY // 2
        return f"on {self.day_text(int(early)) if whole_day else self.moment(int(early))}"

    def money(self, minor: int) -> str:
        """`10.00 USD`; the bare digits where the currency isn't known."""
        currency = self.text("currency")
        return f"{grouped(minor, currency)} {currency}" if currency in EXPONENTS else str(minor)

    @property
    def submitted(self) -> int | None:
        """When the claim was received."""
        return int(self.region.submitted[0]) if bool(self.region.has_claim[0]) else None

    @property
    def purchase(self) -> int | None:
        """When the number was purchased, else ordered."""
        return int(self.region.purchase[0]) if bool(self.region.dated[0]) else None

    @property
    def order(self) -> int | None:
        """When the order was placed, else the purchase."""
        return int(self.region.order[0]) if bool(self.region.dated[0]) else None

    @property
    def notice(self) -> int | None:
        """When a defect was notified."""
        notified = self.happened("defect_notified_at")
        return notified if notified is not None else self.submitted
