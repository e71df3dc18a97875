"""Accounts that others look after: one-time links, claims that are handed over, tries from many addresses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from store_of_tests import facts

from refundcore import accounts, passwords
from refundcore import store as desk
from refundcore.accounts import LIMITS, AccountError, LinkError, Person, TooManyTriesError, WrongPasswordError
from refundcore.store import Forbidden, Impossible, Store, connect
from refundcore.store import tables as t

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD, OTHER = "seven quiet green harbours", "eleven loud red lighthouses"
SECOND = timedelta(seconds=1)


@pytest.fixture
def store(tmp_path) -> Store:
    return connect(f"sqlite:///{tmp_path}/desk/refunds.db", at=NOW)


@pytest.fixture
def mia(store) -> Person:
    return person(store, "Mia", "manager")


@pytest.fixture
def ana(store, mia) -> Person:
    assert mia.role == "manager"
    return person(store, "Ana", "agent")


def person(store: Store, name: str, role: str) -> Person:
    return accounts.create_person(
        store, actor=None, name=name, email=f"{name.lower()}@example.com", role=role, password=PASSWORD, at=NOW
    )


def enter(store: Store, email: str = "ana@example.com", password: str = PASSWORD, ip: str = "10.0.0.1", at=NOW) -> str:
    return accounts.sign_in(store, email=email, password=password, ip=ip, at=at)


def claim_of(store: Store, person: Person, number: int = 1) -> int:
    at = NOW + timedelta(seconds=number)
    given = facts(submitted_at=None, purchased_at=None)
    claim = desk.add_claim(store, actor=person.id, at=at, key=f"k{number}", facts=given).claim
    desk.assign(store, actor=person.id, at=at, key=f"a{number}", claim=claim, version=1, to=person.id)
    return claim


# --- links ----------------------------------------------------------------------------------------------------------


def test_an_account_made_by_a_manager_has_no_password_that_anybody_knows_until_its_link_chooses_one(store, mia):
    made, token = accounts.invite(store, actor=mia.id, name="Lea", email="LEA@example.com", role="agent", at=NOW)
    with pytest.raises(WrongPasswordError):
        enter(store, "lea@example.com", "")
    assert accounts.check_password_link(store, token, at=NOW) == made
    session = accounts.use_password_link(store, token, password=OTHER, ip="10.0.0.1", at=NOW)
    assert accounts.session(store, session, at=NOW).email == "lea@example.com"
    assert enter(store, "lea@example.com", OTHER)
    with pytest.raises(LinkError, match="expired or was used"):
        accounts.use_password_link(store, token, password=PASSWORD, ip="10.0.0.1", at=NOW)


def test_a_reset_leaves_the_present_password_until_the_link_is_used_and_then_ends_every_session(store, mia, ana):
    before = enter(store)
    token = accounts.password_link(store, actor=mia.id, number=ana.id, at=NOW)
    assert accounts.session(store, before, at=NOW)
    enter(store)
    accounts.use_password_link(store, token, password=OTHER, ip="10.0.0.1", at=NOW)
    assert accounts.session(store, before, at=NOW) is None
    with pytest.raises(WrongPasswordError):
        enter(store)
    assert enter(store, password=OTHER)


def test_a_link_ends_after_a_day_with_a_newer_one_and_with_the_account(store, mia, ana):
    first = accounts.password_link(store, actor=mia.id, number=ana.id, at=NOW)
    second = accounts.password_link(store, actor=mia.id, number=ana.id, at=NOW)
    for token, at in ((first, NOW), (second, NOW + LIMITS.password_link), ("x", NOW), ("", NOW)):
        with pytest.raises(LinkError):
            accounts.check_password_link(store, token, at=at)
    assert accounts.check_password_link(store, second, at=NOW + LIMITS.password_link - SECOND)
    accounts.disable(store, actor=mia.id, number=ana.id, at=NOW)
    with pytest.raises(LinkError):
        accounts.check_password_link(store, second, at=NOW)
    with pytest.raises(AccountError, match="closed"):
        accounts.password_link(store, actor=mia.id, number=ana.id, at=NOW)


def test_a_refused_password_leaves_the_link_good(store, mia, ana):
    token = accounts.password_link(store, actor=mia.id, number=ana.id, at=NOW)
    with pytest.raises(AccountError, match="at least 12"):
        accounts.use_password_link(store, token, password="short", ip="10.0.0.1", at=NOW)
    assert accounts.use_password_link(store, token, password=OTHER, ip="10.0.0.1", at=NOW)


def test_the_store_keeps_no_link(store, mia, ana):
    token = accounts.password_link(store, actor=mia.id, number=ana.id, at=NOW)
    with store.read() as connection:
        kept = connection.execute(sa.select(t.password_links)).all()
        heads = connection.execute(sa.select(t.heads.c.body)).scalars().all()
    assert token not in str(kept) + str(heads)


# --- sessions -------------------------------------------------------------------------------------------------------


def test_whoever_signs_out_everywhere_is_signed_out_in_every_browser_and_nobody_else_is(store, mia, ana):
    tokens = [enter(store, ip=f"10.0.0.{number}") for number in (1, 2, 3)]
    other = enter(store, "mia@example.com")
    assert accounts.sign_out_everywhere(store, actor=ana.id, number=ana.id, at=NOW) == 3
    assert [accounts.session(store, token, at=NOW) for token in tokens] == [None] * 3
    assert accounts.session(store, other, at=NOW)
    with pytest.raises(Forbidden):
        accounts.sign_out_everywhere(store, actor=ana.id, number=mia.id, at=NOW)
    enter(store)
    assert accounts.sign_out_everywhere(store, actor=mia.id, number=ana.id, at=NOW) == 1


@pytest.mark.usefixtures("ana")
def test_each_sign_in_has_a_token_of_its_own(store):
    assert len({enter(store) for _ in range(5)}) == 5


# --- claims of whoever leaves ---------------------------------------------------------------------------------------


def test_the_claims_of_a_closed_account_go_to_a_colleague_each_with_an_event_in_the_managers_name(store, mia, ana):
    ben = person(store, "Ben", "agent")
    mine = [claim_of(store, ana, number) for number in (1, 2)]
    accounts.disable(store, actor=mia.id, number=ana.id, at=NOW + timedelta(hours=1), to=ben.id)
    for claim in mine:
        assert desk.claim(store, claim).assignee_id == ben.id
        last = desk.events(store, claim)[-1]
        assert (last.kind, last.person_id) == ("assigned", mia.id)
        assert last.sentence.endswith("handed this claim of Ana over to Ben.")
    assert desk.verify(store).good


def test_without_an_heir_they_are_everybodys_again(store, mia, ana):
    claim = claim_of(store, ana)
    accounts.disable(store, actor=mia.id, number=ana.id, at=NOW + timedelta(hours=1))
    assert desk.claim(store, claim).assignee_id is None
    assert desk.verify(store).good


def test_an_heir_has_to_be_somebody_who_works_on_claims(store, mia, ana):
    aud = person(store, "Aud", "auditor")
    claim = claim_of(store, ana)
    for heir, refused in ((aud.id, Impossible), (ana.id, AccountError), (99, Impossible)):
        with pytest.raises(refused):
            accounts.disable(store, actor=mia.id, number=ana.id, at=NOW + timedelta(hours=1), to=heir)
    assert desk.claim(store, claim).assignee_id == ana.id
    assert desk.person(store, ana.id).active


def test_whoever_becomes_an_auditor_hands_claims_back_and_an_agent_made_manager_keeps_them(store, mia, ana):
    claim = claim_of(store, ana)
    later = NOW + timedelta(hours=1)
    accounts.set_role(store, actor=mia.id, number=ana.id, role="manager", at=later)
    assert desk.claim(store, claim).assignee_id == ana.id
    accounts.set_role(store, actor=mia.id, number=ana.id, role="auditor", at=later)
    assert desk.claim(store, claim).assignee_id is None


def test_a_command_hands_claims_over_too_and_the_store_verifies(store, mia, ana):
    claim = claim_of(store, ana)
    accounts.disable(store, actor=None, number=ana.id, at=NOW + timedelta(hours=1), to=mia.id)
    assert desk.claim(store, claim).assignee_id == mia.id
    assert desk.verify(store).good


@pytest.mark.usefixtures("ana")
def test_every_change_of_an_account_is_sealed_into_the_journal_without_anything_personal(store, mia):
    made, token = accounts.invite(store, actor=mia.id, name="Lea", email="lea@example.com", role="agent", at=NOW)
    accounts.use_password_link(store, token, password=OTHER, ip="10.0.0.1", at=NOW)
    accounts.set_role(store, actor=mia.id, number=made.id, role="auditor", at=NOW)
    accounts.set_password(store, actor=made.id, number=made.id, password=PASSWORD, present=OTHER, at=NOW)
    accounts.disable(store, actor=mia.id, number=made.id, at=NOW)
    accounts.enable(store, actor=None, number=made.id, at=NOW)
    accounts.sign_out_everywhere(store, actor=mia.id, number=made.id, at=NOW)
    found = accounts.account_changes(store)
    assert [change.what for change in found] == [
        "signed_out", "opened", "closed", "password", "role", "password", "link", "added",
    ]  # fmt: skip
    assert {(change.by, change.person) for change in found} == {("Mia", "Lea"), ("", "Lea"), ("Lea", "Lea")}
    with store.read() as connection:
        bodies = connection.execute(sa.select(t.heads.c.body)).scalars().all()
    assert "lea" not in json.dumps(bodies).lower()
    assert desk.verify(store).good


# --- tries ----------------------------------------------------------------------------------------------------------


def fail(store: Store, count: int, email: str = "ana@example.com", start: int = 0) -> None:
    for number in range(start, start + count):
        with pytest.raises(WrongPasswordError):
            enter(store, email, "wrong", ip=f"198.51.{number // 250}.{number % 250}")


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize("email", ["ana@example.com", "nobody@example.com"])
def test_tries_from_many_addresses_are_slowed_down_and_the_owner_still_gets_in(store, email, monkeypatch):
    monkeypatch.setattr(passwords, "fits", lambda kept, password: password == PASSWORD and kept is not None)
    enter(store, ip="10.9.9.9")
    fail(store, LIMITS.tries_of_account, email)
    with pytest.raises(TooManyTriesError):
        enter(store, email, ip="203.0.113.1")
    if email.startswith("ana"):
        assert enter(store, ip="10.9.9.9")
        with pytest.raises(TooManyTriesError):
            enter(store, ip="203.0.113.1")
    later = NOW + LIMITS.window + SECOND
    with pytest.raises(WrongPasswordError):
        enter(store, email, "wrong", ip="203.0.113.1", at=later)


@pytest.mark.usefixtures("mia", "ana")
def test_an_address_is_an_accounts_own_for_sixty_days_and_for_this_account_alone(store, monkeypatch):
    monkeypatch.setattr(passwords, "fits", lambda kept, password: password == PASSWORD and kept is not None)
    enter(store, "mia@example.com", ip="10.9.9.9")
    fail(store, LIMITS.tries_of_account)
    with pytest.raises(TooManyTriesError):
        enter(store, ip="10.9.9.9")


@pytest.mark.usefixtures("ana")
def test_the_limits_hold_after_a_restart(store, tmp_path):
    for _ in range(LIMITS.tries):
        with pytest.raises(WrongPasswordError):
            enter(store, password="wrong")
    store.engine.dispose()
    again = connect(f"sqlite:///{tmp_path}/desk/refunds.db", at=NOW)
    with pytest.raises(TooManyTriesError):
        enter(again)


@pytest.mark.usefixtures("ana")
def test_no_password_is_hashed_for_a_try_that_is_refused_by_count(store, monkeypatch):
    for _ in range(LIMITS.tries):
        with pytest.raises(WrongPasswordError):
            enter(store, password="wrong")
    hashed: list[str] = []
    monkeypatch.setattr(passwords, "fits", lambda *_: hashed.append("one"))
    with pytest.raises(TooManyTriesError):
        enter(store)
    assert hashed == []


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize("email", ["ana@example.com", "nobody@example.com", "gone@example.com", "lea@example.com"])
def test_an_account_that_is_there_closed_new_or_not_at_all_costs_the_same_work_and_is_told_the_same(
    store, mia, email, monkeypatch
):
    gone = person(store, "Gone", "agent")
    accounts.disable(store, actor=mia.id, number=gone.id, at=NOW)
    accounts.invite(store, actor=mia.id, name="Lea", email="lea@example.com", role="agent", at=NOW)
    work: list[str] = []
    real = passwords._hasher.verify

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            work.append(kept.rsplit("$", 2)[0])
            return real(kept, password)

        def hash(self, _: str) -> str:
            raise AssertionError("Nothing is hashed anew for a wrong password.")

        def check_needs_rehash(self, _: str) -> bool:
            return False

    monkeypatch.setattr(passwords, "_hasher", Counting())
    with pytest.raises(WrongPasswordError) as told:
        enter(store, email, "wrong " + PASSWORD)
    assert work == ["$argon2id$v=19$m=47104,t=2,p=1"]
    assert (str(told.value), told.value.failures) == ("E-mail address and password don't belong together.", 1)


def test_tries_of_ones_present_password_are_counted_like_those_at_the_sign_in(store, ana):
    for _ in range(LIMITS.tries):
        with pytest.raises(WrongPasswordError, match="present password is not right"):
            accounts.set_password(store, actor=ana.id, number=ana.id, password=OTHER, present="wrong", at=NOW)
    with pytest.raises(TooManyTriesError):
        accounts.set_password(store, actor=ana.id, number=ana.id, password=OTHER, present=PASSWORD, at=NOW)
    assert enter(store)
