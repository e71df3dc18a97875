"""Amounts as people write them, by the evidence of the whole column.

Thousands, currency signs and codes, brackets and trailing minuses are understood. Whether a comma is a decimal mark or
parts the thousands is settled by the column: `1,50` and `1.234,50` say one thing, `1,234.50` the other; where
nothing says it, the person is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from refundcore.intake import cells
from refundcore.intake.cells import Column, Fault, Places, Read, Reader
from refundcore.intake.shapes import ZERO, Rows, Shaped, by_shape
from refundcore.money import EXPONENTS

Decimal = Literal[".", ","]

MARKS: Mapping[str, str] = {".": "a point (1,234.50)", ",": "a comma (1.234,50)"}

_DOLLARS = (
    "USD CAD AUD NZD HKD SGD MXN ARS CLP COP BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD TWD XCD ZWL BRL"
    " UYU DOP NIO CVE"
)
_POUNDS = "GBP GIP FKP SHP EGP LBP SDG SSP SYP"
_SIGNS: Mapping[bytes, frozenset[str]] = {
    b"$": frozenset(_DOLLARS.split()),
    b"US$": frozenset({"USD"}),
    "€".encode(): frozenset({"EUR"}),
    "£".encode(): frozenset(_POUNDS.split()),
    "¥".encode(): frozenset({"JPY", "CNY"}),
}
_CURRENCY = rb"US\$|\$|\xe2\x82\xac|\xc2\xa3|\xc2\xa5|[A-Za-z]{3}"
_SPACE = rb"(?: |\xc2\xa0|\xe2\x80\xaf)*"
_MINUS = rb"-|\xe2\x88\x92|\xe2\x80\x93"
_WRITTEN = re.compile(
    rb"'?(?P<open>\()?(?P<m1>" + _MINUS + rb"|\+)?" + _SPACE + rb"(?P<c1>" + _CURRENCY + rb")?" + _SPACE
    + rb"(?P<m2>" + _MINUS + rb")?" + _SPACE
    + rb"(?P<body>[.,]?0(?:[0.,'\x20]|\xc2\xa0|\xe2\x80\xaf|\xe2\x80\x99)*)"
    + _SPACE + rb"(?P<c2>" + _CURRENCY + rb")?" + _SPACE + rb"(?P<m3>" + _MINUS + rb")?(?P<close>\))?"
)  # fmt: skip
_GROUPS = re.compile(rb"0{1,3}(?:(?P<t>[.,'\x20]|\xc2\xa0|\xe2\x80\xaf|\xe2\x80\x99)000(?:(?P=t)000)*)?")
_UNKNOWN = frozenset(
    {b"-", b"--", b"\xe2\x80\x93", b"\xe2\x80\x94", b"?", b"n/a", b"N/A", b"NULL", b"null", b"nan", b"NaN", b"None"}
)

GROUP = 3
"""Digits between two marks of thousands."""

UNKNOWN = "is taken as unknown"
OTHER_CURRENCY = "is in another currency than the row's"
UNLIKE = "is written unlike the amounts by which the decimal mark was settled"


@dataclass
class Evidence:
    """What a column of amounts shows of its decimal mark."""

    point: int = 0
    comma: int = 0
    unclear: int = 0
    """Such as 1,234: thousands or three decimals."""
    unclear_comma: int = 0
    """Those of them with a comma."""
    example: str = ""

    def add(self, texts: pa.StringArray, filled: Rows) -> None:
        """Take more rows of the column into account."""
        for shaped in by_shape(texts, filled):
            count = len(shaped.rows)
            found = _WRITTEN.fullmatch(shaped.shape)
            if not found:
                continue
            says = _says(found["body"].strip())
            self.point += count * (says == ".")
            self.comma += count * (says == ",")
            if says == "?":
                self.unclear += count
                self.unclear_comma += count * (b"," in found["body"])
                self.example = self.example or str(texts[int(shaped.rows[0])].as_py())

    def decimal(self, *, thousandths: bool = False) -> Decimal | None:
        """The decimal mark that the values prove; a point where there is neither mark; None where they don't.

        With `thousandths` the file's currencies have three decimals, so that `1.250` is no thousands.
        """
        if self.point and self.comma:
            return None
        if self.comma:
            return ","
        return "." if self.point or not self.unclear or (thousandths and not self.unclear_comma) else None

    @property
    def simple(self) -> bool:
        """Whether no value can be read in two ways, so that no further evidence is needed."""
        return not self.comma and not self.unclear_comma and (self.point > 0 or not self.unclear)


def _says(body: bytes) -> str:
    """What the marks of one amount tell: `.` or `,` is its decimal mark, `?` it could be either, empty: nothing."""
    points, commas = body.count(b"."), body.count(b",")
    if points and commas:
        last = max(body.rfind(b"."), body.rfind(b","))
        return chr(body[last])
    if not points and not commas:
        return ""
    mark, other, count = (".", ",", points) if points else (",", ".", commas)
    if count > 1:
        return other
    before, _, after = body.partition(mark.encode())
    if len(after) == GROUP and 1 <= len(before) <= GROUP:
        return "?"
    return mark


def reader(decimal: str, *, settled: bool = True) -> Reader:
    """A reader of a column of amounts with this decimal mark.

    Where the mark is not `settled` by the whole column, amounts that could be read either way are faults.
    """

    def read(column: Column) -> Read:
        strange: list[Fault] = []

        def places(shaped: Shaped) -> Places | str:
            if shaped.shape in _UNKNOWN:
                strange.append(Fault(shaped.rows, UNKNOWN, fatal=False))
                return ""
            found = _WRITTEN.fullmatch(shaped.shape)
            if not found or (wrong := _wrong(found)):
                return cells.NOT_AN_AMOUNT if not found else wrong
            others = [_of_others(column, shaped, written) for written in (found["c1"], found["c2"]) if written]
            strange.extend(Fault(rows, OTHER_CURRENCY) for rows in others if len(rows))
            if not settled and b"," in found["body"] and _says(found["body"].strip()) != decimal:
                return UNLIKE
            return _digits(found, decimal)

        result = cells.amounts(column, places)
        return Read(result.columns, result.faults + strange)

    return read


def _wrong(found: re.Match[bytes]) -> str:
    """What is wrong with the marks around the digits of an amount; empty: nothing."""
    if (found["open"] is None) != (found["close"] is None):
        return cells.NOT_AN_AMOUNT
    if any(written and not _codes(written) for written in (found["c1"], found["c2"])):
        return cells.NOT_AN_AMOUNT
    negative = found["open"] or found["m2"] or found["m3"] or (found["m1"] or b"+") != b"+"
    return cells.NEGATIVE if negative else ""


def _codes(written: bytes) -> frozenset[str]:
    """The currencies that a sign or a code can stand for."""
    return _SIGNS.get(written) or frozenset({written.decode().upper()}) & frozenset(EXPONENTS)


def _of_others(column: Column, shaped: Shaped, written: bytes) -> Rows:
    """The rows whose currency is not the one that is written."""
    if column.currencies is None:
        return shaped.rows[:0]
    allowed = _codes(written)
    codes = column.currencies.take(pa.array(shaped.rows)).to_pylist()
    return shaped.rows[np.array([code is not None and code not in allowed for code in codes], dtype=bool)]


def _digits(found: re.Match[bytes], decimal: str) -> Places | str:
    """Where the digits stand before and after the decimal mark."""
    body, start = found["body"].rstrip(b" \xc2\xa0\xe2\x80\xaf"), found.start("body")
    mark = decimal.encode()
    whole, point, fraction = body.partition(mark)
    if fraction.strip(b"0") or (point and not fraction) or not (whole or fraction):
        return UNLIKE
    if whole and whole.strip(b"0"):
        groups = _GROUPS.fullmatch(whole)
        if not groups or groups["t"] == mark:
            return UNLIKE
    before = [start + place for place, byte in enumerate(whole) if byte == ZERO]
    first = start + len(whole) + len(point)
    return before, list(range(first, first + len(fraction)))
