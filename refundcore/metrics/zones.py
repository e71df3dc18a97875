"""Local days in SQL: what a zone's clocks show beyond UTC, as plain arithmetic on columns."""

from __future__ import annotations

from datetime import date, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import DAY, SECOND, moment, zone_of

_EPOCH = date(1970, 1, 1)
_LONG_AGO = 400 * 366
"""Days by which an instant is moved up before it is divided: SQL rounds towards zero, days count downwards."""


def local_day(at: sa.ColumnElement[Any], zone: str, first: int, last: int) -> sa.ColumnElement[int]:
    """The number of the local day on which an instant falls; right for instants from `first` to `last`."""
    shown = at + _shift(zone, at, first, last)
    return (shown + _constant(_LONG_AGO * DAY)) // _constant(DAY) - _constant(_LONG_AGO)


def day_of_number(number: int) -> date:
    """The day of a number that `local_day` gave."""
    return _EPOCH + timedelta(days=int(number))


def offsets(zone: str, first: int, last: int) -> list[tuple[int, int]]:
    """The offsets of a zone between two instants: each as (until when, offset), in microseconds, in order."""
    tz = zone_of(zone)
    found: list[tuple[int, int]] = []
    at, offset = first, _offset(tz, first)
    while at < last:
        step = min(at + DAY, last)
        if _offset(tz, step) != offset:
            low, high = at // SECOND, -(-step // SECOND)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(tz, middle * SECOND) == offset else (low, middle)
            step = high * SECOND
            found.append((step, offset))
            offset = _offset(tz, step)
        at = step
    return [*found, (last + 1, offset)]


def _offset(tz: tzinfo, at: int) -> int:
    shown = moment(at, tz).utcoffset() or timedelta()
    return shown // timedelta(microseconds=1)


def _shift(zone: str, at: sa.ColumnElement[Any], first: int, last: int) -> sa.ColumnElement[Any]:
    *changes, (_, final) = offsets(zone, first, last)
    if not changes:
        return _constant(final)
    return sa.case(*((at < _constant(until), _constant(offset)) for until, offset in changes), else_=_constant(final))


def _constant(number: int) -> sa.ColumnElement[int]:
    """A number of ours, written out so that the expression is the same wherever it stands in a query."""
    return sa.literal_column(str(number), sa.BigInteger)
