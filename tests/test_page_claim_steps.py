"""The claim's page while several people work on it: steps, taking back, clocks and their ledger, stale forms."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk_of_tests import Desk, drawn, labels, open_desk, texts

from refundcore import clock, replies, store
from refundcore.deadlines import micros
from refundcore.desk import context
from refundcore.desk.verdicts import one_claim


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def ago(**length: float) -> int:
    return micros(clock.now() - timedelta(**length))


def defect(desk, **facts):
    given = {"reason": "major_defect", "sms_code_received": None, "defect_notified_at": ago(hours=10)}
    return desk.add(**{**given, "submitted_at": ago(hours=10), **facts})


def act(desk, what, claim, person="ben", **given):
    now = desk.claim(claim.ref)
    name = f"{what.__name__} {claim.ref} {now.version}"
    number = desk.people[person].id
    return what(desk.store, actor=number, at=clock.now(), key=name, claim=now.id, version=now.version, **given)


def opened(desk, claim, label, person="ana"):
    """The page with the dialog of a step, and the name of its form."""
    page = desk.page("claim", person, claim=claim.ref).run()
    page.menu_button(key="record_step").click(label).run()
    assert not page.exception
    step = next(step.name for step in store.STEPS.values() if step.label == label)
    return page, f"step_{step}_{claim.id}_{claim.version}"


def heads(page, key):
    return [row["head"] for row in drawn(page, key)["rows"]]


STEPS = [
    ("Access was asked for", {}, {}, "waiting_customer"),
    ("Access was given", {"access_needed": True, "access_requested_at": 6}, {}, "waiting_technician"),
    ("Access was refused", {"access_needed": True, "access_requested_at": 6}, {"words": "Never"}, "new"),
    ("Defect confirmed", {}, {}, "waiting_technician"),
    ("No defect found", {}, {"words": "Works as it should"}, "new"),
    ("Defect put right", {}, {"words": "A new driver"}, "new"),
    ("Late fix accepted", {"defect_notified_at": 90, "submitted_at": 90, "defect_fixed_at": 2, "purchased_at": 99},
     {"words": "Fine"}, "new"),
    ("Offer a replacement", {}, {"words": "The yearly panel", "price": "13.00"}, "waiting_customer"),
    ("The customer's choice", {}, {"choice": "replacement"}, "waiting_technician"),
    ("Claim withdrawn", {}, {"words": "It works now"}, "closed"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "facts", "filled", "state"), STEPS, ids=[row[0] for row in STEPS])
def test_each_step_is_recorded_from_the_menu_after_it_was_seen_what_it_does(desk, label, facts, filled, state):
    given = {name: ago(hours=value) if isinstance(value, int) and value is not True else value
             for name, value in facts.items()}  # fmt: skip
    claim = defect(desk, **given)
    page, form = opened(desk, claim, label)
    if "words" in filled:
        page.text_area(key=f"words_{form}").set_value(filled["words"]).run()
    if "price" in filled:
        page.text_input(key=f"price_{form}").set_value(filled["price"]).run()
    if "choice" in filled:
        page.radio(key=f"choice_{form}").set_value(filled["choice"]).run()
    if label != "Claim withdrawn":
        assert "erdict" in heads(page, f"effect_{form}")[0]
    page.button(key=f"confirm_{form.removeprefix('step_').rsplit('_', 2)[0]}").click().run()

    assert not page.exception
    after = desk.claim(claim.ref)
    assert (after.version, after.state) == (claim.version + 1, state)


def test_the_effect_of_asking_for_access_names_the_clock_that_stands_still(desk):
    claim = defect(desk)
    page, form = opened(desk, claim, "Access was asked for")

    assert "The verdict stays: Pending" in heads(page, f"effect_{form}")
    assert any("the clock stands still" in head for head in heads(page, f"effect_{form}"))


@pytest.mark.parametrize(
    ("label", "filled", "why"),
    [
        ("No defect found", {}, "“What the technicians say” is needed."),
        ("Offer a replacement", {"price": "20.00"}, "about the same value: between 11.25 USD and 13.75 USD"),
        ("Offer a replacement", {"price": "1.2.3"}, "1.2.3"),
        ("Defect put right", {"moment": "tomorrow or so"}, "'tomorrow or so' is not a date"),
        ("Defect put right", {"moment": "2020-01-01 10:00"}, "before the notice"),
    ],
)  # fmt: skip
def test_what_is_missing_or_cannot_have_been_is_said_in_the_dialog_and_nothing_is_recorded(desk, label, filled, why):
    claim = defect(desk)
    page, form = opened(desk, claim, label)
    if "price" in filled:
        page.text_area(key=f"words_{form}").set_value("The yearly panel").run()
        page.text_input(key=f"price_{form}").set_value(filled["price"]).run()
    if "moment" in filled:
        page.text_input(key=f"{form}_defect_fixed_at").set_value(filled["moment"]).run()
    page.button(key=f"confirm_{form.removeprefix('step_').rsplit('_', 2)[0]}").click().run()

    assert why in texts(page).replace("\\", "")
    assert desk.claim(claim.ref).version == claim.version


def test_a_message_asks_for_what_was_chosen_and_for_nothing_else(desk):
    claim = desk.add(reason="invalid_number", sms_code_received=True, evidence_attached=False)
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="ask").click().run()
    page.multiselect[0].set_value(["product"]).run()
    message = next(area.value for area in page.text_area if area.label.startswith("Message"))
    assert "- Product?" in message
    assert "evidence" not in message


def test_a_withdrawn_claim_says_so_and_tells_the_customer_that_it_is_closed(desk):
    claim = desk.add()
    act(desk, store.take_step, claim, step="withdrawn", given=store.Given("It works now"))
    page = desk.page("claim", "ana", claim=claim.ref).run()

    assert "Withdrawn by the customer: nothing is due." in texts(page)
    assert "Ben recorded that the customer withdrew the claim: “It works now”." in texts(page)
    assert "As you asked, we have closed your claim" in texts(page)
    assert "is due" not in texts(page).replace("nothing is due", "")


def test_a_customer_who_was_offered_a_replacement_is_asked_to_choose(desk):
    given = {"defect_notified_at": ago(hours=90), "submitted_at": ago(hours=90), "purchased_at": ago(hours=99)}
    claim = defect(desk, defect_approved=True, **given)
    act(desk, store.take_step, claim, step="replacement_offered", given=store.Given("The yearly panel", price=1300))
    page = desk.page("claim", "ana", claim=claim.ref).run()

    assert "Record the customer's choice …" in labels(page)
    assert "Would you like your money back, or the replacement that we offered?" in texts(page)


def test_only_steps_that_fit_stand_in_the_menu_and_an_auditor_has_none(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert list(page.menu_button(key="record_step").options) == ["Claim withdrawn"]
    assert not desk.page("claim", "aud", claim=claim.ref).run().menu_button


def test_ones_own_last_act_is_undone_with_a_click_and_not_anothers(desk):
    claim = desk.add()
    act(desk, store.decide, claim, "ana", outcome="approve")
    assert "Undo" not in labels(desk.page("claim", "ben", claim=claim.ref).run())
    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert "You approved this claim." in texts(page).replace("\\", "")
    page.button(key="undo").click().run()

    assert not page.exception
    after = desk.claim(claim.ref)
    assert (after.state, after.decision) == ("new", None)
    assert "Undo" not in labels(page)


def test_the_ledger_says_what_started_stopped_and_moved_each_clock_and_what_was_told(desk):
    claim = defect(desk)
    reply = replies.compose(one_claim(claim.facts), context.policy(), context.now_us(), "wait", ref=claim.ref)
    act(desk, replies.keep, claim, ref=claim.ref, to="kim@example.com", reply=reply)
    moment = (ago(hours=6), ago(hours=6))
    act(desk, store.take_step, claim, step="access_requested", given=store.Given("to look", moment))
    moment = (ago(hours=1), ago(hours=1))
    act(desk, store.take_step, claim, step="access_granted", given=store.Given("here", moment))
    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert any(head.startswith("Told to the customer") for head in heads(page, "deadlines"))
    page.session_state["ledger"] = True
    page.run()

    rows = drawn(page, "ledger_lines")["rows"][::-1]
    assert [(row["head"], row["word"]) for row in rows] == [
        ("In time from the order (C8b)", "started"),
        ("Listed reasons, in time (C3)", "started"),
        ("Time to put it right (C6b)", "started"),
        ("Time to put it right (C6b)", "told"),
        ("Time to put it right (C6b)", "stands still"),
        ("Access is waited for, then a person looks (C6f)", "started"),
        ("Access is waited for, then a person looks (C6f)", "ended"),
        ("Time to put it right (C6b)", "later"),
    ]
    assert "Ben recorded that access was asked for: " in rows[4]["note"]
    assert "“to look”" in rows[4]["note"]


def test_a_deadline_that_was_told_and_would_get_worse_is_shown_with_both_values_before_and_after(desk):
    claim = desk.add(reason="invalid_number", sms_code_received=True, evidence_attached=False)
    reply = replies.compose(one_claim(claim.facts), context.policy(), context.now_us(), "ask", ref=claim.ref)
    act(desk, replies.keep, claim, ref=claim.ref, to="kim@example.com", reply=reply)
    claim = desk.claim(claim.ref)
    page = desk.page("claim", "ana", claim=claim.ref)
    page.session_state["claim_tab"] = "Facts"
    page.run()
    form = f"facts_{claim.id}_{claim.version}"
    page.text_input(key=f"{form}_purchased_at").set_value(f"{clock.now() - timedelta(days=6):%Y-%m-%d}")
    page.button(f"FormSubmitter:{form}-Save the facts").click().run()
    (verdict, *_) = drawn(page, f"effect_{form}")["rows"]
    assert verdict["head"] == "Verdict: Need info → Review"
    assert "we told the customer that evidence can be sent until" in verdict["text"]
    page.button(key="confirm_facts").click().run()

    assert "we told the customer that evidence can be sent until" in texts(page).replace("\\", "")
    assert desk.claim(claim.ref).verdict == "review"


def test_who_else_has_the_claim_open_is_shown(desk):
    claim = desk.add()
    desk.page("claim", "ben", claim=claim.ref).run()
    page = desk.page("claim", "ana", claim=claim.ref).run()
    assert "Ben has this claim open too" in texts(page)
    desk.page("claim", "mia", claim=claim.ref).run()
    assert "Ben and Mia have this claim open too." in texts(page.run()).replace("\\", "")


def test_whoever_goes_on_to_another_claim_is_no_longer_shown_at_this_one(desk):
    first, second = desk.add(), desk.add()
    away = desk.page("claim", "ben", claim=first.ref).run()
    away.query_params["claim"] = second.ref
    away.run()
    assert "Ben has" not in texts(desk.page("claim", "ana", claim=first.ref).run())
    assert "Ben has this claim open too" in texts(desk.page("claim", "ana", claim=second.ref).run())


def test_a_stale_form_of_facts_shows_what_changed_and_keeps_what_was_typed(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref)
    page.session_state["claim_tab"] = "Facts"
    page.run()
    form = f"facts_{claim.id}_{claim.version}"
    page.text_input(key=f"{form}_product").set_value("The yearly panel")
    act(desk, store.set_facts, claim, changes={"item_ref": "+4799"})
    page.button(f"FormSubmitter:{form}-Save the facts").click().run()

    assert "Ben changed Item" in texts(page)
    assert desk.claim(claim.ref).facts["product"] is None
    page.button(key=f"reload_{form}").click().run()
    assert not page.exception
    again = f"facts_{claim.id}_{desk.claim(claim.ref).version}"
    assert page.text_input(key=f"{again}_product").value == "The yearly panel"
    assert page.text_input(key=f"{again}_item_ref").value == "+4799"
    page.button(f"FormSubmitter:{again}-Save the facts").click().run()
    facts = desk.claim(claim.ref).facts
    assert (facts["product"], facts["item_ref"]) == ("The yearly panel", "+4799")


def test_a_colleagues_note_does_not_make_the_facts_stale(desk):
    claim = desk.add()
    page = desk.page("claim", "ana", claim=claim.ref)
    page.session_state["claim_tab"] = "Facts"
    page.run()
    form = f"facts_{claim.id}_{claim.version}"
    page.text_input(key=f"{form}_product").set_value("The yearly panel")
    act(desk, store.note, claim, text="I look at it")
    page.button(f"FormSubmitter:{form}-Save the facts").click().run()

    assert desk.claim(claim.ref).facts["product"] == "The yearly panel"


def test_an_ask_names_a_day_that_stands_in_the_message_and_on_the_page(desk):
    claim = desk.add(reason="invalid_number", sms_code_received=True, evidence_attached=False)
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="ask").click().run()
    form = f"ask_{claim.id}_{claim.version}"
    assert page.multiselect(key=f"asked_customer_{form}").value == ["evidence_attached"]
    day = (clock.now() + timedelta(days=1)).date()
    page.date_input(key=f"until_{form}").set_value(day).run()
    message = next(area.value for area in page.text_area if area.label.startswith("Message"))
    assert f"Please answer by the end of {day.day} {day:%B %Y} (UTC)." in message
    page.button(key="confirm_ask").click().run()

    assert f"Asked for by {day.day} {day:%b %Y}, 23:59 UTC: " in texts(page)
    assert desk.claim(claim.ref).asked_until == desk.claim(claim.ref).act_by


def test_before_reopening_it_says_what_the_policy_makes_of_the_claim_now(desk):
    claim = desk.add()
    act(desk, store.decide, claim, "mia", outcome="approve")
    page = desk.page("claim", "ana", claim=claim.ref).run()
    page.button(key="reopen").click().run()
    now = desk.claim(claim.ref)

    assert drawn(page, f"effect_reopen_{now.id}_{now.version}")["rows"][0]["word"] == "Approve"
