"""`import`: adds the claims of a file to the desk, after showing what it would bring.

What the file does not settle (its encoding, the order of day and month) is asked for by an option and never
guessed. Progress goes to standard error, the balance of all rows to standard output.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from refundcore import accounts, clock, intake
from refundcore.commands import _import_mail
from refundcore.deadlines import micros
from refundcore.intake import IntakeError, Plan, Preview, Question, Wishes, mail
from refundcore.intake.history import Told, past_of
from refundcore.intake.problems import clip
from refundcore.store import Store, StoreError, connect
from refundcore.store.history import Past, Recorded, record_history

ALL_IN, SOME_OUT, REFUSED = 0, 1, 2
COLLECT = (100_000, 20, 50)
"""How seldom cycles are looked for: rows hold none, and looking takes longer than reading them."""

SOON = 2.0
"""Seconds after which it is told how long it will take."""

TOLD = 12
"""No more kinds of problems than this are listed."""

_OPTIONS = {
    "encoding": "--encoding NAME",
    "sheet": "--sheet NAME",
    "dates": "--date-order FACT=ORDER",
    "decimals": "--decimal FACT=MARK",
    "column": "--map COLUMN=FACT",
}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and what it takes."""
    parser = subparsers.add_parser("import", help="add the claims of a file", description=__doc__)
    parser.add_argument("file", metavar="FILE", type=Path, help="a CSV file or an Excel workbook, one claim a row")
    parser.add_argument("--actor", metavar="EMAIL", help="in whose name; may be left out where one person may import")
    parser.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=FACT", help="'COLUMN=' for none of the facts"
    )
    parser.add_argument(
        "--const", action="append", default=[], metavar="FACT=VALUE", help="the same in all rows, as currency=USD"
    )
    parser.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="FACT:TEXT=VALUE",
        help="what a text of the file stands for, as 'reason:number dead=invalid_number'",
    )
    parser.add_argument(
        "--date-order",
        action="append",
        default=[],
        metavar="[FACT=]ORDER",
        help="dmy, mdy, or clear: leave out dates that fit both; swap or keep: dates that a spreadsheet exchanged",
    )
    parser.add_argument(
        "--decimal", action="append", default=[], metavar="[FACT=]MARK", help="the decimal mark of amounts, . or ,"
    )
    parser.add_argument("--sheet", default="", metavar="NAME", help="of a workbook, where several could be meant")
    parser.add_argument("--encoding", default="", metavar="NAME", help="as cp1252, where the file is not UTF-8")
    parser.add_argument(
        "--delimiter",
        default="",
        metavar="MARK",
        help="what parts the values, where it is found wrongly; 'tab' for a tab",
    )
    parser.add_argument(
        "--header-line", default="", metavar="N", help="the line of the column names, where it is found wrongly"
    )
    parser.add_argument(
        "--zone", metavar="ZONE", help="where times without an offset are local; the policy's zone by default"
    )
    parser.add_argument("--update", action="store_true", help="let rows change undecided claims of the same reference")
    parser.add_argument(
        "--history",
        action="store_true",
        help="decided claims come in as decided: by the file's columns outcome, decided_at and refunded_amount",
    )
    parser.add_argument(
        "--outcome",
        action="append",
        default=[],
        metavar="TEXT=OUTCOME",
        help="with --history, what a word of the file means: approve, exchange, deny or open",
    )
    parser.add_argument(
        "--rejects", type=Path, metavar="OUT.csv", help="write the rows that were left out, with why, to mend them"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would come in")


def run(args: argparse.Namespace) -> int:
    """Import the file. 0: all rows are in; 1: some were left out; 2: nothing was stored."""
    try:
        wishes = _wishes(args)
        at = clock.now()
        store = connect(at=at)
        actor = _actor(store, args.actor) if not args.dry_run or args.actor else 0
        file = intake.source(args.file)
        if mail.is_mail(file):
            return _import_mail.run(args, store, file, actor=actor, at=at)
        plan = _plan(store, file, args.zone or store.policy.zone, wishes)
        _tell_plan(plan)
        if plan.blockers or plan.questions:
            for sentence in plan.blockers:
                print(f"refund-desk import: {sentence} (--map COLUMN=FACT)", file=sys.stderr)
            for question in plan.questions:
                _ask(question)
            return REFUSED
        past = past_of(file, plan, dict(_pair("--outcome", text) for text in args.outcome)) if args.history else None
        if args.dry_run:
            preview = intake.preview(file, plan, store.policy, micros(at), store=store)
            _tell_preview(preview)
            return SOME_OUT if preview.rejected else ALL_IN
        pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps some 40 MB for later
        gc.freeze()  # nothing of the program itself will be let go of
        gc.set_threshold(*COLLECT)
        tally = intake.Tally()
        progress = _Progress(plan.look.name)
        number, balance = intake.bring_in(
            file, plan, store, actor=actor, at=at, update=args.update, progress=progress, tally=tally, alone=True
        )
        progress.end()
        _tell_groups(tally.groups)
        print(f"Import {number}: {intake.sentence(balance)}")
        if past is not None:
            _tell_past(record_history(store, map(_past, past), actor=actor, at=at))
        if args.rejects:
            with args.rejects.open("wb") as target:
                target.writelines(intake.rejects_file(store, number))
            print(f"{balance.rejected + balance.conflicting:,} rows that were left out are in {args.rejects}.")
    except (IntakeError, StoreError) as error:
        print(f"refund-desk import: {error}", file=sys.stderr)
        return REFUSED
    return SOME_OUT if balance.rejected or balance.conflicting else ALL_IN


def _past(told: Told) -> Past:
    return Past(told.ref, told.outcome, told.at, told.refund)


def _tell_past(recorded: Recorded) -> None:
    print(f"{recorded.decided:,} of them came in as decided.")
    if recorded.left:
        print(f"{recorded.left:,} were left as they are: they are not here, or somebody worked on them.")


def _wishes(args: argparse.Namespace) -> Wishes:
    answers = {"encoding": args.encoding, "sheet": args.sheet, "header": args.header_line}
    answers["delimiter"] = "\t" if args.delimiter in {"tab", "\\t"} else args.delimiter
    for option, key, given in (("--date-order", "dates", args.date_order), ("--decimal", "decimals", args.decimal)):
        allowed = ("dmy", "mdy", "clear", "swap", "keep") if key == "dates" else (".", ",")
        for text in given:
            fact, _, value = text.rpartition("=")
            if value not in allowed:
                raise IntakeError(f"{option}: '{value}' is not one of {' '.join(allowed)}.")
            answers[f"{key}:{fact}" if fact else key] = value
    mapping = dict(_pair("--map", text) for text in args.map)
    constants = dict(_pair("--const", text) for text in args.const)
    values: dict[str, dict[str, str]] = {}
    for text in args.value:
        left, value = _pair("--value", text)
        fact, colon, written = left.partition(":")
        if not colon:
            raise IntakeError(f"--value: '{text}' is not of the form FACT:TEXT=VALUE.")
        values.setdefault(fact, {})[written] = value
    return Wishes(mapping or None, constants, values, {key: value for key, value in answers.items() if value})


def _pair(option: str, text: str) -> tuple[str, str]:
    left, equals, right = text.rpartition("=")
    if not equals or not left:
        raise IntakeError(f"{option}: '{text}' is not of the form NAME=VALUE.")
    return left.strip(), right.strip()


def _actor(store: Store, email: str | None) -> int:
    """In whose name: the person of that address, or the only one who may import."""
    people = [person for person in accounts.people(store) if person.active]
    if email:
        found = [person for person in people if person.email == email.strip().casefold()]
        if not found:
            raise IntakeError(f"--actor: there is no open account with the e-mail address {email}.")
        return found[0].id
    able = [person for person in people if person.role in {"agent", "manager"}]
    if len(able) != 1:
        raise IntakeError(
            "Say in whose name to import: --actor EMAIL."
            if able
            else "There is no account yet; add one with `refund-desk user add`."
        )
    return able[0].id


def _plan(store: Store, file: intake.Source, zone: str, wishes: Wishes) -> Plan:
    """The plan with what is asked for now, over what was remembered of a file with the same header."""
    try:
        bare = replace(wishes, mapping=None, constants={}, meanings={})
        first = intake.plan(file, zone=zone, wishes=bare)
        full = wishes.over(intake.remembered(store, first))
        return first if full == bare else intake.plan(file, zone=zone, wishes=full)
    except ValueError as error:
        raise IntakeError(f"--zone: {error}") from None


def _tell_plan(plan: Plan) -> None:
    print(f"{plan.look.name}: {plan.kind}.", file=sys.stderr)
    for name, fact in plan.mapping.items():
        samples = ", ".join(plan.samples.get(name, ())[:2])
        print(f"  {clip(name)} -> {fact}{f'   ({samples})' if samples else ''}", file=sys.stderr)
    for fact, text in plan.constants.items():
        print(f"  all rows -> {fact} = {text}", file=sys.stderr)
    left = [clip(name) for name in plan.names if name not in plan.mapping]
    if left:
        print(f"  not used: {', '.join(left[:40])}{' ...' if len(left) > 40 else ''}", file=sys.stderr)
    for name, why in plan.ignored.items():
        print(f"  {clip(name)}: {why}.", file=sys.stderr)
    for sentence in plan.notices:
        print(f"  {sentence}", file=sys.stderr)


def _ask(question: Question) -> None:
    option = _OPTIONS.get(question.key.partition(":")[0], "")
    print(f"refund-desk import: {question.text}", file=sys.stderr)
    for choice in question.options:
        print(f"  {choice.value}: {choice.label}", file=sys.stderr)
        for line in choice.sample:
            print(f"      {line}", file=sys.stderr)
    print(f"  Say so with {option}, then import again. Nothing was stored.", file=sys.stderr)


def _tell_preview(preview: Preview) -> None:
    part = "" if preview.complete else " of the first rows"
    print(f"{preview.rows:,} rows{part}: {preview.usable:,} would come in, {preview.rejected:,} would be rejected.")
    if preview.verdicts:
        mix = ", ".join(
            f"{count:,} {verdict}" for verdict, count in sorted(preview.verdicts.items(), key=lambda item: -item[1])
        )
        print(f"Verdicts: {mix}.")
    for line, why in preview.left_out[:TOLD]:
        print(f"Line {line} is {why}, and left out.")
    _tell_groups(preview.groups)
    _tell_meeting(preview.meeting)


def _tell_meeting(meeting: intake.Meeting) -> None:
    """What is here already, and how it differs."""
    if meeting.unchanged:
        print(f"{meeting.unchanged:,} are here already with the same facts.")
    if not meeting.differing:
        return
    facts = ", ".join(f"{name} {count:,}" for name, count in meeting.facts.most_common())
    print(f"{meeting.differing:,} are here with other facts: {facts}.")
    for one in meeting.first[:TOLD]:
        for name in one.facts:
            told = [_told_value(values.get(name)) for values in (one.stored, one.wanted)]
            print(f"  Line {one.line}, {clip(one.ref)}: {name} {told[0]} -> {told[1]}")
    fixed = sum(meeting.refusals.values())
    print(
        f"{len(meeting.versions):,} of them would be changed with --update"
        + (f"; {fixed:,} would not: somebody decided them, or closed them." if fixed else ".")
    )


def _told_value(value: object) -> str:
    return "nothing" if value is None else clip(str(value))


def _tell_groups(groups: Sequence[intake.Group]) -> None:
    for group in groups[:TOLD]:
        count = f"{group.count:,} rows" if group.count > 1 else "1 row"
        print(f"{count} {'rejected' if group.fatal else 'noted'}: {group.first}", file=sys.stderr)
    if len(groups) > TOLD:
        print(f"and {len(groups) - TOLD} kinds more.", file=sys.stderr)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class _Progress:
    """How far it is, on standard error: one line that moves at a terminal, else a line at every tenth."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._live = sys.stderr.isatty()
        self._tenth = 0
        self._began = time.monotonic()

    def __call__(self, done: float, rows: int) -> None:
        text = f"{self._name}: {done:4.0%}, {rows:,} rows"
        spent = time.monotonic() - self._began
        if 0 < done < 1 and spent > SOON:
            text += f", {rows / spent:,.0f} a second, {_span(spent / done - spent)} left"
        if self._live:
            print(f"\r{text:<78}", end="", file=sys.stderr, flush=True)
        elif int(done * 10) > self._tenth:
            self._tenth = int(done * 10)
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line that moved."""
        if self._live:
            print(file=sys.stderr)
