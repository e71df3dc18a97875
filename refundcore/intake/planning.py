"""How a file is to be read: proposed from all of its evidence, corrected by the person, remembered by its header.

A `Plan` is everything that turns cells into facts. What the file does not settle is a `Question`; a plan with
open questions, or with a `blocker`, is not imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from refundcore import money
from refundcore.deadlines import zone_of
from refundcore.facts import BY_NAME
from refundcore.intake import columns, encodings, evidence, files, records, sheets, tables
from refundcore.intake.files import Look, Source
from refundcore.intake.plans import Option, Plan, Question, Wishes
from refundcore.intake.problems import IntakeError, clip
from refundcore.intake.tables import Dialect, Records

SAMPLE = 1 << 18
SAMPLES = 5
HEADER_WITHIN = 60
LONGEST_LETTER = 4
"""Bytes of one letter at most, in the encodings that are read."""
WIDEST = 5_000
FEW = 3
"""Columns of a table so narrow that one known name makes a header."""


def plan(given: Source | Path | str | bytes, *, zone: str, wishes: Wishes | None = None) -> Plan:
    """Propose how a file is read.

    Raises `IntakeError` for a file that is no table of text, `ValueError` for an unknown zone.
    """
    zone_of(zone)
    file = given if isinstance(given, Source) else files.source(given)
    asked = wishes or Wishes()
    look = files.look(file, asked.answers.get("encoding", ""), asked.answers.get("sheet", ""))
    dialect = Dialect() if look.sheet else _dialect(file, look, asked.answers.get("delimiter", ""))
    first = _beginning(file, look, dialect, full=bool(asked.answers.get("header")))
    at = _header(first, asked.answers.get("header", ""))
    header = tuple(first.rows[at])
    if not header[-1].strip():
        first = _beginning(file, look, dialect, full=True)
    below = first.rows[at + 1 :]
    while (
        header
        and not header[-1].strip()
        and not any(row[len(header) - 1 : len(header)] and row[len(header) - 1].strip() for row in below)
    ):
        header = header[:-1]
    if look.sheet:
        header = sheets.widened(header, below)
    if len(header) > WIDEST:
        raise IntakeError(f"{look.name} has {len(header):,} columns; no more than {WIDEST:,} are read.")
    names = columns.unique(header)
    found_rows, complete = _first_batch(file, look, dialect, len(header))
    rows = evidence.usable(found_rows, first.lines[at], header)
    cells = [[row[place] if place < len(row) else "" for row in rows[:500]] for place in range(len(names))]
    found = columns.propose(header, names, cells)
    mapping, rivals = _mapping(names, found, _chosen(asked))
    _check(asked.constants, asked.meanings, mapping)
    constants = {fact: text for fact, text in asked.constants.items() if fact not in mapping.values() and text}
    draft = Plan(
        look, dialect, header, names, first.lines[at], zone, mapping, constants, asked.meanings, {}, {},
        settled=complete, codes={}, floated=frozenset(),
        samples={name: _samples(cells[place]) for place, name in enumerate(names)},
        questions=_file_questions(look, rivals),
        notices=_file_notices(look, first, at, rows, cells) + _sheet_notices(look, first.lines[at], names),
        blockers=_blockers(mapping), ignored=found.unfit, answers=dict(asked.answers),
    )  # fmt: skip
    return evidence.settled(file, draft, rows)


def _dialect(file: Source, look: Look, delimiter: str) -> Dialect:
    with files.text(file, look.encoding) as stream:
        found = tables.sniff(stream.read(SAMPLE))
    return replace(found, delimiter=delimiter) if delimiter else found


def _beginning(file: Source, look: Look, dialect: Dialect, *, full: bool) -> Records:
    """The first records, by which the header is found: the first some thousand of a sheet or where `full` says so."""
    if not (full or look.sheet):
        with closing(records.batches(file, look, dialect, at_once=SAMPLE)) as batches:
            few, _ = next(batches, (Records(), 1.0))
        if len(few.rows) > HEADER_WITHIN:
            return few
    return _first_batch(file, look, dialect)[0]


def _first_batch(file: Source, look: Look, dialect: Dialect, width: int = 0) -> tuple[Records, bool]:
    """The first some thousand records, and whether they are all there are."""
    with closing(records.batches(file, look, dialect, width)) as batches:
        first, _ = next(batches, (Records(), 1.0))
        long = look.sheet is None and look.size > LONGEST_LETTER * tables.BATCH
        return first, not long and next(batches, None) is None


def _header(first: Records, line: str) -> int:
    """Where the header stands: the record with most names of facts; without any, the first that is about full."""
    if line:
        for number, begins in enumerate(first.lines):
            if str(begins) == line:
                return number
        raise IntakeError(f"No row begins in line {line}, which was named as the header.")
    near = [
        number
        for number, row in enumerate(first.rows[:HEADER_WITHIN])
        if first.lines[number] not in first.faults and not tables.is_blank(row)
    ]
    if not near:
        raise IntakeError("The file holds no row of text that could be a header.")
    scores = {number: sum(columns.fact_of(cell) is not None for cell in first.rows[number]) for number in near}
    best = max(near, key=lambda number: (scores[number], -number))
    if scores[best] > 1 or (scores[best] == 1 and len(first.rows[best]) <= FEW):
        return best
    filled = {number: sum(bool(cell.strip()) for cell in first.rows[number]) for number in near}
    most = max(filled.values())
    return next(number for number in near if filled[number] * 5 >= most * 4)


def _samples(cells: Sequence[str]) -> tuple[str, ...]:
    found = dict.fromkeys(clip(text) for cell in cells if (text := cell.strip()))
    return tuple(found)[:SAMPLES]


def _chosen(asked: Wishes) -> dict[str, str]:
    """The mapping that was said, with the answers to which of several columns a fact is."""
    said = dict(asked.mapping or {})
    for key, column in asked.answers.items():
        topic, _, fact = key.partition(":")
        if topic == "column" and fact not in said.values():
            said[column] = fact
    return said


def _mapping(
    names: Sequence[str], found: columns.Proposal, wanted: Mapping[str, str]
) -> tuple[dict[str, str], Mapping[str, tuple[str, ...]]]:
    """The mapping to use and the rivals that are left; the person's word comes before what was found."""
    said: dict[str, str] = {}
    for name, fact in wanted.items():
        column = _column(names, name)
        if fact and fact not in BY_NAME:
            raise IntakeError(
                f"'{fact}' is no fact of a claim; see the data dictionary, for example order_ref or purchased_at."
            )
        if column is None:
            raise IntakeError(f"The file has no column '{name}'; its columns are {', '.join(names[:30])}.")
        if fact and fact in said.values():
            raise IntakeError(f"Two columns are mapped to {fact}; only one can be it.")
        said[column] = fact
    taken = {fact for fact in said.values() if fact}
    mapping = {name: fact for name, fact in found.mapping.items() if name not in said and fact not in taken}
    mapping |= {name: fact for name, fact in said.items() if fact}
    rivals = {fact: rival for fact, rival in found.rivals.items() if fact not in taken and not set(rival) & set(said)}
    return {name: mapping[name] for name in names if name in mapping}, rivals


def _column(names: Sequence[str], wanted: str) -> str | None:
    if wanted in names:
        return wanted
    matches = [name for name in names if columns.normal(name) == columns.normal(wanted)]
    return matches[0] if len(matches) == 1 else None


def _check(constants: Mapping[str, str], values: Mapping[str, Mapping[str, str]], mapping: Mapping[str, str]) -> None:
    for fact in (*constants, *values):
        if fact not in BY_NAME:
            raise IntakeError(
                f"'{fact}' is no fact of a claim; see the data dictionary, for example currency or reason."
            )
    for fact, text in constants.items():
        if text and fact in mapping.values():
            column = next(name for name, mapped in mapping.items() if mapped == fact)
            raise IntakeError(
                f"{fact} is in the file already, in the column '{column}'; it cannot be given for all rows as well."
            )
        if text and BY_NAME[fact].codes and text not in BY_NAME[fact].codes:
            raise IntakeError(f"{fact}: '{clip(text)}' is not one of {', '.join(BY_NAME[fact].codes)}.")
        if text and fact == "currency" and text.upper() not in money.EXPONENTS:
            raise IntakeError(f"currency: '{clip(text)}' is no currency code of ISO 4217, such as USD, EUR or JPY.")


def _file_questions(look: Look, rivals: Mapping[str, tuple[str, ...]]) -> tuple[Question, ...]:
    questions = []
    if look.sheet and look.sheet.rivals:
        choice = tuple(
            Option(sheet.name, f"{clip(sheet.name)} ({sheet.rows:,} rows with the header)", sheets.sample(sheet))
            for sheet in look.sheet.rivals
        )
        text = "Several sheets of the workbook could hold the claims. Which one is to be read?"
        questions.append(Question("sheet", text, choice, look.sheet.name))
    elif not look.sure:
        options = tuple(Option(found.encoding, found.label, found.sample) for found in look.proposals)
        text = "The file is not UTF-8. In which encoding was it written? Choose the one whose lines read right."
        questions.append(Question("encoding", text, options, look.encoding))
    for fact, names in rivals.items():
        options = tuple(Option(name, name) for name in names)
        questions.append(
            Question(
                f"column:{fact}",
                f"Several columns could be “{BY_NAME[fact].label}” and differ. Which is it?",
                options,
                names[0],
            )
        )
    return tuple(questions)


def _file_notices(
    look: Look, first: Records, at: int, rows: Sequence[Sequence[str]], cells: Sequence[Sequence[str]]
) -> tuple[str, ...]:
    notices = [look.notice] if look.notice else []
    before = [row for row in first.rows[:at] if not tables.is_blank(row)]
    if before:
        shown = clip(" ".join(cell.strip() for cell in before[0] if cell.strip()))
        notices.append(
            f"{len(before)} lines stand before the header and are left out; the first: “{shown}”."
            if len(before) > 1
            else f"A line stands before the header and is left out: “{shown}”."
        )
    if not rows:
        notices.append("There is no row below the header.")
    if damaged := next((text for column in cells for text in column if encodings.looks_damaged(text)), ""):
        notices.append(
            f"Some text was damaged before this file was written, such as “{clip(damaged)}”; it comes in as it stands."
        )
    return tuple(notices)


def _sheet_notices(look: Look, header_line: int, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sheets.notices(look.sheet, header_line, names)) if look.sheet else ()


def _blockers(mapping: Mapping[str, str]) -> tuple[str, ...]:
    if not {"claim_ref", "order_ref"} & set(mapping.values()):
        return ("No column is the reference of the claim or of the order; map one to “Claim” or “Order”.",)
    return ()
