"""Counting days and hours: pure, on columns of instants (microseconds since 1970 in UTC).

A window of days leaves the day of the event out and runs to the end of its last day in the zone; hours are
elapsed hours (sections 3.1 and 4 of the readings: A04, A05, A08). Nothing here asks what time it is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

Instants: TypeAlias = npt.NDArray[np.int64]

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
FAR_PAST, FAR_FUTURE = -(2**62), 2**62
"""Stand for "before everything" and "never" where an instant is missing."""

FIRST_YEAR, LAST_YEAR = 1900, 2199
SATURDAY, SUNDAY = 5, 6
MONDAY_TO_THURSDAY = 3
"""1970-01-01, day 0, was a Thursday."""
_EPOCH = date(1970, 1, 1)
_FIRST_DAY = (date(FIRST_YEAR, 1, 1) - _EPOCH).days

CONVENTIONS = {
    "days": "whole days, the day of the event not counted, to the end of the last day",
    "hours": "elapsed hours, nights and weekends included",
}


def zone_of(name: str) -> ZoneInfo:
    """The zone called `name`. Raises `ValueError` with a sentence for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{name}' is no time zone such as UTC, Europe/Berlin or America/New_York.") from None


def micros(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970 in UTC. Raises `ValueError` for one without an offset."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no offset, so it is no instant.")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(at: int, zone: tzinfo = UTC) -> datetime:
    """The instant `at` as a datetime in a zone."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at))).astimezone(zone)


def iso(at: int) -> str:
    """An instant as `2024-05-13T23:59:59Z`, with a fraction only where it has one."""
    return moment(at).replace(tzinfo=None).isoformat() + "Z"


@lru_cache(maxsize=4096)
def _year_ends(zone: str, year: int) -> Instants:
    """The first instant after each day of a year.

    Where a midnight comes twice it is the second; where summer time removes it, it is the change itself.
    """
    tz = ZoneInfo(zone)
    ends = []
    for number in range((date(year, 1, 1) - _EPOCH).days + 1, (date(year + 1, 1, 1) - _EPOCH).days + 1):
        day = _EPOCH + timedelta(days=number)
        midnight = datetime(day.year, day.month, day.day, tzinfo=tz, fold=1)
        end = micros(midnight)
        before = micros(midnight.replace(fold=0))
        # In a gap the two folds are the clocks after and before it, in this order; the day begins at the gap.
        ends.append(end if before <= end else _change_between(tz, end, before))
    return np.array(ends, dtype=np.int64)


def _change_between(tz: ZoneInfo, early: int, late: int) -> int:
    """The instant within (early, late] at which the offset of a zone changes, to the second."""
    old = moment(early, tz).utcoffset()
    low, high = early // SECOND, late // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if moment(middle * SECOND, tz).utcoffset() == old else (low, middle)
    return high * SECOND


@lru_cache(maxsize=256)
def _table(zone: str, first: int, last: int) -> tuple[int, Instants]:
    """Number of the first day and the ends of all days of the years `first` to `last`."""
    return (date(first, 1, 1) - _EPOCH).days, np.concatenate([_year_ends(zone, y) for y in range(first, last + 1)])


def _years(instants: Instants) -> tuple[int, int]:
    """The years that `instants` lie in with one on either side, by decades so that few tables are made."""
    if not len(instants):
        return FIRST_YEAR, FIRST_YEAR
    low, high = (1970 + int(x) // (DAY * 365) for x in (instants.min(), instants.max()))
    return max(FIRST_YEAR - 1, min(low, LAST_YEAR) - 3), min(LAST_YEAR + 1, max(high, FIRST_YEAR) + 2)


def day_number(instants: Instants, zone: str) -> Instants:
    """The number of the local day on which each instant falls, counted from 1970-01-01."""
    if zone == "UTC":
        return instants // DAY
    first, ends = _table(zone, *_years(instants))
    return first + np.searchsorted(ends, instants, side="right")


def end_of_day(days: Instants, zone: str) -> Instants:
    """The first instant after each local day: a deadline in days is still kept the moment before."""
    if zone == "UTC":
        return (days + 1) * DAY
    first, ends = _table(zone, *_years(days * DAY))
    return ends[np.clip(days - first, 0, len(ends) - 1)]


def start_of_day(days: Instants, zone: str) -> Instants:
    """The first instant of each local day."""
    return end_of_day(days - 1, zone)


def window_end(events: Instants, count: Instants | int, zone: str, *, roll: bool = False) -> Instants:
    """The first late instant of a window of `count` days after each event.

    With `roll` a last day on a Saturday or Sunday moves to the Monday (A04, off by default).
    """
    last = day_number(events, zone) + count
    if roll:
        weekday = (last + MONDAY_TO_THURSDAY) % 7
        last = last + np.where(weekday == SATURDAY, 2, np.where(weekday == SUNDAY, 1, 0))
    return end_of_day(last, zone)


def last_second(first_late: int) -> int:
    """How the end of a day is told to people: its last second."""
    return first_late - SECOND


# The other conventions of counting, for comparison on the policy page and for the worked examples.


def _working_day(day: int, holidays: Collection[int]) -> bool:
    return (day + MONDAY_TO_THURSDAY) % 7 < SATURDAY and day not in holidays


def count(  # noqa: PLR0917 - what a period consists of
    event: int, number: int, kind: str, convention: str, zone: str, holidays: Collection[date] = ()
) -> int:
    """One period under one of the conventions of section 4.

    For `kind` "days" (DAY-X, DAY-X+ROLL, DAY-INCL, SHORT) the first late instant, for "hours" (HOUR-E,
    HOUR-E+ROLL, HOUR-EU) the last instant in time. Raises `ValueError` for an unknown convention.
    """
    off = {(day - _EPOCH).days for day in holidays}
    tz = zone_of(zone)
    if kind == "days":
        day = int(day_number(np.array([event]), zone)[0])
        if convention == "SHORT":
            left = number
            while left:
                day += 1
                left -= _working_day(day, off)
        elif convention in {"DAY-X", "DAY-X+ROLL", "DAY-INCL"}:
            day += number - (convention == "DAY-INCL")
            while convention.endswith("+ROLL") and not _working_day(day, off):
                day += 1
        else:
            raise ValueError(f"'{convention}' is no way of counting days: DAY-X, DAY-X+ROLL, DAY-INCL or SHORT.")
        return int(end_of_day(np.array([day]), zone)[0])
    if convention == "HOUR-EU":
        local = moment(event, tz)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return event - into // timedelta(microseconds=1) + (number + 1) * HOUR
    if convention not in {"HOUR-E", "HOUR-E+ROLL"}:
        raise ValueError(f"'{convention}' is no way of counting hours: HOUR-E, HOUR-E+ROLL or HOUR-EU.")
    due = event + number * HOUR
    while convention.endswith("+ROLL") and not _working_day(int(day_number(np.array([due]), zone)[0]), off):
        due = micros((moment(due, tz).replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=tz))
    return due
