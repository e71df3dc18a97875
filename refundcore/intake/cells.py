"""Cells of a claims file, as text, to facts: column by column, in the formats of the data dictionary.

`convert` is the whole of it. It never raises for what a cell holds: a cell that cannot be read is a `Problem` and
its row is `bad`. Files in other formats go through the same function with a reader of their own for a column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from refundcore import money
from refundcore.deadlines import zone_of
from refundcore.facts import FACTS, Claims, Fact, Kind
from refundcore.intake import instants
from refundcore.intake.problems import Problem
from refundcore.intake.shapes import Rows, Shaped, by_shape

Truths = npt.NDArray[np.bool_]

LONGEST_TEXT = 100_000
"""No text of a claim is longer, in characters."""

YES, NO = frozenset({"yes", "true", "y", "1"}), frozenset({"no", "false", "n", "0"})
NEITHER = "neither claim_ref nor order_ref is given, and one of them is wanted"
NO_CURRENCY = "is left unknown, since the row names no currency"
NEGATIVE = "is negative, and an amount is zero or more"
TOO_LARGE = "is too large for an amount"
NOT_AN_AMOUNT = "is not an amount such as 10.50"
NUL = "holds a NUL character, which no text can"


@dataclass(frozen=True)
class Fault:
    """The same thing wrong in some rows of a column."""

    rows: Rows
    wanted: str
    fatal: bool = True


@dataclass(frozen=True)
class Column:
    """The texts of one column as they stand in the file, and what a reader may need beside them."""

    fact: Fact
    texts: pa.StringArray
    """Trimmed, without nulls."""
    filled: Rows
    """The rows that are not blank."""
    zone: str
    exponents: Rows | None = None
    """For money: the decimals of each row's currency, -1 where it is unknown."""
    currencies: pa.Array | None = None
    """For money: each row's currency, null where it is unknown."""

    def value(self, row: int) -> str:
        """The text in one row."""
        return str(self.texts[row].as_py())


@dataclass
class Read:
    """What a reader made of a column: by name of the column of `Claims`, and what was wrong."""

    columns: dict[str, pa.Array]
    faults: list[Fault] = field(default_factory=list)


Reader = Callable[[Column], Read]


@dataclass(frozen=True)
class Converted:
    """Claims, one for each row given, in order; the problems; and which rows have a fatal one."""

    claims: Claims
    problems: list[Problem]
    bad: Truths


def convert(
    columns: Mapping[str, Sequence[str]],
    *,
    zone: str,
    lines: Sequence[int],
    readers: Mapping[str, Reader] | None = None,
) -> Converted:
    """The facts in columns of text.

    `columns` maps names of facts to texts, one a row; other names are ignored. `lines` are the rows' lines in the
    file, for the problems. `zone` is where times without an offset are local. `readers` replaces how a column
    is read. Raises `ValueError` for columns of unequal length and for an unknown zone.
    """
    zone_of(zone)
    size = len(lines)
    own = readers or {}
    values: dict[str, pa.Array] = {}
    faults: dict[str, list[Fault]] = {}
    exponents: Rows | None = None
    for fact in sorted(FACTS, key=lambda fact: fact.kind == "money"):  # the currency comes before the amounts
        if fact.name not in columns:
            continue
        raw = _texts(columns[fact.name], size, fact.name)
        if fact.kind == "money" and exponents is None:
            exponents = _exponents(values.get("currency"), size)
        kept = raw if fact.kind == "text" and fact.name not in own else pc.utf8_trim_whitespace(raw)
        column = Column(
            fact, kept, _filled(kept), zone, exponents, values.get("currency") if fact.kind == "money" else None
        )
        read = own.get(fact.name, _READERS[fact.kind])(column)
        values |= read.columns
        faults[fact.name] = read.faults
    bad = np.zeros(size, dtype=bool)
    problems: list[Problem] = []
    for name, found in faults.items():
        problems += _problems(name, columns[name], found, lines, bad)
    nameless = np.flatnonzero(_blank(values.get("claim_ref"), size) & _blank(values.get("order_ref"), size) & ~bad)
    bad[nameless] = True
    problems += [Problem(int(lines[row]), "", "", NEITHER) for row in nameless.tolist()]
    problems.sort(key=lambda problem: problem.line)
    return Converted(Claims.of(values or pd.DataFrame(index=range(size))), problems, bad)


def _texts(given: Sequence[str], size: int, name: str) -> pa.StringArray:
    array = given if isinstance(given, pa.StringArray) else pa.array(given, type=pa.string())
    if len(array) != size:
        raise ValueError(f"{name} has {len(array)} cells where there are {size} rows.")
    return array.fill_null("") if array.null_count else array


def _filled(texts: pa.StringArray) -> Rows:
    blank = pc.or_(pc.equal(pc.binary_length(texts), 0), pc.utf8_is_space(texts))
    return np.flatnonzero(~np.asarray(blank)).astype(np.int64)


def _blank(values: pa.Array | None, size: int) -> Truths:
    return np.ones(size, dtype=bool) if values is None else np.asarray(values.is_null())


def _problems(name: str, cells: Sequence[str], faults: list[Fault], lines: Sequence[int], bad: Truths) -> list[Problem]:
    problems = []
    for fault in faults:
        if fault.fatal:
            bad[fault.rows] = True
        for row in fault.rows.tolist():
            text = str(cells[row])  # also of an Arrow array, whose items are no str
            problems.append(Problem(int(lines[row]), name, text.strip(), fault.wanted, fault.fatal))
    return problems


def integers(values: Rows, known: Truths) -> pa.Int64Array:
    """A column of numbers, null where not known."""
    return pa.array(values, type=pa.int64(), mask=~known)


# One reader a kind of fact.


def read_text(column: Column) -> Read:
    """Text to the letter."""
    known = np.zeros(len(column.texts), dtype=bool)
    known[column.filled] = True
    faults = []
    long = np.asarray(pc.greater(pc.binary_length(column.texts), LONGEST_TEXT)) & known
    if long.any():
        faults.append(Fault(np.flatnonzero(long), f"is longer than {LONGEST_TEXT:,} bytes"))
    nul = np.asarray(pc.match_substring(column.texts, "\0")) & known
    if nul.any():
        faults.append(Fault(np.flatnonzero(nul), NUL))
    known &= ~(long | nul)
    return Read({column.fact.name: pc.if_else(pa.array(known), column.texts, pa.scalar(None, pa.string()))}, faults)


def by_distinct(column: Column, meaning: Callable[[str], object], type_: pa.DataType, wanted: str) -> Read:
    """Reads each different text once. `meaning` gives the value, or raises `KeyError` for one it does not know."""
    encoded = pc.dictionary_encode(column.texts)
    values: list[object] = []
    strange = []
    for number, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(None if not text else meaning(text))
        except KeyError:
            values.append(None)
            strange.append(number)
    array = pa.array(values, type=type_).take(encoded.indices)
    rows = np.flatnonzero(np.isin(np.asarray(encoded.indices), strange)) if strange else np.zeros(0, dtype=np.int64)
    return Read({column.fact.name: array}, [Fault(rows, wanted)] if len(rows) else [])


def read_truth(column: Column) -> Read:
    """Yes or no, in any of the dictionary's spellings."""
    table = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    return by_distinct(column, lambda text: table[text.lower()], pa.bool_(), "is not yes or no")


def read_code(column: Column) -> Read:
    """One of a fact's codes, in capitals or not."""
    table = {code: code for code in column.fact.codes}
    wanted = f"is not one of {', '.join(column.fact.codes)}"
    return by_distinct(column, lambda text: table[text.lower()], pa.string(), wanted)


def read_currency(column: Column) -> Read:
    """An ISO 4217 code, in capitals or not."""
    table = dict(zip(money.EXPONENTS, money.EXPONENTS, strict=True))
    wanted = "is no currency code of ISO 4217, such as USD, EUR or JPY"
    return by_distinct(column, lambda text: table[text.upper()], pa.string(), wanted)


def read_instant(column: Column) -> Read:
    """ISO 8601: an instant, a local time or a date alone."""
    size = len(column.texts)
    earliest, latest = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    known = np.zeros(size, dtype=bool)
    faults = []
    for shaped in by_shape(column.texts, column.filled):
        read = instants.read_iso(shaped, column.zone)
        if read is None:
            faults.append(Fault(shaped.rows, instants.WANTED))
            continue
        earliest[read.rows], latest[read.rows], known[read.rows] = read.earliest, read.latest, True
        faults += [Fault(rows, why) for rows, why in read.faults]
    name = column.fact.name
    return Read({name: integers(earliest, known), column.fact.latest: integers(latest, known)}, faults)


def _exponents(currency: pa.Array | None, size: int) -> Rows:
    if currency is None:
        return np.full(size, -1, dtype=np.int64)
    encoded = pc.dictionary_encode(currency)
    places = np.array([money.exponent(code) for code in encoded.dictionary.to_pylist()] + [-1], dtype=np.int64)
    return places[np.asarray(encoded.indices.fill_null(len(places) - 1))]


def read_money(column: Column) -> Read:
    """Digits with a point, in the currency of the row, to its minor units."""
    return amounts(column, plain_places)


Places = tuple[list[int], list[int]]
"""Where the digits of an amount stand in its shape: those before the decimal point, and those after it."""


def plain_places(shaped: Shaped) -> Places | str:
    """The digits of an amount written as `12` or `12.30`, or what is wrong with it."""
    shape = shaped.shape
    if shape[:1] == b"-" and re.fullmatch(rb"- ?0+(\.0+)?", shape):
        return NEGATIVE
    whole, point, fraction = shape.partition(b".")
    if not whole or whole.strip(b"0") or fraction.strip(b"0") or (point and not fraction):
        return NOT_AN_AMOUNT
    return list(range(len(whole))), list(range(len(whole) + 1, len(shape)))


def amounts(column: Column, places: Callable[[Shaped], Places | str]) -> Read:
    """Amounts whose digits `places` finds in each shape; an empty text for those to be left unknown.

    Never rounds: too many decimals are a fault.
    """
    size = len(column.texts)
    minor, known = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=bool)
    exponents = column.exponents if column.exponents is not None else np.full(size, -1, dtype=np.int64)
    faults = []
    for shaped in by_shape(column.texts, column.filled):
        found = places(shaped) if shaped.shape else NOT_AN_AMOUNT
        if isinstance(found, str):
            faults += [Fault(shaped.rows, found)] if found else []
            continue
        before, after = found
        unknown = exponents[shaped.rows] < 0
        powers = 10 ** np.maximum(exponents[shaped.rows], 0)
        whole, fraction, spare = shaped.digits(before[-18:]), shaped.digits(after[:4]), shaped.digits(after[4:22])
        large = shaped.any_but_zero(before[:-18]) | (whole > money.LARGEST // powers)
        scale = 10 ** min(len(after), 4)
        scaled = fraction * (10_000 // scale)
        fine = ((spare > 0) | shaped.any_but_zero(after[22:]) | (scaled % (10_000 // powers) != 0)) & ~large
        minor[shaped.rows] = np.where(large, 0, whole) * powers + scaled // (10_000 // powers)
        known[shaped.rows] = ~(unknown | large | fine)
        faults += _money_faults(shaped.rows, exponents[shaped.rows], unknown=unknown, large=large, fine=fine)
    return Read({column.fact.name: integers(minor, known)}, faults)


def _money_faults(rows: Rows, exponents: Rows, *, unknown: Truths, large: Truths, fine: Truths) -> list[Fault]:
    faults = [Fault(rows[unknown], NO_CURRENCY, fatal=False)] if unknown.any() else []
    if (too := large & ~unknown).any():
        faults.append(Fault(rows[too], TOO_LARGE))
    many = fine & ~unknown
    for places in np.unique(exponents[many]).tolist():
        said = f"and its currency has {places}" if places else "and its currency has none"
        faults.append(Fault(rows[many & (exponents == places)], f"has too many decimals, {said}"))
    return faults


_READERS: Mapping[Kind, Reader] = {
    "text": read_text,
    "truth": read_truth,
    "code": read_code,
    "currency": read_currency,
    "instant": read_instant,
    "money": read_money,
}
