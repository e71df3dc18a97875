"""Workbooks written cell by cell, so that a test can have any of them, sound or not. Reads nothing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
FORMATS = ("General", "yyyy-mm-dd hh:mm:ss", "dd/mm/yyyy", "00000", "#,##0.00")
"""By the numbers of their styles, 0 to 4."""
MOMENT, DAY, ZEROS, AMOUNT = 1, 2, 3, 4


@dataclass(frozen=True)
class Raw:
    """A cell's XML inside `<c>`, its type and its style."""

    inner: str
    kind: str = ""
    style: int = 0


def error(code: str) -> Raw:
    return Raw(f"<v>{code}</v>", "e")


def formula(text: str, saved: str | None = None, kind: str = "") -> Raw:
    return Raw(f"<f>{escape(text)}</f>" + ("<v/>" if saved is None else f"<v>{escape(saved)}</v>"), kind)


def shared(number: int) -> Raw:
    return Raw(f"<v>{number}</v>", "s")


def number(text: object, style: int = 0) -> Raw:
    return Raw(f"<v>{text}</v>", "", style)


def serial(moment: date, epoch: int = 1900) -> float:
    """The day number of a moment."""
    start = datetime(1899, 12, 30) if epoch == 1900 else datetime(1904, 1, 1)  # noqa: DTZ001 - as sheets are: without a zone
    full = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    return (full - start).total_seconds() / 86_400


def letters(place: int) -> str:
    """The name of a column by its place from 0."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


def cell(place: int, row: int, value: object, epoch: int = 1900, *, referred: bool = True) -> str:
    """One cell's XML; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        value = Raw(f"<v>{int(value)}</v>", "b")
    elif isinstance(value, (date, datetime)):
        style = MOMENT if isinstance(value, datetime) else DAY
        value = number(repr(serial(value, epoch)), style)
    elif isinstance(value, (int, float)):
        value = number(repr(value))
    elif isinstance(value, str):
        value = Raw(f'<is><t xml:space="preserve">{escape(value)}</t></is>', "inlineStr")
    kind = f' t="{value.kind}"' if value.kind else ""
    style = f' s="{value.style}"' if value.style else ""
    name = f' r="{letters(place)}{row}"' if referred else ""
    return f"<c{name}{style}{kind}>{value.inner}</c>"


@dataclass
class Sheet:
    """A sheet: rows of values from the first row on (None: no cell), and what surrounds them."""

    rows: Sequence[Sequence[object]]
    name: str = "Claims"
    state: str = "visible"
    hidden_rows: Sequence[int] = ()
    hidden_columns: Sequence[int] = ()
    merged: Sequence[str] = ()
    dimension: str = ""
    after: str = ""
    """More XML after the last row."""
    referred: bool = True
    """Whether rows and cells say where they are."""

    def xml(self, epoch: int = 1900) -> str:
        cols = "".join(f'<col min="{n}" max="{n}" width="9" hidden="1"/>' for n in self.hidden_columns)
        body = "".join(self._row(at, row, epoch) for at, row in enumerate(self.rows, start=1) if row)
        merged = "".join(f"<mergeCell ref={quoteattr(ref)}/>" for ref in self.merged)
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}">'
            + (f'<dimension ref="{self.dimension}"/>' if self.dimension else "")
            + (f"<cols>{cols}</cols>" if cols else "")
            + f"<sheetData>{body}{self.after}</sheetData>"
            + (f"<mergeCells>{merged}</mergeCells>" if merged else "")
            + "</worksheet>"
        )

    def _row(self, at: int, row: Sequence[object], epoch: int) -> str:
        cells = "".join(cell(place, at, value, epoch, referred=self.referred) for place, value in enumerate(row))
        place = f' r="{at}"' if self.referred else ""
        hidden = ' hidden="1"' if at in self.hidden_rows else ""
        return f"<row{place}{hidden}>{cells}</row>"


@dataclass
class Book:
    """A workbook, and what is to be wrong with its parts."""

    sheets: Sequence[Sheet]
    epoch: int = 1900
    shared: str = ""
    """The inner XML of the shared texts, each an `<si>`."""
    parts: Mapping[str, bytes | None] = field(default_factory=dict)
    """Parts to be put, or left out (None), in place of those that it has."""
    kind: str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"

    def bytes(self) -> bytes:
        return archive({name: content for name, content in self._parts().items() if content is not None})

    def _parts(self) -> dict[str, bytes | None]:
        names = [f"xl/worksheets/sheet{at}.xml" for at in range(1, len(self.sheets) + 1)]
        listed = "".join(
            f'<sheet name={quoteattr(sheet.name)} sheetId="{at}" state="{sheet.state}" r:id="rId{at}"/>'
            for at, sheet in enumerate(self.sheets, start=1)
        )
        related = "".join(
            f'<Relationship Id="rId{at}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
            for at in range(1, len(names) + 1)
        )
        related += f'<Relationship Id="s1" Type="{OFFICE}/styles" Target="styles.xml"/>'
        if self.shared:
            related += f'<Relationship Id="s2" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        codes = "".join(
            f'<numFmt numFmtId="{164 + at}" formatCode={quoteattr(code)}/>' for at, code in enumerate(FORMATS)
        )
        styles = f'<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts><cellXfs>{{}}</cellXfs></styleSheet>'
        used = "".join(f'<xf numFmtId="{164 + at}"/>' for at in range(len(FORMATS)))
        epoch = '<workbookPr date1904="1"/>' if self.epoch == 1904 else ""
        texts: dict[str, str] = {
            "[Content_Types].xml": (
                f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
                f'<Override PartName="/xl/workbook.xml" ContentType="{self.kind}"/></Types>'
            ),
            "_rels/.rels": _relations(
                f'<Relationship Id="r" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            ),
            "xl/workbook.xml": (
                f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{epoch}<sheets>{listed}</sheets></workbook>'
            ),
            "xl/_rels/workbook.xml.rels": _relations(related),
            "xl/styles.xml": styles.format(used),
        }
        if self.shared:
            texts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{self.shared}</sst>'
        texts |= {name: sheet.xml(self.epoch) for name, sheet in zip(names, self.sheets, strict=True)}
        return {name: text.encode() for name, text in texts.items()} | dict(self.parts)


def _relations(inner: str) -> str:
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inner}</Relationships>'


def archive(parts: Mapping[str, bytes]) -> bytes:
    """A zip of these parts, the same each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return buffer.getvalue()
