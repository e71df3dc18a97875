"""A file and its plan to claims, batch by batch: each row is a claim, a reject with its reason, or named as no row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from refundcore.facts import BY_NAME, Claims
from refundcore.intake import amounts, cells, columns, dates, exporting, identifiers, records, tables
from refundcore.intake.cells import Column, Fault, Read, Reader
from refundcore.intake.evidence import CATCH_ALL, plain_code
from refundcore.intake.files import Source
from refundcore.intake.plans import Plan
from refundcore.intake.problems import Problem
from refundcore.intake.sheets import Number
from refundcore.intake.tables import Records

TOTALS = frozenset(
    {
        "total",
        "totals",
        "grand total",
        "subtotal",
        "sub total",
        "sum",
        "summe",
        "gesamt",
        "gesamtsumme",
        "totale",
        "итого",
    }
)


@dataclass(frozen=True)
class Reject:
    """A row that cannot come in."""

    line: int
    cells: list[str]
    why: str


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: those that can be used, those that cannot, and lines that are no rows."""

    claims: Claims
    lines: list[int]
    cells: Sequence[Sequence[str]]
    """The raw cells of `claims`, in the order of the header."""
    rejected: list[Reject]
    problems: list[Problem]
    """All that was found, notes on usable rows included."""
    left_out: list[tuple[int, str]] = field(default_factory=list)
    """Lines that are no rows of data: copies of the header, totals."""
    done: float = 1.0
    """How much of the file was read so far, from 0 to 1."""

    @property
    def rows(self) -> int:
        """How many rows of data there were."""
        return len(self.lines) + len(self.rejected)


@dataclass
class _Sorted:
    """The rows of the right width, the faulty ones with why, and the lines that are no rows."""

    flaws: Mapping[int, list[tuple[int, str]]]
    notes: list[tuple[int, str]]
    lines: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    faulty: list[tuple[int, list[str], str]] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)


class _Cells(Sequence[list[str]]):
    """Rows of cells that are kept as columns, since hardly any of them is ever asked for."""

    def __init__(self, columns: Sequence[pa.StringArray | Sequence[str]], rows: npt.NDArray[np.int64]) -> None:
        self._columns, self._rows = columns, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> list[str]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[list[str]]: ...
    def __getitem__(self, place: int | slice) -> list[str] | Sequence[list[str]]:
        if isinstance(place, slice):
            return _Cells(self._columns, self._rows[place])
        row = int(self._rows[place])
        return [str(column[row]) for column in self._columns]


Said = TypeVar("Said")

Mended = Mapping[int, Sequence[str]]
"""Rows as a person mended them: line -> cells."""


def rows(file: Source, plan: Plan, mended: Mended | None = None) -> Iterator[Batch]:
    """The rows of a file, some thousands at a time, in bounded memory; those that were mended as they are now."""
    readers = _readers(plan)
    places = {fact: plan.names.index(name) for name, fact in plan.mapping.items()}
    for found, done in records.batches(file, plan.look, plan.dialect, len(plan.header), tables.LEAN):
        with tables.uncollected():
            given = _mended(found, mended) if mended else found
            batch = _converted(_sorted(given, plan), places, readers, plan, done)
        del found, given  # or they would be held while the batch is worked on and the next one read
        yield batch
        del batch


def recheck(plan: Plan, mended: Mended) -> Batch:
    """Mended rows read as those of the file: which can come in now, and what is still wrong with the others."""
    given = Records(lines=list(mended), rows=[list(cells_) for cells_ in mended.values()])
    places = {fact: plan.names.index(name) for name, fact in plan.mapping.items()}
    return _converted(_sorted(given, plan), places, _readers(plan), plan, 1.0)


def _mended(given: Records, mended: Mended) -> Records:
    """Records with the mended ones in place of those that stood in the file."""
    present = [line in mended for line in given.lines]
    if not any(present):
        return given
    rows_ = [
        list(mended[line]) if now else row for line, row, now in zip(given.lines, given.rows, present, strict=True)
    ]
    return replace(
        given,
        rows=rows_,
        faults=_others(given.faults, mended),
        flaws=_others(given.flaws, mended),
        notes=_others(given.notes, mended),
        doubts=[line for line in given.doubts if line not in mended],
    )


def _others(found: Mapping[int, Said], mended: Mended) -> dict[int, Said]:
    return {line: said for line, said in found.items() if line not in mended}


def _sorted(given: Records, plan: Plan) -> _Sorted:  # noqa: C901 - a branch a kind of row
    width, header = len(plan.header), list(plan.header)
    spare, telling = _spare(plan), _telling(plan)
    found = _Sorted(
        given.flaws, [(line, f"the row {tables.SWALLOWED}") for line in given.doubts if line > plan.header_line]
    )
    start = bisect_right(given.lines, plan.header_line)
    if not (spare or given.faults or given.notes) and _are_plain(given.rows[start:], header):
        found.lines, found.rows = given.lines[start:], given.rows[start:]
        return found
    for line, cells_ in zip(given.lines[start:], given.rows[start:], strict=True):
        if given.faults and line in given.faults:
            found.faulty.append((line, cells_, given.faults[line]))
        elif tables.is_blank(cells_):
            if line in given.notes:
                found.left_out.append((line, "outside of the columns of the header"))
        elif (not (begins := cells_[0].strip()) or begins.casefold() in TOTALS) and _is_total(cells_, telling):
            found.left_out.append((line, "a total, not a claim"))
        elif spare and any(place < len(cells_) and cells_[place].strip() for place in spare):
            found.faulty.append((line, cells_, "has more cells than the columns it came with"))
        elif len(cells_) == width and cells_ != header:
            found.lines.append(line)
            found.rows.append(cells_)
            if given.notes and line in given.notes:
                found.notes.append((line, given.notes[line]))
        elif cells_[:width] == header:
            found.left_out.append((line, "a copy of the header"))
        elif len(cells_) > width and tables.is_blank(cells_[width:]):
            found.lines.append(line)
            found.rows.append(cells_[:width])
        else:
            found.faulty.append((line, cells_, f"has {len(cells_)} cells where the header has {width}"))
    return found


def _are_plain(rows_: Sequence[Sequence[str]], header: Sequence[str]) -> bool:
    """Whether each row has the width of the header and a first cell by which it can be nothing but a row of data."""
    if any(width != len(header) for width in set(map(len, rows_))):
        return False
    first = {cells_[0].strip() for cells_ in rows_}
    return not (first & {"", header[0].strip()} or TOTALS & {begins.casefold() for begins in first})


def _is_total(cells_: Sequence[str], telling: Sequence[int]) -> bool:
    """Whether the first word of a row is that of a total, and nothing beside it tells of a claim."""
    at = next(place for place, cell in enumerate(cells_) if cell.strip())
    if cells_[at].strip().casefold() not in TOTALS:
        return False
    return not any(cells_[place].strip() for place in telling if place != at and place < len(cells_))


def _spare(plan: Plan) -> list[int]:
    """In a file of rejected rows that comes back: the columns for cells that were too many, to be empty once mended."""
    if columns.normal(exporting.BECAUSE) not in map(columns.normal, plan.names):
        return []
    return [place for place, name in enumerate(plan.names) if exporting.SPARE.fullmatch(name)]


def _telling(plan: Plan) -> list[int]:
    """The columns of facts that a line of totals leaves blank: all but the amounts and their currency."""
    return [
        plan.names.index(name) for name, fact in plan.mapping.items() if BY_NAME[fact].kind not in {"money", "currency"}
    ]


def _converted(
    found: _Sorted, places: Mapping[str, int], readers: Mapping[str, Reader], plan: Plan, done: float
) -> Batch:
    written: list[Sequence[str]] = list(zip(*found.rows, strict=True)) or [()] * len(plan.header)
    across = list(written)
    flawed = _flawed(found, places, across) if found.flaws else []
    if plan.look.sheet:
        _marked(places, plan, across)
    raw = {place: pa.array(across[place], type=pa.string()) for place in places.values()}
    texts: dict[str, Sequence[str]] = {fact: identifiers.unguarded(raw[place]) for fact, place in places.items()}
    for fact, text in plan.constants.items():
        texts[fact] = pa.repeat(text, len(found.rows))
    converted = cells.convert(texts, zone=plan.zone, lines=found.lines, readers=readers)
    for row, problem in flawed:
        converted.bad[row] = True
        converted.problems.append(problem)
    problems = [Problem(line, "", "", f"the row {why}") for line, _, why in found.faulty] + converted.problems
    problems += [Problem(line, "", "", note, fatal=False) for line, note in found.notes]
    rejected = [Reject(line, row, f"The row {why}.") for line, row, why in found.faulty]
    claims, lines, usable = converted.claims, found.lines, np.arange(len(found.lines))
    if converted.bad.any():
        reasons: dict[int, list[str]] = {}
        for problem in converted.problems:
            if problem.fatal:
                said = f"{problem.column}: {problem.sentence}" if problem.column else problem.sentence
                reasons.setdefault(problem.line, []).append(said)
        out = np.flatnonzero(converted.bad).tolist()
        rejected += [Reject(lines[row], found.rows[row], " ".join(reasons[lines[row]])) for row in out]
        usable = np.flatnonzero(~converted.bad)
        claims = claims.take(usable)
        lines = [lines[row] for row in usable.tolist()]
    kept = _Cells(
        [
            raw[place] if place in raw and across[place] is column else _column(column)
            for place, column in enumerate(written)
        ],
        usable,
    )
    rejected.sort(key=lambda reject: reject.line)
    problems.sort(key=lambda problem: problem.line)
    return Batch(claims, lines, kept, rejected, problems, found.left_out, done)


def _column(texts: Sequence[str]) -> pa.StringArray | Sequence[str]:
    """A column in little room, unless it holds what is no letter."""
    try:
        return pa.array(texts, type=pa.string())
    except UnicodeEncodeError:
        return texts


def _flawed(found: _Sorted, places: Mapping[str, int], across: list[Sequence[str]]) -> list[tuple[int, Problem]]:
    """The rows with a cell of a fact that holds no value, each with what is wrong; such a cell is blank afterwards."""
    facts = {place: fact for fact, place in places.items()}
    problems = []
    cleared: dict[int, list[str]] = {}
    for row, line in enumerate(found.lines):
        for place, why in found.flaws.get(line, ()):
            if place in facts:
                problems.append((row, Problem(line, facts[place], across[place][row], why)))
                cleared.setdefault(place, list(across[place]))[row] = ""
    across[:] = [cleared.get(place, column) for place, column in enumerate(across)]
    return problems


def _marked(places: Mapping[str, int], plan: Plan, across: list[Sequence[str]]) -> None:
    """Write numbers of a workbook with the decimal mark of the texts in their column."""
    for fact, place in places.items():
        if BY_NAME[fact].kind == "money" and plan.decimals.get(fact) == ",":
            across[place] = [cell.replace(".", ",") if type(cell) is Number else cell for cell in across[place]]


# How each column is read.


def _readers(plan: Plan) -> dict[str, Reader]:
    readers: dict[str, Reader] = {}
    for fact in {*plan.mapping.values(), *plan.constants}:
        kind = BY_NAME[fact].kind
        reader: Reader | None = None
        if kind == "instant":
            reader = dates.reader(plan.orders.get(fact, {}), plan.look.sheet.epoch if plan.look.sheet else 1900)
        elif kind == "money":
            reader = amounts.reader(plan.decimals.get(fact, "."), settled=plan.settled)
        elif kind == "code":
            code = plan.codes.get(fact)
            left_unknown = code is not None and code.left_unknown
            reader = _code_reader(plan.meanings.get(fact, {}), left_unknown=left_unknown)
        elif kind == "currency":
            reader = cells.read_currency
        elif kind == "truth":
            reader = cells.read_truth
        elif fact in identifiers.KEYS:
            reader = identifiers.reader(floated=fact in plan.floated)
        if reader and kind != "code" and plan.meanings.get(fact):
            reader = _translated(plan.meanings[fact], reader)
        if reader:
            readers[fact] = reader
    return readers


def _code_reader(meanings: Mapping[str, str], *, left_unknown: bool) -> Reader:
    """Codes in any spelling of theirs; others are faults, or unknown with a note where the file has its own words."""
    told = {plain_code(text): meaning for text, meaning in meanings.items()}

    def read(column: Column) -> Read:
        codes = column.fact.codes
        known = {code: code for code in codes if not (left_unknown and code == CATCH_ALL)}
        known |= {text: meaning for text, meaning in told.items() if meaning in codes}
        wanted = f"is not one of {', '.join(codes)}"
        if left_unknown:
            wanted = f"is no {column.fact.name} of the desk's and left unknown"
        result = cells.by_distinct(column, lambda text: known[plain_code(text)], pa.string(), wanted)
        faults = [Fault(fault.rows, fault.wanted, fatal=not left_unknown) for fault in result.faults]
        return Read(result.columns, faults)

    return read


def _translated(meanings: Mapping[str, str], reader: Reader) -> Reader:
    """A reader of a column whose texts stand for others."""
    table = {plain_code(text): meaning for text, meaning in meanings.items()}

    def read(column: Column) -> Read:
        encoded = pc.dictionary_encode(column.texts)
        distinct = [table.get(plain_code(text), text) for text in encoded.dictionary.to_pylist()]
        texts = pa.array(distinct, type=pa.string()).take(encoded.indices)
        filled = np.flatnonzero(np.asarray(pc.greater(pc.binary_length(texts), 0))).astype(np.int64)
        return reader(Column(column.fact, texts, filled, column.zone, column.exponents, column.currencies))

    return read
