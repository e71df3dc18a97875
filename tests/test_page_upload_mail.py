"""The upload page with mail: the message beside its proposals, what may be changed, and that it comes in once."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from desk_of_tests import Desk, open_desk, texts
from evidence_of_tests import saved, screen
from streamlit.testing.v1 import AppTest

from refundcore import clock, store
from refundcore.intake import mail, source

FOLDER = Path(__file__).parent / "data" / "mail"


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def uploaded(desk: Desk, name: str, person: str = "ana", data: bytes | None = None) -> AppTest:
    page = desk.page("upload", person).run()
    page = page.file_uploader(key="upload_file").upload(name, data or (FOLDER / name).read_bytes()).run()
    assert not page.exception
    return page


def field(name: str, fact: str, number: int = 0) -> str:
    """The key of a field of a message of a file."""
    return f"mail_{mail.read(source(FOLDER / name)).messages[number].key[:16]}_{fact}"


def stored(desk: Desk) -> list[str]:
    found = store.queue(desk.store, store.Filter(state="all"), person=1, at=clock.now())
    return sorted(row.ref for row in found.rows)


def imported(page: AppTest) -> AppTest:
    page = page.button(key="mail_import").click().run()
    assert not page.exception
    return page


def test_a_message_is_shown_with_its_proposals_and_nothing_is_stored(desk):
    page = uploaded(desk, "plain.eml")

    assert "plain.eml (1 kB), 1 message of e-mail: 1 would become a claim." in texts(page)
    assert "I bought a number on 1 March 2026" in texts(page)
    assert page.text_input(key=field("plain.eml", "order_ref")).value == "48213"
    assert page.selectbox(key=field("plain.eml", "reason")).value == "sms_not_received"
    assert page.text_input(key=field("plain.eml", "submitted_at")).value == "2026-03-03 09:15:04"
    assert "the subject: Refund for order 48213" in texts(page).replace("\\", "")
    assert stored(desk) == []


def test_import_makes_the_claim_as_shown(desk):
    page = imported(uploaded(desk, "plain.eml"))

    assert "1 message in the file: 1 created" in texts(page).replace("\\", "")
    facts = store.claim(desk.store, "RC-000001").facts
    assert (facts["order_ref"], facts["amount"], facts["currency"], facts["channel"]) == ("48213", 1250, "EUR", "email")
    assert (facts["submitted_at"] - facts["sent_at"]) == 4_000_000
    (kept,) = store.messages_of(desk.store, 1)
    assert "submitted_at = 2026-03-03T09:15:04Z (Received: 2026-03-03T09:15:04Z)" in kept.text


def test_what_a_person_changes_is_what_is_stored(desk):
    page = uploaded(desk, "two_from.eml")
    assert page.text_input(key=field("two_from.eml", "order_ref")).value == ""
    assert "Several are named: 48213 (the subject), 48213 (line 1), 48214 (line 1)" in texts(page).replace("\\", "")

    page.text_input(key=field("two_from.eml", "order_ref")).set_value("48214")
    page.selectbox(key=field("two_from.eml", "reason")).set_value("invalid_number")
    page.text_input(key=field("two_from.eml", "customer_email")).set_value("bob@example.org").run()
    imported(page)

    facts = store.claim(desk.store, "RC-000001").facts
    assert (facts["order_ref"], facts["reason"], facts["customer_email"]) == (
        "48214",
        "invalid_number",
        "bob@example.org",
    )
    assert "48214" in store.messages_of(desk.store, 1)[0].text, "where it was found is kept, since it is one of those"


def test_a_field_that_cannot_be_read_waits_to_be_mended(desk):
    page = uploaded(desk, "plain.eml")
    page.text_input(key=field("plain.eml", "purchased_at")).set_value("the first of March").run()
    assert page.button(key="mail_import").disabled

    page.text_input(key=field("plain.eml", "purchased_at")).set_value("2026-03-01").run()
    assert not page.button(key="mail_import").disabled


def test_a_mailbox_is_listed_and_each_message_may_be_looked_at(desk):
    page = uploaded(desk, "inbox.mbox")
    assert "4 messages of e-mail: 2 would become claims, 1 would be a note on a claim, 1 would be left out." in texts(
        page
    )
    table = page.dataframe[0].value
    assert table["Becomes"].tolist() == [
        "a new claim",
        "a note on the claim that this file brings",
        "left out",
        "a new claim",
    ]

    page.selectbox(key="mail_shown").set_value(3).run()
    page.text_input(key=field("inbox.mbox", "order_ref", 3)).set_value("48299").run()
    page.selectbox(key="mail_shown").set_value(0).run()
    imported(page)

    assert stored(desk) == ["RC-000001", "RC-000002"]
    assert store.claim(desk.store, "RC-000002").facts["order_ref"] == "48299", "kept while another was looked at"
    assert [event.kind for event in store.events(desk.store, 1)] == ["created", "noted"]


def test_a_message_can_be_left_out(desk):
    page = uploaded(desk, "inbox.mbox")
    page.segmented_control(key=field("inbox.mbox", "becomes")).set_value("nothing").run()
    assert "2 would be left out" in texts(page)

    imported(page)
    assert [(one.line, one.why) for one in store.rejects(desk.store, 1)] == [
        (1, "It was left out by the person who brought it."),
        (29, "It answers a message whose claim is not here."),
        (49, "It is an automatic answer, not a claim."),
    ]


def test_a_message_that_is_here_says_so_and_comes_in_once(desk):
    imported(uploaded(desk, "plain.eml"))
    again = uploaded(desk, "inbox.mbox", person="mia")
    assert "1 is here already" in texts(again)
    assert "it became this claim, RC-000001" in texts(again).replace("\\", "")

    again = imported(again)
    assert "1 unchanged" in texts(again)
    assert stored(desk) == ["RC-000001", "RC-000002"]


def test_a_click_that_comes_twice_imports_once(desk):
    page = imported(uploaded(desk, "plain.eml"))

    assert "mail_import" not in [button.key for button in page.button]
    assert len(store.imports(desk.store)) == 1


def test_an_answer_to_a_claim_is_offered_as_a_note_and_may_become_a_claim(desk):
    imported(uploaded(desk, "plain.eml"))
    page = uploaded(desk, "quoted_english.eml")
    assert "It answers a message of claim RC-000001" in texts(page)

    page.segmented_control(key=field("quoted_english.eml", "becomes")).set_value("claim").run()
    imported(page)
    assert stored(desk) == ["RC-000001", "RC-000002"]


def test_markup_of_a_message_stays_text(desk):
    hostile = "<img src=x onerror=alert(1)> **bold** [l](javascript:alert(1))"
    data = f"From: a@example.org\nSubject: {hostile}\nMessage-ID: <x@y>\n\norder 48213 {hostile}\n".encode()
    page = uploaded(desk, "a.eml", data=data)

    assert hostile in texts(page)
    assert not any(hostile in str(markdown.value) for markdown in page.markdown)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("claim.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "as Outlook keeps it"),
        ("claim.eml", b"claim_ref,order_ref\nA,1\n", "there is no e-mail"),
    ],
)
def test_what_is_no_mail_is_refused_in_words(desk, name, data, says):
    page = uploaded(desk, name, data=data)

    assert says in texts(page).replace("\\", "")
    assert "mail_import" not in [button.key for button in page.button]


def test_what_came_with_a_message_is_attached_to_its_claim_by_a_click(desk):
    data = (
        b"From: a@example.org\nSubject: Order 48213: number is invalid\nMessage-ID: <p@x>\n"
        b"Received: from a by b; Tue, 3 Mar 2026 09:15:04 +0000\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee the picture.\n"
    )
    for name, content in (("screen.png", saved(screen())), ("notes.txt", b"text")):
        data += f"--b\nContent-Disposition: attachment; filename={name}\nContent-Transfer-Encoding: base64\n\n".encode()
        data += base64.encodebytes(content)
    imported(uploaded(desk, "a.eml", data=data + b"--b--\n"))

    page = desk.page("claim", "ana", claim="RC-000001")
    page.session_state["claim_tab"] = "Evidence"
    page.run()
    assert "Came with the e-mail, not attached yet" in texts(page)
    first, second = [button for button in page.button if (button.key or "").startswith("attach_mail_")]
    second.click().run()
    assert "not taken as evidence" in texts(page).replace("\\", "")
    first.click().run()

    assert not page.exception
    assert [one.name for one in store.evidence_of(desk.store, 1)] == ["screen.png"]
    assert "screen.png · image/png" not in texts(page), "it is evidence now"
    facts = store.claim(desk.store, "RC-000001").facts
    assert facts["evidence_attached"] is True


def test_the_claim_tells_where_its_facts_were_found(desk):
    imported(uploaded(desk, "plain.eml"))
    page = desk.page("claim", "ana", claim="RC-000001")
    page.session_state["claim_tab"] = "Facts"
    page.run()

    assert "order_ref = 48213 (the subject: Refund for order 48213)" in texts(page)
