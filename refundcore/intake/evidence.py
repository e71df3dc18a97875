"""What the columns of a file show: the forms of its dates, the decimal mark of its amounts, its words for codes.

Where the first some thousand rows leave nothing open they are enough; else the whole file is read for it. What all
of it does not settle becomes a question.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from refundcore import money
from refundcore.facts import BY_NAME
from refundcore.intake import amounts, columns, dates, identifiers, records, tables
from refundcore.intake.files import Source
from refundcore.intake.plans import Code, Option, Plan, Question
from refundcore.intake.problems import clip
from refundcore.intake.sheets import Number
from refundcore.intake.tables import Records

THOUSANDTHS = 3
"""Decimals of a currency whose `1.250` is an amount, not thousands."""

CATCH_ALL = "other"
"""A reason of ours that other trades have too: among their words it says nothing about ours."""

MOST_WORDS = 50_000
"""No more different words of a column of codes are kept."""

OPEN_CODES = ("reason", "channel")
"""Codes that may be left unknown where a file has words of its own for them."""


def usable(found: Records, header_line: int, header: Sequence[str]) -> list[list[str]]:
    """The rows below the header that have its width and are no copies of it."""
    own, width = list(header), len(header)
    return [
        row
        for line, row in zip(found.lines, found.rows, strict=True)
        if line > header_line
        and len(row) >= width
        and line not in found.faults
        and not tables.is_blank(row)
        and row[:width] != own
    ]


@dataclass
class _Evidence:
    dates: dict[str, dates.Evidence]
    amounts: dict[str, amounts.Evidence]
    codes: dict[str, Counter[str]]
    references: dict[str, identifiers.Evidence]
    rows: int = 0


def settled(file: Source, draft: Plan, rows: list[list[str]]) -> Plan:
    """The plan with what its columns show: `rows` are the first; all of the file is read where they leave a doubt."""
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
        f"{fact}: {evidence.others} of {evidence.others + evidence.whole:,} are unlike the others, which are numbers:"
        f" “{clip(evidence.odd)}”."
        for fact, evidence in seen.references.items()
        if evidence.odd
    ]
    notices += _currency_notices(draft)
    return replace(
        draft, orders=orders, decimals=decimals, codes=codes, floated=floated,
        questions=(*draft.questions, *date_questions, *money_questions), notices=tuple(notices),
    )  # fmt: skip


def _all_rows(file: Source, draft: Plan) -> Iterator[list[list[str]]]:
    for batch, _ in records.batches(file, draft.look, draft.dialect, len(draft.header)):
        yield usable(batch, draft.header_line, draft.header)


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
            if kind in {"code", "currency"}:
                words = seen.codes.setdefault(fact, Counter())
                words.update(texts)
                if len(words) > MOST_WORDS:
                    seen.codes[fact] = Counter(dict(words.most_common(MOST_WORDS // 2)))
            elif kind == "instant":
                seen.dates.setdefault(fact, dates.Evidence()).add(*_arrow(texts))
            elif kind == "money":
                written = [text for row, text in zip(rows, texts, strict=True) if type(row[place]) is not Number]
                seen.amounts.setdefault(fact, amounts.Evidence()).add(*_arrow(written))
            elif kind == "text":
                seen.references.setdefault(fact, identifiers.Evidence()).add(texts)
    return seen


def _arrow(texts: list[str]) -> tuple[pa.StringArray, np.ndarray]:
    array = identifiers.unguarded(pa.array(texts, type=pa.string()))
    return array, np.flatnonzero([bool(text) for text in texts]).astype(np.int64)


def _orders(seen: _Evidence, draft: Plan) -> tuple[dict[str, dict[str, str]], list[Question], list[str]]:
    orders: dict[str, dict[str, str]] = {}
    questions: list[Question] = []
    notices: list[str] = []
    for fact, evidence in seen.dates.items():
        said, fallback = draft.answers.get(f"dates:{fact}", ""), draft.answers.get("dates", "")
        found: dict[str, str] = {}
        asked: list[dates.Seen] = []
        for form, values in evidence.triples.items():
            order = (said if said in dates.ORDERS else "") or values.order or fallback
            if order:
                found[form] = order
            else:
                asked.append(values)
                found[form] = "dmy" if values.day_first >= values.month_first else "mdy"
        orders[fact] = found
        if draft.look.sheet and evidence.swapped:
            if said in dates.SWAPS:
                found["iso"] = said
            else:
                questions.append(_swap_question(fact, evidence))
        if asked:
            questions.append(_date_question(fact, asked, next(iter(found.values()))))
        if forms := [dates.told(form, found.get(form, "")) for form in evidence.forms if form != "iso"]:
            all_forms = [dates.told(form, found.get(form, "")) for form in evidence.forms]
            mixed = (
                " Check that no spreadsheet swapped days and months." if len(all_forms) > 1 and evidence.triples else ""
            )
            notices.append(f"{fact}: dates are read as {', '.join(all_forms or forms)}.{mixed}")
    return orders, questions, notices


def _swap_question(fact: str, evidence: dates.Evidence) -> Question:
    left = list(evidence.triples.values())
    text = (
        f"Were days and months of “{BY_NAME[fact].label}” ({fact}) exchanged? The sheet holds {evidence.forms['iso']:,}"
        f" values as dates, none with a day above 12, and {sum(seen.count for seen in left):,} as text, each with a"
        f" number above 12 (such as {left[0].example}): so looks a sheet that was opened where dates are written in"
        " another order."
    )
    return Question(f"dates:{fact}", text, tuple(Option(value, label) for value, label in dates.SWAPS.items()), "swap")


def _date_question(fact: str, asked: Sequence[dates.Seen], proposed: str) -> Question:
    unclear = sum(values.unclear for values in asked)
    day_first, month_first = sum(values.day_first for values in asked), sum(values.month_first for values in asked)
    if day_first or month_first:
        why = (
            f"{day_first:,} can only be read with the day first, {month_first:,} only with the month first,"
            f" and {unclear:,} fit both."
        )
    else:
        why = f"Each of them, such as {asked[0].example}, can be read with the day first or with the month first."
    options = tuple(Option(order, label) for order, label in dates.ORDERS.items())
    text = f"How are the dates of “{BY_NAME[fact].label}” ({fact}) written? {why}"
    return Question(f"dates:{fact}", text, options, proposed)


def _decimals(seen: _Evidence, draft: Plan) -> tuple[dict[str, str], list[Question]]:
    currencies = {text.upper() for text in seen.codes.get("currency", {}) if text} | {
        text.upper() for text in (draft.constants.get("currency", ""),) if text
    }
    thousandths = bool(currencies) and all(money.EXPONENTS.get(code) == THOUSANDTHS for code in currencies)
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


def plain_code(text: str) -> str:
    """A text as it is compared with codes: case, spaces, hyphens and the encoding of accents don't matter."""
    return unicodedata.normalize("NFC", text).strip().casefold().replace(" ", "_").replace("-", "_")


def _codes(seen: _Evidence, draft: Plan) -> tuple[dict[str, Code], list[str]]:
    codes: dict[str, Code] = {}
    notices = []
    for fact, counts in seen.codes.items():
        if fact == "currency":
            continue
        given = {plain_code(text) for text in draft.meanings.get(fact, {})}
        strange = [text for text in counts if text and plain_code(text) not in {*given, *BY_NAME[fact].codes}]
        filled = sum(count for text, count in counts.items() if text)
        odd = sum(counts[text] for text in strange)
        left = fact in OPEN_CODES and bool(strange) and (2 * odd > filled or bool(given))
        if left:
            strange += [text for text in counts if plain_code(text) == CATCH_ALL and CATCH_ALL not in given]
            odd = sum(counts[text] for text in strange)
        kept = {text: count for text, count in counts.most_common(500) if text}
        codes[fact] = Code(kept, tuple(sorted(strange, key=lambda text: (-counts[text], text))[:500]), left)
        if left:
            many = f"{len(strange)} different values are" if len(strange) > 1 else "one value is"
            notices.append(
                f"{fact}: {many} none of the desk's {fact}s and left unknown in {odd:,} rows,"
                " unless you say what they stand for."
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
