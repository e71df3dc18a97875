"""The page of the team: one's own account for everybody, the people for who may see them, changes for managers."""

from __future__ import annotations

import pytest
from desk_of_tests import PASSWORD, ROLES, Desk, drawn, labels, open_desk, texts

from refundcore import accounts, clock, store
from refundcore.store.roles import ACTIONS, WORDS

NEW = "twelve grey otters at noon"


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return open_desk(tmp_path, monkeypatch)


def heads(page) -> list[str]:
    return [line["head"] for line in drawn(page, "people")["rows"]]


@pytest.mark.parametrize("person", ["mia", "ana", "aud"])
def test_everybody_sees_their_own_account_and_what_each_role_may_do(desk, person):
    page = desk.page("team", person).run()
    assert not page.exception
    assert {"Change password", "Sign out everywhere"} <= set(labels(page))
    table = page.table[0].value
    assert list(table["What"]) == [f"{words[0].upper()}{words[1:]}" for words in WORDS.values()]
    for role in store.ROLES:
        assert [cell == "yes" for cell in table[role.title()]] == [role in roles for roles in ACTIONS.values()]


@pytest.mark.parametrize("person", ["mia", "ana", "aud"])
def test_who_is_here_is_for_managers_and_auditors_and_only_managers_change_accounts(desk, person):
    page = desk.page("team", person).run()
    role = ROLES[person]
    assert bool([e for e in page.get("bidi_component") if e.key == "people"]) is (role != "agent")
    assert ("Add" in labels(page)) is (role == "manager")
    assert bool([box for box in page.selectbox if box.key == "whose"]) is (role == "manager")


def test_a_manager_adds_somebody_who_chooses_a_password_by_the_link_that_is_shown(desk):
    page = desk.page("team", "mia").run()
    page.text_input(key="add_name").input("Lea Lind")
    page.text_input(key="add_email").input("lea@example.com")
    page.button(key="add_person_button").click().run()
    assert "Lea Lind has an account" in texts(page)
    assert "Lea Lind" in heads(page)
    token = page.code[0].value.partition("token=")[2]
    assert accounts.use_password_link(desk.store, token, password=NEW, ip="10.0.0.1", at=clock.now())
    page.button(key="link_done").click().run()
    assert not page.code


def test_a_name_or_address_that_cannot_be_taken_is_refused_in_the_form(desk):
    page = desk.page("team", "mia").run()
    page.text_input(key="add_name").input("Lea")
    page.text_input(key="add_email").input("ana@example.com")
    page.button(key="add_person_button").click().run()
    assert "has an account already" in texts(page)
    assert page.text_input(key="add_name").value == "Lea"


def choose(desk: Desk, whose: str):
    page = desk.page("team", "mia").run()
    return page.selectbox(key="whose").select(desk.people[whose].id).run()


def test_a_role_that_is_changed_holds_at_the_persons_next_click(desk):
    ana = desk.people["ana"].id
    page = choose(desk, "ana")
    page.selectbox(key=f"role_{ana}").select("auditor").run()
    page.button(key="save_role").click().run()
    assert "Ana is auditor now" in texts(page)
    assert "This page is for agents and managers" in texts(desk.page("upload", "ana").run())


def test_a_reset_shows_a_link_and_leaves_the_password_until_it_is_used(desk):
    page = choose(desk, "ana")
    page.button(key="reset_password").click().run()
    token = page.code[0].value.partition("token=")[2]
    at = clock.now()
    accounts.sign_in(desk.store, email="ana@example.com", password=PASSWORD, ip="10.0.0.1", at=at)
    assert accounts.check_password_link(desk.store, token, at=at).name == "Ana"


def test_an_account_is_closed_with_its_claims_handed_over_and_opened_again(desk):
    claim = desk.add("ana")
    ana, ben = desk.people["ana"].id, desk.people["ben"].id
    at = clock.now()
    store.assign(desk.store, actor=ana, at=at, key="a", claim=claim.id, version=claim.version, to=ana)
    page = choose(desk, "ana")
    page.button(key="close_account").click().run()
    heirs = page.selectbox(key="heir")
    assert heirs.options == ["Nobody: they go back to everybody", "Ben", "Max", "Mia"]
    heirs.select(ben).run()
    page.button(key="confirm_close").click().run()
    assert desk.claim(claim.ref).assignee_id == ben
    assert not store.person(desk.store, ana).active
    assert "Mia closed Ana's account; 1 claim handed over." in [
        line["head"] for line in drawn(page, "account_changes")["rows"]
    ]
    page = choose(desk, "ana")
    page.button(key="open_account").click().run()
    assert store.person(desk.store, ana).active


def test_the_last_manager_cannot_be_closed_or_demoted(desk):
    accounts.disable(desk.store, actor=None, number=desk.people["max"].id, at=clock.now())
    page = choose(desk, "mia")
    page.button(key="close_account").click().run()
    page.button(key="confirm_close").click().run()
    assert "Mia is the only manager" in texts(page)
    assert store.person(desk.store, desk.people["mia"].id).active


def change(page, present: str, new: str, again: str):
    turn = page.session_state["team_own_turn"] if "team_own_turn" in page.session_state else 0  # noqa: SIM401 - AppTest has no get
    for key, text in (("present", present), ("new", new), ("again", again)):
        page.text_input(key=f"{key}_{turn}").input(text)
    return page.button(key="change_password").click().run()


def test_people_change_their_own_password_by_naming_the_present_one(desk):
    at = clock.now()
    token = accounts.sign_in(desk.store, email="ana@example.com", password=PASSWORD, ip="10.0.0.1", at=at)
    page = desk.page("team", "ana").run()
    assert "present password is not right" in texts(change(page, "not it", NEW, NEW))
    assert accounts.session(desk.store, token, at=at)
    assert "The two new passwords differ" in texts(change(page, PASSWORD, NEW, NEW + "!"))
    assert "Your password was changed" in texts(change(page, PASSWORD, NEW, NEW))
    assert accounts.session(desk.store, token, at=at) is None
    assert accounts.sign_in(desk.store, email="ana@example.com", password=NEW, ip="10.0.0.1", at=at)


def test_a_password_that_was_typed_stays_nowhere_in_the_page(desk):
    page = change(desk.page("team", "ana").run(), "present secret", "new secret long", "new secret long")
    page.run()
    assert [key for key in ("present_0", "new_0", "again_0") if key in page.session_state] == []
    assert [box.value for box in page.text_input] == ["", "", ""]


def test_signing_out_everywhere_ends_every_session_of_ones_own(desk):
    at = clock.now()
    tokens = [
        accounts.sign_in(desk.store, email="ana@example.com", password=PASSWORD, ip="10.0.0.1", at=at) for _ in range(2)
    ]
    page = desk.page("team", "ana").run()
    page.button(key="everywhere").click().run()
    assert "You were signed out everywhere" in texts(page)
    assert [accounts.session(desk.store, token, at=at) for token in tokens] == [None, None]
