"""Text of separated values to records, each with the line it begins on; nothing is swallowed unnoticed.

The standard reader takes an unclosed quotation mark for a cell that runs on through the following rows. Here a
record that spans lines and does not come out right is given up at its first line, with a sentence, and reading
goes on with the second.
"""

from __future__ import annotations

import _csv
import csv
import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO, TextIOBase
from typing import NamedTuple

DELIMITERS = ",;\t|"
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
BATCH = 1 << 22
"""Characters of text that are held at once."""
LEAN = 3 << 19
"""The same where the rows go on to be stored: some 5,000 of them, since each becomes many values on its way."""
LONGEST_RECORD = 1 << 23
LONGEST_CELL = 1 << 22
UNCLOSED = "opens a quotation mark that is not closed where a cell ends"
SWALLOWED = "has a cell that holds lines like rows; a quotation mark may be missing"
NARROW = 3
"""In tables no wider any line of a text may look like a row."""
TOO_LONG = f"holds a cell of more than {LONGEST_CELL:,} characters"

csv.field_size_limit(LONGEST_CELL)  # the module's own limit of 131,072 would end the reading


@dataclass(frozen=True)
class Dialect:
    """How the values are separated. `skip` lines stand before the records (a `sep=` line)."""

    delimiter: str = ","
    skip: int = 0
    escape: str = ""
    """The mark before a quotation mark inside a cell, where it is not doubled."""


class Record(NamedTuple):
    """One record: its first line, its cells, and what is wrong with it (empty: nothing)."""

    line: int
    cells: list[str]
    fault: str = ""


@dataclass
class Records:
    """Some records as columns: the line each begins on, its cells, and what is wrong with faulty ones, by line.

    Iterating gives them one by one.
    """

    lines: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    doubts: list[int] = field(default_factory=list)
    """Lines of records of the right width that may have swallowed others: a cell of theirs looks like rows."""
    notes: dict[int, str] = field(default_factory=dict)
    """What else is to be said of a record that can be used, by line."""
    flaws: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """Places of cells that hold no value, each with why, by line: errors of a workbook."""

    def __iter__(self) -> Iterator[Record]:
        for line, cells in zip(self.lines, self.rows, strict=True):
            yield Record(line, cells, self.faults.get(line, ""))


def batches(stream: TextIOBase, dialect: Dialect, width: int = 0, at_once: int = BATCH) -> Iterator[Records]:
    """All records, some thousands at a time. `width` is how many cells a record should have (0: not known)."""
    for _ in range(dialect.skip):
        stream.readline()
    line, carried = dialect.skip + 1, list[str]()
    while True:
        read = stream.readlines(at_once)
        lines = carried + read if carried else read
        if not lines:
            return
        with uncollected():
            records, used = _records(lines, line, dialect, width, final=not read)
        line, carried = line + used, lines[used:]
        yield records
        if not read:
            return


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collection of cycles for a moment: rows hold none, and looking for them took 3 of 4 seconds."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _records(lines: list[str], first: int, dialect: Dialect, width: int, *, final: bool) -> tuple[Records, int]:
    """The records of some lines, and how many lines they used: one that isn't complete is left for the next call."""
    records = Records()
    add_line, add_row = records.lines.append, records.rows.append
    start, size = 0, len(lines)
    while start < size:
        reader = _reader(lines, start, dialect)
        begin = start
        try:
            for cells in reader:
                end = start + reader.line_num
                if end - begin > 1 and width:
                    if len(cells) != width:
                        raise csv.Error(UNCLOSED)  # noqa: TRY301 - the reader's own errors end in the same place
                    if _like_rows(lines[begin + 1 : end - 1], dialect, width):
                        records.doubts.append(first + begin)
                add_line(first + begin)
                add_row(cells)
                begin = end
        except csv.Error as error:
            unfinished = start + reader.line_num >= size and "unexpected end" in str(error)
            if unfinished and not final and sum(map(len, lines[begin:])) < LONGEST_RECORD:
                return records, begin
            records.faults[first + begin] = TOO_LONG if "field limit" in str(error) else UNCLOSED
            add_line(first + begin)
            add_row(lines[begin].rstrip("\r\n").split(dialect.delimiter))
            start = begin + 1
        else:
            break
    return records, size


def _reader(lines: list[str], start: int, dialect: Dialect) -> _csv.Reader:
    rest = iter(lines) if not start else (lines[number] for number in range(start, len(lines)))
    return csv.reader(
        rest,
        delimiter=dialect.delimiter,
        strict=True,
        doublequote=not dialect.escape,
        escapechar=dialect.escape or None,
    )


def _like_rows(inner: list[str], dialect: Dialect, width: int) -> bool:
    return width > NARROW and any(line.count(dialect.delimiter) == width - 1 for line in inner)


def is_blank(cells: Sequence[str]) -> bool:
    """Whether nothing stands in a record."""
    return not any(cells) or not any(map(str.strip, cells))


# Which dialect it is.


def sniff(sample: str) -> Dialect:
    """The dialect of a text by its beginning: the delimiter that gives most records the same, largest width."""
    first = sample.split("\n", 1)[0].strip().lstrip("\ufeff")
    if first[:4].casefold() == "sep=" and len(first) == 5:
        return Dialect(first[4], 1, _escape(sample))
    if first.casefold() == "sep=":  # the tab of "sep=\t" was stripped
        return Dialect("\t", 1, _escape(sample))
    escape = _escape(sample)
    best, best_score = Dialect(",", 0, escape), 0.0
    for delimiter in DELIMITERS:
        dialect = Dialect(delimiter, 0, escape)
        score = _consistency(sample, dialect)
        if score > best_score + 1e-9:
            best, best_score = dialect, score
    return best


def _escape(sample: str) -> str:
    return "\\" if '\\"' in sample and '""' not in sample.replace('\\""', "") else ""


def _consistency(sample: str, dialect: Dialect) -> float:
    """Between 0 and 2: how many records have the commonest width above 1, and a little for a larger width."""
    lines = StringIO(sample, newline="").readlines()
    records, _ = _records(lines, 1, dialect, 0, final=True)
    widths = Counter(len(cells) for cells in records.rows if not is_blank(cells))
    counted = sum(widths.values())
    wide = {width: count for width, count in widths.items() if width > 1}
    if not wide:
        return 0.0
    width, count = max(wide.items(), key=lambda item: (item[1], item[0]))
    return (count - len(records.faults)) / counted + min(width, 100) / 1_000
