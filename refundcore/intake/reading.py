"""A file and its plan to claims, batch by batch: each row is a claim, a reject with its reason, or named as no row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refundcore.facts import BY_NAME, Claims
from refundcore.intake import amounts, cells, dates, files, identifiers, tables
from refundcore.intake.cells import Column, Fault, Read, Reader
from refundcore.intake.files import Source
from refundcore.intake.planning import Plan, plain_code
from refundcore.intake.problems import Problem
from refundcore.intake.tables import Record

TOTALS = frozenset({"total", "totals", "grand total", "subtotal", "sub total", "sum", "summe", "gesamt", "gesamtsumme", "totale", "итого"})


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
    cells: list[list[str]]
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


def rows(file: Source, plan: Plan) -> Iterator[Batch]:
    """The rows of a file, some thousands at a time, in bounded memory."""
    readers = _readers(plan)
    places = {fact: plan.names.index(name) for name, fact in plan.mapping.items()}
    with files.text(file, plan.look.encoding) as stream:
        for records in tables.batches(stream, plan.dialect, len(plan.header)):
            good, bad, left_out = _sorted(records, plan)
            yield _converted(good, bad, left_out, places, readers, plan, min(1.0, stream.buffer.tell() / max(1, plan.look.size)))


def _sorted(records: Sequence[Record], plan: Plan) -> tuple[list[Record], list[tuple[Record, str]], list[tuple[int, str]]]:
    """The records of the right width, the faulty ones with why, and the lines that are no rows."""
    width, header = len(plan.header), list(plan.header)
    good: list[Record] = []
    bad: list[tuple[Record, str]] = []
    left_out: list[tuple[int, str]] = []
    for record in records:
        found = record.cells
        if record.line <= plan.header_line:
            continue
        if record.fault:
            bad.append((record, record.fault))
        elif tables.is_blank(found):
            continue
        elif found[0].strip().casefold() in TOTALS and sum(not cell.strip() for cell in found) * 2 >= min(len(found), width):
            left_out.append((record.line, "a total, not a claim"))
        elif found[:width] == header:
            left_out.append((record.line, "a copy of the header"))
        elif len(found) == width:
            good.append(record)
        elif len(found) > width and tables.is_blank(found[width:]):
            good.append(Record(record.line, found[:width]))
        else:
            bad.append((record, f"has {len(found)} cells where the header has {width}"))
    return good, bad, left_out


def _converted(  # noqa: PLR0917 - the parts of one batch
    good: list[Record],
    bad: list[tuple[Record, str]],
    left_out: list[tuple[int, str]],
    places: Mapping[str, int],
    readers: Mapping[str, Reader],
    plan: Plan,
    done: float,
) -> Batch:
    lines = [record.line for record in good]
    texts: dict[str, Sequence[str]] = {
        fact: identifiers.unguarded([record.cells[place] for record in good]) for fact, place in places.items()
    }
    for fact, text in plan.constants.items():
        texts[fact] = [text] * len(good)
    converted = cells.convert(texts, zone=plan.zone, lines=lines, readers=readers)
    problems = [Problem(record.line, "", "", f"the row {why}") for record, why in bad] + converted.problems
    reasons: dict[int, list[str]] = {}
    for problem in converted.problems:
        if problem.fatal:
            reasons.setdefault(problem.line, []).append(f"{problem.column}: {problem.sentence}" if problem.column else problem.sentence)
    rejected = [Reject(record.line, record.cells, f"The row {why}.") for record, why in bad]
    kept = good
    claims = converted.claims
    if converted.bad.any():
        rejected += [Reject(good[row].line, good[row].cells, " ".join(reasons[good[row].line])) for row in np.flatnonzero(converted.bad).tolist()]
        usable = np.flatnonzero(~converted.bad)
        kept = [good[row] for row in usable.tolist()]
        claims = Claims(claims.frame.iloc[usable].reset_index(drop=True))
    rejected.sort(key=lambda reject: reject.line)
    problems.sort(key=lambda problem: problem.line)
    return Batch(claims, [record.line for record in kept], [record.cells for record in kept], rejected, problems, left_out, done)


# How each column is read.


def _readers(plan: Plan) -> dict[str, Reader]:
    readers: dict[str, Reader] = {}
    for fact in {*plan.mapping.values(), *plan.constants}:
        kind = BY_NAME[fact].kind
        reader: Reader | None = None
        if kind == "instant":
            reader = dates.reader(plan.orders.get(fact, {}))
        elif kind == "money":
            reader = amounts.reader(plan.decimals.get(fact, "."), settled=plan.settled)
        elif kind == "code":
            code = plan.codes.get(fact)
            reader = _code_reader(left_unknown=code is not None and code.left_unknown)
        elif kind == "currency":
            reader = cells.read_currency
        elif kind == "truth":
            reader = cells.read_truth
        elif fact in identifiers.KEYS:
            reader = identifiers.reader(floated=fact in plan.floated)
        if reader and plan.values.get(fact):
            reader = _translated(plan.values[fact], reader)
        if reader:
            readers[fact] = reader
    return readers


def _code_reader(*, left_unknown: bool) -> Reader:
    """Codes in any spelling of theirs; others are faults, or unknown with a note where the file has its own words."""

    def read(column: Column) -> Read:
        known = {code: code for code in column.fact.codes}
        wanted = f"is not one of {', '.join(column.fact.codes)}"
        if left_unknown:
            wanted = f"is no {column.fact.name} of the desk's and left unknown"
        result = cells.by_distinct(column, lambda text: known[plain_code(text)], pa.string(), wanted)
        return Read(result.values, [Fault(fault.rows, fault.wanted, fatal=not left_unknown) for fault in result.faults])

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
