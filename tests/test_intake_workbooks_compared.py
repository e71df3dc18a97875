"""What a workbook holds, beside other readers and writers; and any table that can be written."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from pathlib import Path

import make_files
import openpyxl
import pytest
import python_calamine
import twelve_claims
from files_brought import planned
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_of_tests import AT
from workbook_writer import Book, Sheet, error, formula

from refundcore import accounts, intake, store
from refundcore.intake import IntakeError, Wishes, files, records, sheets
from refundcore.intake.tables import Dialect
from refundcore.workbooks import numbers
from refundcore.workbooks.numbers import Format

OURS = make_files.files()


@pytest.mark.parametrize(
    ("number_", "code", "shown"),
    [
        (0, "General", Format()),
        (14, "", Format(date=True)),
        (22, "", Format(date=True, time=True)),
        (20, "", Format(time=True)),
        (1, "", Format()),
        (170, "dd/mm/yyyy;@", Format(date=True)),
        (170, "[$-409]d-mmm-yy h:mm AM/PM", Format(date=True, time=True)),
        (170, "mmm", Format(date=True)),
        (170, "mm:ss.000", Format(time=True)),
        (170, "[h]:mm:ss", Format()),
        (170, '0.00 "days"', Format()),
        (170, "#,##0.00\\ [$USD]", Format()),
        (170, "0.00E+00", Format()),
        (170, "[Red]#,##0;(#,##0)", Format()),
        (170, "00000", Format(zeros=5)),
        (170, '"yes";"yes";"no"', Format()),
    ],
)
def test_what_a_format_shows(number_, code, shown):
    assert numbers.of_code(number_, code) == shown


@pytest.mark.parametrize(
    ("raw", "shown", "epoch", "text"),
    [
        ("536379", Format(), 1900, "536379"),
        ("536379.0", Format(), 1900, "536379"),
        ("007", Format(), 1900, "7"),
        ("8.9499999999999993", Format(), 1900, "8.95"),
        ("0.30000000000000004", Format(), 1900, "0.3"),
        ("-0.0", Format(), 1900, "0"),
        ("1E-3", Format(), 1900, "0.001"),
        ("5.3832700000000123E15", Format(), 1900, "5383270000000012"),
        ("12345678901234567890", Format(), 1900, "12345678901234567890"),
        ("1.2345678901234567E+19", Format(), 1900, "1.23456789012346E+19"),
        ("1e999999", Format(), 1900, "1e999999"),
        ("NaN", Format(), 1900, "NaN"),
        ("x", Format(), 1900, "x"),
        ("7", Format(zeros=5), 1900, "00007"),
        ("40522", Format(date=True), 1900, "2010-12-10"),
        ("40522", Format(date=True, time=True), 1900, "2010-12-10 00:00:00"),
        ("40522.58194444444", Format(date=True), 1900, "2010-12-10 13:58:00"),
        ("40522.99999999", Format(date=True, time=True), 1900, "2010-12-11 00:00:00"),
        ("39060", Format(date=True), 1904, "2010-12-10"),
        ("1", Format(date=True), 1900, "1900-01-01"),
        ("59", Format(date=True), 1900, "1900-02-28"),
        ("60", Format(date=True), 1900, "1900-02-29"),
        ("61", Format(date=True), 1900, "1900-03-01"),
        ("2958465", Format(date=True), 1900, "9999-12-31"),
        ("2958466", Format(date=True), 1900, "2958466"),
        ("2958465", Format(date=True), 1904, "2958465"),
        ("-1", Format(date=True), 1900, "-1"),
        ("0.5", Format(time=True), 1900, "12:00:00"),
    ],
)
def test_a_number_is_told_by_its_format_and_never_rounded_or_floated(raw, shown, epoch, text):
    assert numbers.text_of(raw, shown, epoch=epoch) == text


# Other readers and writers of workbooks.


def grid(path: Path) -> Iterator[tuple[str, list[list[object]]]]:
    """The sheets of a workbook as python-calamine reads them."""
    read = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))
    for sheet in read.sheets_metadata:
        yield sheet.name, read.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)


def ours(path: Path, name: str) -> tuple[dict[tuple[int, int], str], set[tuple[int, int]]]:
    """The filled cells of a sheet by row and place from 0, and those that hold no value."""
    with path.open("rb") as stream:
        found = sheets.workbook(stream, path.name, path.name, name).sheets
    cells: dict[tuple[int, int], str] = {}
    flawed: set[tuple[int, int]] = set()
    for sheet in found:
        for batch, _ in sheets.batches(sheet):
            for line, row in zip(batch.lines, batch.rows, strict=True):
                cells |= {(line - 1, place): cell for place, cell in enumerate(row) if cell}
            flawed |= {(line - 1, place) for line, flaws in batch.flaws.items() for place, _ in flaws}
    return cells, flawed


def agrees(text: str, value: object, *, flawed: bool) -> bool:
    """Whether our text of a cell is what the other reader found."""
    if value == "" or isinstance(value, dt.timedelta):  # we give a duration as its number of days
        return flawed or not text.strip() or isinstance(value, dt.timedelta)
    if isinstance(value, bool | dt.time):
        return text == str(value).lower()
    if isinstance(value, int | float):
        return abs(float(text) - value) <= 1e-14 * abs(value)
    if isinstance(value, dt.datetime):
        return abs(dt.datetime.fromisoformat(text) - value) <= dt.timedelta(seconds=1)
    if isinstance(value, dt.date):
        return text[:10] == value.isoformat()
    return text.replace("\r\n", "\n") == str(value).replace("\r\n", "\n")


def compared(path: Path) -> int:
    """How many cells python-calamine and we read alike; an assertion fails where we don't."""
    count = 0
    for name, rows in grid(path):
        cells, flawed = ours(path, name)
        for row, values in enumerate(rows):
            for place, value in enumerate(values):
                text = cells.pop((row, place), "")
                assert agrees(text, value, flawed=(row, place) in flawed), (
                    path.name,
                    name,
                    row + 1,
                    place,
                    text,
                    value,
                )
                count += bool(text)
        assert all(not text.strip() for text in cells.values()), (path.name, name, list(cells.items())[:3])
    return count


FATAL = "far_corner.xlsx"
"""For a cell in the last corner python-calamine ends the whole process."""


@pytest.mark.parametrize(
    "name", [name for name, file in OURS.items() if file.data[:2] == b"PK" and not file.refused and name != FATAL]
)
def test_our_reading_of_a_workbook_is_that_of_another_reader(name):
    assert compared(make_files.FOLDER / name) > 50


def test_our_reading_of_other_peoples_workbooks_is_that_of_another_reader(corpus):
    refused, count = [], 0
    for path in sorted((corpus / "b_xlsx").rglob("*.xls[xm]")):
        if path.name[:3] in {"h01", "h02", "h03", "h04", "h07"}:
            continue  # too much for a reader without limits
        try:
            count += compared(path)
        except (IntakeError, python_calamine.CalamineError):
            refused.append(path.name)
            with pytest.raises(IntakeError):
                ours(path, "")

    assert count > 13_000
    assert {name[:3] for name in refused if name.startswith("h")} == {
        "h05",
        "h09",
        "h10",
        "h12",
        "h13",
        "h14",
        "h15",
        "h16",
    }
    assert {name for name in refused if not name.startswith("h")} == {"issue252.xlsx", "pass_protected.xlsx"}


CELL = st.one_of(
    st.none(),
    st.text(
        st.characters(blacklist_categories=("Cs", "Cc", "Cn"), blacklist_characters="\ufffe\uffff"), max_size=12
    ).filter(lambda text: not re.search("_x[0-9A-Fa-f]{4}_", text)),
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    st.datetimes(dt.datetime(1900, 3, 1), dt.datetime(9999, 12, 30)).map(lambda moment: moment.replace(microsecond=0)),  # noqa: DTZ001
    st.dates(dt.date(1900, 3, 1), dt.date(9999, 12, 30)),
)


def as_text(value: object) -> str:
    """What a cell with this value is to be read as."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


@given(st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=6)))
def test_any_table_that_another_program_writes_into_a_workbook_is_read_back(rows):
    made = openpyxl.Workbook()
    made.active.title = "Claims"
    for at, row in enumerate(rows, start=2):
        for place, value in enumerate(row, start=1):
            cell = made.active.cell(at, place)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"  # also of texts that begin like formulas
    made.active.cell(1, 1).value = "claim_ref"
    made.active.cell(1, 2).value = "order_ref"
    buffer = io.BytesIO()
    made.save(buffer)

    file = intake.source(buffer.getvalue(), "claims.xlsx")
    look = files.look(file)
    read = [(record.line, record.cells) for batch, _ in records.batches(file, look, Dialect(), 0) for record in batch]

    filled = {at: row for at, row in enumerate(rows, start=2) if any(as_text(value) for value in row)}
    assert [line for line, _ in read] == [1, *filled]
    for line, cells in read[1:]:
        for place, value in enumerate(filled[line]):
            text = cells[place] if place < len(cells) else ""
            if isinstance(value, float):
                assert float(text) == pytest.approx(value, rel=1e-14)
                assert "e" not in text
            else:
                assert text == as_text(value)


WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.just("\n"), max_size=12)
TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(WORDS, min_size=width, max_size=width), min_size=1, max_size=8)
)


@given(
    TABLES,
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_any_table_in_any_dialect_and_encoding_is_read_back(rows, delimiter, end, quoting, encoding):
    if end == "\r" and quoting == csv.QUOTE_MINIMAL:
        rows = [[cell.replace("\n", " ") for cell in row] for row in rows]  # the writer leaves them unquoted
    rows = [["claim_ref", *(f"name{n}" for n in range(1, len(rows[0])))], *rows]
    text = twelve_claims.text(rows, delimiter=delimiter, end=end, quoting=quoting)
    file = intake.source(text.encode(encoding))

    look = files.look(file)
    read = [record for batch, _ in records.batches(file, look, Dialect(delimiter), len(rows[0])) for record in batch]

    assert look.sure
    assert [record.cells for record in read] == rows
    assert not any(record.fault for record in read)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "C", None]),
            st.sampled_from(["O-1", 17, None]),
            st.sampled_from([1, 2.5, -1, 1.005, "x", formula("1+1"), error("#N/A"), None]),
        ),
        max_size=10,
    )
)
def test_every_row_of_a_workbook_is_accounted_for_and_twice_is_once(desk, rows):
    file, plan = planned(Book([Sheet([["claim_ref", "order_ref", "amount"], *map(list, rows)])]).bytes())
    plan = intake.plan(file, zone="UTC", wishes=Wishes(constants={"currency": "USD"}))

    _, first = intake.bring_in(file, plan, desk, actor=1, at=AT)
    _, second = intake.bring_in(file, plan, desk, actor=1, at=AT)

    assert first.holds
    assert second.holds
    assert first.rows == second.rows == sum(any(cell is not None for cell in row) for row in rows)
    assert second.created == 0


def test_rows_left_out_of_a_workbook_come_out_as_text_and_come_in_once_mended(desk):
    file, plan = planned(make_files.FOLDER / "error_cells.xlsx")
    number, balance = intake.bring_in(file, plan, desk, actor=1, at=AT)
    assert (balance.created, balance.rejected) == (9, 3)

    out = b"".join(intake.rejects_file(desk, number)).decode("utf-8-sig")
    assert "amount: '#N/A' is an error of the spreadsheet, not a value." in out
    mended = out.replace("#N/A", "20.00", 1).replace("#REF!", "2026-01-09", 1).replace("#VALUE!", "Panel", 1)
    again = intake.source(mended.encode(), "mended.csv")
    _, balance = intake.bring_in(again, intake.plan(again, zone="UTC"), desk, actor=1, at=AT)

    assert (balance.rows, balance.created) == (3, 3)


@pytest.fixture
def desk(tmp_path) -> store.Store:
    opened = store.connect(f"sqlite:///{tmp_path / 'refunds.db'}", at=AT)
    person = {"name": "Ana", "email": "ana@example.org", "role": "agent", "password": "nine blue herons in Lund"}
    accounts.create_person(opened, actor=None, at=AT, **person)
    return opened
