"""The upload page: what a file is, what it would bring, and that nothing is stored before "Import"."""

from __future__ import annotations

import hashlib

import pytest
from desk_of_tests import Desk, open_desk, texts
from streamlit.testing.v1 import AppTest

from refundcore import clock, store

HEADER = "Claim Ref,order no,e-mail,reason,purchase date,received,amount,currency,internal note\n"
GOOD = (
    "A-1,O-1,ann@example.org,sms_not_received,2026-03-01T10:00:00Z,2026-03-02T10:00:00Z,10.00,USD,x\n"
    "A-2,O-2,bob@example.org,invalid_number,2026-03-01T10:00:00Z,2026-03-02T10:00:00Z,12.50,EUR,y\n"
)
BAD = "A-3,O-3,cy@example.org,sms_not_received,2026-13-01,2026-03-02T10:00:00Z,-4,USD,z\n"


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def uploaded(desk: Desk, text: str | bytes, name: str = "claims.csv", person: str = "ana") -> AppTest:
    page = desk.page("upload", person).run()
    data = text.encode() if isinstance(text, str) else text
    return page.file_uploader(key="upload_file").upload(name, data).run()


def editor(of: str, text: str) -> str:
    """The key of a table in which the person corrects how the file is read."""
    return f"upload_{of}_{hashlib.sha256(text.encode()).hexdigest()[:12]}_utf-8"


def stored(desk: Desk) -> list[str]:
    found = store.queue(desk.store, store.Filter(state="all"), person=1, at=clock.now())
    return sorted(row.ref for row in found.rows)


def test_nothing_is_stored_before_import_is_pressed(desk):
    page = uploaded(desk, HEADER + GOOD + BAD)

    assert not page.exception
    assert "2 claims of 3 rows; 1 row cannot be read and would be left out." in texts(page)
    assert stored(desk) == []


def test_import_brings_in_the_good_rows_and_names_the_others(desk):
    page = uploaded(desk, HEADER + GOOD + BAD).button(key="upload_import").click().run()

    assert "3 rows in the file: 2 created, 1 rejected" in texts(page).replace("\\", "")
    assert stored(desk) == ["A-1", "A-2"]


def test_the_same_file_again_says_so_and_creates_nothing(desk):
    uploaded(desk, HEADER + GOOD).button(key="upload_import").click().run()
    again = uploaded(desk, HEADER + GOOD, person="mia")
    assert "This very file was imported by Ana" in texts(again).replace("\\", "")

    again.button(key="upload_import").click().run()

    assert "2 rows in the file: 2 unchanged." in texts(again).replace("\\", "")
    assert stored(desk) == ["A-1", "A-2"]


def test_a_click_that_comes_twice_imports_once(desk):
    page = uploaded(desk, HEADER + GOOD).button(key="upload_import").click().run()
    page.button(key="upload_import").click().run()

    assert len(store.imports(desk.store)) == 1
    assert "2 created" in texts(page)


@pytest.mark.parametrize("person", ["aud"])
def test_an_auditor_cannot_enter(desk, person):
    page = desk.page("upload", person).run()

    assert not page.file_uploader
    assert "agents and managers" in texts(page)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("claims.xlsx", b"PK\x03\x04xl/workbook.xml", "cut off or damaged"),
        ("claims.csv", b"", "empty"),
        ("claims.xls", b"<html><table><tr><td>claim_ref", "web page"),
        ("claims.csv", b'{"claim_ref": "A"}', "JSON"),
    ],
)
def test_another_kind_of_file_is_refused_with_what_it_is(desk, name, data, says):
    page = uploaded(desk, data, name)

    assert not page.exception
    assert says in texts(page)
    assert "upload_import" not in [button.key for button in page.button]


def test_a_file_whose_dates_can_be_read_both_ways_asks_before_it_imports(desk):
    rows = "A-1,O-1,a@example.org,other,01/02/2026,03/02/2026,1.00,USD,\n"
    page = uploaded(desk, HEADER + rows)
    assert page.button(key="upload_import").disabled

    for _ in range(2):
        page.radio[0].set_value("dmy").run()
    assert not page.button(key="upload_import").disabled
    page.button(key="upload_import").click().run()

    facts = store.claim(desk.store, "A-1").facts
    assert facts["purchased_at"] == 1_769_904_000_000_000  # 1 February 2026


def test_a_column_can_be_given_another_meaning(desk):
    page = uploaded(desk, HEADER + GOOD)
    edits = {"edited_rows": {8: {"Means": "Product"}}, "added_rows": [], "deleted_rows": []}
    page.session_state[editor("columns", HEADER + GOOD)] = edits
    page.run()
    page.button(key="upload_import").click().run()

    assert store.claim(desk.store, "A-1").facts["product"] == "x"


def test_a_word_of_the_file_can_stand_for_a_reason(desk):
    text = HEADER + GOOD.replace("sms_not_received", "number dead").replace("invalid_number", "number dead")
    page = uploaded(desk, text)
    edits = {"edited_rows": {0: {"Stands for": "Invalid number"}}, "added_rows": [], "deleted_rows": []}
    page.session_state[editor("values_reason", text)] = edits
    page.run()
    page.button(key="upload_import").click().run()
    assert store.claim(desk.store, "A-1").facts["reason"] == "invalid_number"

    later = uploaded(desk, HEADER + GOOD.replace("A-", "B-").replace("sms_not_received", "number dead"))
    later.button(key="upload_import").click().run()
    assert store.claim(desk.store, "B-1").facts["reason"] == "invalid_number", "what a word stands for is remembered"


def test_claim_text_comes_back_as_text(desk):
    hostile = "<img src=x onerror=alert(1)> **bold** [l](javascript:alert(1)) =1+1"
    page = uploaded(desk, HEADER + GOOD.replace("A-1", hostile))

    assert not page.exception
    assert not any(hostile in str(markdown.value) for markdown in page.markdown)


def test_which_of_two_columns_is_the_amount_is_asked_and_answered(desk):
    header = HEADER.replace("internal note", "amount")
    page = uploaded(desk, header + GOOD.replace(",x\n", ",0.00\n").replace(",y\n", ",0.00\n"))
    assert page.button(key="upload_import").disabled
    assert "Several columns could be" in texts(page)

    page.radio[0].set_value("amount").run()
    page.button(key="upload_import").click().run()

    assert store.claim(desk.store, "A-1").facts["amount"] == 1000


def test_an_answer_can_be_given_anew(desk):
    page = uploaded(desk, HEADER + "A-1,O-1,a@example.org,other,01/02/2026,2026-02-03,1.00,USD,\n")
    page.radio[0].set_value("mdy").run()
    assert not page.button(key="upload_import").disabled

    page.button(key="upload_anew").click().run()

    assert page.button(key="upload_import").disabled
    page.radio[0].set_value("dmy").run()
    page.button(key="upload_import").click().run()
    assert store.claim(desk.store, "A-1").facts["purchased_at"] == 1_769_904_000_000_000  # 1 February 2026


TWICE = GOOD.splitlines(keepends=True)[0]


def test_the_preview_says_what_the_import_will_do_with_rows_that_come_twice_or_contradict(desk):
    other = TWICE.replace("10.00", "11.00")
    page = uploaded(desk, HEADER + GOOD + TWICE + other)
    assert "Of these: 2 new; 1 said twice in the file; 1 contradicting an earlier row of the file" in texts(page)

    page.button(key="upload_import").click().run()
    told = texts(page).replace("\\", "")
    assert "4 rows in the file: 2 created, 1 duplicate within the file, 1 conflicting and not taken." in told
    assert "The rows left out can be downloaded with their reasons." in told


def test_the_preview_of_a_file_that_is_here_already_says_so(desk):
    uploaded(desk, HEADER + GOOD).button(key="upload_import").click().run()
    again = uploaded(desk, HEADER + GOOD.replace("12.50", "13.50") + BAD)
    assert "Of these: 1 here already with the same facts; 1 here with other facts." in texts(again)
