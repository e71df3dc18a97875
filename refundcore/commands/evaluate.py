"""`evaluate`: judges the claims of a file under the policy, without a desk and without storing anything.

One row a claim comes out, in the order of the input; the columns are `OUTPUT`. A row that cannot be read carries
its error and nothing else. The file is read in batches, so its size doesn't matter.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TextIO

import pandas as pd

from refundcore import policy as policies
from refundcore import rules
from refundcore.commands._claim_files import Batch, Writer, batches, source_of, target_of
from refundcore.deadlines import iso, micros, zone_of
from refundcore.facts import BY_NAME
from refundcore.intake.problems import IntakeError
from refundcore.money import plain

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
        with source_of(args.file) as source, target_of(args.output, args.file) as target:
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


def _evaluate(call: Call, source: BinaryIO, target: TextIO) -> int:
    """Judges batch by batch and says on standard error what went wrong."""
    write = csv.writer(target, lineterminator="\n")
    rows = bad = 0
    for number, batch in enumerate(batches(source, call.zone)):
        if number == 0:
            write.writerow(OUTPUT)
        wrong = _judge(call, batch, write)
        for sentence in wrong[: max(0, TOLD - bad)]:
            print(sentence, file=sys.stderr)
        rows, bad = rows + len(batch.records), bad + len(wrong)
    if bad:
        print(f"{bad} of {rows} {'row' if rows == 1 else 'rows'} could not be judged.", file=sys.stderr)
    return SOME_IN_ERROR if bad else JUDGED


def _judge(call: Call, batch: Batch, write: Writer) -> list[str]:
    """Judges some records, writes their rows and returns the sentences of those in error."""
    if not batch.records:
        return []
    out = rules.judge(batch.read.claims, call.policy, call.as_of, zone=call.zone)
    place_of_ref = batch.table.columns.get("claim_ref", batch.table.width)
    refs = [next(iter(record.cells[place_of_ref : place_of_ref + 1]), "") for record in batch.records]
    currency = batch.read.claims.frame["currency"].fillna("").tolist()
    wrong = []
    rows = zip(*(out[name].tolist() for name in OUTPUT[1:9]), strict=True)
    for place, (verdict, leaning, clause, clauses, missing, deadline, refund, fee) in enumerate(rows):
        if error := batch.errors[place]:
            wrong.append(error)
            write.writerow([refs[place], *[""] * 9, error])
            continue
        if missing and not currency[place]:
            missing = _without_given_amounts(missing, batch.columns, place)  # noqa: PLW2901 - the cell as it is told
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
