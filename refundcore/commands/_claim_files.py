"""Files of claims as the commands read them: batch by batch, by the names of the facts, so size doesn't matter."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from refundcore.facts import BY_NAME
from refundcore.intake import cells, encodings, tables
from refundcore.intake.problems import IntakeError

HEAD = 1 << 16


class Writer(Protocol):
    """What writes a row of CSV."""

    def writerow(self, row: Iterable[object], /) -> object:
        """Writes one row."""


@dataclass
class Table:
    """Where the columns of a file stand."""

    width: int
    columns: dict[str, int] = field(default_factory=dict)


@dataclass
class Batch:
    """Some rows of a file: as they stand there, as claims, and what is wrong with each."""

    table: Table
    records: list[tables.Record]
    columns: dict[str, list[str]]
    read: cells.Converted
    errors: list[str]
    """A sentence for each row that cannot be judged; "" for the others."""


@contextmanager
def source_of(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield io.BufferedReader(sys.stdin.buffer.raw, HEAD) if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer
        return
    try:
        stream = Path(name).open("rb", buffering=HEAD)  # noqa: SIM115 - closed by the with below
    except OSError as error:
        raise IntakeError(f"{name} cannot be read: {error.strerror or error}.") from None
    with stream:
        yield stream


@contextmanager
def target_of(name: str, source: str) -> Iterator[TextIO]:
    """The target; a file appears under its name only when it is whole."""
    if name == "-":
        sys.stdout.reconfigure(newline="")  # type: ignore[union-attr]  # a TextIOWrapper, unless replaced by a test
        yield sys.stdout
        return
    target = Path(name)
    if source != "-" and target.exists() and target.samefile(source):
        raise IntakeError(f"-o {name}: the output would replace the input.")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as stream:
            yield stream
        part.replace(target)
    except OSError as error:
        raise IntakeError(f"{name} cannot be written: {error.strerror or error}.") from None
    finally:
        part.unlink(missing_ok=True)


def batches(source: BinaryIO, zone: str) -> Iterator[Batch]:
    """The rows of a CSV file as claims. Raises `IntakeError` for an empty file or one without a column of ours."""
    head = source.peek(HEAD)[:HEAD] if isinstance(source, io.BufferedReader) else b""
    encoding = encodings.marked(head)[0] or "utf-8-sig"
    stream = io.TextIOWrapper(source, encoding=encoding, newline="")
    sample = head.decode(encoding, errors="ignore")
    table: Table | None = None
    for batch in tables.batches(stream, tables.sniff(sample), at_once=tables.BATCH):
        records = [record for record in batch if not tables.is_blank(record.cells)]
        if table is None and records:
            table = _header(records.pop(0))
            yield _batch(table, [], zone)  # so that the header alone is a file without claims, not an empty one
        if table is not None and records:
            yield _batch(table, records, zone)
    stream.detach()
    if table is None:
        raise IntakeError("The file is empty: a first row with the names of the columns is wanted.")


def _batch(table: Table, records: list[tables.Record], zone: str) -> Batch:
    errors = [_fault(record, table) for record in records]
    columns = {
        name: ["" if error else record.cells[place] for record, error in zip(records, errors, strict=True)]
        for name, place in table.columns.items()
    }
    read = cells.convert(columns, zone=zone, lines=[record.line for record in records])
    told: dict[int, list[str]] = {}
    for problem in read.problems:
        if problem.fatal:
            told.setdefault(problem.line, []).append(str(problem))
    for place, record in enumerate(records):
        if not errors[place] and read.bad[place]:
            errors[place] = " ".join(told[record.line])
    return Batch(table, records, columns, read, errors)


def _header(record: tables.Record) -> Table:
    """Case, spaces and underscores of the names don't matter."""
    plain_names = {_plain(name): name for name in BY_NAME}
    table = Table(len(record.cells))
    for place, cell in enumerate(record.cells):
        name = plain_names.get(_plain(cell))
        if name in table.columns:
            raise IntakeError(f"Line {record.line}: two columns are called {name}; one is wanted.")
        if name:
            table.columns[name] = place
    if not table.columns:
        raise IntakeError(
            f"Line {record.line}: none of the columns is a fact of a claim, such as order_ref, reason or submitted_at."
        )
    return table


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _fault(record: tables.Record, table: Table) -> str:
    """What is wrong with a record as a whole."""
    if record.fault:
        return f"Line {record.line}: the row {record.fault}."
    count = len(record.cells)
    if count < table.width or any(cell.strip() for cell in record.cells[table.width :]):
        return f"Line {record.line}: the row has {count} cells where the header has {table.width}."
    return ""
