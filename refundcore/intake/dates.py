"""Dates as people and programs write them, by the evidence of the whole column.

A *form* is a way of writing, such as `dd/mm/yyyy` or `d-Mon-yy`. Most say by themselves which part is which. In
those with three numbers and the year last, only the column can tell day from month: one value above 12 settles
it. Where none does, or values contradict each other, the person is asked; no row is ever guessed by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pyarrow as pa

from refundcore.deadlines import DAY, HOUR, SECOND
from refundcore.intake import instants
from refundcore.intake.cells import Column, Fault, Read, Reader, integers
from refundcore.intake.instants import MINUTE, Clock, Moments, moments
from refundcore.intake.shapes import Rows, Shaped, by_shape

Order = Literal["dmy", "mdy", "clear"]
"""Day first, month first, or only those rows that read the same either way."""

ORDERS: Mapping[str, str] = {
    "dmy": "day first, as 31/12",
    "mdy": "month first, as 12/31",
    "clear": "leave out the rows that can be read both ways",
}

SWAPS: Mapping[str, str] = {
    "swap": "exchange day and month of the dates that the sheet holds as dates",
    "keep": "leave them as they stand",
}
"""What may be done with the dates of a sheet that most likely were read with day and month exchanged."""
_ENOUGH = 5
"""As many dates, each with a day up to 12 by chance, are one case in a hundred."""

_TIME = (
    rb"(?:(?:[Tt]|,? {1,3}|,? at )(?P<h>00?)[:.](?P<m>00)(?:[:.](?P<s>00)(?:[.,](?P<f>0{1,12}))?)?"
    rb"(?: ?(?P<p>[AaPp]\.?[Mm]\.?))?(?: ?(?P<z>[Zz]|UTC|GMT|[+-]00:?00)(?: \([A-Za-z ]+\))?)?)?"
)
_WEEKDAY = rb"(?:[A-Za-z]{3,9}\.?,? )?"
_TRIPLE = re.compile(rb"(?P<a>00?)(?P<x>[/.\-])(?P<b>00?)(?P=x)(?P<Y>0000|00),?" + _TIME)
_YEAR_FIRST = re.compile(rb"(?P<Y>0000)(?P<x>[/.\-])(?P<M>00?)(?P=x)(?P<D>00?)" + _TIME)
_DAY_NAMED = re.compile(
    _WEEKDAY + rb"(?P<D>00?)(?:st|nd|rd|th|\.)?[ \-/]+(?P<n>[A-Za-z]{3,9})\.?,?[ \-/]+(?P<Y>0000|00)" + _TIME
)
_MONTH_NAMED = re.compile(_WEEKDAY + rb"(?P<n>[A-Za-z]{3,9})\.? (?P<D>00?)(?:st|nd|rd|th)?,? (?P<Y>0000)" + _TIME)
_COMPACT = re.compile(rb"(?P<Y>0000)(?P<M>00)(?P<D>00)")
_WORDS_AFTER = re.compile(rb"(?P<date>.*0), *[^0]*[^0 ]")
_SERIAL = re.compile(rb"0{5}(?:\.(?P<f>0+))?")
_UNIX = re.compile(rb"0{10}|0{13}")
_UNKNOWN = frozenset(
    {
        b"-",
        b"--",
        b"\xe2\x80\x93",
        b"\xe2\x80\x94",
        b"?",
        b"n/a",
        b"N/A",
        b"NULL",
        b"null",
        b"NaT",
        b"nan",
        b"NaN",
        b"None",
    }
)

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januar january janvier enero gennaio",
            "feb februar february fevrier febrero febbraio",
            "mar march marzo",
            "apr april avril abril aprile",
            "may mai mayo maggio",
            "jun june juni juin junio giugno",
            "jul july juli juillet julio luglio",
            "aug august agosto",
            "sep sept september septembre septiembre settembre",
            "oct october oktober okt octobre octubre ottobre",
            "nov november novembre noviembre",
            "dec december dezember dez decembre diciembre dicembre",
        ),
        start=1,
    )
    for name in names.split()
}
_EPOCHS = {1900: -25_569, 1904: -24_107}
"""Day 0 of spreadsheets that count from 1900 (1899-12-30) and from 1904 (1904-01-01), in days since 1970."""

MONTHS, NOON = 12, 12
CENTURY_TURNS = 70
"""Years of two digits from here on are of the last century."""

WANTED = "is not a date or an instant in a form that is known here, such as 2024-05-06 14:30"
UNLIKE = "is written unlike the dates by which the order of day and month was settled"
UNCLEAR = "can be read with the day first or with the month first"
UNKNOWN = "is taken as unknown"
DATE_ALONE = "is read as its date alone, without the words after it"


@dataclass
class Seen:
    """What a form's values tell: how many, and how many can only be read in one order."""

    count: int = 0
    day_first: int = 0
    month_first: int = 0
    unclear: int = 0
    example: str = ""

    @property
    def order(self) -> Order | None:
        """The order that the values prove, if they do."""
        if self.day_first and not self.month_first:
            return "dmy"
        if self.month_first and not self.day_first:
            return "mdy"
        return None if self.unclear or self.day_first else "dmy"


@dataclass
class Evidence:
    """What a column of dates shows: its forms, and in those with an open order what was seen."""

    forms: dict[str, int] = field(default_factory=dict)
    triples: dict[str, Seen] = field(default_factory=dict)
    last_day: int = 0
    """The largest day of the month among ISO dates."""

    def add(self, texts: pa.StringArray, filled: Rows) -> None:
        """Take more rows of the column into account."""
        for whole in by_shape(texts, filled):
            shaped = whole if _form(whole.shape) else _without_words(whole)
            found = _TRIPLE.fullmatch(shaped.shape)
            name = _form(shaped.shape)
            if not name:
                continue
            self.forms[name] = self.forms.get(name, 0) + len(shaped.rows)
            if name == "iso" and (iso := instants.ISO.fullmatch(shaped.shape)):
                self.last_day = max(self.last_day, int(shaped.number(*iso.span("D")).max()))
            if found:
                first, second = shaped.number(*found.span("a")), shaped.number(*found.span("b"))
                seen = self.triples.setdefault(name, Seen(example=str(texts[int(shaped.rows[0])].as_py())))
                seen.count += len(first)
                seen.day_first += int(((first > MONTHS) & (second <= MONTHS)).sum())
                seen.month_first += int(((second > MONTHS) & (first <= MONTHS)).sum())
                seen.unclear += int(((first <= MONTHS) & (second <= MONTHS) & (first != second)).sum())

    @property
    def swapped(self) -> bool:
        """Whether a spreadsheet seems to have exchanged days and months of the dates that it understood.

        It then holds as dates only those with a day up to 12, and left the others as they were, as text.
        """
        left = list(self.triples.values())
        return (
            self.forms.get("iso", 0) >= _ENOUGH
            and 0 < self.last_day <= MONTHS
            and sum(seen.count for seen in left) >= _ENOUGH
            and not any(seen.unclear for seen in left)
        )

    @property
    def plain(self) -> bool:
        """Whether every form says by itself which part is which, so that no further evidence is needed."""
        return not self.triples


def _form(shape: bytes) -> str:  # noqa: PLR0911 - a line a form
    """The name of a shape's form; empty for none."""
    if not shape:
        return ""
    if instants.ISO.fullmatch(shape) or instants.BASIC.fullmatch(shape):
        return "iso"
    if found := _TRIPLE.fullmatch(shape):
        mark = found["x"].decode()
        return f"n{mark}n{mark}{'yyyy' if len(found['Y']) == len('yyyy') else 'yy'}"
    if _YEAR_FIRST.fullmatch(shape):
        return "yyyy-mm-dd"
    for pattern in (_DAY_NAMED, _MONTH_NAMED):
        if (found := pattern.fullmatch(shape)) and _month(found["n"]):
            return "named month"
    for pattern, name in ((_COMPACT, "yyyymmdd"), (_SERIAL, "serial"), (_UNIX, "unix")):
        if pattern.fullmatch(shape):
            return name
    return ""


def told(form: str, order: str = "") -> str:
    """A form's name as people know it."""
    if form.startswith("n"):
        mark, year = form[1:2], form[4:]
        if form == "named month":
            return "d-Mon-yyyy"
        parts = {"dmy": ("dd", "mm"), "mdy": ("mm", "dd")}.get(order, ("?", "?"))
        return mark.join((*parts, year))
    if form == "iso" and order == "swap":
        return "dates of the sheet with day and month exchanged"
    return {"iso": "ISO (yyyy-mm-dd)", "serial": "spreadsheet day numbers", "unix": "seconds since 1970"}.get(
        form, form
    )


def reader(orders: Mapping[str, str], epoch: int = 1900) -> Reader:
    """A reader of a column of dates whose open forms have these orders (a form that is not named has none).

    `epoch` is from when day numbers count.
    """

    def read(column: Column) -> Read:
        size = len(column.texts)
        earliest, latest = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        known = np.zeros(size, dtype=bool)
        faults: list[Fault] = []
        for shaped in by_shape(column.texts, column.filled):
            if shaped.shape in _UNKNOWN:
                faults.append(Fault(shaped.rows, UNKNOWN, fatal=False))
                continue
            found = _moments(shaped, orders, column.zone, epoch)
            if isinstance(found, str) and (alone := _without_words(shaped)) is not shaped:
                found = _moments(alone, orders, column.zone, epoch)
                if not isinstance(found, str):
                    faults.append(Fault(found.rows, DATE_ALONE, fatal=False))
            if isinstance(found, str):
                faults.append(Fault(shaped.rows, found))
                continue
            earliest[found.rows], latest[found.rows], known[found.rows] = found.earliest, found.latest, True
            faults += [Fault(rows, why) for rows, why in found.faults]
        name = column.fact.name
        return Read({name: integers(earliest, known), column.fact.latest: integers(latest, known)}, faults)

    return read


def _without_words(shaped: Shaped) -> Shaped:
    """The dates alone of a shape with words after a comma; any other shape as it is."""
    tail = _WORDS_AFTER.fullmatch(shaped.shape)
    if not tail:
        return shaped
    end = tail.end("date")
    return Shaped(shaped.shape[:end], shaped.rows, shaped.matrix[:, :end])


def _moments(  # noqa: PLR0911 - a branch a form
    shaped: Shaped, orders: Mapping[str, str], zone: str, epoch: int
) -> Moments | str:
    """The instants of one shape, or why there are none."""
    shape = shaped.shape
    if orders.get("iso") == "swap" and (found := instants.ISO.fullmatch(shape)):
        clock = instants.clock_of(shaped, found)
        return moments(shaped.rows, replace(clock, day=clock.month, month=clock.day), zone)
    if iso := instants.read_iso(shaped, zone):
        return iso
    if found := _TRIPLE.fullmatch(shape):
        order = orders.get(_form(shape))
        return UNLIKE if order is None else _triple(shaped, found, order, zone)
    if (found := _YEAR_FIRST.fullmatch(shape)) or (found := _COMPACT.fullmatch(shape)):
        year, month, day = (shaped.number(*found.span(part)) for part in "YMD")
        return moments(shaped.rows, _with_time(shaped, found, year, month, day), zone)
    for pattern in (_DAY_NAMED, _MONTH_NAMED):
        if (found := pattern.fullmatch(shape)) and (number := _month(found["n"])):
            day = shaped.number(*found.span("D"))
            return moments(
                shaped.rows, _with_time(shaped, found, _year(shaped, found), np.full_like(day, number), day), zone
            )
    if _SERIAL.fullmatch(shape):
        return _serial(shaped, zone, epoch)
    if _UNIX.fullmatch(shape):
        exact = shaped.number(0, len(shape)) * (SECOND if len(shape) == len("1700000000") else SECOND // 1_000)
        return Moments(shaped.rows, exact, exact)
    return WANTED


def _triple(shaped: Shaped, found: re.Match[bytes], order: str, zone: str) -> Moments:
    first, second = shaped.number(*found.span("a")), shaped.number(*found.span("b"))
    year = _year(shaped, found)
    if order != "clear":
        day, month = (first, second) if order == "dmy" else (second, first)
        return moments(shaped.rows, _with_time(shaped, found, year, month, day), zone)
    unclear = (first <= MONTHS) & (second <= MONTHS) & (first != second)
    clear = Shaped(shaped.shape, shaped.rows[~unclear], shaped.matrix[~unclear])
    first, second = first[~unclear], second[~unclear]
    day, month = np.maximum(first, second), np.minimum(first, second)
    read = moments(clear.rows, _with_time(clear, found, year[~unclear], month, day), zone)
    faults = [*read.faults, (shaped.rows[unclear], UNCLEAR)] if unclear.any() else read.faults
    return Moments(read.rows, read.earliest, read.latest, faults)


def _with_time(shaped: Shaped, found: re.Match[bytes], year: Rows, month: Rows, day: Rows) -> Clock:
    groups = found.groupdict()
    if groups.get("h") is None:
        return Clock(year, month, day)
    hour, minute = shaped.number(*found.span("h")), shaped.number(*found.span("m"))
    second = shaped.number(*found.span("s")) if groups["s"] else np.zeros_like(hour)
    bad = (hour > instants.LAST_HOUR) | (minute > instants.LAST_MINUTE) | (second > instants.LAST_MINUTE)
    if groups["p"]:
        bad |= (hour < 1) | (hour > NOON)
        hour = hour % NOON + (NOON if groups["p"][:1] in b"pP" else 0)
    micros = hour * HOUR + minute * MINUTE + second * SECOND
    if groups["f"]:
        start, end = found.span("f")
        places = min(end - start, 6)
        micros = micros + shaped.number(start, start + places) * 10 ** (6 - places)
    return Clock(year, month, day, micros, _offset(shaped, found), bad)


def _offset(shaped: Shaped, found: re.Match[bytes]) -> Rows | None:
    """Minutes east of UTC, where they are written."""
    written = found["z"]
    if written is None:
        return None
    zero = np.zeros(len(shaped.rows), dtype=np.int64)
    if written[:1] not in b"+-":
        return zero
    start, end = found.span("z")
    minutes = shaped.number(start + 1, start + 3) * 60 + shaped.number(end - 2, end)
    return np.where(shaped.matrix[:, start] == ord("-"), -minutes, minutes)


def _year(shaped: Shaped, found: re.Match[bytes]) -> Rows:
    """The year; of two digits those from 70 on are of the last century."""
    year = shaped.number(*found.span("Y"))
    return year if len(found["Y"]) == len("yyyy") else year + np.where(year >= CENTURY_TURNS, 1900, 2000)


def _month(name: bytes) -> int:
    return _MONTHS.get(name.decode("ascii").casefold(), 0)


def _serial(shaped: Shaped, zone: str, epoch: int) -> Moments:
    """Day numbers of a spreadsheet, to the second; a whole number is a date alone."""
    day = shaped.number(0, 5) + _EPOCHS[epoch]
    dates = day.astype("M8[D]")
    months = dates.astype("M8[M]")
    year = dates.astype("M8[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    number = (dates - months.astype("M8[D]")).astype(np.int64) + 1
    if b"." not in shaped.shape:
        return moments(shaped.rows, Clock(year, month, number), zone)
    digits = min(len(shaped.shape) - 6, 12)
    seconds = np.rint(shaped.number(6, 6 + digits) / 10**digits * (DAY // SECOND)).astype(np.int64)
    return moments(shaped.rows, Clock(year, month, number, seconds * SECOND), zone)
