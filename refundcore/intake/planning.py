"""How a file is to be read: proposed from all of its evidence, corrected by the person, remembered by its header.

A `Plan` is everything that turns cells into facts. What the file does not settle is a `Question`; a plan with
open questions, or with a `blocker`, is not imported.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from refundcore import money
from refundcore.deadlines import zone_of
from refundcore.facts import BY_NAME
from refundcore.intake import amounts, columns, dates, encodings, files, identifiers, tables
from refundcore.intake.files import Look, Source
from refundcore.intake.problems import IntakeError, clip
from refundcore.intake.tables import Dialect, Records

SAMPLE = 1 << 18
SAMPLES = 5
HEADER_WITHIN = 60
WIDEST = 5_000
OPEN_CODES = ("reason", "channel")
"""Codes that may be left unknown where a file has words of its own for them."""
CONSTANTS = ("currency", "reason", "channel", "payment_method", "product")
"""Facts that may be given once for all rows of a file."""


@dataclass(frozen=True)
class Option:
    """One answer to a question."""

    value: str
    label: str
    sample: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What the file itself does not settle. `proposed` is shown first, never taken without the person."""

    key: str
    text: str
    options: tuple[Option, ...]
    proposed: str = ""


@dataclass(frozen=True)
class Code:
    """What a column of codes holds: the file's texts with their counts, and those the desk has no code for."""

    counts: Mapping[str, int]
    strange: tuple[str, ...]
    left_unknown: bool = False


@dataclass(frozen=True)
class Plan:
    """How a file is read. Columns go by their `names`, facts by theirs."""

    look: Look
    dialect: Dialect
    header: tuple[str, ...]
    """As it stands in the file."""
    names: tuple[str, ...]
    """The same, each different."""
    header_line: int
    zone: str
    mapping: Mapping[str, str]
    constants: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    """Fact -> text in the file -> what it stands for."""
    orders: Mapping[str, Mapping[str, str]]
    decimals: Mapping[str, str]
    settled: bool
    """Whether the evidence is that of all rows, not only of the first some thousands."""
    codes: Mapping[str, Code]
    floated: frozenset[str]
    samples: Mapping[str, tuple[str, ...]]
    questions: tuple[Question, ...]
    notices: tuple[str, ...]
    blockers: tuple[str, ...]
    ignored: Mapping[str, str]
    """Column that is no fact -> why, where there is more to say."""
    rows_seen: int
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether nothing is left to be asked."""
        return not self.questions and not self.blockers

    @property
    def kind(self) -> str:
        """What the file is, in a few words."""
        encoding = encodings.NAMES.get(self.look.encoding, self.look.encoding.upper())
        mark = tables.NAMES.get(self.dialect.delimiter, repr(self.dialect.delimiter))
        return f"{encoding}, values parted by a {mark}, {len(self.names)} columns, header in line {self.header_line}"

    def remembered(self) -> dict[str, str]:
        """The mapping and the answers as one table, to be kept for files of the same header."""
        kept = dict(self.mapping)
        kept |= {f"{_CONSTANT}{fact}": text for fact, text in self.constants.items()}
        for fact, texts in self.values.items():
            kept |= {f"{_VALUE}{fact}:{text}": meaning for text, meaning in texts.items()}
        kept |= {f"{_IGNORED}{name}": "" for name in self.names if name not in self.mapping}
        return kept

    @property
    def lasting_header(self) -> list[str]:
        """The header by which the mapping is remembered: without the columns that the desk itself adds."""
        return [name for name in self.names if columns.normal(name) not in columns.OWN_COLUMNS]


_CONSTANT, _VALUE, _IGNORED = "=constant:", "=value:", "=ignored:"


@dataclass(frozen=True)
class Wishes:
    """What the person said about a file, or what was remembered of one like it."""

    mapping: Mapping[str, str] | None = None
    """Column -> fact, or '' for none; None: as proposed. Columns that are not named keep what is proposed."""
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    def over(self, kept: Wishes | None) -> Wishes:
        """These wishes, and where they say nothing those that were kept."""
        if kept is None:
            return self
        own = self.mapping or {}
        taken = {fact for fact in own.values() if fact}
        below = {name: fact for name, fact in (kept.mapping or {}).items() if fact not in taken}
        facts = {fact for fact in {**below, **own}.values() if fact}
        constants = {fact: text for fact, text in kept.constants.items() if fact not in facts}
        values = {
            fact: {**kept.values.get(fact, {}), **self.values.get(fact, {})} for fact in {*kept.values, *self.values}
        }
        return Wishes({**below, **own}, {**constants, **self.constants}, values, {**kept.answers, **self.answers})


def recalled(kept: Mapping[str, str]) -> Wishes:
    """The wishes in a table that `Plan.remembered` made."""
    mapping: dict[str, str] = {}
    constants: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    for key, text in kept.items():
        if key.startswith(_CONSTANT):
            constants[key.removeprefix(_CONSTANT)] = text
        elif key.startswith(_VALUE):
            fact, _, written = key.removeprefix(_VALUE).partition(":")
            values.setdefault(fact, {})[written] = text
        elif key.startswith(_IGNORED):
            mapping[key.removeprefix(_IGNORED)] = ""
        elif text in BY_NAME:
            mapping[key] = text
    return Wishes(mapping, constants, values)


def plan(given: Source | Path | str | bytes, *, zone: str, wishes: Wishes | None = None) -> Plan:
    """Propose how a file is read.

    Raises `IntakeError` for a file that is no table of text, `ValueError` for an unknown zone.
    """
    zone_of(zone)
    file = given if isinstance(given, Source) else files.source(given)
    asked = wishes or Wishes()
    look = files.look(file, asked.answers.get("encoding", ""))
    dialect = _dialect(file, look, asked.answers.get("delimiter", ""))
    first, complete = _first_batch(file, look, dialect)
    at = _header(first, asked.answers.get("header", ""))
    header = tuple(first.rows[at])
    below = first.rows[at + 1 :]
    while (
        header
        and not header[-1].strip()
        and not any(row[len(header) - 1 : len(header)] and row[len(header) - 1].strip() for row in below)
    ):
        header = header[:-1]
    if len(header) > WIDEST:
        raise IntakeError(f"{look.name} has {len(header):,} columns; no more than {WIDEST:,} are read.")
    names = columns.unique(header)
    rows = _usable(first, first.lines[at], header)
    cells = [[row[place] if place < len(row) else "" for row in rows[:500]] for place in range(len(names))]
    found = columns.propose(header, names, cells)
    mapping, rivals = _mapping(names, found, asked.mapping)
    _check(asked.constants, asked.values, mapping)
    constants = {fact: text for fact, text in asked.constants.items() if fact not in mapping.values() and text}
    draft = Plan(
        look, dialect, header, names, first.lines[at], zone, mapping, constants, asked.values, {}, {},
        settled=complete, codes={}, floated=frozenset(),
        samples={name: _samples(cells[place]) for place, name in enumerate(names)},
        questions=_file_questions(look, rivals), notices=_file_notices(look, first, at, rows, cells),
        blockers=_blockers(mapping), ignored=found.unfit, rows_seen=len(rows), answers=dict(asked.answers),
    )  # fmt: skip
    return _with_evidence(file, draft, rows)


def _dialect(file: Source, look: Look, delimiter: str) -> Dialect:
    with files.text(file, look.encoding) as stream:
        found = tables.sniff(stream.read(SAMPLE))
    return replace(found, delimiter=delimiter) if delimiter else found


def _first_batch(file: Source, look: Look, dialect: Dialect) -> tuple[Records, bool]:
    """The first some thousand records, and whether they are all there are."""
    with files.text(file, look.encoding) as stream:
        batches = tables.batches(stream, dialect)
        first = next(batches, Records())
        return first, next(batches, None) is None


def _header(records: Records, line: str) -> int:
    """Where the header stands: the record with most names of facts; without any, the first of the usual width."""
    if line:
        for number, begins in enumerate(records.lines):
            if str(begins) == line:
                return number
        raise IntakeError(f"No row begins in line {line}, which was named as the header.")
    near = [
        number
        for number, row in enumerate(records.rows[:HEADER_WITHIN])
        if records.lines[number] not in records.faults and not tables.is_blank(row)
    ]
    if not near:
        raise IntakeError("The file holds no row of text that could be a header.")
    scores = {number: sum(columns.fact_of(cell) is not None for cell in records.rows[number]) for number in near}
    best = max(near, key=lambda number: (scores[number], -number))
    if scores[best] > 1 or (scores[best] == 1 and len(records.rows[best]) <= 3):
        return best
    usual = Counter(len(row) for row in records.rows if not tables.is_blank(row)).most_common(1)[0][0]
    return next((number for number in near if len(records.rows[number]) == usual), near[0])


def _usable(records: Records, header_line: int, header: Sequence[str]) -> list[list[str]]:
    """The rows below the header that have its width and are no copies of it."""
    own, width = list(header), len(header)
    return [
        row
        for line, row in zip(records.lines, records.rows, strict=True)
        if line > header_line
        and len(row) >= width
        and line not in records.faults
        and not tables.is_blank(row)
        and row[:width] != own
    ]


def _samples(cells: Sequence[str]) -> tuple[str, ...]:
    found = dict.fromkeys(clip(text) for cell in cells if (text := cell.strip()))
    return tuple(found)[:SAMPLES]


def _mapping(
    names: Sequence[str], found: columns.Proposal, wanted: Mapping[str, str] | None
) -> tuple[dict[str, str], Mapping[str, tuple[str, ...]]]:
    """The mapping to use and the rivals that are left; the person's word comes before what was found."""
    said: dict[str, str] = {}
    for name, fact in (wanted or {}).items():
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
    if not look.sure:
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


def _blockers(mapping: Mapping[str, str]) -> tuple[str, ...]:
    if not {"claim_ref", "order_ref"} & set(mapping.values()):
        return ("No column is the reference of the claim or of the order; map one to “Claim” or “Order”.",)
    return ()


# The evidence of the columns.


@dataclass
class _Evidence:
    dates: dict[str, dates.Evidence]
    amounts: dict[str, amounts.Evidence]
    codes: dict[str, Counter[str]]
    references: dict[str, identifiers.Evidence]
    rows: int = 0


def _with_evidence(file: Source, draft: Plan, rows: list[list[str]]) -> Plan:
    seen = _collect([rows], draft)
    plain = (
        all(evidence.plain for evidence in seen.dates.values())
        and all(evidence.simple for evidence in seen.amounts.values())
        and not any(code.left_unknown for code in _codes(seen, draft)[0].values())
        and not any(evidence.floats for evidence in seen.references.values())
    )
    if not draft.settled and not plain:
        seen = _collect(_all_rows(file, draft), draft)
        draft = replace(draft, settled=True)
    orders, date_questions, date_notices = _orders(seen, draft)
    decimals, money_questions = _decimals(seen, draft)
    codes, code_notices = _codes(seen, draft)
    floated = frozenset(fact for fact, evidence in seen.references.items() if evidence.floated)
    notices = [*draft.notices, *date_notices, *code_notices]
    notices += [
        f"{fact}: “.0” at the end of numbers was added by a spreadsheet and is taken off." for fact in sorted(floated)
    ]
    notices += [
        f"{fact}: {evidence.others} of {evidence.others + evidence.whole:,} are unlike the others, which are numbers: “{clip(evidence.odd)}”."
        for fact, evidence in seen.references.items()
        if evidence.odd
    ]
    notices += _currency_notices(draft)
    return replace(
        draft, orders=orders, decimals=decimals, codes=codes, floated=floated, rows_seen=seen.rows,
        questions=(*draft.questions, *date_questions, *money_questions), notices=tuple(notices),
    )  # fmt: skip


def _all_rows(file: Source, draft: Plan) -> Iterator[list[list[str]]]:
    with files.text(file, draft.look.encoding) as stream:
        for batch in tables.batches(stream, draft.dialect, len(draft.header)):
            yield _usable(batch, draft.header_line, draft.header)


def _collect(batches: Iterator[list[list[str]]] | list[list[list[str]]], draft: Plan) -> _Evidence:
    seen = _Evidence({}, {}, {}, {})
    places = {fact: draft.names.index(name) for name, fact in draft.mapping.items()}
    for rows in batches:
        seen.rows += len(rows)
        for fact, place in places.items():
            kind = BY_NAME[fact].kind
            if kind == "text" and fact not in identifiers.REFERENCES:
                continue
            texts = [row[place].strip() for row in rows]
            if kind == "code":
                seen.codes.setdefault(fact, Counter()).update(texts)
            elif kind == "instant":
                seen.dates.setdefault(fact, dates.Evidence()).add(*_arrow(texts))
            elif kind == "money":
                seen.amounts.setdefault(fact, amounts.Evidence()).add(*_arrow(texts))
            elif kind == "text":
                seen.references.setdefault(fact, identifiers.Evidence()).add(texts)
            elif kind == "currency":
                seen.codes.setdefault(fact, Counter()).update(texts)
    return seen


def _arrow(texts: list[str]) -> tuple[pa.StringArray, np.ndarray]:
    array = identifiers.unguarded(pa.array(texts, type=pa.string()))
    return array, np.flatnonzero([bool(text) for text in texts]).astype(np.int64)


def _orders(seen: _Evidence, draft: Plan) -> tuple[dict[str, dict[str, str]], list[Question], list[str]]:
    orders: dict[str, dict[str, str]] = {}
    questions: list[Question] = []
    notices: list[str] = []
    for fact, evidence in seen.dates.items():
        said = draft.answers.get(f"dates:{fact}") or draft.answers.get("dates", "")
        found: dict[str, str] = {}
        asked: list[dates.Seen] = []
        for form, values in evidence.triples.items():
            order = values.order or said
            if order:
                found[form] = order
            else:
                asked.append(values)
                found[form] = "dmy" if values.day_first >= values.month_first else "mdy"
        orders[fact] = found
        if asked:
            questions.append(_date_question(fact, asked, next(iter(found.values()))))
        if forms := [dates.told(form, found.get(form, "")) for form in evidence.forms if form != "iso"]:
            all_forms = [dates.told(form, found.get(form, "")) for form in evidence.forms]
            mixed = (
                " Check that no spreadsheet swapped days and months." if len(all_forms) > 1 and evidence.triples else ""
            )
            notices.append(f"{fact}: dates are read as {', '.join(all_forms or forms)}.{mixed}")
    return orders, questions, notices


def _date_question(fact: str, asked: Sequence[dates.Seen], proposed: str) -> Question:
    unclear = sum(values.unclear for values in asked)
    day_first, month_first = sum(values.day_first for values in asked), sum(values.month_first for values in asked)
    if day_first or month_first:
        why = f"{day_first:,} can only be read with the day first and {month_first:,} only with the month first; {unclear:,} fit both."
    else:
        why = f"each of them, such as {asked[0].example}, can be read with the day first or with the month first."
    options = tuple(Option(order, label) for order, label in dates.ORDERS.items())
    return Question(
        f"dates:{fact}",
        f"How are the dates of “{BY_NAME[fact].label}” ({fact}) written? Of its dates {why}"
        if day_first or month_first
        else f"How are the dates of “{BY_NAME[fact].label}” ({fact}) written? There {why}",
        options,
        proposed,
    )


def _decimals(seen: _Evidence, draft: Plan) -> tuple[dict[str, str], list[Question]]:
    currencies = {text.upper() for text in seen.codes.get("currency", {}) if text} | {
        text.upper() for text in (draft.constants.get("currency", ""),) if text
    }
    thousandths = bool(currencies) and all(money.EXPONENTS.get(code, 2) > 2 for code in currencies)
    decimals: dict[str, str] = {}
    questions = []
    for fact, evidence in seen.amounts.items():
        said = draft.answers.get(f"decimals:{fact}") or draft.answers.get("decimals", "")
        decimal = evidence.decimal(thousandths=thousandths) or said
        decimals[fact] = decimal or "."
        if not decimal:
            example = f" (such as {evidence.example})" if evidence.example else ""
            options = tuple(Option(mark, label) for mark, label in amounts.MARKS.items())
            text = (
                f"What is the decimal mark of “{BY_NAME[fact].label}” ({fact})? The column does not settle it{example}."
            )
            questions.append(Question(f"decimals:{fact}", text, options, "."))
    return decimals, questions


def _strange(fact: str, counts: Counter[str], draft: Plan) -> list[str]:
    """The texts of a column of codes that mean nothing yet."""
    if fact == "currency":
        return []
    given = {plain_code(text) for text in draft.values.get(fact, {})}
    return [
        text
        for text in counts
        if text and plain_code(text) not in given and plain_code(text) not in BY_NAME[fact].codes
    ]


def plain_code(text: str) -> str:
    """A text as it is compared with codes: case, spaces, hyphens and the encoding of accents don't matter."""
    return unicodedata.normalize("NFC", text).strip().casefold().replace(" ", "_").replace("-", "_")


def _codes(seen: _Evidence, draft: Plan) -> tuple[dict[str, Code], list[str]]:
    codes: dict[str, Code] = {}
    notices = []
    for fact, counts in seen.codes.items():
        if fact == "currency":
            continue
        strange = _strange(fact, counts, draft)
        filled = sum(count for text, count in counts.items() if text)
        odd = sum(counts[text] for text in strange)
        left = fact in OPEN_CODES and bool(strange) and (2 * odd > filled or bool(draft.values.get(fact)))
        kept = {text: count for text, count in counts.most_common(500) if text}
        codes[fact] = Code(kept, tuple(sorted(strange, key=lambda text: (-counts[text], text))[:500]), left)
        if left:
            many = f"{len(strange)} different values are" if len(strange) > 1 else "one value is"
            notices.append(
                f"{fact}: {many} none of the desk's {fact}s and left unknown in {odd:,} rows, unless you say what they stand for."
            )
    return codes, notices


def _currency_notices(draft: Plan) -> list[str]:
    facts = set(draft.mapping.values())
    if (
        "currency" in facts
        or "currency" in draft.constants
        or not {"amount", "refunded_before", "replacement_price"} & facts
    ):
        return []
    units = {columns.unit_of(name) for name, fact in draft.mapping.items() if BY_NAME[fact].kind == "money"} & set(
        money.EXPONENTS
    )
    hint = f" The header says {', '.join(sorted(units))}." if units else ""
    return [f"No column is the currency, so amounts stay unknown until you name one currency for the file.{hint}"]
