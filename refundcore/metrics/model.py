"""What the figures are asked for and answered with: plain, frozen values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

EPOCH = date(1970, 1, 1)
FILTERS = ("reason", "currency", "method", "channel", "product", "agent")
"""What a frame can be narrowed to."""


def number_of(day: date) -> int:
    """A day as the figures keep it: counted from 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """The day of a number."""
    return EPOCH + timedelta(days=int(number))


@dataclass(frozen=True)
class Frame:
    """What the figures are about: local days, both included, and what they are narrowed to.

    A filter that is None narrows nothing; '' stands for what is not known, an agent for the digits of a person's id
    ('0': nobody).
    """

    first: date
    last: date
    reason: str | None = None
    currency: str | None = None
    method: str | None = None
    channel: str | None = None
    product: str | None = None
    agent: str | None = None

    @property
    def filters(self) -> dict[str, str]:
        """The filters that narrow something."""
        return {name: value for name in FILTERS if (value := getattr(self, name)) is not None}

    @property
    def days(self) -> int:
        """How many days it holds."""
        return (self.last - self.first).days + 1

    def between(self, first: date, last: date) -> Frame:
        """The same for other days."""
        return replace(self, first=first, last=last)

    def before(self) -> Frame:
        """The same for as many days just before."""
        return self.between(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    def year_before(self) -> Frame:
        """The same a year earlier; 29 February stands for the 28th where there is none."""
        return self.between(_year_before(self.first), _year_before(self.last))


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


@dataclass(frozen=True)
class Pick:
    """Claims behind a figure: those of one kind, day by day, that have some values.

    `kind` is one of `store.summing.KINDS`, `part` one of its sums that only counts some claims ("n": all), `money`
    the column whose sum is told beside their number ('': none).
    """

    kind: str
    first: date
    last: date
    part: str = "n"
    money: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    """Column of the figures -> the value it has: reason, currency, what, or a filter."""


@dataclass(frozen=True)
class Rate:
    """A share with its size and its 95 % interval by Wilson's formula."""

    name: str
    part: int
    whole: int

    @property
    def share(self) -> float:
        """From 0 to 1; 0 of nothing."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """See `wilson`."""
        return wilson(self.part, self.whole)


@dataclass(frozen=True)
class Money:
    """What decisions did with the money of one currency, in minor units of it."""

    currency: str
    decisions: int = 0
    gross: int = 0
    """Paid once for what was claimed."""
    refused: int = 0
    """Of it, on claims that were denied."""
    exchanged: int = 0
    """Of it, on claims that got a replacement."""
    approved: int = 0
    """Of it, on claims that were approved."""
    withheld: int = 0
    """Of what was approved, neither paid nor kept as a fee: refunded before, or a part that was not granted."""
    fees: int = 0
    """Kept of refunds."""
    net: int = 0
    """Paid to customers."""
    lost: int = 0
    """The processor's fees on refunds, by the schedule, as far as they were not kept."""
    refunds: int = 0
    goodwill: int = 0
    """Paid outside of the policy, by the day it was granted."""
    gifts: int = 0
    """How many payments of goodwill."""


@dataclass(frozen=True)
class Kept:
    """What became of a deadline: kept, missed, or still running."""

    kept: int = 0
    missed: int = 0
    running: int = 0

    @property
    def over(self) -> int:
        """How many of them have ended, one way or the other."""
        return self.kept + self.missed

    @property
    def whole(self) -> int:
        """All of them."""
        return self.over + self.running


@dataclass(frozen=True)
class Headline:
    """The figures on top. Each says what it counts: claims that came in, or decisions that took effect."""

    claims: int
    """Came in during the period."""
    undecided: int
    """Of those, without a decision that stands."""
    decisions: int
    """Took effect in the period."""
    refunds: int
    overridden: int
    """Of the decisions: against the policy's verdict."""
    money: tuple[Money, ...]
    """By currency, the one with most decisions first."""
    cured: Kept
    """Of defects notified in the period: whether they were put right within the policy's 72 hours."""
    answered: Kept
    """Of claims that came onto the desk in the period: whether they were answered within its own target."""
    median: int | None
    """Microseconds from the claim to its decision: the middle of the bin that holds the median."""
    timed: int
    """Decisions whose time is known."""

    @property
    def refund_rate(self) -> Rate:
        """Refunds out of the decisions."""
        return Rate("", self.refunds, self.decisions)

    @property
    def override_rate(self) -> Rate:
        """Decisions against the policy out of all."""
        return Rate("", self.overridden, self.decisions)


@dataclass(frozen=True)
class Cohort:
    """One day, week or month of purchases, and what happened meanwhile: the two ways to tell a rate."""

    first: date
    last: date
    orders: int
    """Placed in it; 0 where no orders were uploaded."""
    bought: int
    """Claims on what was bought in it, whenever they came."""
    bought_refunded: int
    came: int
    """Claims that came in it, whenever it was bought."""
    refunded: int
    """Refunds that took effect in it."""
    decisions: int
    mature: bool
    """Whether claims on it can hardly come any more."""


def wilson(part: int, whole: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval in which a share lies that was seen as `part` of `whole`; 0 to 1 where nothing was seen.

    Wilson (1927), without continuity correction; `z` is the normal quantile, by default for 95 %.
    """
    if whole <= 0:
        return 0.0, 1.0
    share, weight = part / whole, z * z / whole
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(max(0.0, share * (1 - share)) / whole + weight / (4 * whole))
    return (0.0 if part == 0 else middle - half), (1.0 if part == whole else middle + half)
