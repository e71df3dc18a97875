"""The policy page where managers change it: a draft tried, kept, proposed, released; who may; documents in and out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from desk_of_tests import Desk, drawn, labels, open_desk, texts

from refundcore import clock, policy, store
from refundcore.amending import Amendment, amended, written
from refundcore.deadlines import micros


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def late(desk: Desk, days: int = 9, **facts) -> store.ClaimRecord:
    """A claim that came too late, by its purchase and its order."""
    bought = micros(clock.now() - timedelta(days=days))
    return desk.add(ordered_at=bought, purchased_at=bought, submitted_at=micros(clock.now()) - 3_600_000_000, **facts)


def approved(desk: Desk, claim: store.ClaimRecord) -> None:
    """Against the policy, by a manager."""
    given = {"outcome": "approve", "reason": "A good customer."}
    mia = desk.people["mia"].id
    store.decide(
        desk.store, actor=mia, at=clock.now(), key=f"d{claim.id}", claim=claim.id, version=claim.version, **given
    )


def lab(desk: Desk, person: str = "mia"):
    return desk.page("policy", person, part="Try a change").run()


def changed(page, days: int = 10):
    """The page with a longer window of the first reason, and of the week that its strict reading counts."""
    page.multiselect(key="lab_numbers").set_value(["C4c.window_days", "C8b.window_days"]).run()
    page.number_input(key="lab_C4c.window_days").set_value(days)
    page.number_input(key="lab_C8b.window_days").set_value(days)
    return page.run()


def figures(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_a_draft_that_changes_nothing_says_so(desk):
    late(desk)
    page = lab(desk)

    assert not page.exception
    assert figures(page)["Verdicts that flip"] == "0"
    assert "No verdict would be another." in texts(page)


def test_a_desk_without_claims_says_what_will_be_here(desk):
    assert "There is no claim to try it on yet." in texts(lab(desk))


def test_a_longer_window_shows_at_once_what_it_would_have_done(desk):
    first, second, other = late(desk), late(desk, 20), desk.add()
    page = changed(lab(desk))
    (row,) = drawn(page, "lab_flips")["rows"]

    assert not page.exception
    assert figures(page)["Verdicts that flip"] == "1"
    assert (row["head"], row["text"], row["word"]) == (first.ref, "Deny → Approve", "by C4c")
    assert row["href"] == f"claim?claim={first.ref}"
    assert "Late before and in time now: 1 by C4c" in texts(page)
    tables = [table.value.to_dict("records") for table in page.table]
    assert {"Reason": "SMS not received", "Flips": 1} in tables[1]
    assert tables[0][0]["Difference"].startswith("+12")
    assert {second.ref, other.ref}.isdisjoint({row["head"]})


def test_decisions_that_the_change_would_have_made_regular_are_listed(desk):
    claim = late(desk)
    approved(desk, claim)
    page = changed(lab(desk))

    assert figures(page)["Overrides made regular"] == "1"
    (row,) = drawn(page, "lab_irregular")["rows"]
    assert row["head"] == claim.ref
    assert "People decided: Approve" in row["note"]


def test_switching_a_clause_off_and_settling_a_reading_and_a_fee_work_too(desk):
    desk.add(description="No code", payment_method="card", fee_disclosed=True)
    desk.add(payment_method="card", fee_disclosed=True)
    desk.add(sms_received_at=micros(clock.now() - timedelta(days=1)), payment_method="card")
    page = lab(desk)
    page.multiselect(key="lab_off").set_value(["C8e"])
    page.multiselect(key="lab_readings").set_value(["A32"])
    page.multiselect(key="lab_fees").set_value(["card"]).run()
    page.selectbox(key="lab_reading_A32").set_value("counts_as_none")
    page.number_input(key="lab_fee_card").set_value(10.0)
    page.run()

    assert not page.exception
    rows = {row["text"] for row in drawn(page, "lab_flips")["rows"]}
    assert rows == {"Need info → Approve", "Review → Approve"}
    (money,) = page.table[0].value.to_dict("records")
    assert money["Fees kept, difference"].startswith("+2")


def test_one_number_is_swept_and_told_as_a_table_too(desk):
    for days in (8, 10, 12):
        late(desk, days)
    page = changed(lab(desk))
    swept = next(table.value for table in page.table if "verdicts that flip" in table.value)

    assert swept["Days"].tolist() == list(range(3, 22))
    assert swept["verdicts that flip"].astype(int).is_monotonic_increasing or swept["verdicts that flip"].nunique() > 1
    page.selectbox(key="lab_swept").set_value("Fee, percent of a refund").run()
    assert "No value in this range changes anything" in texts(page)


def test_drafts_are_kept_compared_and_dropped(desk):
    late(desk)
    page = changed(lab(desk))
    page.text_input(key="lab_name").set_value("Ten days")
    next(button for button in page.button if button.label == "Keep").click().run()
    (kept,) = store.drafts_kept(desk.store)
    both = next(table.value for table in lab(desk, "max").table if "Draft" in table.value)

    assert kept.policy.clauses["C4c"].numbers["window_days"] == {date(2024, 4, 2): 10}
    assert both["Draft"].tolist() == ["The one above", "Ten days"]
    assert both["Flips"].tolist() == ["0", "1"]
    page = lab(desk)
    page.selectbox(key="drop_which").set_value(kept.id).run()
    page.button(key="drop_draft").click().run()
    assert store.drafts_kept(desk.store) == []


def propose(desk: Desk, reason: str = "Seven days are too few."):
    page = changed(lab(desk))
    page.text_area(key="propose_reason").set_value(reason)
    next(button for button in page.button if button.label == "Propose").click().run()
    return page


def test_a_draft_is_proposed_for_next_monday_and_released_by_another_manager(desk):
    waiting = late(desk)
    assert not propose(desk).exception
    monday = clock.now().date() + timedelta(days=7 - clock.now().weekday())
    (_, proposal) = sorted(store.edition_records(desk.store), key=lambda record: record.id)

    assert (proposal.state, proposal.effective_from, proposal.person) == ("proposed", monday, "Mia")
    assert proposal.policy.clauses["C4c"].numbers["window_days"] == {date(2024, 4, 2): 7, monday: 10}
    own = desk.page("policy", "mia", part="Editions").run()
    assert "another manager has to approve it" in texts(own)
    assert "Approve" not in labels(own)

    other = desk.page("policy", "max", part="Editions").run()
    assert "it would have changed 1 verdict of 1: Deny to Approve 1." in texts(other)
    assert any("window days" in row["head"] for row in drawn(other, f"differs_{proposal.id}")["rows"])
    other.button(key=f"approve_{proposal.id}").click().run()
    assert not other.exception
    assert [edition.number for edition in desk.store.laws.all] == [1, 2]
    assert desk.claim(waiting.ref).edition == 1
    after = desk.page("policy", "max", part="Editions").run()
    words = [row["word"] for row in drawn(after, "editions")["rows"]]
    assert words == ["released, lies ahead", "in force"]
    assert any("window days" in row["head"] for row in drawn(after, "side_by_side")["rows"])


def test_a_proposal_without_a_reason_is_refused_with_a_sentence(desk):
    page = propose(desk, " ")

    assert "The reason is missing" in texts(page)
    assert len(store.edition_records(desk.store)) == 1


def test_who_refuses_says_why(desk):
    propose(desk)
    proposal = store.edition_records(desk.store)[0]
    page = desk.page("policy", "max", part="Editions").run()
    page.button(key=f"refuse_{proposal.id}").click().run()
    assert "The reason is missing" in texts(page)
    page.text_input(key=f"reason_{proposal.id}").set_value("Too costly.")
    page.button(key=f"refuse_{proposal.id}").click().run()
    assert store.edition_records(desk.store)[0].state == "rejected"


def test_overrides_are_grouped_by_clause_with_the_amendment_that_would_have_spared_them(desk):
    for _ in range(2):
        approved(desk, late(desk))
    page = desk.page("policy", part="Proposals").run()
    said = texts(page)

    assert not page.exception
    assert "C4c" in said
    assert "2 decisions" in said
    assert "2 of them regular" in said
    page.button(key="try_C4c").click().run()
    assert page.session_state["part"] == "Try a change"
    assert figures(page)["Overrides made regular"] == "2"


def test_where_nobody_overrode_anything_there_is_nothing_to_propose(desk):
    desk.add()
    assert "Nobody decided against the policy" in texts(desk.page("policy", part="Proposals").run())


@pytest.mark.parametrize(
    ("person", "tries", "changes"), [("ana", False, False), ("aud", True, False), ("mia", True, True)]
)
def test_agents_read_auditors_try_and_managers_change(desk, person, tries, changes):
    late(desk)
    page = lab(desk, person)

    assert not page.exception
    assert ("Verdicts that flip" in figures(page)) == tries
    assert ("Propose" in labels(page)) == changes


def test_what_is_unclear_is_told_open_findings_first(desk):
    page = desk.page("policy", "ana", part="What is unclear").run()
    waiting, settled = drawn(page, "findings_open")["rows"], drawn(page, "findings_settled")["rows"]

    assert not page.exception
    assert "15 findings, of which 10 are settled" in texts(page)
    assert "An exclusion narrower than others: C6g" in [row["head"] for row in waiting]
    assert "A period without a start: C5c" in [row["head"] for row in settled]
    assert any("A03" in row["note"] for row in settled)


def test_clauses_are_read_on_a_chosen_day_in_the_edition_of_that_day(desk):
    monday = clock.now().date() + timedelta(days=7 - clock.now().weekday())
    propose(desk)
    proposal = store.edition_records(desk.store)[0]
    given = {"actor": desk.people["max"].id, "at": clock.now(), "key": "approve", "edition": proposal.id}
    store.approve_edition(desk.store, **given)

    def window(day: date) -> list[str]:
        page = desk.page("policy", "ana", day=f"{day}").run()
        row = next(row for row in drawn(page, "document")["rows"] if row["id"] == "C4c")
        return [text for text, number in row["wording"] if number]

    assert window(monday - timedelta(days=1)) == ["7"]
    assert window(monday) == ["10"]


def test_each_clause_shows_its_rule_and_how_often_it_decided(desk):
    approved(desk, late(desk))
    late(desk)
    rows = {row["id"]: row for row in drawn(desk.page("policy").run(), "document")["rows"]}

    assert rows["C4c"]["figures"] == "Decides 2 claims, leads 2; 1 decision by it, 1 against the policy."
    assert rows["C2"]["figures"] == "Never decided a claim so far."
    assert rows["C1"]["figures"] == ""
    assert rows["C4c"]["rules"][0]["source"].startswith('@rule("C4c", "bar")')
    assert [rule["role"] for rule in rows["C2"]["rules"]] == ["bar", "hold"]


def test_a_document_is_brought_in_as_a_draft_and_a_wrong_one_is_refused_with_a_sentence(desk):
    document, _ = written(amended(policy.load(), Amendment(date(2024, 4, 2), numbers={("C4c", "window_days"): 12})))
    page = desk.page("policy", part="Editions").run()
    page.file_uploader(key="import_files").set_value([("policy.toml", document.encode(), "text/plain")]).run()
    assert any("window days" in row["head"] for row in drawn(page, "import_differs")["rows"])
    page.text_input(key="import_name").set_value("Twelve days")
    page.button[-1].click().run()
    (kept,) = store.drafts_kept(desk.store)
    assert kept.policy.clauses["C4c"].numbers["window_days"] == {date(2024, 4, 2): 12}

    page = desk.page("policy", part="Editions").run()
    page.file_uploader(key="import_files").set_value([("policy.toml", b"title = 1", "text/plain")]).run()
    assert "must be a text" in texts(page).replace("\\", "")
