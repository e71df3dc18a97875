"""Signing in and out: tries that are counted before a password is looked at, sessions and who is behind one."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa

from refundcore import passwords
from refundcore.accounts.pieces import (
    LIMITS,
    LONGEST_EMAIL,
    Limits,
    TooManyTriesError,
    WrongPasswordError,
    begin_session,
    change_person,
    hashed,
    row_of,
    us,
)
from refundcore.deadlines import micros
from refundcore.store import Person, Store
from refundcore.store import tables as t


def sign_in(
    store: Store, *, email: str, password: str, ip: str, at: datetime, agent: str = "", limits: Limits = LIMITS
) -> str:
    """Begin a session and return its token.

    The try is written down before the password is looked at and taken back when it fits, so tries at once are
    counted too. Raises `TooManyTriesError` without looking, else `WrongPasswordError`, also for accounts that are
    closed or don't exist, which take as long.
    """
    email = email.strip().lower()[:LONGEST_EMAIL]
    name = hashed(email)
    failures = note_try(store, name=name, ip=ip, at=at, limits=limits)
    with store.read() as connection:
        row = connection.execute(sa.select(t.people).where(t.people.c.email == email, t.people.c.active)).first()
    fits = passwords.fits(None if row is None else row.password_hash, password[: passwords.LONGEST + 1])
    if row is None or not fits:
        raise WrongPasswordError(failures)
    fresh = passwords.hashed(password) if passwords.outdated(row.password_hash) else None
    token = secrets.token_urlsafe(32)
    with store.write() as connection:
        still = row_of(connection, row.id)
        if not still.active or still.password_hash != row.password_hash:
            raise WrongPasswordError(failures)
        take_back_tries(connection, name=name, ip=ip)
        _know_address(connection, name=name, ip=ip, at=at, limits=limits)
        if fresh:
            change_person(connection, row.id, {"password_hash": fresh})
        begin_session(connection, token, number=row.id, ip=ip, agent=agent, at=at, limits=limits)
    return token


def session(store: Store, token: str, *, at: datetime, used: bool = True, limits: Limits = LIMITS) -> Person | None:
    """The person whose session this is; None where it never was or has ended.

    `used=False` looks without counting as use: a page that refreshes itself must not keep a session alive.
    """
    now, key = micros(at), hashed(token)
    query = (
        sa.select(t.sessions.c.last_seen_at, t.people)
        .join_from(t.sessions, t.people, t.people.c.id == t.sessions.c.person_id)
        .where(t.sessions.c.token_hash == key, t.sessions.c.expires_at > now, t.people.c.active)
        .where(t.sessions.c.last_seen_at > now - us(limits.idle))
        .where(t.sessions.c.created_at > now - us(limits.absolute))
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    if used and now - row[0] >= us(limits.noted):
        with store.write() as connection:
            connection.execute(sa.update(t.sessions).where(t.sessions.c.token_hash == key).values(last_seen_at=now))
            change_person(connection, row.id, {"last_seen_at": now})
    return Person(row.id, row.name, row.email, row.role, row.active, row.created_at, row[7])


def sign_out(store: Store, token: str) -> None:
    """End a session. One that has ended already is no error."""
    with store.write() as connection:
        connection.execute(sa.delete(t.sessions).where(t.sessions.c.token_hash == hashed(token)))


def note_try(store: Store, *, name: str, ip: str, at: datetime, limits: Limits = LIMITS) -> int:
    """Write a try down as failed and return how many there are of this account and address, or refuse it.

    `name` is a hash. From everywhere together an account takes more tries than from one address; above that, only
    addresses from which somebody signed in to it before are still looked at, so nobody is locked out by strangers.
    """
    tries, now = t.signin_failures, micros(at)
    with store.write() as connection:
        connection.execute(sa.delete(tries).where(tries.c.at <= now - us(limits.window)))
        of_address = connection.execute(sa.select(tries).where(tries.c.ip == ip).order_by(tries.c.at)).all()
        here = [row for row in of_address if row.name_hash == name]
        checks = [(here, limits.tries), (of_address, limits.tries_of_address)]
        if not _known(connection, name=name, ip=ip, at=at, limits=limits):
            everywhere = sa.select(tries).where(tries.c.name_hash == name).order_by(tries.c.at)
            checks.append((connection.execute(everywhere).all(), limits.tries_of_account))
        for rows, most in checks:
            if len(rows) >= most:
                free = rows[-most].at + us(limits.window)
                raise TooManyTriesError(max(1, -(-(free - now) // 1_000_000)))
        connection.execute(sa.insert(tries).values(name_hash=name, ip=ip, at=now))
    return len(here) + 1


def take_back_tries(connection: sa.Connection, *, name: str, ip: str) -> None:
    """Forget the failed tries of an account from an address: somebody who knows the password was there."""
    tries = t.signin_failures
    connection.execute(sa.delete(tries).where(tries.c.name_hash == name, tries.c.ip == ip))


def _known(connection: sa.Connection, *, name: str, ip: str, at: datetime, limits: Limits) -> bool:
    """Whether somebody signed in to the account from this address lately."""
    known, since = t.signin_addresses, micros(at - limits.known)
    query = sa.select(known.c.at).where(known.c.name_hash == name, known.c.ip_hash == hashed(ip), known.c.at > since)
    return connection.execute(query).first() is not None


def _know_address(connection: sa.Connection, *, name: str, ip: str, at: datetime, limits: Limits) -> None:
    known, now = t.signin_addresses, micros(at)
    connection.execute(sa.delete(known).where(known.c.at <= micros(at - limits.known)))
    connection.execute(sa.delete(known).where(known.c.name_hash == name, known.c.ip_hash == hashed(ip)))
    connection.execute(sa.insert(known).values(name_hash=name, ip_hash=hashed(ip), at=now))
