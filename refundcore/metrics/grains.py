"""Days, weeks and months: the steps in which a period is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

GRAINS = ("day", "week", "month")
BY_DAY, BY_WEEK = 35, 7 * 110
"""Periods of up to so many days are shown by day, by week, unless somebody chooses; longer ones by month."""


@dataclass(frozen=True)
class Bucket:
    """A day, week or month, from a day up to but not including another."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Its length."""
        return (self.end - self.start).days


def grain(days: int) -> str:
    """The grain in which a period of so many days is shown."""
    return "day" if days <= BY_DAY else "week" if days <= BY_WEEK else "month"


def begin(day: date, unit: str) -> date:
    """The first day of the day, week (from Monday) or month in which a day lies."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def buckets(first: date, last: date, unit: str) -> list[Bucket]:
    """The days, weeks or months from that of the first day to that of the last."""
    starts = [begin(first, unit)]
    while starts[-1] <= last:
        month_on = (starts[-1].replace(day=1) + timedelta(days=32)).replace(day=1)
        step = {"day": timedelta(days=1), "week": timedelta(days=7)}.get(unit)
        starts.append(starts[-1] + step if step else month_on)
    return [Bucket(start, end) for start, end in pairwise(starts)]
