"""Workbooks on the upload page and at the command line."""

from __future__ import annotations

import make_files
import pytest
from desk_of_tests import Desk, open_desk, texts
from streamlit.testing.v1 import AppTest
from workbook_writer import Book, Sheet

from refundcore import __main__ as front
from refundcore import clock, store

HEADER = ["claim_ref", "order_ref", "submitted_at", "amount", "currency"]


def two_sheets() -> bytes:
    may, june = (Sheet([HEADER, [ref, "O", clock.now().date(), 1.5, "USD"]], ref) for ref in ("May", "June"))
    return Book([may, june]).bytes()


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def uploaded(desk: Desk, data: bytes, name: str = "claims.xlsx") -> AppTest:
    page = desk.page("upload", "ana").run()
    return page.file_uploader(key="upload_file").upload(name, data).run()


def stored(desk: Desk) -> list[str]:
    found = store.queue(desk.store, store.Filter(state="all"), person=1, at=clock.now())
    return sorted(row.ref for row in found.rows)


def test_what_may_be_brought_is_said_before_a_file_is_chosen(desk):
    page = desk.page("upload", "ana").run()

    assert "Up to 50 MB here, workbooks up to 250,000 rows; larger files as CSV by the command line" in texts(page)
    assert "Excel workbook (.xlsx)" in page.file_uploader(key="upload_file").label


def test_a_workbook_is_brought_in_like_a_text(desk):
    page = uploaded(desk, (make_files.FOLDER / "typed.xlsx").read_bytes(), "claims.csv")
    assert "Excel workbook, sheet “Claims”, 8 columns, header in row 1" in texts(page)

    page.button(key="upload_import").click().run()

    assert not page.exception
    assert len(stored(desk)) == 12


def test_the_page_asks_which_sheet_is_meant_and_reads_that(desk):
    page = uploaded(desk, two_sheets())
    assert page.button(key="upload_import").disabled
    assert "Several sheets of the workbook could hold the claims." in texts(page)

    page.radio[0].set_value("June").run()
    page.button(key="upload_import").click().run()

    assert not page.exception
    assert stored(desk) == ["June"]


@pytest.mark.parametrize("name", ["rows_bomb.xlsx", "entities.xlsx", "cut_off.xlsx", "locked.xlsx", "binary.xlsb"])
def test_a_hostile_workbook_ends_in_a_sentence_and_leaves_the_page_alive(desk, name):
    page = uploaded(desk, (make_files.FOLDER / name).read_bytes(), name)

    assert not page.exception
    assert make_files.files()[name].refused in texts(page).replace("\\", "")
    assert "upload_import" not in [button.key for button in page.button]

    page.file_uploader(key="upload_file").upload("claims.xlsx", (make_files.FOLDER / "typed.xlsx").read_bytes()).run()
    assert "12 claims of 12 rows" in texts(page)


def test_the_command_reads_the_sheet_that_is_named_and_asks_where_none_is(desk, tmp_path, capsys):
    path = tmp_path / "claims.xlsx"
    path.write_bytes(two_sheets())
    options = ["--actor", "ana@example.com"]

    assert front.main(["import", str(path), *options]) == 2
    told = capsys.readouterr().err
    assert "Which one is to be read?" in told
    assert "Say so with --sheet NAME" in told
    assert stored(desk) == []

    assert front.main(["import", str(path), *options, "--sheet", "May"]) == 0
    assert "1 row in the file: 1 created." in capsys.readouterr().out
    assert stored(desk) == ["May"]


def test_the_command_tells_of_a_sheet_that_is_not_there(desk, tmp_path, capsys):
    path = tmp_path / "claims.xlsx"
    path.write_bytes(two_sheets())

    assert front.main(["import", str(path), "--sheet", "July", "--dry-run"]) == 2

    assert "has no sheet “July”; its sheets are “May”, “June”." in capsys.readouterr().err
    assert stored(desk) == []
