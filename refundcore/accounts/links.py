"""One-time links: the first manager's account, and choosing a password where a manager made or reset the account.

No manager ever knows somebody else's password: they hand over a link that is good once and for a day.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore import passwords
from refundcore.accounts.pieces import (
    LIMITS,
    AccountError,
    Limits,
    LinkError,
    addressed,
    begin_session,
    change_person,
    changing,
    check_role,
    end_sessions,
    hashed,
    insert_person,
    kept,
    named,
    note,
    row_of,
)
from refundcore.deadlines import micros
from refundcore.store import Person, Role, Store, person
from refundcore.store import tables as t
from refundcore.store.acting import acting

_DEAD_SETUP = "This link has expired or was used. Stop the desk and start it again for a new one."
_DEAD_LINK = "This link has expired or was used. Ask a manager for a new one."


# --- the first manager ----------------------------------------------------------------------------------------------


def setup_link(store: Store, *, at: datetime, limits: Limits = LIMITS) -> str:
    """A new one-time token that makes the first manager's account; earlier ones are void from now on."""
    token = secrets.token_urlsafe(32)
    with store.write() as connection:
        _check_nobody(connection)
        connection.execute(sa.delete(t.setup_tokens).where(t.setup_tokens.c.used_at.is_(None)))
        values = {"token_hash": hashed(token), "created_at": micros(at), "expires_at": micros(at + limits.setup)}
        connection.execute(sa.insert(t.setup_tokens).values(values))
    return token


def check_setup(store: Store, token: str, *, at: datetime) -> None:
    """Raise `LinkError` unless the token is good right now. Uses nothing up."""
    with store.read() as connection:
        _check_nobody(connection)
        query = sa.select(t.setup_tokens.c.token_hash).where(*_good(t.setup_tokens, token, at))
        if connection.execute(query).first() is None:
            raise LinkError(_DEAD_SETUP)


def use_setup(
    store: Store, token: str, *, name: str, email: str, password: str, ip: str, at: datetime, agent: str = "",
    limits: Limits = LIMITS,
) -> str:  # fmt: skip
    """Make the first manager's account and begin their session; returns its token.

    Link used, nobody there yet, and the new account are one transaction: of two at once, one gets it.
    """
    check_setup(store, token, at=at)
    name, email = named(name), addressed(email)
    new = kept(password, name=name, email=email)
    opened = secrets.token_urlsafe(32)
    with store.write() as connection:
        _check_nobody(connection)
        good = _good(t.setup_tokens, token, at)
        if connection.execute(sa.update(t.setup_tokens).where(*good).values(used_at=micros(at))).rowcount != 1:
            raise LinkError(_DEAD_SETUP)
        number = insert_person(connection, name=name, email=email, role="manager", kept=new, at=at)
        begin_session(connection, opened, number=number, ip=ip, agent=agent, at=at, limits=limits)
    return opened


# --- choosing a password --------------------------------------------------------------------------------------------


def invite(store: Store, *, actor: int, name: str, email: str, role: Role, at: datetime) -> tuple[Person, str]:
    """Make an account that nobody knows the password of; the person, and the token of the link that chooses one.

    Raises `AccountError` for values that cannot be taken, `Forbidden` for who may not.
    """
    name, email = named(name), addressed(email)
    check_role(role)
    unknown = passwords.hashed(secrets.token_urlsafe(32))
    with acting(store, "manage_people", actor=actor, at=at) as act:
        number = insert_person(act.connection, name=name, email=email, role=role, kept=unknown, at=at)
        note(act, number, "added", role=role)
    made = person(store, number)
    assert made is not None  # noqa: S101 - it was made just now
    return made, password_link(store, actor=actor, number=number, at=at)


def password_link(store: Store, *, actor: int | None, number: int, at: datetime, limits: Limits = LIMITS) -> str:
    """A new one-time token with which somebody chooses a password; earlier ones of theirs are void from now on.

    The present password stays good until the link is used. Raises `AccountError` for a closed account, `Forbidden`.
    """
    token, links = secrets.token_urlsafe(32), t.password_links
    with changing(store, actor, "manage_people", number, at=at) as act:
        row = row_of(act.connection, number)
        if not row.active:
            raise AccountError(f"The account of {row.name} is closed: open it first.")
        old = sa.or_(links.c.expires_at <= micros(at), sa.and_(links.c.person_id == number, links.c.used_at.is_(None)))
        act.connection.execute(sa.delete(links).where(old))
        values = {"token_hash": hashed(token), "person_id": number, "made_by": actor, "created_at": micros(at)}
        act.connection.execute(sa.insert(links).values(**values, expires_at=micros(at + limits.password_link)))
        note(act, number, "link", by_command=actor is None)
    return token


def check_password_link(store: Store, token: str, *, at: datetime) -> Person:
    """Whose password the link chooses. Raises `LinkError` unless it is good right now. Uses nothing up."""
    links, people = t.password_links, t.people
    query = sa.select(people.c.id).join(links, links.c.person_id == people.c.id)
    with store.read() as connection:
        number = connection.execute(query.where(people.c.active, *_good(links, token, at))).scalar()
    found = None if number is None else person(store, number)
    if found is None:
        raise LinkError(_DEAD_LINK)
    return found


def use_password_link(
    store: Store, token: str, *, password: str, ip: str, at: datetime, agent: str = "", limits: Limits = LIMITS
) -> str:
    """Give the account its new password, end its sessions and begin one; returns the token of that.

    Raises `LinkError`, or `AccountError` for a password that is easily guessed; the link stays good then.
    """
    who = check_password_link(store, token, at=at)
    new = kept(password, name=who.name, email=who.email)
    opened, links = secrets.token_urlsafe(32), t.password_links
    with changing(store, who.id, "own_account", who.id, at=at) as act:
        good = _good(links, token, at)
        if act.connection.execute(sa.update(links).where(*good).values(used_at=micros(at))).rowcount != 1:
            raise LinkError(_DEAD_LINK)
        change_person(act.connection, who.id, {"password_hash": new, "password_changed_at": micros(at)})
        end_sessions(act.connection, who.id, at)
        begin_session(act.connection, opened, number=who.id, ip=ip, agent=agent, at=at, limits=limits)
        note(act, who.id, "password", by="link")
    return opened


def _good(table: sa.Table, token: str, at: datetime) -> tuple[sa.ColumnElement[Any], ...]:
    c = table.c
    return c.token_hash == hashed(token), c.used_at.is_(None), c.expires_at > micros(at)


def _check_nobody(connection: sa.Connection) -> None:
    if connection.execute(sa.select(t.people.c.id).limit(1)).first() is not None:
        raise LinkError("There is an account already. Sign in with it, or have its manager make yours.")
