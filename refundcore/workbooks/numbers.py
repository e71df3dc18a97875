"""What the number in a cell means by its format: a date, a time of day, digits with leading zeros, or a number."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

EXACT = 1 << 53
"""Whole numbers up to here are what they look like; a spreadsheet itself keeps 15 digits."""
DIGITS = 15

_DATES = frozenset({*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58})
_TIMES = frozenset({18, 19, 20, 21, 22, 32, 33, 34, 35, 45, 46, 47, 55, 56})
_LITERAL = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_AM_PM = re.compile(r"am/pm|a/p", re.IGNORECASE)
_FRACTION = re.compile(r"(s)[.,]?0+", re.IGNORECASE)
_LAST_DAY = 2_958_465
"""31 December 9999 in days since 1899-12-30."""
_LEAP = 60
"""The day number of 29 February 1900, which spreadsheets count and which never was."""
_DAY = 86_400


@dataclass(frozen=True)
class Format:
    """How a cell shows its number: as a date, with a time of day, or as digits filled up with zeros."""

    date: bool = False
    time: bool = False
    zeros: int = 0


PLAIN = Format()


def of_code(number: int, code: str) -> Format:
    """The format of a number (ECMA-376 part 1, 18.8.30) or, from 164 on, of its code."""
    if not code:
        return Format(number in _DATES, number in _TIMES)
    bare = _AM_PM.sub("h", _LITERAL.sub("", code.split(";", 1)[0])).lower()
    if bare.strip() == "general" or "[" in bare:  # [h]:mm is a duration
        return PLAIN
    if re.fullmatch("0{2,30}", bare):
        return Format(zeros=len(bare))
    bare = _FRACTION.sub(r"\1", bare)
    if re.search("[0#?]", bare):
        return PLAIN
    time = "h" in bare or "s" in bare
    return Format("y" in bare or "d" in bare or ("m" in bare and not time), time)


def text_of(raw: str, shown: Format, *, epoch: int) -> str:  # noqa: PLR0911 - a line a form
    """A cell's number as text: a date as ISO 8601, a number with the digits it has, never with `.0` or rounded.

    `epoch` is 1900 or 1904: from when the workbook counts its days.
    """
    if raw.isdecimal() and raw.isascii() and not (shown.date or shown.time):
        return (raw.lstrip("0") or "0").zfill(shown.zeros)
    try:
        value = float(raw) if len(raw) <= 400 else math.inf
    except ValueError:
        return raw
    if not math.isfinite(value):
        return raw
    if (shown.date or shown.time) and (written := _moment(value, shown, epoch)):
        return written
    if value.is_integer() and abs(value) < EXACT:
        return str(int(value)).zfill(shown.zeros)
    text = format(value, f".{DIGITS}g")
    if "e" not in text:
        return text
    return format(Decimal(text), "f") if abs(value) < 1 else text.upper()


def _moment(value: float, shown: Format, epoch: int) -> str:
    """A day number as a date with the time of day that it has; empty for one that no spreadsheet shows as a date."""
    seconds = round(value * _DAY)
    days, rest = divmod(seconds, _DAY)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    if not 0 <= days <= _LAST_DAY:
        return ""
    if not shown.date and days == 0:
        return clock
    if epoch == 1904:
        day = (date(1904, 1, 1) + timedelta(days)).isoformat() if days <= _LAST_DAY - 1_462 else ""
    elif days == _LEAP:
        day = "1900-02-29"
    else:
        day = (date(1899, 12, 31 if days < _LEAP else 30) + timedelta(days)).isoformat()
    return day if not rest and not shown.time else f"{day} {clock}" if day else ""
