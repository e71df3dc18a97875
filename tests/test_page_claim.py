"""The page of one claim: why, what to ask, the decision and its refusals, facts, and the way through the queue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk_of_tests import Desk, drawn, labels, open_desk, texts
from mail_server import mail_server

from refundcore import clock, store
from refundcore.deadlines import micros
from refundcore.desk.show import when_text
from refundcore.facts import BY_NAME


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def days_ago(days: float) -> int:
    return micros(clock.now() - timedelta(days=days))


def decide(desk, claim, outcome="approve", person="ben", **more):
    claim = desk.claim(claim.ref)
    number = desk.people[person].id
    store.decide(
        desk.store, actor=number, at=clock.now(), key=f"{outcome} {claim.ref} {claim.version}", claim=claim.id,
        version=claim.version, outcome=outcome, **more,
    )  # fmt: skip


@pytest.mark.parametrize("ref", ["RC-999999", "", "<b>x</b>"])
def test_a_claim_that_is_not_there_is_said_so(desk, ref):
    page = desk.page("claim", claim=ref).run()

    assert not page.exception
    assert "no claim" in texts(page).lower()
    assert "To the queue" in labels(page)


def test_it_says_the_verdict_in_a_sentence_and_why_clause_by_clause(desk):
    page = desk.page("claim", claim=desk.add().ref).run()

    assert not page.exception
    assert "Approved" in texts(page)
    first = drawn(page, "clauses")["rows"][0]
    assert (first["head"], first["word"], first["when"]) == ("C4a  No code arrived", "met", "decides")
    assert "paragraph 6" in first["note"]


def test_the_clause_that_bars_stands_first(desk):
    page = desk.page("claim", claim=desk.add(purchased_at=days_ago(9)).ref).run()

    assert [row["head"][:3] for row in drawn(page, "clauses")["rows"][:2]] == ["C4c", "C4d"]
    assert drawn(page, "clauses")["rows"][0]["word"] == "missed"


def test_a_running_deadline_ticks_by_the_servers_clock(desk):
    claim = desk.add(reason="major_defect", purchased_at=days_ago(4), defect_notified_at=days_ago(1))
    data = drawn(desk.page("claim", claim=claim.ref).run(), "deadlines")

    ours, hours = data["rows"][:2]
    assert hours["due"] == pytest.approx(data["now"] + 2 * 86_400, abs=60)
    assert "72 elapsed hours" in hours["note"]
    assert ours["head"] == "Act by (the desk's own target)"
    assert ours["due"] < hours["due"]


def test_what_is_missing_is_asked_with_what_each_answer_leads_to(desk):
    claim = desk.add(sms_code_received=None)
    (row,) = drawn(desk.page("claim", claim=claim.ref).run(), "missing")["rows"]

    assert row["head"] == "Code delivered?"
    assert "yes: Deny" in row["note"]
    assert "no: Approve" in row["note"]


def test_where_the_readings_split_each_is_shown(desk):
    claim = desk.add(reason="major_defect", purchased_at=days_ago(10), defect_notified_at=days_ago(1))
    rows = drawn(desk.page("claim", claim=claim.ref).run(), "readings")["rows"]

    assert [row["head"] for row in rows[:3]] == ["Strict reading", "Usual reading", "Generous reading"]
    assert "A01" in rows[3]["head"]


def test_the_verdict_is_followed_in_one_step_and_a_confirmation(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="follow").click().run()
    assert "12.50 USD will be due to the customer" in texts(page)
    page.button(key="confirm_follow").click().run()

    assert not page.exception
    after = desk.claim(claim.ref)
    assert (after.state, after.outcome, after.decision.person, after.decision.refund) == (
        "decided",
        "approved",
        "Ana",
        1250,
    )
    assert "Thank you for your message" in after.decision.reply
    assert "Approved by Ana" in texts(page)


def test_an_agent_against_the_policy_waits_for_another_persons_approval(desk):
    claim = desk.add(purchased_at=days_ago(9))
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="override").click().run()
    assert "waits for a manager's approval" in texts(page)
    page.radio(key=f"outcome_override_{claim.id}_{claim.version}").set_value("approve").run()
    page.text_area(key=f"reason_override_{claim.id}_{claim.version}").set_value("A good customer of five years").run()
    page.text_area(key=f"reply_override_{claim.id}_{claim.version}").set_value("Dear Kim, we make an exception.").run()
    page.button(key="confirm_override").click().run()

    assert desk.claim(claim.ref).state == "awaiting_approval"
    assert "Dear Kim, we make an exception." in texts(page)
    assert "A manager other than the one who asked" in texts(page)
    other = desk.page("claim", "mia", claim=claim.ref).run()
    assert "Ana wants to approve a refund of 12.50 USD" in texts(other)
    assert "A good customer of five years" in texts(other)
    other.button(key="approve").click().run()
    other.button(key="confirm_approve").click().run()
    assert (desk.claim(claim.ref).state, desk.claim(claim.ref).outcome) == ("decided", "approved")
    assert "Approved by Ana" not in texts(other)
    asked, approved = (desk.claim(claim.ref).decision.at, desk.claim(claim.ref).decision.approved_at)
    both = f"Approved: asked for by Ana, {when_text(asked)}; approved by Mia, {when_text(approved)}."
    assert both in texts(other)


def test_a_claim_that_was_asked_about_leads_to_where_the_answer_is_recorded(desk):
    claim = desk.add(sms_code_received=None)
    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert page.button(key="ask").label == "Ask for what is missing …"
    page.button(key="ask").click().run()
    assert "does not come from the customer but from the provider's log" in texts(page)
    page.multiselect[0].set_value(["sms_code_received"]).run()
    page.button(key="confirm_ask").click().run()

    assert page.button(key="ask").label == "Ask again …"
    page.button(key="step_answered").click().run()
    assert not page.exception
    form = f"step_answered_{claim.id}_{desk.claim(claim.ref).version}"
    page.segmented_control(key=f"{form}_sms_code_received").select("No").run()
    assert "Verdict: Need info → Approve" in drawn(page, f"effect_{form}")["rows"][0]["head"]
    page.button(key="confirm_answered").click().run()
    assert not page.exception
    assert (desk.claim(claim.ref).verdict, desk.claim(claim.ref).state) == ("approve", "new")


def test_a_reply_is_marked_as_a_draft_until_somebody_decided(desk):
    claim = desk.add()
    assert "Draft" in texts(desk.page("claim", claim=claim.ref).run())
    decide(desk, claim)

    assert "Draft" not in texts(desk.page("claim", claim=claim.ref).run())


def test_amounts_have_their_thousands_apart_wherever_they_are_told(desk):
    claim = desk.add(amount=1_280, currency="JPY")
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="follow").click().run()
    page.button(key="confirm_follow").click().run()

    (toast,) = page.toast
    assert toast.value.replace("\\", "") == f"Claim {claim.ref} was approved: 1,280 JPY to be refunded."
    assert "1,280 JPY to be refunded" in drawn(page, "timeline")["rows"][0]["head"]
    assert "1280 JPY" not in texts(page)


def test_after_a_decision_against_the_verdict_the_page_proposes_no_reply_that_contradicts_it(desk):
    claim = desk.add(purchased_at=days_ago(9))
    assert "We cannot accept your claim" in texts(desk.page("claim", claim=claim.ref).run())
    decide(desk, claim, reason="goodwill", person="mia")

    assert "We cannot accept your claim" not in texts(desk.page("claim", claim=claim.ref).run())


def test_the_reply_that_was_kept_with_a_decision_is_shown(desk):
    claim = desk.add()
    decide(desk, claim, reply="Dear Kim, the money is on its way.")

    assert "Dear Kim" in texts(desk.page("claim", claim=claim.ref).run())


def test_a_manager_sends_an_override_back_with_a_reason(desk):
    claim = desk.add(purchased_at=days_ago(9))
    decide(desk, claim, reason="goodwill", person="ana")
    page = desk.page("claim", "max", claim=claim.ref).run()
    page.button(key="reject").click().run()
    page.button(key="confirm_reject").click().run()
    assert "a reason is needed" in texts(page)
    version = desk.claim(claim.ref).version
    page.text_area(key=f"reason_reject_{claim.id}_{version}").set_value("Too late by two days").run()
    page.button(key="confirm_reject").click().run()

    assert desk.claim(claim.ref).state == "new"


def test_a_manager_cannot_approve_what_they_asked_for(desk):
    claim = desk.add(purchased_at=days_ago(9))
    decide(desk, claim, reason="goodwill", person="ana")
    assert {"approve", "reject"} <= {button.key for button in desk.page("claim", "mia", claim=claim.ref).run().button}
    assert "approve" not in {button.key for button in desk.page("claim", "ana", claim=claim.ref).run().button}


def test_a_decision_without_a_reason_or_an_outcome_is_asked_for_again(desk):
    claim = desk.add(purchased_at=days_ago(9))
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="override").click().run()
    page.button(key="confirm_override").click().run()
    assert "Choose a decision" in texts(page)
    page.radio(key=f"outcome_override_{claim.id}_{claim.version}").set_value("exchange").run()
    page.button(key="confirm_override").click().run()
    assert "a reason is needed" in texts(page)

    assert desk.claim(claim.ref).state == "new"


def test_asking_proposes_what_is_missing_and_the_claim_waits(desk):
    claim = desk.add(description=None)
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="ask").click().run()
    assert page.multiselect[0].value == ["description"]
    message = next(area for area in page.text_area if area.label.startswith("Message"))
    assert "Please describe what happened" in message.value
    message.set_value("Dear Kim, what happened?").run()
    page.multiselect[0].set_value(["description", "product"]).run()
    message = next(area for area in page.text_area if area.label.startswith("Message"))
    assert message.value == "Dear Kim, what happened?", "what was written stays"
    page.button(key="confirm_ask").click().run()

    assert not page.exception
    after = desk.claim(claim.ref)
    assert (after.state, after.asked_for) == ("waiting_customer", ("description", "product"))
    assert "Asked for: " in texts(page)


def test_a_dialog_closes_where_somebody_was_quicker_and_nothing_is_decided_twice(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="follow").click().run()
    decide(desk, claim, person="ben")
    page.button(key="confirm_follow").click().run()

    assert not page.exception
    assert "Approved by Ben" in texts(page)
    assert [event.kind for event in store.events(desk.store, claim.id)] == ["created", "decided"]


def test_facts_are_saved_together_and_the_claim_is_judged_again(desk):
    claim = desk.add(sms_code_received=None)
    page = desk.page("claim", "ana", claim=claim.ref)
    page.session_state["claim_tab"] = "Facts"
    page.run()
    form = f"facts_{claim.id}_{claim.version}"
    page.segmented_control(key=f"{form}_sms_code_received").select("No")
    page.text_input(key=f"{form}_purchased_at").set_value("2026-11-20")
    page.button(f"FormSubmitter:{form}-Save the facts").click().run()
    assert desk.claim(claim.ref).version == claim.version, "first the page says what it will do"
    assert "Verdict: Need info → Approve" in drawn(page, f"effect_{form}")["rows"][0]["head"]
    page.button(key="confirm_facts").click().run()

    assert not page.exception
    after = desk.claim(claim.ref)
    assert after.facts["sms_code_received"] is False
    assert after.facts["purchased_at_latest"] - after.facts["purchased_at"] == 86_400_000_000 - 1
    assert after.verdict != "need_info"


def test_a_field_that_cannot_be_read_is_said_at_the_field_and_nothing_is_saved(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref)
    page.session_state["claim_tab"] = "Facts"
    page.run()
    form = f"facts_{claim.id}_{claim.version}"
    page.text_input(key=f"{form}_purchased_at").set_value("last week")
    page.button(f"FormSubmitter:{form}-Save the facts").click().run()

    assert "'last week' is not a date" in texts(page).replace("\\", "")
    assert "1 field cannot be read" in texts(page)
    assert desk.claim(claim.ref).version == claim.version


def test_saving_nothing_changed_says_so(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref)
    page.session_state["claim_tab"] = "Facts"
    page.run()
    page.button(f"FormSubmitter:facts_{claim.id}_{claim.version}-Save the facts").click().run()

    assert "Nothing was changed" in texts(page)
    assert desk.claim(claim.ref).version == claim.version


def test_assigning_to_oneself_is_one_click(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="assign_me").click().run()

    assert desk.claim(claim.ref).assignee == "Ana"
    assert "assign_me" not in {button.key for button in page.button}


def test_a_note_stands_in_the_timeline(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.chat_input[0].set_value("The customer called <b>twice</b>").run()

    assert "The customer called <b>twice</b>" in drawn(page, "timeline")["rows"][0]["head"]


def test_a_decided_claim_is_reopened_with_a_reason(desk):
    claim = desk.add()
    decide(desk, claim)
    page = desk.page("claim", "mia", claim=claim.ref).run()
    page.button(key="reopen").click().run()
    version = desk.claim(claim.ref).version
    page.text_area(key=f"reason_reopen_{claim.id}_{version}").set_value("The code came after all").run()
    page.button(key="confirm_reopen").click().run()

    assert desk.claim(claim.ref).state == "new"


def test_a_decided_claim_is_closed(desk):
    claim = desk.add()
    decide(desk, claim)
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="close").click().run()

    assert desk.claim(claim.ref).state == "closed"


def test_next_and_previous_stay_within_the_queues_filter(desk):
    first, late, second = desk.add(), desk.add(purchased_at=days_ago(9)), desk.add()
    page = desk.page("claim", claim=first.ref, view="verdict=Approve").run()
    page.button(key="next").click().run()

    assert page.query_params["claim"] == second.ref
    assert page.query_params["view"] == "verdict=Approve"
    assert page.button(key="next").disabled
    assert late.ref not in texts(page)


def test_a_dialog_left_open_does_not_come_up_again_on_return(desk):
    page = desk.app(claim=desk.add().ref).run()
    page.switch_page("pages/claim.py").run()
    page.button(key="follow").click().run()
    assert "confirm_follow" in {button.key for button in page.button}
    page.switch_page("pages/queue.py").run()
    page.switch_page("pages/claim.py").run()

    assert "confirm_follow" not in {button.key for button in page.button}


def test_after_a_decision_the_next_claim_is_one_key_away(desk):
    first, second = desk.add(), desk.add()
    page = desk.page("claim", "ana", claim=first.ref).run()
    page.button(key="follow").click().run()
    page.button(key="confirm_follow").click().run()
    page.button(key="next").click().run()

    assert page.query_params["claim"] == second.ref


def test_back_in_the_queue_the_filter_is_as_it_was(desk):
    claim = desk.add()
    page = desk.app(verdict="Approve").run()
    page.session_state["claims"] = {"opened": claim.ref}
    page.run()
    page.button(key="back").click().run()

    assert not page.exception
    assert page.selectbox(key="verdict").value == "Approve"


def test_other_claims_of_the_order_and_the_customer_are_shown(desk):
    claim = desk.add(order_ref="ORD-9", customer_email="a@example.com")
    same_order = desk.add(order_ref="ORD-9", item_ref="2", customer_email="b@example.com")
    same_customer = desk.add(customer_email="a@example.com")
    page = desk.page("claim", claim=claim.ref).run()
    rows = {row["head"]: row["note"] for row in drawn(page, "related")["rows"]}
    assert rows == {same_order.ref: "same order", same_customer.ref: "same customer"}
    page.session_state["related"] = {"opened": same_order.ref}
    page.run()

    assert page.query_params["claim"] == same_order.ref


def test_an_auditor_reads_everything_and_changes_nothing(desk):
    page = desk.page("claim", "aud", claim=desk.add().ref)
    page.session_state["claim_tab"] = "Facts"
    page.run()

    assert not page.exception
    assert {button.key for button in page.button} == {"back", "previous", "next"}
    assert not page.text_input
    assert not page.chat_input
    assert "Thank you for your message" in texts(page)


def test_what_the_customer_wrote_is_plain_text_everywhere(desk):
    nasty = "<img src=x onerror=alert(1)> [x](http://e.example) :red[y] **bold** and some more words"
    claim = desk.add(description=nasty, product=nasty, order_ref="[o](http://e.example)", claim_ref="*RC* :red[1]")
    page = desk.page("claim", claim=claim.ref).run()

    assert not page.exception
    assert {"name": "The customer's grounds", "value": nasty, "wide": True, "unknown": False} in drawn(page, "summary")[
        "pairs"
    ]
    markdown = "\n".join(str(element.value) for kind in ("title", "markdown") for element in page.get(kind))
    assert "[x](http" not in markdown
    assert "[o](http" not in markdown
    assert ":red[1]" not in markdown


def test_a_claim_that_fits_another_reason_says_so_and_what_would_change_the_verdict(desk):
    claim = desk.add(sms_code_received=True, purchased_at=days_ago(2))
    page = desk.page("claim", claim=claim.ref).run()
    assert "The same facts fit “invalid number” better" in texts(page)

    page.session_state["turning"] = True
    page.run()
    assert not page.exception
    assert "If “code delivered” were no." in [row["head"] for row in drawn(page, "turns")["rows"]]


# ---- The reply


def reply_rows(page):
    return [(row["text"], row["word"], row["note"]) for row in drawn(page, "reply")["rows"]]


def name_sender(desk):
    mia = desk.people["mia"].id
    store.set_setting(desk.store, actor=mia, at=clock.now(), name="sender_address", value="support@desk.example")


def test_each_sentence_of_the_reply_names_its_clause_and_its_facts(desk):
    page = desk.page("claim", claim=desk.add(purchased_at=days_ago(9)).ref).run()

    assert ("We cannot accept your claim.", "C4c", "") in reply_rows(page)
    late = next(row for row in reply_rows(page) if row[0].startswith("It reached us on"))
    assert late[1:] == ("C4c", ", ".join(BY_NAME[name].label for name in ("submitted_at", "purchased_at")))


def test_what_an_agent_changes_is_marked_as_their_own_and_kept_so(desk):
    claim = desk.add(sms_code_received=None)
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="change_reply").click().run()
    area = page.text_area(key=f"text_reply_{claim.id}_{claim.version}_ask")
    area.set_value(area.value.replace("Hello,", "Dear Kim,"))
    page.button(key="use_words").click().run()
    rows = reply_rows(page)
    assert rows[0][:2] == ("Dear Kim,", "own words")
    assert ("Hello,", "left out", "") in rows

    page.button(key="keep_reply").click().run()
    event = store.events(desk.store, claim.id)[-1]
    assert (event.kind, event.body["grounds"][0]["own"], event.body["grounds"][1]["own"]) == ("replied", True, False)
    assert event.body["reply"].startswith("Dear Kim,")
    assert "Sent to customer1" in texts(page)


def test_a_reply_that_tells_of_a_decision_waits_for_the_decision(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert page.button(key="send").disabled
    assert page.button(key="keep_reply").disabled
    decide(desk, claim)
    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert not page.button(key="send").disabled
    assert not page.selectbox(key="to_assign_1_2").disabled
    assert any("You get 12.50 USD back" in row[0] for row in reply_rows(page))


def test_a_decision_against_the_verdict_gets_a_reply_that_says_what_was_decided_and_no_more(desk):
    claim = desk.add(purchased_at=days_ago(9))
    decide(desk, claim, reason="goodwill", person="mia")
    rows = reply_rows(desk.page("claim", claim=claim.ref).run())

    assert ("We have accepted your claim.", "", "") in rows
    assert any(row[0].startswith("You get 12.50 USD back") for row in rows)
    assert not any("paragraph" in row[0] for row in rows)


def test_a_reply_is_mailed_from_the_page_and_told_as_sent(desk, monkeypatch):
    name_sender(desk)
    claim = desk.add(sms_code_received=None)
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="send").click().run()
    assert "No mail server is set up for this desk" in texts(page)
    with mail_server() as inbox:
        for name, value in inbox.environment().items():
            monkeypatch.setenv(name, value)
        page.run()
        page.button(key="confirm_send").click().run()
        (mail,) = inbox.mails()
    assert not page.exception
    assert mail["To"] == "customer1@example.com"
    assert "Sent to customer1" in texts(page)
    assert [event.kind for event in store.events(desk.store, claim.id)] == ["created", "reply_begun", "reply_sent"]


def test_a_mail_that_did_not_leave_is_told_where_it_was_pressed(desk, monkeypatch):
    name_sender(desk)
    claim = desk.add(sms_code_received=None)
    with mail_server() as inbox:
        inbox.refuses = "554 not today"
        for name, value in inbox.environment().items():
            monkeypatch.setenv(name, value)
        page = desk.page("claim", "ana", claim=claim.ref).run()
        page.button(key="send").click().run()
        page.button(key="confirm_send").click().run()
    assert any("554 not today" in error.value for error in page.error)


def test_an_auditor_reads_the_reply_and_sends_nothing(desk):
    page = desk.page("claim", "aud", claim=desk.add().ref).run()
    assert reply_rows(page)
    assert not {"Send …", "Record as sent"} & set(labels(page))
