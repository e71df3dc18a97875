"""What stands in the sheets of a workbook, row by row, as text.

Each row is `[number, cells, flaws, numbers]`: its number in the sheet from 1; its cells as text up to the last that
holds anything; `[place, why]` for each cell without a value to be relied on; and the places of cells that are numbers
with a decimal point, whatever mark the sheet's texts use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from refundcore.workbooks import limits, numbers
from refundcore.workbooks.limits import Damaged, Refusal
from refundcore.workbooks.numbers import Format
from refundcore.workbooks.package import Package, local

Row = list[Any]

ERROR = "is an error of the spreadsheet, not a value"
UNSAVED = "is a formula whose result was not saved; open the file in a spreadsheet program and save it there"
LONG = 16
"""Digits of a number that a spreadsheet cannot have kept exactly: it keeps 15."""
_MERGES_KEPT = 50
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})?")
_YES = frozenset({"1", "true", "on"})


@dataclass(frozen=True)
class Listed:
    """A sheet as the workbook names it."""

    name: str
    part: str
    hidden: bool
    table: bool
    """Whether it holds cells; charts and macro sheets don't."""


@dataclass
class Found:
    """What else is to be said of a sheet that was read."""

    rows: int = 0
    width: int = 0
    hidden_rows: int = 0
    first_hidden: int = 0
    hidden_columns: list[int] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    long: dict[int, int] = field(default_factory=dict)
    """Column -> how many of its numbers have more digits than a spreadsheet keeps."""


class Workbook:
    """The sheets of a package with the texts and formats that they share."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._part = package.workbook()
        self._relations = package.relations(self._part)
        self.epoch = 1900
        self.sheets: list[Listed] = []
        package.parse(self._part, self._start)
        if not self.sheets:
            raise Damaged("it names no sheet")
        self._formats = self._read_formats()
        self._texts: list[str] | None = None
        self._rows = self._cells = 0

    def _start(self, name: str, attrs: Mapping[str, str]) -> None:
        element = local(name)
        if element == "workbookPr" and attrs.get("date1904", "").lower() in _YES:
            self.epoch = 1904
        elif element == "sheet":
            key = next((value for attr, value in attrs.items() if attr.endswith(":id")), "")
            relation = self._relations.get(key)
            self.sheets.append(
                Listed(
                    attrs.get("name", ""),
                    relation.target if relation else "",
                    attrs.get("state", "visible") != "visible",
                    relation is not None and relation.kind == "worksheet",
                )
            )

    def _related(self, kind: str) -> str:
        found = next((one.target for one in self._relations.values() if one.kind == kind), "")
        return found if found in self._package else ""

    def _read_formats(self) -> list[Format]:
        part = self._related("styles")
        codes: dict[int, str] = {}
        wanted: list[int] = []
        inside = False

        def start(name: str, attrs: Mapping[str, str]) -> None:
            nonlocal inside
            element = local(name)
            if element == "numFmt":
                codes[_number(attrs.get("numFmtId", ""))] = attrs.get("formatCode", "")
            elif element == "cellXfs":
                inside = True
            elif element == "xf" and inside:
                wanted.append(_number(attrs.get("numFmtId", "0")))

        def end(name: str) -> None:
            nonlocal inside
            inside = inside and local(name) != "cellXfs"

        if part:
            self._package.parse(part, start, end)
        return [numbers.of_code(number, codes.get(number, "")) for number in wanted]

    def _shared(self) -> list[str]:
        """The texts that cells point to."""
        if self._texts is not None:
            return self._texts
        shared = _SharedTexts()
        if part := self._related("sharedStrings"):
            self._package.parse(part, shared.start, shared.end, shared.text)
        self._texts = shared.texts
        return shared.texts

    def read(self, sheet: Listed, take: Callable[[Row], None]) -> Found:
        """Give every row of a sheet that holds anything, in order."""
        reader = _SheetReader(self._shared(), self._formats, self.epoch, take, self._counted)
        self._package.parse(sheet.part, reader.start, reader.end, reader.text)
        return reader.found

    def _counted(self, cells: int) -> None:
        self._rows += 1
        self._cells += cells
        if self._rows > limits.ROWS:
            raise Refusal(f"has more than {limits.ROWS:,} rows, the most that are read of a workbook. {limits.AS_CSV}")
        if self._cells > limits.CELLS:
            raise Refusal(
                f"has more than {limits.CELLS:,} cells, the most that are read of a workbook. {limits.AS_CSV}"
            )


class _SharedTexts:
    """Handlers for the XML of the texts that cells point to; the pronunciation of Asian ones is no part of them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._collecting = self._spoken = False

    def start(self, name: str, _: Mapping[str, str]) -> None:
        element = local(name)
        if element == "si":
            self._parts = []
        elif element == "rPh":
            self._spoken = True
        elif element == "t":
            self._collecting = not self._spoken

    def end(self, name: str) -> None:
        element = local(name)
        if element == "t":
            self._collecting = False
        elif element == "rPh":
            self._spoken = False
        elif element == "si":
            self.texts.append(_unescaped("".join(self._parts)))

    def text(self, data: str) -> None:
        if self._collecting:
            self._parts.append(data)


class _SheetReader:
    """Handlers for the XML of one sheet."""

    def __init__(
        self,
        texts: list[str],
        formats: list[Format],
        epoch: int,
        take: Callable[[Row], None],
        counted: Callable[[int], None],
    ) -> None:
        self.found = Found()
        self._texts, self._formats, self._epoch, self._take, self._counted = texts, formats, epoch, take, counted
        self._opens: dict[str, Callable[[Mapping[str, str]], None]] = {
            "row": self._row, "c": self._cell, "v": self._collect, "f": self._collect, "t": self._inline,
            "rPh": self._speak, "col": self._column, "mergeCell": self._merge,
        }  # fmt: skip
        self._closes: dict[str, Callable[[], None]] = {
            "row": self._row_end, "c": self._cell_end, "v": self._value_end, "f": self._formula_end,
            "t": self._inline_end, "rPh": self._hush,
        }  # fmt: skip
        self._starts_of: dict[str, Callable[[Mapping[str, str]], None] | None] = {}
        self._ends_of: dict[str, Callable[[], None] | None] = {}
        self._columns: dict[str, int] = {}
        self._shown: dict[str, Format] = {}
        self._number = self._elements = 0
        self._hidden = self._spoken = False
        self._cells: list[str] = []
        self._flaws: list[list[Any]] = []
        self._points: list[int] = []
        self._place = -1
        self._kind, self._style = "n", ""
        self._parts: list[str] | None = None
        self._size = 0
        self._pieces: list[str] = []
        self._value: str | None = None
        self._made: str | None = None

    # What expat calls.

    def start(self, name: str, attrs: Mapping[str, str]) -> None:
        try:
            handler = self._starts_of[name]
        except KeyError:
            handler = self._starts_of[name] = self._opens.get(local(name))
        if handler is not None:
            handler(attrs)

    def end(self, name: str) -> None:
        try:
            handler = self._ends_of[name]
        except KeyError:
            handler = self._ends_of[name] = self._closes.get(local(name))
        if handler is not None:
            handler()

    def text(self, data: str) -> None:
        if self._parts is not None:
            self._parts.append(data)
            self._size += len(data)
            if self._size > limits.LONGEST_CELL:
                raise Refusal(
                    f"holds a cell of more than {limits.LONGEST_CELL:,} characters, as no real workbook does."
                    f" {limits.AS_CSV}"
                )

    # Rows.

    def _row(self, attrs: Mapping[str, str]) -> None:
        self._elements += 1
        given = attrs.get("r")
        self._number = _number(given) if given else self._number + 1
        if not 0 < self._number <= limits.ROWS_OF_EXCEL or self._elements > limits.ROWS_OF_EXCEL:
            raise Damaged("it has rows beyond the last that a sheet can have")
        self._hidden = attrs.get("hidden", "") in _YES
        self._cells, self._flaws, self._points, self._place = [], [], [], -1

    def _row_end(self) -> None:
        cells = self._cells
        if not cells:
            return
        found = self.found
        found.rows += 1
        found.width = max(found.width, len(cells))
        if self._hidden:
            found.hidden_rows += 1
            found.first_hidden = found.first_hidden or self._number
        self._counted(len(cells))
        self._take([self._number, cells, self._flaws, self._points])
        self._cells = []

    def _column(self, attrs: Mapping[str, str]) -> None:
        if attrs.get("hidden", "") in _YES and len(self.found.hidden_columns) < limits.COLUMNS_OF_EXCEL:
            first, last = _number(attrs.get("min", "")), _number(attrs.get("max", ""))
            self.found.hidden_columns += range(first - 1, min(last, limits.COLUMNS_OF_EXCEL))

    def _merge(self, attrs: Mapping[str, str]) -> None:
        if len(self.found.merged) < _MERGES_KEPT:
            self.found.merged.append(attrs.get("ref", "")[:20])

    # Cells.

    def _cell(self, attrs: Mapping[str, str]) -> None:
        reference = attrs.get("r")
        if reference is None:
            self._place += 1
        else:
            letters = reference.rstrip("0123456789")
            try:
                self._place = self._columns[letters]
            except KeyError:
                self._place = self._columns[letters] = _column(letters)
        if self._place >= limits.COLUMNS_OF_EXCEL:
            raise Damaged("it has cells beyond the last column that a sheet can have")
        self._kind, self._style = attrs.get("t", "n"), attrs.get("s", "")
        self._value = self._made = None
        self._pieces, self._size = [], 0

    def _collect(self, _: Mapping[str, str]) -> None:
        self._parts = []

    def _inline(self, _: Mapping[str, str]) -> None:
        self._parts = None if self._spoken else []

    def _speak(self, _: Mapping[str, str]) -> None:
        self._spoken = True

    def _hush(self) -> None:
        self._spoken = False

    def _value_end(self) -> None:
        self._value, self._parts = "".join(self._parts or ()), None

    def _formula_end(self) -> None:
        self._made, self._parts = "".join(self._parts or ()), None

    def _inline_end(self) -> None:
        self._pieces += self._parts or ()
        self._parts = None

    def _cell_end(self) -> None:  # noqa: C901 - a branch a kind of cell
        value, kind = self._value, self._kind
        if kind == "s":
            text = self._pointed(value) if value else ""
        elif kind == "inlineStr":
            text = _unescaped("".join(self._pieces)) if self._pieces else _unescaped(value or "")
        elif kind == "e":
            text = value or "#ERROR"
            self._flaws.append([self._place, ERROR])
        elif value is None or (not value and kind not in {"str", "b"}):
            if self._made is None:
                return
            text = f"={self._made[:1000] or 'formula'}"
            self._flaws.append([self._place, UNSAVED])
        elif kind == "str":
            text = _unescaped(value)
        elif kind == "b":
            text = "true" if value.strip() in _YES else "false"
        elif kind == "d":
            text = value
        else:
            text = self._numeric(value.strip())
        if text:
            cells = self._cells
            if (gap := self._place - len(cells)) >= 0:
                cells += [""] * gap
                cells.append(text)
            else:
                cells[self._place] = text

    def _pointed(self, value: str) -> str:
        try:
            return self._texts[int(value)] if value.strip()[:1] != "-" else self._texts[len(self._texts)]
        except (ValueError, IndexError):
            raise Damaged("texts that its cells point to are missing") from None

    def _numeric(self, raw: str) -> str:
        shown = self._shown.get(self._style)
        if shown is None:
            number = _number(self._style) if self._style else len(self._formats)
            shown = self._formats[number] if number < len(self._formats) else numbers.PLAIN
            self._shown[self._style] = shown
        text = numbers.text_of(raw, shown, epoch=self._epoch)
        if "." in text:
            self._points.append(self._place)
        elif len(text) >= LONG and text.isdecimal():
            self.found.long[self._place] = self.found.long.get(self._place, 0) + 1
        return text


def _number(text: str | None) -> int:
    return int(text) if text and len(text) <= 9 and text.isdecimal() and text.isascii() else 0


def _column(letters: str) -> int:
    """The place of a column from 0: A is 0, AA is 26."""
    if not _REFERENCE.fullmatch(letters):
        raise Damaged("the places of its cells make no sense")
    place = 0
    for letter in letters.upper():
        place = place * 26 + ord(letter) - 64
    return place - 1


def _unescaped(text: str) -> str:
    """A text with the characters that XML cannot hold, written `_x000D_` in workbooks."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return found[0] if 0xD800 <= code <= 0xDFFF else chr(code)
