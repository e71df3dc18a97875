"""Counting days and hours with `datetime` and `zoneinfo` alone, one instant at a time.

Written apart from `refundcore.deadlines`, so that each can find the other's mistakes. Instants are microseconds
since 1970 in UTC. The conventions are those of the time vectors:

===========  ==========================================================================================
DAY-X        the day of the event is left out, every calendar day counts
DAY-X+ROLL   as DAY-X, but a last day without work moves to the next working day
DAY-INCL     the day of the event is day 1
SHORT        days without work are not counted
HOUR-E       elapsed hours from the moment
HOUR-E+ROLL  as HOUR-E, but an end on a day without work moves to the same clock time of the next working day
HOUR-EU      the hour of the event is left out: the first full local hour after it starts the period
===========  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ONE_DAY = timedelta(days=1)
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
SATURDAY = 5


def to_us(moment: datetime) -> int:
    """The microseconds of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """The datetime in UTC."""
    return EPOCH + timedelta(microseconds=us)


def local(us: int, zone: str) -> datetime:
    """The clock on the wall of the zone."""
    return from_us(us).astimezone(ZoneInfo(zone))


@lru_cache(maxsize=100_000)
def day_begins(day: date, zone: str) -> int:
    """The first instant of a local day; where summer time removes its midnight, the change itself."""
    midnight = datetime.combine(day, time(0), tzinfo=ZoneInfo(zone))  # fold 0: of two midnights the first
    return to_us(midnight.astimezone(UTC))


def first_late(us: int, days: int, zone: str) -> int:
    """The first instant that is too late for a window of `days` days from the event (DAY-X)."""
    return day_begins(local(us, zone).date() + timedelta(days=days + 1), zone)


def idle(day: date, holidays: Collection[date]) -> bool:
    """Whether nobody works on that day: Saturday, Sunday or a holiday."""
    return day.weekday() >= SATURDAY or day in holidays


def next_working_day(day: date, holidays: Collection[date]) -> date:
    """The day itself, or the first one after it on which people work."""
    while idle(day, holidays):
        day += ONE_DAY
    return day


def last_day(event: date, days: int, convention: str, holidays: Collection[date] = ()) -> date:
    """The last day of a period in days. Raises `ValueError` for a convention that does not count days."""
    if convention == "DAY-X":
        return event + timedelta(days=days)
    if convention == "DAY-X+ROLL":
        return next_working_day(event + timedelta(days=days), holidays)
    if convention == "DAY-INCL":
        return event + timedelta(days=days - 1)
    if convention == "SHORT":
        day = event
        for _ in range(days):
            day = next_working_day(day + ONE_DAY, holidays)
        return day
    raise ValueError(f"{convention} does not count days.")


def count_days(us: int, days: int, convention: str, zone: str, holidays: Collection[date] = ()) -> tuple[int, int]:
    """The last second in time and the first instant that is late."""
    late = day_begins(last_day(local(us, zone).date(), days, convention, holidays) + ONE_DAY, zone)
    return late - SECOND_US, late


def count_hours(us: int, hours: int, convention: str, zone: str, holidays: Collection[date] = ()) -> int:
    """The instant at which the period ends, itself still in time."""
    if convention == "HOUR-EU":
        wall = local(us, zone)
        into_the_hour = timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
        return us - into_the_hour // MICROSECOND + (hours + 1) * HOUR_US
    end = us + hours * HOUR_US
    if convention == "HOUR-E":
        return end
    if convention == "HOUR-E+ROLL":
        wall = local(end, zone)
        if not idle(wall.date(), holidays):
            return end
        day = next_working_day(wall.date(), holidays)
        return to_us(datetime.combine(day, wall.time(), tzinfo=ZoneInfo(zone)).astimezone(UTC))
    raise ValueError(f"{convention} does not count hours.")
