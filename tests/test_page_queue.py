"""The queue's page: what it shows, how it narrows down, what it hands out, and who may act."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desk_of_tests import Desk, drawn, labels, open_desk, shown_refs, texts

from refundcore import accounts, clock, gate_flag, store
from refundcore.deadlines import micros
from refundcore.desk import bulk, show
from refundcore.store import sentences


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def test_an_empty_desk_says_what_to_do_next(desk):
    page = desk.page("queue").run()

    assert not page.exception
    assert "No claims yet" in texts(page)
    assert {"Load the sample", "Upload a file", "Enter a claim"} <= set(labels(page))


def test_the_sample_is_an_import_like_any_other(desk):
    page = desk.page("queue", "ana").run()
    page.button(key="load_sample").click().run()

    assert not page.exception
    (record,) = store.imports(desk.store)
    assert record.status == "finished"
    assert record.balance.created > 40
    assert len(drawn(page, "claims")["rows"]) == min(50, store.queue_figures(desk.store, person=1, at=clock.now()).open)


def test_claims_stand_in_the_order_in_which_they_are_due(desk):
    late, soon = (
        desk.add(),
        desk.add(
            reason="major_defect",
            purchased_at=micros(clock.now() - timedelta(days=4)),
            defect_notified_at=micros(clock.now() - timedelta(hours=70)),
        ),
    )

    assert shown_refs(desk.page("queue").run()) == [soon.ref, late.ref]


def test_a_row_tells_the_verdict_in_words(desk):
    desk.add()
    (row,) = drawn(desk.page("queue").run(), "claims")["rows"]

    assert (row["verdict"], row["verdictDetail"], row["amount"]) == ("Approve", "C4a", "12.50 USD")
    assert (row["dueWhat"], row["state"], row["reason"]) == ("our answer", "Open", "SMS not received")


def test_what_a_customer_wrote_reaches_the_table_as_it_is_and_no_markdown(desk):
    nasty = "<img src=x onerror=alert(1)> [x](http://e.example) :red[y]"
    desk.add(product=nasty)
    page = desk.page("queue").run()

    assert drawn(page, "claims")["rows"][0]["product"] == nasty
    assert nasty not in texts(page)


ADDRESSES = [
    ({"verdict": "Deny"}, ["late"]),
    ({"verdict": "Approve"}, ["good", "mine"]),
    ({"reason": "Major defect"}, []),
    ({"assignee": "Me"}, ["mine"]),
    ({"assignee": "Nobody"}, ["good", "late"]),
    ({"assignee": "Ben"}, []),
    ({"text": "ORD-77"}, ["good"]),
    ({"text": "somebody@"}, ["late"]),
    ({"state": "Decided"}, []),
    ({"state": "Waiting for us", "verdict": "Deny", "assignee": "Nobody"}, ["late"]),
    ({"verdict": "Nonsense"}, ["good", "late", "mine"]),
    ({"verdict": "deny"}, ["late"]),
    ({"verdict": "APPROVE", "assignee": "me"}, ["mine"]),
    ({"state": "us", "reason": "sms_not_received"}, ["good", "late", "mine"]),
]


@pytest.mark.parametrize(("address", "found"), ADDRESSES, ids=str)
def test_the_filter_stands_in_the_address(desk, address, found):
    desk.add(claim_ref="good", order_ref="ORD-77")
    desk.add(
        claim_ref="late", customer_email="somebody@example.com", purchased_at=micros(clock.now() - timedelta(days=9))
    )
    mine = desk.add(claim_ref="mine")
    store.assign(
        desk.store, actor=1, at=clock.now(), key="a", claim=mine.id, version=mine.version, to=desk.people["mia"].id
    )
    page = desk.page("queue", **address).run()

    assert not page.exception
    assert (sorted(shown_refs(page)) if page.get("bidi_component")[1:] else []) == found


def test_a_filter_that_finds_nothing_can_be_cleared(desk):
    claim = desk.add()
    page = desk.page("queue", verdict="Deny", imported="7").run()
    assert "No claim fits this filter" in texts(page)
    page.button(key="clear_filter").click().run()

    assert shown_refs(page) == [claim.ref]


def test_a_figure_narrows_the_queue_and_widens_it_again(desk):
    desk.add()
    page = desk.page("queue").run()
    assert page.button(key="figure_us").label == "**1** waiting for us"
    page.button(key="figure_mine").click().run()
    assert page.selectbox(key="assignee").value == "Me"
    page.button(key="figure_mine").click().run()

    assert page.selectbox(key="assignee").value == "Anybody"


def test_pages_of_fifty_follow_each_other(desk):
    for _ in range(53):
        desk.add()
    page = desk.page("queue").run()
    first = shown_refs(page)
    page.button(key="next_page").click().run()
    second = shown_refs(page)
    page.button(key="previous_page").click().run()

    assert (len(first), len(second)) == (50, 3)
    assert not set(first) & set(second)
    assert shown_refs(page) == first


def test_the_next_claim_is_never_handed_to_two(desk):
    desk.add(), desk.add()
    taken = []
    for person in ("ana", "ben"):
        page = desk.app(person).run()
        page.button(key="take").click().run()
        assert not page.exception
        taken.append(page.query_params["claim"])

    assert len(set(taken)) == 2
    assert [desk.claim(ref).assignee for ref in taken] == ["Ana", "Ben"]


def test_with_nothing_left_to_take_the_queue_says_so(desk):
    page = desk.page("queue", "ana").run()
    page.button(key="take").click().run()

    assert "Nothing to take" in texts(page)


def test_opening_a_row_leads_to_its_claim_with_the_filter(desk):
    claim = desk.add()
    page = desk.app(verdict="Approve").run()
    page.session_state["claims"] = {"opened": claim.ref}
    page.run()

    assert not page.exception
    assert page.query_params["claim"] == claim.ref
    assert page.query_params["view"] == "verdict=Approve"
    assert claim.ref.replace("-", "\\-") in [title.value for title in page.title]


def select(page, *claims):
    page.session_state["claims"] = {"selected": {"round": 0, "ids": [str(claim.id) for claim in claims]}}
    page.run()


def test_several_claims_are_assigned_at_once(desk):
    claims = [desk.add(), desk.add(), desk.add()]
    page = desk.page("queue", "ana").run()
    select(page, *claims[:2])
    page.button(key="bulk_selected").click().run()
    page.selectbox(key="bulk_to").select(desk.people["ben"].id).run()
    page.button(key="bulk_assign").click().run()

    assert not page.exception
    assert [desk.claim(claim.ref).assignee for claim in claims] == ["Ben", "Ben", ""]


def test_claims_that_left_the_page_are_not_acted_on_any_more(desk):
    gone, stays = desk.add(), desk.add()
    page = desk.page("queue", "ana").run()
    select(page, gone, stays)
    store.decide(
        desk.store,
        actor=desk.people["ben"].id,
        at=clock.now(),
        key="d",
        claim=gone.id,
        version=gone.version,
        outcome="approve",
    )
    page.run()

    assert "Act on 1 selected claim" in labels(page)


def test_a_bulk_decision_says_what_it_will_not_do_and_leaves_that(desk):
    good = desk.add()
    late = desk.add(purchased_at=micros(clock.now() - timedelta(days=9)))
    page = desk.page("queue", "ana").run()
    page.button(key="bulk_all").click().run()
    page.segmented_control(key="bulk_what").select("Decide").run()

    assert "1 claim will be approved" in texts(page)
    assert "1 claim will be left as it is" in texts(page)
    assert "12.50 USD" in texts(page)
    page.button(key="bulk_decide").click().run()
    assert not page.exception
    assert (desk.claim(good.ref).state, desk.claim(late.ref).state) == ("decided", "new")


def test_a_bulk_decision_is_held_to_what_was_shown_when_it_was_pressed(desk):
    shown = desk.add()
    page = desk.page("queue", "ana").run()
    page.button(key="bulk_all").click().run()
    page.segmented_control(key="bulk_what").select("Decide").run()
    assert "Approve 1 claim" in labels(page)
    late = desk.add()
    page.button(key="bulk_decide").click().run()

    assert not page.exception
    assert "1 claim changed or came in since you looked" in texts(page).replace("\\", "")
    assert [desk.claim(claim.ref).state for claim in (shown, late)] == ["new", "new"]
    assert "Approve 2 claims" in labels(page)
    page.button(key="bulk_decide").click().run()
    assert [desk.claim(claim.ref).state for claim in (shown, late)] == ["decided", "decided"]


def test_a_preview_is_not_made_again_while_nothing_changes(desk, monkeypatch):
    desk.add()
    made = []
    real = bulk.preview_decide_many
    monkeypatch.setattr(bulk, "preview_decide_many", lambda *given, **more: made.append(1) or real(*given, **more))
    monkeypatch.setattr(bulk, "_MINUTE", 10**18)
    page = desk.page("queue", "ana").run()
    page.button(key="bulk_all").click().run()
    for outcome in ("approve", "deny", "approve"):
        page.segmented_control(key="bulk_what").select("Decide").run()
        page.segmented_control(key="bulk_outcome").select(outcome).run()
    assert len(made) == 2
    desk.add()
    page.run()

    assert len(made) == 3
    assert "2 claims will be approved" in texts(page)


def test_assigning_all_of_a_filter_says_whose_claims_are_taken(desk):
    mine, bens, nobodys = desk.add(), desk.add(), desk.add()
    for claim, name in ((mine, "ana"), (bens, "ben")):
        number = desk.people[name].id
        given = {"actor": number, "at": clock.now(), "key": claim.ref, "version": 1}
        store.assign(desk.store, claim=claim.id, to=number, **given)
    page = desk.page("queue", "ana").run()
    page.button(key="bulk_all").click().run()

    assert "Whose they are now: 1 nobody's, 1 yours, 1 Ben's." in texts(page)
    assert "1 claim is taken from colleagues" in texts(page)
    page.segmented_control(key="bulk_what").select("Note").run()
    assert "Whose they are now: 1 nobody's, 1 yours, 1 Ben's." in texts(page)
    assert "Add the note to 3 claims" in labels(page)
    page.button(key="bulk_add_note").click().run()
    assert "Write the note first" in texts(page)
    page.text_area(key="bulk_note").input("Called the provider").run()
    page.button(key="bulk_add_note").click().run()
    assert [store.events(desk.store, claim.id)[-1].kind for claim in (mine, bens, nobodys)] == ["noted"] * 3


def test_an_act_on_many_that_was_cut_off_is_told(desk):
    desk.add()
    page = desk.page("queue", "ana").run()
    page.session_state["bulk_under_way"] = (400, 1200)
    page.run()

    assert "cut off after 400 of 1,200 claims" in texts(page)
    page.run()
    assert "cut off" not in texts(page)


def test_the_store_and_the_pages_call_verdicts_the_same():
    assert {code: word.label for code, word in show.VERDICTS.items()} == dict(sentences.VERDICTS)


def test_managers_are_told_of_approvals_that_wait(desk):
    claim = desk.add()
    given = {"actor": desk.people["ana"].id, "at": clock.now(), "key": "o", "claim": claim.id, "version": 1}
    store.decide(desk.store, outcome="deny", reason="seen before", **given)
    desk.add()
    page = desk.page("queue", "mia").run()

    assert page.button(key="figure_approval").label == "**1** awaiting approval"
    page.button(key="figure_approval").click().run()
    assert shown_refs(page) == [claim.ref]
    assert "figure_approval" not in {button.key for button in desk.page("queue", "ana").run().button}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"sms_code_received": None}, "Code delivered?"),
        ({"description": "no code"}, "Detailed grounds"),
    ],
)
def test_a_row_that_needs_information_says_in_words_what_is_missing(desk, facts, said):
    desk.add(**facts)
    (row,) = drawn(desk.page("queue").run(), "claims")["rows"]

    assert (row["verdict"], row["verdictDetail"]) == ("Need info", said)


def test_a_word_of_the_address_that_means_nothing_is_said_so(desk):
    desk.add()
    page = desk.page("queue", verdict="Nonsense").run()

    assert "asks for the verdict “Nonsense”, which there is not" in texts(page)


def test_a_filter_in_other_letters_can_be_changed_again(desk):
    claim = desk.add()
    page = desk.page("queue", verdict="deny").run()
    assert page.selectbox(key="verdict").value == "Deny"
    page.selectbox(key="verdict").select("Any verdict").run()

    assert shown_refs(page) == [claim.ref]


def test_an_auditor_sees_the_queue_and_nothing_to_change(desk):
    claim = desk.add()
    page = desk.page("queue", "aud").run()

    assert shown_refs(page) == [claim.ref]
    assert not drawn(page, "claims")["selectable"]
    assert not {"take", "bulk_selected", "bulk_all"} & {button.key for button in page.button}


def test_an_auditor_of_an_empty_desk_is_offered_nothing_to_load(desk):
    page = desk.page("queue", "aud").run()

    assert "No claims yet" in texts(page)
    assert "Load the sample" not in labels(page)


@pytest.mark.parametrize("user", [{}, {"person": "999"}, {"person": "1 OR 1=1"}], ids=["nobody", "unknown", "nonsense"])
def test_without_a_person_the_page_stops(desk, user):
    desk.add()
    page = desk.page("queue")
    page.user = user
    page.run()

    assert "You are signed out" in texts(page)
    assert not page.get("bidi_component")


def test_a_person_who_was_disabled_sees_nothing_more(desk):
    page = desk.page("queue", "ben").run()
    accounts.disable(desk.store, actor=None, number=desk.people["ben"].id, at=clock.now())
    page.run()

    assert "You are signed out" in texts(page)


def test_without_the_gate_no_page_answers(desk, monkeypatch):
    monkeypatch.setattr(gate_flag, "_raised", [])
    desk.add()
    page = desk.page("queue").run()

    assert gate_flag.REFUSAL.split(".")[0] in texts(page).replace("\\", "")
    assert not page.get("bidi_component")


def test_a_store_that_fails_is_a_sentence_and_no_traceback(desk):
    desk.add()
    page = desk.page("queue").run()
    with desk.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE claims RENAME TO elsewhere")
    page.run()

    assert not page.exception
    assert "Something went wrong on our side" in texts(page)
