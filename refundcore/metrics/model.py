"""What the figures are asked for and answered with: plain, frozen values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Period:
    """From an instant on, up to but not including another, in microseconds since 1970 in UTC."""

    start: int
    end: int


@dataclass(frozen=True)
class DayCount:
    """Claims of one reason that came in on one local day."""

    day: date
    reason: str
    claims: int


@dataclass(frozen=True)
class Count:
    """How many claims of a reason have some value: a verdict, an outcome, a clause."""

    reason: str
    value: str
    claims: int


@dataclass(frozen=True)
class Rate:
    """A share with its size and its 95 % interval by Wilson's formula."""

    reason: str
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
class Sum:
    """What was refunded in one currency for one reason, in minor units of the currency."""

    currency: str
    reason: str
    refunds: int
    net: int
    """Paid out to customers."""
    fees: int
    """Kept."""


@dataclass(frozen=True)
class Span:
    """How many decisions took up to so long."""

    name: str
    decisions: int


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


@dataclass(frozen=True)
class Headline:
    """The figures on top."""

    claims: int
    """Came in during the period."""
    undecided: int
    """Of those, without a standing decision."""
    decided: int
    refunded: int
    overridden: int
    """Of the decided: against the policy's verdict."""
    median: int | None
    """Microseconds from the claim to the decision."""

    @property
    def refund_rate(self) -> Rate:
        """Refunds out of all decisions."""
        return Rate("", self.refunded, self.decided)


def wilson(part: int, whole: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval in which a share lies that was seen as `part` of `whole`; 0 to 1 where nothing was seen.

    Wilson (1927), without continuity correction; `z` is the normal quantile, by default for 95 %.
    """
    if whole <= 0:
        return 0.0, 1.0
    share, weight = part / whole, z * z / whole
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / whole + weight / (4 * whole))
    return (0.0 if part == 0 else middle - half), (1.0 if part == whole else middle + half)
