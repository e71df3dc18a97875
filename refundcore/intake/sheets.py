"""Workbooks by way of a process of their own: which sheet is meant, and its rows as records like those of a text.

Nothing of the file is understood here. The process that does is limited in memory and time; whatever it does, it ends
in a sentence. Rows are kept packed as they came, so that they can be read more than once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO
from weakref import WeakValueDictionary

from refundcore.intake import columns, tables
from refundcore.intake.problems import IntakeError, clip, printable
from refundcore.intake.tables import Records
from refundcore.workbooks.__main__ import HEAD
from refundcore.workbooks.limits import AS_CSV, MEMORY

SECONDS = 150
"""No workbook takes longer."""
AT_ONCE = 2
"""Processes that read workbooks; further ones wait."""
MOST_KEPT = 256 << 20
"""Bytes of packed rows."""
WIDEST = 5_000
OUTSIDE = "the row has cells outside of the columns of the header, which are not read"
_TOLD = 6
_ROOT = Path(__file__).resolve().parents[2]
_SAMPLE_ROWS, _SAMPLE_CELLS = 3, 6

_places = threading.BoundedSemaphore(AT_ONCE)


class Number(str):
    """The text of a cell that is a number: its point is a decimal mark, whatever marks the sheet's texts use."""

    __slots__ = ()


@dataclass(frozen=True)
class Sheet:
    """One sheet that was read."""

    name: str
    epoch: int
    """1900 or 1904: from when day numbers count."""
    packed: tuple[bytes, ...]
    found: Mapping[str, Any]
    """What else is to be said of it; see `refundcore.workbooks.sheets.Found`."""
    others: tuple[str, ...] = ()
    """Sheets of the workbook that are not read, each with why."""
    rivals: tuple[Sheet, ...] = ()
    """Sheets that could be meant as well, this one included, where there are several."""
    book: Workbook | None = field(default=None, repr=False)
    """Where it was chosen from, kept with it so that it need not be read again."""

    @property
    def rows(self) -> int:
        """How many rows hold anything."""
        return int(self.found.get("rows", 0))

    def rows_of(self, packed: bytes) -> list[list[Any]]:
        """Some rows as they came: number, cells, flaws, numbers."""
        return json.loads(zlib.decompress(packed))

    def beginning(self) -> list[list[str]]:
        """The cells of the first rows."""
        return [row[1] for row in self.rows_of(self.packed[0])] if self.packed else []


@dataclass(frozen=True)
class Workbook:
    """What the process found in a workbook."""

    sheets: tuple[Sheet, ...]
    listed: tuple[Mapping[str, Any], ...]


@dataclass
class _Coming:
    """What has come through the pipe so far."""

    listed: list[Mapping[str, Any]] = field(default_factory=list)
    epoch: int = 1900
    sheets: list[Sheet] = field(default_factory=list)
    name: str = ""
    packed: list[bytes] = field(default_factory=list)
    size: int = 0
    refused: str | None = None

    def take(self, letter: str, content: bytes) -> None:
        if letter == "R":
            self.packed.append(content)
            self.size += len(content)
            return
        said: Mapping[str, Any] = json.loads(content)
        if letter == "W":
            self.epoch, self.listed = said["epoch"], said["sheets"]
        elif letter == "S":
            self.name, self.packed = said["name"], []
        elif letter == "E":
            self.sheets.append(Sheet(self.name, self.epoch, tuple(self.packed), said))
        elif letter == "X":
            self.refused = said["refused"]


# The process.

_kept: WeakValueDictionary[tuple[str, str], Workbook] = WeakValueDictionary()


def workbook(stream: BinaryIO, name: str, sha256: str, sheet: str) -> Workbook:
    """What a workbook holds: its visible sheets, or the one that is named. Raises `IntakeError`.

    One that is in use already is not read again.
    """
    key = (sha256, sheet)
    book = _kept.get(key)
    if book is None:
        with _places:
            book = _kept[key] = _read(stream, name, sheet)
    return book


def _read(stream: BinaryIO, name: str, sheet: str) -> Workbook:
    with _seekable(stream) as given:
        process = subprocess.Popen(  # noqa: S603 - this Python, this package
            [sys.executable, "-S", "-E", "-s", "-m", "refundcore.workbooks", str(MEMORY), sheet],
            stdin=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=_ROOT,
            env={key: os.environ[key] for key in ("SYSTEMROOT", "PATH") if key in os.environ},
        )  # fmt: skip
        clock = threading.Timer(SECONDS, process.kill)
        clock.start()
        try:
            coming = _frames(process)
        finally:
            clock.cancel()
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
    if coming.refused:
        raise IntakeError(f"{name} {coming.refused}")
    if coming.refused is None:
        raise IntakeError(f"{name} needs more memory or time than one workbook may take. {AS_CSV}")
    return Workbook(tuple(coming.sheets), tuple(coming.listed))


def _seekable(stream: BinaryIO) -> BinaryIO:
    """The stream as a file of the system's, which another process can read from."""
    try:
        stream.fileno()
    except OSError:
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        stream.seek(0)
        while chunk := stream.read(1 << 20):
            copy.write(chunk)
        copy.seek(0)
        return copy
    os.lseek(stream.fileno(), 0, os.SEEK_SET)
    return stream


def _frames(process: subprocess.Popen[bytes]) -> _Coming:
    coming = _Coming()
    pipe = process.stdout
    while pipe is not None and (head := pipe.read(HEAD.size)):
        if len(head) < HEAD.size:
            break
        size, letter = HEAD.unpack(head)
        if coming.size + size > MOST_KEPT:
            break
        content = pipe.read(size)
        if len(content) < size:
            break
        coming.take(chr(letter), content)
    return coming


# Which sheet.


def chosen(book: Workbook, name: str, wanted: str) -> Sheet:
    """The sheet that is meant; with `rivals` where the file does not settle which. Raises `IntakeError`."""
    visible = [sheet["name"] for sheet in book.listed if not sheet["hidden"]]
    hidden = [sheet["name"] for sheet in book.listed if sheet["hidden"]]
    if wanted and not any(sheet.name == wanted for sheet in book.sheets):
        names = ", ".join(f"“{clip(other['name'])}”" for other in book.listed if other["table"])
        raise IntakeError(f"{name} has no sheet “{clip(wanted)}”; its sheets are {names}.")
    filled = [sheet for sheet in book.sheets if sheet.rows]
    if not filled:
        there = f" Hidden: {', '.join(map(clip, hidden))}; name one to read it (--sheet NAME)." if hidden else ""
        raise IntakeError(f"{name} is a workbook without a row in any of its visible sheets.{there}")
    likely = _likeliest(filled)
    others = [f"sheet “{clip(other)}” is hidden and not read" for other in hidden if other != likely[0].name]
    others += [
        f"sheet “{clip(other)}” is not read"
        for other in visible
        if other not in {sheet.name for sheet in likely} and not wanted
    ]
    first = likely[0]
    rivals = tuple(likely) if len(likely) > 1 else ()
    return replace(first, others=tuple(others), rivals=rivals, book=book)


def _likeliest(filled: Sequence[Sheet]) -> list[Sheet]:
    """Of sheets that hold anything those whose header names facts of a claim; else those that look like tables."""
    scores = {sheet.name: _named(sheet) for sheet in filled}
    named = [sheet for sheet in filled if scores[sheet.name] > 1]
    if named:
        return named
    wide = [sheet for sheet in filled if sum(sum(map(bool, row)) > 1 for row in sheet.beginning()[:50]) > 1]
    return wide or list(filled[:1])


def _named(sheet: Sheet) -> int:
    """How many facts the best of the first rows names."""
    return max(sum(columns.fact_of(cell) is not None for cell in row) for row in sheet.beginning()[:60])


def sample(sheet: Sheet) -> tuple[str, ...]:
    """The first rows of a sheet, to tell it from others."""
    rows = [[cell for cell in row if cell][:_SAMPLE_CELLS] for row in sheet.beginning()[:_SAMPLE_ROWS]]
    return tuple(printable(" | ".join(row))[:160] for row in rows)


# Its rows.


def batches(sheet: Sheet, width: int = 0) -> Iterator[tuple[Records, float]]:
    """All records with how much was given so far (0 to 1). `width` is how many cells each is to have (0: any)."""
    for number, packed in enumerate(sheet.packed, start=1):
        records = Records()
        with tables.uncollected():
            for line, cells, flaws, points in sheet.rows_of(packed):
                for place in points:
                    cells[place] = Number(cells[place])
                if width and len(cells) != width:
                    if len(cells) > width:
                        records.notes[line] = OUTSIDE
                        del cells[width:]
                    else:
                        cells.extend([""] * (width - len(cells)))
                if flaws:
                    records.flaws[line] = [(place, why) for place, why in flaws]
                records.lines.append(line)
                records.rows.append(cells)
        yield records, number / len(sheet.packed)


def widened(header: Sequence[str], below: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A header with columns that it does not name and that are filled in a tenth of the rows or more."""
    counts: Counter[int] = Counter()
    for row in below:
        counts.update(place for place in range(len(header), min(len(row), WIDEST)) if row[place])
    far = max((place for place, count in counts.items() if count * 10 >= len(below)), default=-1)
    return (*header, *[""] * (far + 1 - len(header)))


def notices(sheet: Sheet, header_line: int, names: Sequence[str]) -> Iterator[str]:
    """What is to be said of a sheet beside its rows."""
    found = sheet.found
    others = list(sheet.others[:_TOLD])
    if more := len(sheet.others) - _TOLD:
        others += [f"{more} sheets more are not read"] if more > 0 else []
    for other in others:
        yield f"{other[:1].upper()}{other[1:]}."
    if count := found.get("hidden_rows", 0):
        first = found["first_hidden"]
        yield (
            f"{count:,} rows are hidden in the sheet, the first is {first:,}; they come in like the others."
            if count > 1
            else f"Row {first:,} is hidden in the sheet; it comes in like the others."
        )
    if hidden := [f"“{clip(names[place])}”" for place in found.get("hidden_columns", ()) if place < len(names)]:
        yield f"Hidden in the sheet, and read like the others: {', '.join(hidden[:_TOLD])}."
    if merged := [ref for ref in found.get("merged", ()) if _last_row(ref) > header_line]:
        yield f"Cells are merged below the header, such as {merged[0]}: only the first of them holds their value."
    for place, count in found.get("long", {}).items():
        if int(place) < len(names):
            yield (
                f"“{clip(names[int(place)])}”: {count:,} numbers have more digits than the 15 that a spreadsheet keeps;"
                " compare their ends with the source."
            )


def _last_row(reference: str) -> int:
    digits = reference.rpartition(":")[2].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$")
    return int(digits) if digits.isdecimal() else 0
