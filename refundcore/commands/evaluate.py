"""`evaluate`: judges the claims of a file under the policy, without a desk and without storing anything.

One row a claim comes out, in the order of the input; the columns are `OUTPUT`. A row that cannot be read carries
its error and nothing else. The file is read in batches, so its size doesn't matter.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

import pandas as pd

from refundcore import policy as policies
from refundcore import rules
from refundcore.deadlines import iso, micros, zone_of
from refundcore.facts import BY_NAME
from refundcore.intake import cells, encodings, tables
from refundcore.intake.problems import IntakeError
from refundcore.money import plain


class Writer(Protocol):
    """What writes a row of CSV."""

    def writerow(self, row: Iterable[object], /) -> object:
        """Writes one row."""


OUTPUT = (
    "claim_ref",
    "verdict",
    "leaning",
    "clause",
    "clauses",
    "missing",
    "next_deadline",
    "refund",
    "fee",
    "currency",
    "error",
)
JUDGED, SOME_IN_ERROR, UNUSABLE = 0, 1, 2
HEAD = 1 << 16
TOLD = 20
"""No more problems than this are told one by one."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and what it takes."""
    parser = subparsers.add_parser("evaluate", help="judge a file without storing anything", description=__doc__)
    parser.add_argument("file", metavar="CLAIMS.csv", help="the claims, one a row; - for standard input")
    parser.add_argument("--as-of", required=True, metavar="INSTANT", help="judge as of then, as 2024-05-14T00:00:00Z")
    parser.add_argument("--zone", help="where days begin and end, as Europe/Berlin; the policy's own by default")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="another policy document than data/policy.toml")
    parser.add_argument("-o", "--output", default="-", metavar="OUT.csv", help="where to write; - for standard output")


def run(args: argparse.Namespace) -> int:
    """Judges the file. 0: every row was judged; 1: some row is in error; 2: nothing could be done."""
    try:
        call = _call(args)
        with _input(args.file) as source, _output(args.output, args.file) as target:
            return _evaluate(call, source, target)
    except (IntakeError, policies.PolicyError) as error:
        print(f"refund-desk evaluate: {error}", file=sys.stderr)
    except UnicodeError as error:
        print(f"refund-desk evaluate: {args.file} is not the text it begins as: {error}.", file=sys.stderr)
    return UNUSABLE


@dataclass(frozen=True)
class Call:
    """How to judge."""

    policy: policies.Policy
    as_of: int
    zone: str


@dataclass
class Table:
    """Where the columns of a file stand."""

    width: int
    columns: dict[str, int] = field(default_factory=dict)


def _call(args: argparse.Namespace) -> Call:
    policy = policies.load(args.policy)
    zone = args.zone or policy.zone
    try:
        tz = zone_of(zone)
    except ValueError as error:
        raise IntakeError(f"--zone: {error}") from None
    try:
        as_of = datetime.fromisoformat(args.as_of)
    except ValueError:
        raise IntakeError(f"--as-of: '{args.as_of}' is not an instant such as 2024-05-14T00:00:00Z.") from None
    return Call(policy, micros(as_of if as_of.tzinfo else as_of.replace(tzinfo=tz)), zone)


@contextmanager
def _input(name: str) -> Iterator[BinaryIO]:
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
def _output(name: str, source: str) -> Iterator[TextIO]:
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


def _evaluate(call: Call, source: BinaryIO, target: TextIO) -> int:
    """Judges batch by batch and says on standard error what went wrong."""
    head = source.peek(HEAD)[:HEAD] if isinstance(source, io.BufferedReader) else b""
    encoding = encodings.marked(head)[0] or "utf-8-sig"
    stream = io.TextIOWrapper(source, encoding=encoding, newline="")
    sample = head.decode(encoding, errors="ignore")
    write = csv.writer(target, lineterminator="\n")
    table: Table | None = None
    rows = bad = 0
    dialect = tables.sniff(sample)
    for batch in tables.batches(stream, dialect, at_once=tables.BATCH):
        records = [record for record in batch if not tables.is_blank(record.cells)]
        if table is None and records:
            table = _header(records.pop(0))
            write.writerow(OUTPUT)
        if table is not None and records:
            wrong = _judge(call, table, records, write)
            for sentence in wrong[: max(0, TOLD - bad)]:
                print(sentence, file=sys.stderr)
            rows, bad = rows + len(records), bad + len(wrong)
    stream.detach()
    if table is None:
        raise IntakeError("The file is empty: a first row with the names of the columns is wanted.")
    if bad:
        print(f"{bad} of {rows} {'row' if rows == 1 else 'rows'} could not be judged.", file=sys.stderr)
    return SOME_IN_ERROR if bad else JUDGED


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


def _judge(call: Call, table: Table, records: Sequence[tables.Record], write: Writer) -> list[str]:
    """Judges some records, writes their rows and returns the sentences of those in error."""
    faults = [_fault(record, table) for record in records]
    columns = {
        name: ["" if fault else record.cells[place] for record, fault in zip(records, faults, strict=True)]
        for name, place in table.columns.items()
    }
    read = cells.convert(columns, zone=call.zone, lines=[record.line for record in records])
    told: dict[int, list[str]] = {}
    for problem in read.problems:
        if problem.fatal:
            told.setdefault(problem.line, []).append(str(problem))
    out = rules.judge(read.claims, call.policy, call.as_of, zone=call.zone)
    place_of_ref = table.columns.get("claim_ref", table.width)
    refs = [next(iter(record.cells[place_of_ref : place_of_ref + 1]), "") for record in records]
    currency = read.claims.frame["currency"].fillna("").tolist()
    wrong = []
    rows = zip(*(out[name].tolist() for name in OUTPUT[1:9]), strict=True)
    for place, (verdict, leaning, clause, clauses, missing, deadline, refund, fee) in enumerate(rows):
        error = faults[place]
        if not error and read.bad[place]:
            error = " ".join(told[records[place].line])
        if error:
            wrong.append(error)
            write.writerow([refs[place], *[""] * 9, error])
            continue
        if missing and not currency[place]:
            missing = _without_given_amounts(missing, columns, place)  # noqa: PLW2901 - the cell as it is told
        code = currency[place]
        deadline_text = "" if pd.isna(deadline) else iso(deadline)
        money = ["" if pd.isna(value) else plain(value, code) for value in (refund, fee)]
        write.writerow([refs[place], verdict, leaning, clause, clauses, missing, deadline_text, *money, code, ""])
    return wrong


def _without_given_amounts(missing: str, columns: dict[str, list[str]], place: int) -> str:
    """An amount that stands there but has no currency is not missing; its currency is."""
    names = missing.split()
    given = [
        name for name in names if BY_NAME[name].kind == "money" and columns.get(name, [""] * (place + 1))[place].strip()
    ]
    return " ".join(name for name in names if name not in given)
