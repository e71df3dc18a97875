"""Small files of every kind that people upload: each ends in its claims or in a sentence that says why."""

from __future__ import annotations

import datetime as dt
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import make_files
import pytest
import twelve_claims
import workbook_writer as writer
from files_brought import brought, moment, planned
from hypothesis import given
from hypothesis import strategies as st
from workbook_writer import Book, Sheet, error, formula

from refundcore import intake
from refundcore.intake import IntakeError, Wishes, sheets

OURS = make_files.files()
CLAIMS = {claim.ref: claim for claim in twelve_claims.CLAIMS}
BY_ORDER = {str(claim.order): claim for claim in twelve_claims.CLAIMS}


# The small files of every kind.


def test_the_small_files_are_those_that_the_script_makes():
    assert {path.name for path in make_files.FOLDER.iterdir()} == set(OURS)
    for name, file in OURS.items():
        if not file.data.startswith(b"PK"):  # how a zip is packed differs by system
            assert (make_files.FOLDER / name).read_bytes() == file.data, name


@pytest.mark.parametrize("name", [name for name, file in OURS.items() if not file.refused])
def test_a_file_comes_in_as_the_claims_that_it_tells_of(name):
    wanted = OURS[name]
    file, plan = planned(make_files.FOLDER / name)
    if wanted.asks:
        assert wanted.asks in [question.key for question in plan.questions]
    file, plan = planned(make_files.FOLDER / name, **wanted.answers)
    assert plan.ready, (plan.questions, plan.blockers)

    claims, rejected, left_out = brought(file, plan)

    assert sorted(rejected) == list(wanted.rejected)
    assert all(why.endswith(".") for why in rejected.values())
    assert left_out == list(wanted.left_out)
    assert len(claims) == wanted.rows
    assert wanted.notice in "\n".join(plan.notices)
    for row in claims.itertuples():
        claim = BY_ORDER[row.order_ref] if "claim_ref" in wanted.differ else CLAIMS[row.claim_ref]
        told = {
            "order_ref": row.order_ref, "product": row.product, "reason": row.reason, "amount": row.amount,
            "currency": row.currency, "purchased": moment(row.purchased_at), "submitted": moment(row.submitted_at),
        }  # fmt: skip
        true = {
            "order_ref": str(claim.order), "product": claim.product, "reason": "invalid_number", "amount": claim.cents,
            "currency": "EUR", "purchased": claim.purchased, "submitted": claim.submitted,
        }  # fmt: skip
        if wanted.days_only:
            true |= {name_: true[name_].replace(hour=0, minute=0, second=0) for name_ in ("purchased", "submitted")}
        differ = set(wanted.differ)
        assert {key: value for key, value in told.items() if key not in differ} == {
            key: value for key, value in true.items() if key not in differ
        }


@pytest.mark.parametrize("name", [name for name, file in OURS.items() if file.refused])
def test_a_file_that_cannot_be_read_is_refused_with_what_it_is_and_what_to_do(name):
    with pytest.raises(IntakeError) as refusal:
        planned(make_files.FOLDER / name)

    said = str(refusal.value)
    assert said.startswith(f"{name} ")
    assert OURS[name].refused in said
    assert said.endswith((".", ")", ").")), said
    assert not re.search("Traceback|Error|/etc/|root:", said)


def test_texts_that_look_like_formulas_stay_text_and_references_keep_their_digits():
    assert set(brought(*planned(make_files.FOLDER / "formula_like_texts.xlsx"))[0]["product"]) == {"=1+1"}
    assert list(brought(*planned(make_files.FOLDER / "zeros_by_format.xlsx"))[0]["order_ref"])[:2] == ["00001", "00002"]
    long = brought(*planned(make_files.FOLDER / "long_numbers.xlsx"))[0]["claim_ref"]
    assert list(long) == [str(5_383_270_000_000_000 + claim.order) for claim in twelve_claims.CLAIMS]


# Rows of a workbook.

HEADER = ["claim_ref", "order_ref", "amount", "currency"]


def book(*rows: list[object], **sheet: object) -> bytes:
    return Book([Sheet([HEADER, *rows], **sheet)]).bytes()


def test_an_error_in_a_column_that_is_not_used_leaves_the_row_in():
    rows = Sheet([[*HEADER, "helper"], ["A", "O", 1.5, "USD", error("#N/A")]])

    claims, rejected, _ = brought(*planned(Book([rows]).bytes()))

    assert (len(claims), rejected) == (1, {})


def test_a_formula_without_a_result_is_never_an_amount_of_zero():
    claims, rejected, _ = brought(
        *planned(book(["A", "O", formula("1+1"), "USD"], ["B", "O", formula("1+1", "2"), "USD"]))
    )

    assert list(claims["amount"]) == [200]
    assert list(rejected) == [2]
    assert "is a formula whose result was not saved" in rejected[2]


def test_cells_beside_the_table_are_said():
    file, plan = planned(book(["A", "O", 1, "USD", None, "call"], *[[f"B{n}", "O", 1, "USD"] for n in range(20)]))

    notes = [problem for batch in intake.rows(file, plan) for problem in batch.problems]

    assert [(note.line, note.fatal) for note in notes] == [(2, False)]
    assert "outside of the columns of the header" in str(notes[0])


def test_a_column_without_a_name_can_be_used():
    file, plan = planned(book(*[[f"A{n}", "O", 1, "USD", "Panel"] for n in range(5)]))
    assert plan.names[4] == "column 5"

    plan = intake.plan(file, zone="UTC", wishes=Wishes({"column 5": "product"}))

    assert set(brought(file, plan)[0]["product"]) == {"Panel"}


def test_the_line_of_a_problem_is_the_row_of_the_sheet():
    _, rejected, _ = brought(*planned(book([], ["A", "O", 1, "USD"], [], [], ["B", "O", "x", "USD"])))

    assert list(rejected) == [6]


def test_numbers_keep_their_point_where_the_texts_have_decimal_commas():
    file, plan = planned(book(["A", "O", 1234.5, "EUR"], ["B", "O", "1.234,50", "EUR"], ["C", "O", 1.5, "EUR"]))

    assert plan.decimals["amount"] == ","
    assert list(brought(file, plan)[0]["amount"]) == [123_450, 123_450, 150]


def test_a_number_with_three_decimals_is_no_thousand():
    file, plan = planned(book(["A", "O", 1.234, "USD"]))

    assert plan.ready
    assert "has too many decimals" in brought(file, plan)[1][2]


def opened_in_the_wrong_order() -> list[list[object]]:
    """Rows of a text with the day first, as a spreadsheet leaves them where the month comes first."""
    rows: list[list[object]] = []
    for at in range(24):
        day = dt.date(2026, 3, 1) + dt.timedelta(days=at)
        left: object = dt.date(2026, day.day, day.month) if day.day <= 12 else day.strftime("%d/%m/%Y")
        rows.append([f"A{at}", "O", 1, "USD", left])
    return rows


def test_dates_that_a_spreadsheet_seems_to_have_read_in_another_order_are_asked_about():
    data = Book([Sheet([[*HEADER, "purchased_at"], *opened_in_the_wrong_order()])]).bytes()
    _, plan = planned(data)

    (question,) = plan.questions
    assert question.key == "dates:purchased_at"
    assert "12 values as dates, none with a day above 12, and 12 as text" in question.text

    right, kept = (brought(*planned(data, **{question.key: answer}))[0]["purchased_at"] for answer in ("swap", "keep"))
    assert [moment(us).date() for us in right] == [dt.date(2026, 3, 1) + dt.timedelta(days=at) for at in range(24)]
    assert moment(kept[0]).date() == dt.date(2026, 1, 3)


def test_dates_of_a_sheet_are_certain_where_nothing_speaks_against_them():
    rows = [[f"A{at}", "O", 1, "USD", dt.date(2026, 3, 1 + at)] for at in range(10)]

    assert planned(Book([Sheet([[*HEADER, "purchased_at"], *rows])]).bytes())[1].ready


def test_a_sheet_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(IntakeError, match="has no sheet “Mai”; its sheets are “May”, “June”"):
        planned(make_files.FOLDER / "two_sheets.xlsx", sheet="Mai")


def test_which_of_several_sheets_is_asked_with_their_first_rows():
    _, plan = planned(make_files.FOLDER / "two_sheets.xlsx")

    (question,) = plan.questions
    assert [option.value for option in question.options] == ["May", "June"]
    assert "claim_ref | order_ref" in question.options[0].sample[0]
    assert not plan.ready


def test_a_sheet_whose_header_names_facts_is_taken_before_other_tables():
    other = Sheet([["code", "meaning"], ["1", "dead"], ["2", "late"]], "Codes")
    claims = Sheet([HEADER, ["A", "O", 1, "USD"]])

    _, plan = planned(Book([other, claims]).bytes())

    assert plan.ready
    assert "sheet “Claims”" in plan.kind
    assert "Sheet “Codes” is not read." in plan.notices


# The process that reads.


def test_a_reader_that_takes_too_long_is_ended_and_said(monkeypatch):
    monkeypatch.setattr(sheets, "SECONDS", 0.01)

    with pytest.raises(IntakeError, match="needs more memory or time than one workbook may take"):
        planned(make_files.FOLDER / "rows_bomb.xlsx")


def test_a_reader_that_has_too_little_memory_says_so(monkeypatch):
    texts = "".join(f"<si><t>{at:x}{'y' * 180}</t></si>" for at in range(200_000))
    monkeypatch.setattr(sheets, "MEMORY", 40 << 20)

    with pytest.raises(IntakeError, match="needs more memory"):
        planned(Book([Sheet([HEADER, ["A", "O", 1, "USD"]])], shared=texts).bytes())


READ_ALL = """
import resource, sys
from pathlib import Path
from refundcore import intake

intake.plan(b"claim_ref\\nA\\n", zone="UTC")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        plan = intake.plan(path, zone="UTC")
        for batch in intake.rows(intake.source(path), plan):
            pass
    except intake.IntakeError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_hostile_files_take_no_memory_of_the_desk():
    command = [sys.executable, "-c", READ_ALL, str(make_files.FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=make_files.FOLDER.parents[2])

    assert int(done.stdout) < 64, "megabytes"


SOUND = [file.data for file in OURS.values() if file.data[:2] == b"PK" and not file.refused]
VALUES = (
    "",
    "-1",
    "0",
    "x",
    "A0",
    "XFE1",
    "1" * 5_000,
    "&#x10FFFF;",
    "_xD83D_",
    "_x0000_",
    "s",
    "e",
    "d",
    "nan",
    "1e309",
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound workbook with some bytes of it, or some values in one of its parts, replaced by others."""
    data = draw(st.sampled_from(SOUND))
    if draw(st.booleans()):
        content = bytearray(data)
        for _ in range(draw(st.integers(1, 5))):
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
        return bytes(content)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from([name for name in parts if name.endswith(".xml")]))
    for _ in range(draw(st.integers(1, 4))):
        places = list(re.finditer(rb'(?<==")[^"<>]*(?=")|(?<=>)[^<>]+(?=<)', parts[name]))
        place = draw(st.sampled_from(places)).span()
        value = draw(st.sampled_from(VALUES)).encode()
        parts[name] = parts[name][: place[0]] + value + parts[name][place[1] :]
    return writer.archive(parts)


@given(damaged())
def test_a_damaged_workbook_ends_in_rows_or_in_a_sentence(data):
    try:
        file, plan = planned(data)
        for batch in intake.rows(file, plan):
            assert batch.rows == len(batch.lines) + len(batch.rejected)
    except IntakeError as refusal:
        assert "memory" not in str(refusal), "the process ended without a word"  # noqa: PT017 - rows are as good


def test_a_workbook_in_use_is_read_once(monkeypatch):
    file, plan = planned(make_files.FOLDER / "typed.xlsx")
    monkeypatch.setattr(sheets.subprocess, "Popen", None)  # another process would be an error

    again = intake.plan(file, zone="UTC", wishes=Wishes({"product": ""}))

    assert len(brought(file, plan)[0]) == len(brought(file, again)[0]) == twelve_claims.COUNT


def test_nothing_of_a_hostile_workbook_is_written_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    brought(*planned(make_files.FOLDER / "path_names.xlsx"))

    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp/evil.txt").exists()  # noqa: S108 - the name that the archive holds
