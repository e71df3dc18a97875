"""Written dates and times to intervals of instants, column by column.

An instant is two numbers, the earliest and the latest microsecond it can have been: a date alone is its whole
local day, a clock time that comes twice (summer time ends) is both of them. Times without an offset are local
to the zone that is named. Formats other than ISO 8601 are in `dates`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from refundcore.deadlines import DAY, FIRST_YEAR, HOUR, LAST_YEAR, SECOND, end_of_day, start_of_day
from refundcore.intake.shapes import Rows, Shaped

Truths = npt.NDArray[np.bool_]

MINUTE = 60 * SECOND
LAST_HOUR, LAST_MINUTE = 23, 59
FEBRUARY, DECEMBER = 2, 12
WANTED = "is not a date such as 2024-05-06 or an instant such as 2024-05-06T14:30:00Z"
NO_SUCH_DAY = "is a day or a time of day that does not exist"
YEARS = f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}"
SKIPPED = "is a clock time that {zone} skipped when summer time began"

ISO = re.compile(
    rb"(?P<Y>0000)-(?P<M>00)-(?P<D>00)"
    rb"(?:(?:[Tt]| {1,2})(?P<h>00?):(?P<m>00)(?::(?P<s>00)(?:[.,](?P<f>0{1,12}))?)?"
    rb" ?(?P<z>[Zz]|UTC|GMT|[+-]00(?::?00)?)?)?"
)
BASIC = re.compile(rb"(?P<Y>0000)(?P<M>00)(?P<D>00)[Tt](?P<h>00)(?P<m>00)(?P<s>00)?(?P<z>[Zz]|[+-]00(?::?00)?)?")


@dataclass(frozen=True)
class Moments:
    """Some rows read: their numbers, earliest and latest microseconds, and the rows that could not be read by why."""

    rows: Rows
    earliest: Rows
    latest: Rows
    faults: list[tuple[Rows, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Clock:
    """Parts of a written date and time, one number a row. `offset` is in minutes; `None` where none is written."""

    year: Rows
    month: Rows
    day: Rows
    micros: Rows | None = None
    """Microseconds since midnight; `None` for a date alone."""
    offset: Rows | None = None
    bad: Truths | None = None
    """Rows whose clock time is already known to be impossible."""


def read_iso(shaped: Shaped, zone: str) -> Moments | None:
    """The instants of one shape, or `None` where the shape is not ISO 8601."""
    found = ISO.fullmatch(shaped.shape) or BASIC.fullmatch(shaped.shape)
    return None if found is None else moments(shaped.rows, clock_of(shaped, found), zone)


def clock_of(shaped: Shaped, found: re.Match[bytes]) -> Clock:
    """The parts that a pattern with the groups Y M D h m s f z found in a shape."""

    def part(name: str) -> Rows:
        return shaped.number(*found.span(name))

    groups = found.groupdict()
    year, month, day = part("Y"), part("M"), part("D")
    if groups.get("h") is None:
        return Clock(year, month, day)
    hour, minute = part("h"), part("m")
    second = part("s") if groups.get("s") else np.zeros_like(hour)
    micros = hour * HOUR + minute * MINUTE + second * SECOND
    if groups.get("f"):
        start, end = found.span("f")
        places = min(end - start, 6)
        micros = micros + shaped.number(start, start + places) * 10 ** (6 - places)
    bad = (hour > LAST_HOUR) | (minute > LAST_MINUTE) | (second > LAST_MINUTE)
    written = groups.get("z")
    if written is None:
        return Clock(year, month, day, micros, bad=bad)
    if written[:1] not in b"+-":
        return Clock(year, month, day, micros, np.zeros_like(hour), bad)
    start, end = found.span("z")
    hours = shaped.number(start + 1, start + 3)
    minutes = shaped.number(end - 2, end) if end - start > len("+00") else np.zeros_like(hours)
    sign = np.where(shaped.matrix[:, start] == ord("-"), -1, 1)
    return Clock(
        year, month, day, micros, sign * (hours * 60 + minutes), bad | (hours > LAST_HOUR) | (minutes > LAST_MINUTE)
    )


def moments(rows: Rows, clock: Clock, zone: str) -> Moments:
    """The instants of written parts; impossible ones are told apart by reason."""
    outside = (clock.year < FIRST_YEAR) | (clock.year > LAST_YEAR)
    impossible = (clock.month < 1) | (clock.month > DECEMBER) | (clock.day < 1)
    impossible |= clock.day > days_in_month(clock.year, np.clip(clock.month, 1, 12))
    if clock.bad is not None:
        impossible |= clock.bad
    faults = _faults(rows, [(impossible, NO_SUCH_DAY), (outside & ~impossible, YEARS)])
    good = ~(outside | impossible)
    days = day_numbers(clock.year[good], clock.month[good], clock.day[good])
    kept = rows[good]
    if clock.micros is None:
        return Moments(kept, start_of_day(days, zone), end_of_day(days, zone) - 1, faults)
    local = days * DAY + clock.micros[good]
    if clock.offset is not None:
        exact = local - clock.offset[good] * MINUTE
        return Moments(kept, exact, exact, faults)
    earliest, latest, skipped = in_zone(local, zone)
    faults += _faults(kept, [(skipped, SKIPPED.format(zone=zone))])
    return Moments(kept[~skipped], earliest[~skipped], latest[~skipped], faults)


def _faults(rows: Rows, kinds: list[tuple[Truths, str]]) -> list[tuple[Rows, str]]:
    return [(rows[where], why) for where, why in kinds if where.any()]


def day_numbers(year: Rows, month: Rows, day: Rows) -> Rows:
    """Days since 1970-01-01 of dates of the Gregorian calendar."""
    months = (year - 1970) * 12 + month - 1
    return months.astype("M8[M]").astype("M8[D]").astype(np.int64) + day - 1


def days_in_month(year: Rows, month: Rows) -> Rows:
    """How many days each month has."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return _LENGTHS[month] + (leap & (month == FEBRUARY))


_LENGTHS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


def in_zone(local: Rows, zone: str) -> tuple[Rows, Rows, Truths]:
    """Earliest and latest instant of local clock times (microseconds as if UTC), and which of them were skipped."""
    skipped = np.zeros(len(local), dtype=bool)
    if zone == "UTC" or not len(local):
        return local, local, skipped
    days, which = np.unique(local // DAY, return_inverse=True)
    offsets = np.array([_offset_of_day(zone, int(day)) for day in days], dtype=np.float64)[which]
    change = np.isnan(offsets)
    earliest = local - np.where(change, 0, offsets).astype(np.int64)
    latest = earliest.copy()
    for row in np.flatnonzero(change).tolist():
        found = _readings(zone, int(local[row]))
        if found:
            earliest[row], latest[row] = found[0], found[-1]
        else:
            skipped[row] = True
    return earliest, latest, skipped


@lru_cache(maxsize=65_536)
def _offset_of_day(zone: str, day: int) -> float:
    """The offset in microseconds that holds on the whole of a local day, or nan on a day on which it changes."""
    tz = ZoneInfo(zone)
    midnight = datetime(1970, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - a local clock, placed in its zone below
    ends = {
        moment.replace(tzinfo=tz, fold=fold).utcoffset()
        for moment in (midnight, midnight + timedelta(1))
        for fold in (0, 1)
    }
    offset = ends.pop()
    return float("nan") if ends or offset is None else float(offset // timedelta(microseconds=1))


@lru_cache(maxsize=65_536)
def _readings(zone: str, local: int) -> list[int]:
    """Every instant at which a zone's clocks showed a local time, in order: none, one or two."""
    tz = ZoneInfo(zone)
    naive = datetime(1970, 1, 1) + timedelta(microseconds=local)  # noqa: DTZ001 - as above
    found = set()
    for fold in (0, 1):
        instant = naive.replace(tzinfo=tz, fold=fold).astimezone(UTC)
        if instant.astimezone(tz).replace(tzinfo=None, fold=0) == naive:
            found.add((instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
    return sorted(found)
