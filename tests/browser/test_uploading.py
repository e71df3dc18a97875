"""Files brought in by a real browser: a good one, one to be mapped, one that is mended in the grid, a hostile one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import settled, visiting
from playwright.sync_api import Browser, Page, expect
from serving import Desk, served_desk

from refundcore import clock, store

pytestmark = pytest.mark.browser

FILES = Path(__file__).resolve().parent.parent / "data" / "files"
HEADER = "claim_ref,order_ref,customer_email,reason,purchased_at,submitted_at,paid,currency\n"
ROW = "{0},O-{0},c{0}@example.org,sms_not_received,2026-03-10T10:00:00Z,2026-03-12T10:00:00Z,{1},USD\n"
PAID = 2
"""The place of the faulty column in the grid: after the line and what is wrong."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("uploading")) as served:
        served.sign_up()
        yield served


@pytest.fixture
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    with visiting(browser, desk, height=1200) as visited:
        visited.goto(f"{desk.base}/upload")
        settled(visited)
        yield visited


def choose(page: Page, name: str, data: bytes) -> None:
    page.locator('input[type="file"]').set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})
    settled(page)


def press_import(page: Page) -> None:
    page.get_by_role("button", name="Import", exact=True).click()
    settled(page)


def stored(desk: Desk, start: str) -> dict[str, int | None]:
    """The amounts of the claims whose reference begins so."""
    opened = store.connect(f"sqlite:///{desk.data / 'refunds.db'}", at=clock.now())
    found = store.queue(opened, store.Filter(state="all", text=start), person=1, at=clock.now())
    amounts = {row.ref: (store.claim(opened, row.ref) or pytest.fail(row.ref)).facts["amount"] for row in found.rows}
    opened.engine.dispose()
    return amounts


def test_a_good_file_is_seen_before_it_is_stored_and_stays_in_the_history(desk, page):
    text = HEADER + "".join(ROW.format(f"GOOD-{number}", "10.00") for number in range(5))
    choose(page, "good.csv", text.encode())
    expect(page.get_by_text("5 claims of 5 rows.")).to_be_visible()
    assert stored(desk, "GOOD-") == {}

    press_import(page)

    expect(page.get_by_text("5 rows in the file: 5 created.")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Imports so far")).to_be_visible()
    assert len(stored(desk, "GOOD-")) == 5


def test_a_file_with_columns_of_its_own_is_mapped_and_its_words_told(desk, page):
    head = "Vorgang;Auftrag;Grund;Datum;Betrag\n"
    rows = "".join(f"MAP-{number};O-{number};Nummer tot;1{number}.03.2026;12,50\n" for number in range(3, 7))
    choose(page, "deutsch.csv", (head + rows).encode())
    expect(page.get_by_text("No column is the reference of the claim or of the order")).to_be_visible()
    fill_cell(page, "upload_columns", 0, 1, "Claim")

    press_import(page)

    expect(page.get_by_text("4 rows in the file: 4 created.")).to_be_visible(timeout=30_000)
    assert set(stored(desk, "MAP-")) == {f"MAP-{number}" for number in range(3, 7)}


def fill_cell(page: Page, key: str, row: int, column: int, text: str) -> None:
    """Write into a cell of a table, found by the beginning of its key."""
    at_cell(page, key, row, column)
    write(page, text)
    settled(page)


def write(page: Page, text: str) -> None:
    """Write into the chosen cell; Enter leads to the cell below."""
    page.keyboard.press("Enter")
    field = page.locator("#portal").locator("input, textarea").first
    expect(field).to_be_visible()
    field.fill(text)
    page.keyboard.press("Enter")
    expect(field).to_have_count(0)


def at_cell(page: Page, key: str, row: int, column: int) -> None:
    """Go to a cell of a table with the keyboard, which finds it wherever it is drawn."""
    grid = page.locator(f'[class*="st-key-{key}"] .dvn-scroller').first
    grid.scroll_into_view_if_needed()
    grid.click(position={"x": 20, "y": 50})
    page.keyboard.press("Control+Home")
    for _ in range(row):
        page.keyboard.press("ArrowDown")
    for _ in range(column):
        page.keyboard.press("ArrowRight")


def test_ten_faulty_rows_are_mended_in_the_grid_and_come_in(desk, page):
    good = "".join(ROW.format(f"MEND-{number}", "10.00") for number in range(10, 15))
    bad = "".join(ROW.format(f"MEND-{number}", "-4") for number in range(20, 30))
    choose(page, "mend.csv", (HEADER + good + bad).encode())
    expect(page.get_by_text("10 rows would be left out.", exact=True)).to_be_visible()
    at_cell(page, "upload_mend", 0, PAID)
    for _ in range(10):
        write(page, "4.50")
    settled(page)
    expect(page.get_by_text("10 rows mended here can come in; 0 rows would be left out.")).to_be_visible()

    press_import(page)

    expect(page.get_by_text("15 rows in the file: 15 created.")).to_be_visible(timeout=30_000)
    amounts = stored(desk, "MEND-")
    assert len(amounts) == 15
    assert [amounts[f"MEND-{number}"] for number in range(20, 30)] == [450] * 10


@pytest.mark.parametrize("name", ["cells_bomb.xlsx", "entities.xlsx"])
def test_a_hostile_workbook_is_refused_in_a_sentence_and_the_page_goes_on(desk, page, name):
    page.locator('input[type="file"]').set_input_files(FILES / name)
    settled(page)
    expect(page.get_by_test_id("stAlert").first).to_be_visible(timeout=30_000)
    assert "Traceback" not in page.content()
    expect(page.get_by_role("button", name="Import", exact=True)).to_have_count(0)

    choose(page, "after.csv", (HEADER + ROW.format("AFTER", "1.00")).encode())
    expect(page.get_by_text("1 claim of 1 row.")).to_be_visible()
    assert desk.process.poll() is None


def test_a_manager_takes_an_import_back(desk, page):
    choose(page, "undo.csv", (HEADER + ROW.format("UNDO-1", "1.00")).encode())
    press_import(page)
    expect(page.get_by_text("1 row in the file: 1 created.")).to_be_visible(timeout=30_000)
    page.goto(f"{desk.base}/upload")
    settled(page)
    page.get_by_role("button", name="Take this import back").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 claim that came with undo.csv will be removed")
    dialog.get_by_role("button", name="Remove 1 claim").click()
    settled(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert stored(desk, "UNDO-") == {}
