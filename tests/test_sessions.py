"""What the gate remembers of sessions, above a real store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from refundcore import accounts
from refundcore.server import sessions as module
from refundcore.server.sessions import Sessions
from refundcore.store import Store, StoreError, connect
from refundcore.store import tables as t

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "seven quiet green harbours"


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def store(tmp_path) -> Store:
    return connect(f"sqlite:///{tmp_path}/desk/refunds.db", at=NOW)


@pytest.fixture
def token(store) -> str:
    link = accounts.setup_link(store, at=NOW)
    return accounts.use_setup(store, link, name="Mia", email="mia@example.com", password=PASSWORD, ip="::1", at=NOW)


def broken(store: Store) -> Store:
    """The same store, as it answers when its tables cannot be read."""
    return replace(store, engine=sa.create_engine("sqlite://"))


def ask(sessions: Sessions, token: str | None, *, used: bool = True):
    return asyncio.run(sessions.person(token, used=used))


def last_use(store: Store) -> datetime:
    with store.read() as connection:
        microseconds = connection.execute(sa.select(t.sessions.c.last_seen_at)).scalar_one()
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


@pytest.mark.parametrize("wrong", [None, "", "x"], ids=repr)
def test_without_a_good_token_there_is_nobody(store, token, wrong):
    assert ask(Sessions(store, Hands()), wrong) is None
    assert ask(Sessions(store, Hands()), token).name == "Mia"


def test_the_store_is_asked_once_in_some_seconds(store, token):
    sessions = Sessions(store, Hands())
    assert ask(sessions, token)
    sessions.store = broken(store)
    assert ask(sessions, token)
    sessions.forget(token)
    with pytest.raises((StoreError, sa.exc.SQLAlchemyError)):
        ask(sessions, token)


def test_many_who_ask_at_once_are_one_question(store, token):
    asked = 0

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def count(_connection, _cursor, statement, *_):
        nonlocal asked
        asked += "FROM sessions" in statement

    async def many(sessions: Sessions) -> list:
        return await asyncio.gather(*(sessions.person(token) for _ in range(40)))

    found = asyncio.run(many(Sessions(store, Hands())))
    assert {person.name for person in found} == {"Mia"}
    assert asked == 1


def test_who_signs_out_while_the_store_is_asked_is_not_remembered(store, token):
    sessions = Sessions(store, Hands())

    async def meanwhile() -> None:
        asking = asyncio.ensure_future(sessions.person(token))
        await asyncio.sleep(0)
        accounts.sign_out(store, token)
        sessions.forget(token)
        await asking

    asyncio.run(meanwhile())
    assert ask(sessions, token) is None


def test_a_session_that_has_ended_is_asked_about_anew(store, token, monkeypatch):
    sessions = Sessions(store, Hands())
    assert ask(sessions, token)
    accounts.sign_out(store, token)
    monkeypatch.setattr(module, "FRESH", 0.0)
    assert ask(sessions, token) is None


def test_while_the_store_gives_no_answer_its_last_one_has_to_do_for_a_minute(store, token, monkeypatch):
    monkeypatch.setattr(module, "FRESH", 0.0)
    sessions = Sessions(store, Hands())
    assert ask(sessions, token)
    sessions.store = broken(store)
    assert ask(sessions, token).name == "Mia"
    monkeypatch.setattr(module, "GRACE", 0.0)
    with pytest.raises((StoreError, sa.exc.SQLAlchemyError)):
        ask(sessions, token)


def test_an_act_counts_as_use_even_right_after_a_page_asked_by_itself(store, token):
    hands = Hands()
    sessions = Sessions(store, hands)
    hands.at = NOW + timedelta(minutes=30)
    assert ask(sessions, token, used=False)
    assert last_use(store) == NOW
    assert ask(sessions, token)
    assert last_use(store) == hands.at
