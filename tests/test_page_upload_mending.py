"""The upload page: rows mended in the grid, claims that differ, an import taken back, imports that run elsewhere."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from desk_of_tests import Desk, open_desk, texts
from store_of_tests import batch, facts
from streamlit.testing.v1 import AppTest

from refundcore import clock, intake, store

HEADER = "Claim Ref,order no,e-mail,reason,purchase date,received,paid,currency,internal note\n"
GOOD = (
    "A-1,O-1,ann@example.org,sms_not_received,2026-03-01T10:00:00Z,2026-03-02T10:00:00Z,10.00,USD,x\n"
    "A-2,O-2,bob@example.org,invalid_number,2026-03-01T10:00:00Z,2026-03-02T10:00:00Z,12.50,EUR,y\n"
)
BAD = (
    "A-3,O-3,cy@example.org,sms_not_received,2026-03-01T10:00:00Z,2026-03-02T10:00:00Z,-4,USD,z\n"
    "A-4,O-4,di@example.org,sms_not_received,2026-03-01T10:00:00Z,2026-03-02T10:00:00Z,5.00,USD,z,spare\n"
)
TEXT = HEADER + GOOD + BAD
PAID, SPARE = "c6", "c9"


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def uploaded(desk: Desk, text: str, person: str = "ana") -> AppTest:
    page = desk.page("upload", person).run()
    return page.file_uploader(key="upload_file").upload("claims.csv", text.encode()).run()


def edit(page: AppTest, of: str, text: str, edits: dict[int, dict[str, Any]]) -> AppTest:
    """Change cells of a table of the page, as a person would."""
    key = f"upload_{of}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    key += "_utf-8" if of == "mend" else "_choose"
    page.session_state[key] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
    return page.run()


def table(page: AppTest, column: str) -> list[Any]:
    """The column of the page's table that has it."""
    for shown in page.dataframe:
        if column in shown.value:
            return list(shown.value[column])
    raise AssertionError(f"No table has a column {column}.")


def press_import(page: AppTest) -> AppTest:
    return page.button(key="upload_import").click().run()


def stored(desk: Desk) -> list[str]:
    found = store.queue(desk.store, store.Filter(state="all"), person=1, at=clock.now())
    return sorted(row.ref for row in found.rows)


def balance(desk: Desk) -> store.Balance:
    return store.imports(desk.store)[0].balance


def test_what_is_wrong_stands_beside_each_row_and_names_the_files_column(desk):
    wrong = table(uploaded(desk, TEXT), "wrong")

    assert wrong[0].startswith("“paid” (Amount paid): '-4' is negative")
    assert "10 cells where the header has 9" in wrong[1]


def test_a_mended_row_is_looked_at_again_at_once_counted_and_imported(desk):
    page = uploaded(desk, TEXT)
    edit(page, "mend", TEXT, {0: {PAID: "4.00"}, 1: {SPARE: None}})

    assert not page.exception
    assert table(page, "wrong") == ["✓ Can come in now"] * 2
    assert "2 rows mended here can come in; 0 rows would be left out." in texts(page)
    press_import(page)

    assert stored(desk) == ["A-1", "A-2", "A-3", "A-4"]
    assert desk.claim("A-3").facts["amount"] == 400
    assert balance(desk) == store.Balance(rows=4, created=4)


def test_a_row_mended_wrongly_is_told_and_left_out_as_it_is_now(desk):
    page = edit(uploaded(desk, TEXT), "mend", TEXT, {0: {PAID: "four"}})
    assert "'four' is not an amount" in table(page, "wrong")[0]
    press_import(page)

    assert stored(desk) == ["A-1", "A-2"]
    out = b"".join(intake.rejects_file(desk.store, 1)).decode("utf-8-sig")
    assert ",four," in out


def test_only_the_rows_that_were_good_in_the_file_can_be_taken(desk):
    page = edit(uploaded(desk, TEXT), "mend", TEXT, {0: {PAID: "4.00"}})
    page.radio(key="upload_which").set_value("file").run()
    press_import(page)

    assert stored(desk) == ["A-1", "A-2"]
    assert balance(desk).rejected == 2


def test_all_or_none_waits_until_nothing_is_left_out(desk):
    page = edit(uploaded(desk, TEXT), "mend", TEXT, {0: {PAID: "4.00"}})
    page.radio(key="upload_which").set_value("whole").run()
    assert page.button(key="upload_import").disabled

    edit(page, "mend", TEXT, {0: {PAID: "4.00"}, 1: {SPARE: ""}})
    assert not page.button(key="upload_import").disabled
    press_import(page)
    assert len(stored(desk)) == 4


def test_the_rows_left_out_mended_and_brought_again_come_in_once(desk):
    press_import(uploaded(desk, TEXT))
    out = b"".join(intake.rejects_file(desk.store, 1)).decode("utf-8-sig")
    mended = out.replace(",-4,", ",4.00,").replace(",z,spare,", ",z,,")
    for created in (2, 0):
        press_import(uploaded(desk, mended))
        assert balance(desk).created == created
    press_import(edit(uploaded(desk, TEXT), "mend", TEXT, {0: {PAID: "4.00"}, 1: {SPARE: ""}}))
    assert (balance(desk).created, balance(desk).unchanged) == (0, 4)
    assert stored(desk) == ["A-1", "A-2", "A-3", "A-4"]


# Claims that are here with other facts.

CHANGED = HEADER + GOOD.replace("10.00", "11.00").replace("12.50", "13.00")


def test_a_difference_is_shown_fact_by_fact_and_changes_nothing_unless_chosen(desk):
    press_import(uploaded(desk, HEADER + GOOD))
    page = uploaded(desk, CHANGED)

    assert "2 claims differ from the file." in texts(page)
    assert table(page, "Here now") == ["10.00 USD", "12.50 EUR"]
    assert table(page, "In the file") == ["11.00 USD", "13.00 EUR"]
    assert table(page, "Claims") == [2]
    press_import(page)

    assert desk.claim("A-1").facts["amount"] == 1000
    assert balance(desk).conflicting == 2


def test_all_differing_claims_can_be_changed_each_by_an_event(desk):
    press_import(uploaded(desk, HEADER + GOOD))
    page = uploaded(desk, CHANGED)
    page.segmented_control(key="upload_change").set_value("all").run()
    press_import(page)

    assert balance(desk) == store.Balance(rows=2, updated=2)
    claim = desk.claim("A-2")
    assert claim.facts["amount"] == 1300
    assert [event.kind for event in store.events(desk.store, claim.id)] == ["created", "facts_set"]


def test_single_claims_can_be_chosen_and_a_decided_one_is_never_changed(desk):
    press_import(uploaded(desk, HEADER + GOOD))
    claim = desk.claim("A-1")
    store.decide(
        desk.store, actor=1, at=clock.now(), key="d", claim=claim.id, version=1, outcome="deny", reason="It came."
    )
    page = uploaded(desk, CHANGED)
    assert "1 claim cannot be changed by a file" in texts(page)
    page.segmented_control(key="upload_change").set_value("some").run()
    edit(page, "differences", CHANGED, {0: {"Change": True}, 1: {"Change": True}})
    press_import(page)

    assert (balance(desk).updated, balance(desk).conflicting) == (1, 1)
    assert desk.claim("A-1").facts["amount"] == 1000
    assert desk.claim("A-2").facts["amount"] == 1300


def test_a_claim_that_changed_after_it_was_compared_is_left_alone(desk):
    press_import(uploaded(desk, HEADER + GOOD))
    page = uploaded(desk, CHANGED)
    page.segmented_control(key="upload_change").set_value("all").run()
    claim = desk.claim("A-1")
    store.note(desk.store, actor=1, at=clock.now(), key="n", claim=claim.id, version=1, text="I called.")
    press_import(page)

    assert (balance(desk).updated, balance(desk).conflicting) == (1, 1)
    assert "was changed after you saw how it differs" in store.rejects(desk.store, 2)[0].why


# The imports so far.


def test_a_manager_takes_an_import_back_after_being_told_what_that_does(desk):
    press_import(uploaded(desk, HEADER + GOOD))
    page = desk.page("upload", "mia").run()
    page.button(key="upload_undo").click().run()
    assert "2 claims that came with claims.csv will be removed" in texts(page)
    page.button(key="upload_undo_now").click().run()

    assert not page.exception
    assert stored(desk) == []
    assert "taken back by Mia" in table(page, "State")[0]
    assert store.verify(desk.store).good
    press_import(uploaded(desk, HEADER + GOOD))
    assert stored(desk) == ["A-1", "A-2"]


def test_an_import_that_was_worked_on_says_why_it_stays(desk):
    press_import(uploaded(desk, HEADER + GOOD))
    claim = desk.claim("A-1")
    store.note(desk.store, actor=1, at=clock.now(), key="n", claim=claim.id, version=1, text="I called.")
    page = desk.page("upload", "mia").run()
    page.button(key="upload_undo").click().run()

    assert "Claim A-1 of this import was worked on already" in texts(page).replace("\\", "")
    assert "upload_undo_now" not in [button.key for button in page.button]


def test_an_agent_is_not_offered_to_take_an_import_back(desk):
    press_import(uploaded(desk, HEADER + GOOD))
    page = desk.page("upload", "ana").run()
    assert "upload_undo" not in [button.key for button in page.button]


def test_an_import_that_runs_elsewhere_is_shown_with_how_far_it_is(desk):
    at, actor = clock.now(), desk.people["mia"].id
    number = store.begin_import(
        desk.store, actor=actor, at=at, filename="large.csv", sha256="0" * 64, header=["ref"], mapping={}
    )
    given = batch([facts(claim_ref=f"T-{one}") for one in range(50)])
    store.import_batch(desk.store, number, actor=actor, at=at, **given, share=0.25)

    page = desk.page("upload", "ana").run()
    assert table(page, "State") == ["running: 50 of about 200 rows"]
    assert table(page, "Read") == [0.25]
    assert table(page, "Who") == ["Mia"]

    store.finish_import(desk.store, number, actor=actor, at=at)
    assert table(desk.page("upload", "ana").run(), "State") == ["done"]
