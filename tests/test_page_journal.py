"""The journal's page: filters in the address, pages without gaps, the export; proof on a claim's page."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from desk_of_tests import Desk, drawn, labels, open_desk, texts

from refundcore import certificates, clock, store
from refundcore.desk.journaling import as_csv
from refundcore.store.journal_reading import KINDS, JournalFilter, journal_page, journal_rows
from refundcore.store.sentences import phrase

ZONE = "UTC"


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def act(desk: Desk, what: Any, claim: store.ClaimRecord, person: str = "mia", **given: Any) -> store.Receipt:
    now = desk.claim(claim.ref)
    return what(
        desk.store, actor=desk.people[person].id, at=clock.now(), key=f"{what.__name__} {now.ref} {now.version}",
        claim=now.id, version=now.version, **given,
    )  # fmt: skip


def lived(desk: Desk) -> list[store.ClaimRecord]:
    claims = [desk.add(), desk.add("ben"), desk.add()]
    act(desk, store.note, claims[0], "ben", text="=HYPERLINK(1) rang twice")
    act(desk, store.decide, claims[1], outcome="deny", reason="as agreed")
    return claims


def shown(page) -> list[tuple[str, str]]:
    return [(row["open"], row["text"]) for row in drawn(page, "journal")["rows"]]


@pytest.mark.parametrize(("person", "may"), [("mia", True), ("aud", True), ("ana", False)])
def test_managers_and_auditors_read_it_and_agents_are_told_why_not(desk, person, may):
    lived(desk)
    page = desk.page("journal", person).run()

    assert not page.exception
    assert ("This page is for managers and auditors" in texts(page)) is not may
    assert bool(page.get("bidi_component") and any(e.key == "journal" for e in page.get("bidi_component"))) is may


def test_the_latest_stands_first_and_each_row_leads_to_its_claim(desk):
    claims = lived(desk)
    page = desk.page("journal").run()

    rows = shown(page)
    assert len(rows) == 5
    assert rows[0][0] == claims[1].ref
    assert "denied this claim" in rows[0][1]
    assert drawn(page, "journal")["rows"][0]["href"] == f"claim?claim={claims[1].ref}"


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ({"kind": "talk"}, 1),
        ({"kind": "came"}, 3),
        ({"kind": "decisions"}, 1),
        ({"kind": "nonsense"}, 5),
        ({"claim": "RC-000001"}, 2),
        ({"claim": "RC-"}, 5),
        ({"claim": "%"}, 0),
        ({"person": "ben"}, 2),
        ({"person": "ben", "kind": "came"}, 1),
        ({"since": "2000-01-01"}, 5),
        ({"until": "2000-01-01"}, 0),
        ({"since": "not a day"}, 5),
        ({"before": "x"}, 5),
        ({"before": "3"}, 2),
        ({"after": "3"}, 2),
    ],
)
def test_the_address_says_what_is_shown(desk, address, count):
    lived(desk)
    page = desk.page("journal")
    for name, value in address.items():
        page.query_params[name] = str(desk.people[value].id) if name == "person" else value
    page.run()

    assert not page.exception
    assert len(shown(page)) == count if count else "Nothing of this kind happened." in texts(page)


def test_a_field_that_is_changed_goes_into_the_address(desk):
    lived(desk)
    page = desk.page("journal").run()
    page.selectbox(key="journal_kind").select("talk").run()

    assert not page.exception
    assert page.query_params["kind"] == ["talk"] or page.query_params["kind"] == "talk"
    assert len(shown(page)) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_pages_forward_and_back_show_every_event_once(desk, size):
    lived(desk)
    everything = [row.id for row in journal_rows(desk.store, JournalFilter(), zone=ZONE)]
    pages, before = [], None
    while True:
        page = journal_page(desk.store, JournalFilter(), zone=ZONE, before=before, limit=size)
        pages.append([row.id for row in page.rows])
        if page.older is None:
            break
        before = page.older
    assert [number for page in pages for number in page] == everything == sorted(everything, reverse=True)
    if len(pages) > 1:
        back = journal_page(desk.store, JournalFilter(), zone=ZONE, after=pages[-1][0], limit=size)
        assert [row.id for row in back.rows] == pages[-2][-size:]


def test_an_event_that_comes_in_between_moves_no_page(desk):
    claims = lived(desk)
    first = journal_page(desk.store, JournalFilter(), zone=ZONE, limit=2)
    act(desk, store.note, claims[2], text="in between")
    second = journal_page(desk.store, JournalFilter(), zone=ZONE, before=first.older, limit=2)
    assert first.rows[-1].id - second.rows[0].id == 1


def test_the_export_equals_the_screen_and_no_cell_is_a_formula(desk):
    lived(desk)
    today = date.fromisoformat(f"{clock.now():%Y-%m-%d}")
    of = JournalFilter(since=f"{today - timedelta(days=1)}", kind="talk")
    text = as_csv(journal_rows(desk.store, of, zone=ZONE)).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    page = desk.page("journal", **of.params()).run()

    assert [(row["claim"], row["what"])] == shown(page)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    assert "Download as CSV" in [each.label for each in page.get("download_button")]


def test_every_kind_of_event_that_has_words_of_its_own_belongs_to_a_group():
    grouped = {kind for _, kinds in KINDS.values() for kind in kinds}
    assert [kind for kind in sorted(grouped) if phrase(kind, {}, {}) == "changed this claim"] == []


def test_an_empty_desk_says_so(desk):
    page = desk.page("journal").run()
    assert not page.exception
    assert "Nothing happened yet." in texts(page)


@pytest.mark.parametrize(("person", "erases"), [("mia", True), ("ana", False), ("aud", False)])
def test_a_decided_claim_has_its_certificate_and_only_managers_may_erase(desk, person, erases):
    claim = desk.add()
    act(desk, store.decide, claim, outcome="deny", reason="as agreed")
    page = desk.page("claim", person, claim=claim.ref).run()

    assert not page.exception
    assert {"Certificate to print", "Certificate as data"} <= {each.label for each in page.get("download_button")}
    assert ("Erase the customer's data…" in labels(page)) is erases
    assert certificates.check(certificates.as_json(certificates.certificate(desk.store, claim.id)).encode()).good


def test_an_open_claim_has_neither(desk):
    page = desk.page("claim", claim=desk.add().ref).run()
    assert not page.exception
    assert "Certificate to print" not in {each.label for each in page.get("download_button")}
    assert "Erase the customer's data…" not in labels(page)


def test_a_manager_erases_with_a_reason_and_the_claim_says_so(desk):
    claim = desk.add()
    act(desk, store.decide, claim, outcome="deny", reason="as agreed")
    page = desk.page("claim", claim=claim.ref).run()
    page.button(key="erase").click().run()
    assert f"Claim {claim.ref}: personal values" in texts(page)
    page.button(key="confirm_erase").click().run()
    assert "a reason is needed" in texts(page)
    now = desk.claim(claim.ref)
    page.text_area(key=f"reason_erase_{now.id}_{now.version}").set_value("Asked by letter").run()
    page.button(key="confirm_erase").click().run()

    assert not page.exception
    assert str(desk.claim(claim.ref).facts["customer_email"]).startswith("erased on ")
    assert "Erase the customer's data…" not in labels(page)
    pairs = {pair["name"]: pair["value"] for pair in drawn(page, "summary")["pairs"]}
    assert pairs["Customer"].startswith("erased on ")
    found = store.verify(desk.store)
    assert found.good, found.sentence
