"""Accounts against a real store: who gets in, for how long, and who may change what."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from refundcore import accounts, passwords
from refundcore.accounts import LIMITS, AccountError, LinkError, Person, TooManyTriesError, WrongPasswordError
from refundcore.store import Forbidden, Store, connect
from refundcore.store import tables as t

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "seven quiet green harbours"
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def store(tmp_path) -> Store:
    return connect(f"sqlite:///{tmp_path}/desk/refunds.db", at=NOW)


@pytest.fixture
def mia(store) -> Person:
    return person(store, "Mia Manager", "manager")


def person(store: Store, name: str, role: str = "agent", actor: int | None = None) -> Person:
    email = f"{name.split(maxsplit=1)[0].lower()}@example.com"
    return accounts.create_person(store, actor=actor, name=name, email=email, role=role, password=PASSWORD, at=NOW)


def enter(store: Store, email: str = "mia@example.com", password: str = PASSWORD, ip: str = "10.0.0.1", at=NOW) -> str:
    return accounts.sign_in(store, email=email, password=password, ip=ip, at=at)


# --- passwords ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("", "has 0 characters"),
        ("elevenchars", "has 11 characters"),
        ("x" * 129, "at most 128"),
        ("Password 123456", "guess"),
        ("correct horse battery staple", "guess"),
        ("abababababababab", "guess"),
        ("Mia Manager Long", "your own name"),
        ("mia.manager@example.com", "your own name"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_with_the_reason(password, told):
    assert told in passwords.complaint(password, name="Mia Manager Long", email="mia.manager@example.com")


@pytest.mark.parametrize(
    "password", ["twelve chars", PASSWORD, "ÄÖÜ ßßß äöü 漢字", "x7" * 3 + "Kq!vb2mN", "y" * 100 + "abcdef"]
)
def test_any_other_password_is_taken_and_found_again(password):
    assert passwords.complaint(password) == ""
    kept = passwords.hashed(password)
    assert passwords.fits(kept, password)
    assert not passwords.fits(kept, password + " ")
    assert password not in kept


def test_every_password_of_the_list_is_refused():
    assert len(passwords.common()) > 200
    assert all(passwords.complaint(password.upper()) for password in passwords.common())


def test_no_password_opens_an_account_that_does_not_exist():
    assert not passwords.fits(None, "x")
    assert not passwords.fits("", "x")
    assert not passwords.fits("not a hash", "x")


# --- signing in -----------------------------------------------------------------------------------------------------


def test_the_right_password_begins_a_session_in_whatever_case_the_address_is_written(store, mia):
    token = enter(store, " MIA@Example.com ")
    assert accounts.session(store, token, at=NOW).id == mia.id


def test_the_store_keeps_no_token_and_no_password(store, mia):
    token = enter(store)
    with store.read() as connection:
        session = connection.execute(sa.select(t.sessions)).one()
        kept = connection.execute(sa.select(t.people.c.password_hash)).scalar_one()
    assert mia.id == session.person_id
    assert session.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert len(token) >= 43
    assert kept.startswith("$argon2id$")


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + "x", PASSWORD[:-1], PASSWORD.upper(), "x" * 10_000])
def test_a_wrong_password_and_an_unknown_account_are_told_the_same(store, mia, password):
    with pytest.raises(WrongPasswordError) as known:
        enter(store, mia.email, password)
    with pytest.raises(WrongPasswordError) as unknown:
        enter(store, "nobody@example.com", password)
    assert str(known.value) == str(unknown.value)


def test_five_wrong_tries_close_an_account_to_this_address_for_a_quarter_of_an_hour(store, mia):
    for number in range(5):
        with pytest.raises(WrongPasswordError) as wrong:
            enter(store, password="wrong", at=NOW + number * SECOND)
        assert wrong.value.failures == number + 1
    with pytest.raises(TooManyTriesError) as refused:
        enter(store, at=NOW + 10 * SECOND)
    assert refused.value.wait == 890
    assert enter(store, mia.email, ip="10.0.0.2", at=NOW + 10 * SECOND)
    with pytest.raises(TooManyTriesError):
        enter(store, at=NOW + 15 * MINUTE - SECOND)
    assert enter(store, at=NOW + 15 * MINUTE)


def test_a_success_takes_back_the_failures_before_it(store, mia):
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(WrongPasswordError):
                enter(store, mia.email, "wrong")
        enter(store, mia.email)


def test_twenty_wrong_tries_close_everything_to_their_address(store, mia):
    for number in range(20):
        with pytest.raises(WrongPasswordError):
            enter(store, f"n{number}@example.com", "wrong")
    with pytest.raises(TooManyTriesError):
        enter(store, mia.email)
    assert enter(store, mia.email, ip="10.0.0.2")


def test_tries_at_once_are_counted_too(store, mia):
    def attempt(_: int) -> str:
        try:
            return enter(store, mia.email, "wrong")
        except AccountError as refusal:
            return type(refusal).__name__

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(attempt, range(12)))
    assert outcomes == ["TooManyTriesError"] * 7 + ["WrongPasswordError"] * 5


def test_what_was_written_down_of_failures_names_nobody(store):
    with pytest.raises(WrongPasswordError):
        enter(store, "secret.name@example.com", "wrong")
    with store.read() as connection:
        assert "secret" not in str(connection.execute(sa.select(t.signin_failures)).one())


# --- sessions -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("mia")
def test_a_session_that_nobody_uses_ends_after_an_hour(store):
    token = enter(store)
    assert accounts.session(store, token, at=NOW + 60 * MINUTE - SECOND)
    other = enter(store)
    assert accounts.session(store, other, at=NOW + 60 * MINUTE) is None
    assert accounts.session(store, token, at=NOW + 119 * MINUTE)


@pytest.mark.usefixtures("mia")
def test_a_page_that_refreshes_itself_keeps_no_session_alive(store):
    token = enter(store)
    for minute in range(1, 60):
        assert accounts.session(store, token, at=NOW + minute * MINUTE, used=False)
    assert accounts.session(store, token, at=NOW + 60 * MINUTE, used=False) is None


@pytest.mark.usefixtures("mia")
def test_a_session_ends_twelve_hours_after_it_began_however_much_it_is_used(store):
    token = enter(store)
    for minute in range(30, 720, 30):
        assert accounts.session(store, token, at=NOW + minute * MINUTE)
    assert accounts.session(store, token, at=NOW + 720 * MINUTE) is None


@pytest.mark.usefixtures("mia")
def test_signing_out_ends_this_session_only(store):
    here, there = enter(store), enter(store)
    accounts.sign_out(store, here)
    accounts.sign_out(store, here)
    assert accounts.session(store, here, at=NOW) is None
    assert accounts.session(store, there, at=NOW)


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "\ud800", "é" * 1000])
def test_a_made_up_token_is_nobodys_session(store, token):
    assert accounts.session(store, token, at=NOW) is None


ENDINGS = {
    "disabled": lambda store, actor, number: accounts.disable(store, actor=actor, number=number, at=NOW),
    "another role": lambda store, actor, number: accounts.set_role(
        store, actor=actor, number=number, role="auditor", at=NOW
    ),
    "another password": lambda store, actor, number: accounts.set_password(
        store, actor=actor, number=number, password="nine slow blue lanterns", at=NOW
    ),
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
def test_whoever_is_changed_is_signed_out_at_once_and_nobody_else(store, mia, end):
    ana = person(store, "Ana Agent")
    hers, mine = enter(store, ana.email), enter(store, mia.email)
    end(store, mia.id, ana.id)
    assert accounts.session(store, hers, at=NOW) is None
    assert accounts.session(store, mine, at=NOW)


def test_a_disabled_account_opens_again_with_its_password(store, mia):
    ana = person(store, "Ana Agent")
    accounts.disable(store, actor=mia.id, number=ana.id, at=NOW)
    with pytest.raises(WrongPasswordError):
        enter(store, ana.email)
    accounts.enable(store, actor=mia.id, number=ana.id, at=NOW)
    assert enter(store, ana.email)


# --- who may change what --------------------------------------------------------------------------------------------

CHANGES = {
    "create": lambda store, actor, number: accounts.create_person(
        store, actor=actor, name="New", email=f"new{number}@example.com", role="agent", password=PASSWORD, at=NOW
    ),
    "enable": lambda store, actor, number: accounts.enable(store, actor=actor, number=number, at=NOW),
    **ENDINGS,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize(("role", "allowed"), [("manager", True), ("agent", False), ("auditor", False)])
def test_only_managers_change_accounts(store, mia, change, role, allowed):
    actor, other = person(store, "Act Or", role), person(store, "Oth Er")
    if allowed:
        assert change(store, actor.id, other.id)
    else:
        with pytest.raises(Forbidden):
            change(store, actor.id, other.id)
    accounts.disable(store, actor=mia.id, number=actor.id, at=NOW)
    with pytest.raises(Forbidden):
        change(store, actor.id, other.id)


def test_everybody_changes_their_own_password_by_naming_the_present_one(store):
    ana = person(store, "Ana Agent")
    new = "nine slow blue lanterns"
    for wrong in (None, "", "wrong"):
        with pytest.raises(AccountError, match="present password"):
            accounts.set_password(store, actor=ana.id, number=ana.id, password=new, present=wrong, at=NOW)
    accounts.set_password(store, actor=ana.id, number=ana.id, password=new, present=PASSWORD, at=NOW)
    assert enter(store, ana.email, new)


@pytest.mark.parametrize("how", ["disabled", "another role"])
def test_the_last_manager_stays_one(store, mia, how):
    person(store, "Ana Agent")
    second = person(store, "Max Manager", "manager")
    accounts.disable(store, actor=mia.id, number=second.id, at=NOW)
    with pytest.raises(AccountError, match="only manager"):
        ENDINGS[how](store, None, mia.id)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": "  "}, "name is empty"),
        ({"name": "x" * 101}, "at most 100"),
        ({"name": "a\x07b"}, "printable"),
        ({"email": "no address"}, "name@example.com"),
        ({"email": "a@b@c"}, "name@example.com"),
        ({"email": "MIA@example.com"}, "has an account already"),
        ({"role": "owner"}, "'owner' is no role"),
        ({"password": "short"}, "at least 12"),
    ],
    ids=str,
)
def test_an_account_that_cannot_be_made_is_refused_with_the_reason(store, mia, values, told):
    good = {"name": "New One", "email": "new@example.com", "role": "agent", "password": PASSWORD}
    with pytest.raises(AccountError, match=told):
        accounts.create_person(store, actor=mia.id, at=NOW, **(good | values))
    assert accounts.people(store) == [accounts.person(store, mia.id)]


# --- the first manager ----------------------------------------------------------------------------------------------


def begin(store: Store, token: str, name: str = "Mia", at: datetime = NOW) -> str:
    email = f"{name}@example.com"
    return accounts.use_setup(store, token, name=name, email=email, password=PASSWORD, ip="10.0.0.1", at=at)


def test_the_one_time_link_makes_a_manager_and_signs_them_in_once(store):
    assert not accounts.anybody(store)
    link = accounts.setup_link(store, at=NOW)
    accounts.check_setup(store, link, at=NOW)
    found = accounts.session(store, begin(store, link), at=NOW)
    assert (found.role, found.email) == ("manager", "mia@example.com")
    with pytest.raises(LinkError):
        begin(store, link, "Eve")
    with pytest.raises(LinkError):
        accounts.setup_link(store, at=NOW)


def test_the_link_expires_and_a_newer_one_voids_it(store):
    link = accounts.setup_link(store, at=NOW)
    with pytest.raises(LinkError):
        begin(store, link, at=NOW + LIMITS.setup)
    newer = accounts.setup_link(store, at=NOW)
    with pytest.raises(LinkError):
        begin(store, link)
    assert begin(store, newer, at=NOW + LIMITS.setup - SECOND)


def test_a_refused_password_does_not_use_the_link_up(store):
    link = accounts.setup_link(store, at=NOW)
    with pytest.raises(AccountError, match="at least 12"):
        accounts.use_setup(store, link, name="M", email="m@example.com", password="short", ip="10.0.0.1", at=NOW)
    assert begin(store, link)


def test_of_several_who_race_for_the_link_one_gets_it(store):
    link = accounts.setup_link(store, at=NOW)

    def race(name: str) -> bool:
        try:
            return bool(begin(store, link, name))
        except LinkError:
            return False

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(race, "abcdef")) == [False] * 5 + [True]
    assert len(accounts.people(store)) == 1
