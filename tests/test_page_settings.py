"""The page of settings: managers change, auditors read, agents stay out; each change is checked, told and kept."""

from __future__ import annotations

import pytest
from desk_of_tests import Desk, drawn, open_desk, texts

from refundcore import store
from refundcore.deadlines import HOUR


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    for name in ("HOST", "PORT", "SECURITY", "USER", "PASSWORD", "CA"):
        monkeypatch.delenv(f"REFUND_DESK_SMTP_{name}", raising=False)
    return open_desk(tmp_path, monkeypatch)


def happened(page) -> list[tuple[str, str]]:
    return [(row["head"], row["text"]) for row in drawn(page, "history")["rows"]]


def test_a_manager_changes_the_answer_target_and_open_claims_take_it_up(desk):
    claim = desk.add(sms_code_received=None)
    page = desk.page("settings").run()
    assert not page.exception
    page.number_input(key="answer_hours").set_value(8)
    page.button(key="save_answer_hours").click().run()

    assert "The setting was changed from 24 to 8" in texts(page).replace("\\", "")
    assert happened(page) == [("Mia changed: Hours to answer a claim that waits for us", "From 24 to 8.")]
    assert desk.claim(claim.ref).act_by == claim.created_at + 8 * HOUR


def test_saving_what_is_there_changes_nothing_and_keeps_nothing(desk):
    page = desk.page("settings").run()
    page.button(key="save_follow_up_hours").click().run()
    assert "nothing was changed" in texts(page)
    assert store.setting_changes(desk.store) == []


def test_the_sender_is_checked_before_it_is_kept(desk):
    page = desk.page("settings").run()
    page.text_input(key="sender_address").set_value("not an address")
    page.button(key="save_sender_address").click().run()
    assert any("no e\\-mail address" in error.value for error in page.error)
    assert store.setting(desk.store, "sender_address") == ""

    page.text_input(key="sender_address").set_value("support@desk.example")
    page.button(key="save_sender_address").click().run()
    assert not page.error
    assert store.setting(desk.store, "sender_address") == "support@desk.example"


def test_the_server_is_named_without_its_password(desk, monkeypatch):
    assert "No mail server is set up" in texts(desk.page("settings").run())
    for name, value in {"HOST": "mail.example", "USER": "desk", "PASSWORD": "hunter22"}.items():
        monkeypatch.setenv(f"REFUND_DESK_SMTP_{name}", value)
    page = desk.page("settings").run()
    assert "Mails go out by mail.example:587 (STARTTLS, as desk)" in texts(page)
    assert "hunter22" not in str(page)
    monkeypatch.setenv("REFUND_DESK_SMTP_SECURITY", "none")
    assert any("only for a mail server on this machine" in e.value for e in desk.page("settings").run().error)


def test_a_manager_words_a_sentence_and_the_reply_says_so(desk):
    page = desk.page("settings").run()
    page.selectbox(key="wording").set_value("deny_opening").run()
    assert drawn(page, "previewed")["rows"][0]["text"] == "We cannot accept your claim."
    page.text_area(key="text_wording_deny_opening").set_value("We are sorry: we have to turn your claim down.")
    page.button(key="save_wording").click().run()

    assert drawn(page, "previewed")["rows"][0]["text"] == "We are sorry: we have to turn your claim down."
    assert happened(page)[0][0] == "Mia changed: Words of the sentence deny opening"
    claim = desk.page("claim", claim=desk.add(sms_code_received=True).ref).run()
    row = next(row for row in drawn(claim, "reply")["rows"] if row["text"].startswith("We are sorry"))
    assert (row["word"], row["when"]) == ("C4a", "desk's wording")

    page.button(key="drop_wording").click().run()
    assert store.wordings(desk.store) == {}
    assert happened(page)[0][1] == "From “We are sorry: we have to turn your claim down.” to the desk's own."


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("Until {{ nonsense }}.", "no value called"),
        ("{{ 7 * 7 }}", "no conditions"),
        ("{{ work_until }}", "never be said"),
    ],
)
def test_a_wording_that_does_not_do_is_refused_with_a_sentence(desk, words, says):
    page = desk.page("settings").run()
    page.selectbox(key="wording").set_value("deny_opening").run()
    page.text_area(key="text_wording_deny_opening").set_value(words)
    page.button(key="save_wording").click().run()
    assert any(says in error.value for error in page.error)
    assert page.text_area(key="text_wording_deny_opening").value == words
    assert store.wordings(desk.store) == {}


def test_a_limit_above_which_a_payout_needs_another_manager_is_set_and_lifted(desk):
    page = desk.page("settings").run()
    page.selectbox(key="limit_currency").set_value("EUR")
    page.text_input(key="limit").set_value("1.234")
    page.button(key="save_limit").click().run()
    assert any("more decimals" in error.value for error in page.error)

    page.text_input(key="limit").set_value("250")
    page.button(key="save_limit").click().run()
    assert store.payout_limits(desk.store) == {"EUR": 25_000}
    assert "Above 250.00 EUR" in texts(page)
    page.text_input(key="limit").set_value("")
    page.button(key="save_limit").click().run()
    assert store.payout_limits(desk.store) == {}
    assert happened(page)[0] == ("Mia changed: Largest payout by one manager in EUR", "From 250.00 EUR to none.")


def test_an_auditor_reads_and_changes_nothing(desk):
    page = desk.page("settings", "aud").run()
    assert "You may read the settings" in texts(page)
    assert all(button.disabled for button in page.button)
    assert all(field.disabled for field in [*page.number_input, *page.text_input, *page.text_area])


def test_an_agent_stays_out(desk):
    page = desk.page("settings", "ana").run()
    assert "This page is for managers and auditors" in texts(page)
    assert not page.button


def test_the_zone_is_told_with_what_a_change_of_it_would_do(desk):
    said = texts(desk.page("settings").run())
    assert "Days are counted, and times are told, in UTC." in said
    assert "It changes with an edition of the policy" in said
