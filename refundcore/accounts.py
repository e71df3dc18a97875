"""People, how they sign in, and for how long: accounts, passwords, sessions and the first manager's one-time link.

A session is a random token of 256 bits that only the person's browser has; the store keeps its SHA-256. It ends when
nobody used it for an hour, twelve hours after it began, at sign-out, and at once when the account is disabled or its
role or password changes. Tries to sign in are counted in the store before a password is looked at, so that neither a
restart nor many tries at once get around the limits. Source: OWASP ASVS 5.0, chapters 6 and 7.

Times are aware datetimes given by the caller; in the tables they are microseconds since 1970 in UTC. `actor` is the
person who asks, or None for whoever runs commands on the desk's own machine.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from refundcore import passwords
from refundcore.deadlines import micros
from refundcore.store import ROLES, Forbidden, Person, Role, Store, StoreError, may, people, person
from refundcore.store import tables as t

__all__ = ["Person", "people", "person"]

LONGEST_NAME, LONGEST_EMAIL = 100, 254
_EMAIL = re.compile(r"[^@\s<>\"',;:\\]+@[^@\s<>\"',;:\\]+")


@dataclass(frozen=True)
class Limits:
    """How long sessions and links live, and how many tries there are."""

    idle: timedelta = timedelta(minutes=60)
    """A session that nobody used for this long ends."""
    absolute: timedelta = timedelta(hours=12)
    """A session ends so long after it began, used or not."""
    noted: timedelta = timedelta(minutes=1)
    """A session's use is written down at most this often."""
    setup: timedelta = timedelta(minutes=15)
    """The one-time link is good for this long."""
    window: timedelta = timedelta(minutes=15)
    """Failed tries are counted over this time."""
    tries: int = 5
    """Failed tries for one account from one address."""
    tries_of_address: int = 20
    """Failed tries from one address, whatever the account."""


LIMITS = Limits()


class AccountError(StoreError):
    """An account could not be made, changed or entered; the sentence says why."""


class WrongPasswordError(AccountError):
    """E-mail address and password don't belong together; `failures` so far, this one among them."""

    def __init__(self, failures: int) -> None:
        super().__init__("E-mail address and password don't belong together.")
        self.failures = failures


class TooManyTriesError(AccountError):
    """Too many failed tries; `wait` seconds until the next one is looked at."""

    def __init__(self, wait: int) -> None:
        minutes = max(1, -(-wait // 60))
        super().__init__(f"Too many failed tries. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.")
        self.wait = wait


class LinkError(AccountError):
    """The one-time link is used up, expired or was never given."""


# --- people ---------------------------------------------------------------------------------------------------------


def anybody(store: Store) -> bool:
    """Whether there is any account yet."""
    with store.read() as connection:
        return connection.execute(sa.select(t.people.c.id).limit(1)).first() is not None


def create_person(
    store: Store, *, actor: int | None, name: str, email: str, role: Role, password: str, at: datetime
) -> Person:
    """Make an account. Raises `AccountError` for values that cannot be taken, `Forbidden` for who may not."""
    name, email = _named(name), _addressed(email)
    _check_role(role)
    kept = _kept(password, name=name, email=email)
    with store.write() as connection:
        _check_actor(connection, actor)
        number = _insert_person(connection, name=name, email=email, role=role, kept=kept, at=at)
    return _must(store, number)


def set_role(store: Store, *, actor: int | None, number: int, role: Role, at: datetime) -> Person:
    """Give somebody another role; they sign in anew. The last manager stays one."""
    _check_role(role)
    with store.write() as connection:
        _check_actor(connection, actor)
        before = _row(connection, number)
        if before.role != role:
            if role != "manager":
                _check_not_last_manager(connection, before)
            connection.execute(sa.update(t.people).where(t.people.c.id == number).values(role=role))
            _end_sessions(connection, number, at)
    return _must(store, number)


def disable(store: Store, *, actor: int | None, number: int, at: datetime) -> Person:
    """Close an account: whoever it belongs to is signed out at once. What they did stays. The last manager stays."""
    with store.write() as connection:
        _check_actor(connection, actor)
        before = _row(connection, number)
        _check_not_last_manager(connection, before)
        connection.execute(sa.update(t.people).where(t.people.c.id == number).values(active=False))
        _end_sessions(connection, number, at)
    return _must(store, number)


def enable(store: Store, *, actor: int | None, number: int) -> Person:
    """Open a closed account again, with the password it had."""
    with store.write() as connection:
        _check_actor(connection, actor)
        _row(connection, number)
        connection.execute(sa.update(t.people).where(t.people.c.id == number).values(active=True))
    return _must(store, number)


def set_password(
    store: Store, *, actor: int | None, number: int, password: str, at: datetime, present: str | None = None
) -> Person:
    """Give an account a new password and end its sessions.

    People change their own by naming the `present` one; managers, and whoever runs commands on the desk's machine,
    change anybody's.
    """
    with store.read() as connection:
        row = _row(connection, number)
    if actor == number and not passwords.fits(row.password_hash, present or ""):
        raise AccountError("The present password is not right.")
    kept = _kept(password, name=row.name, email=row.email)
    changes = {"password_hash": kept, "password_changed_at": micros(at)}
    with store.write() as connection:
        if actor != number:
            _check_actor(connection, actor)
        connection.execute(sa.update(t.people).where(t.people.c.id == number).values(changes))
        _end_sessions(connection, number, at)
    return _must(store, number)


def find(store: Store, email: str) -> Person | None:
    """The person with this e-mail address, in whatever case it is written."""
    with store.read() as connection:
        wanted = email.strip().lower()
        number = connection.execute(sa.select(t.people.c.id).where(t.people.c.email == wanted)).scalar()
    return None if number is None else person(store, number)


# --- signing in and out ---------------------------------------------------------------------------------------------


def sign_in(
    store: Store, *, email: str, password: str, ip: str, at: datetime, agent: str = "", limits: Limits = LIMITS
) -> str:
    """Begin a session and return its token.

    The try is written down before the password is looked at and taken back when it fits, so tries at once are
    counted too. Raises `TooManyTriesError` without looking, else `WrongPasswordError`, also for accounts that are
    closed or don't exist, which take as long.
    """
    email = email.strip().lower()[:LONGEST_EMAIL]
    name = _digest(email)
    failures = _note_try(store, name=name, ip=ip, at=at, limits=limits)
    with store.read() as connection:
        row = connection.execute(sa.select(t.people).where(t.people.c.email == email, t.people.c.active)).first()
    fits = passwords.fits(None if row is None else row.password_hash, password[: passwords.LONGEST + 1])
    if row is None or not fits:
        raise WrongPasswordError(failures)
    fresh = passwords.hashed(password) if passwords.outdated(row.password_hash) else None
    token = secrets.token_urlsafe(32)
    with store.write() as connection:
        still = _row(connection, row.id)
        if not still.active or still.password_hash != row.password_hash:
            raise WrongPasswordError(failures)
        tries = t.signin_failures
        connection.execute(sa.delete(tries).where(tries.c.name_hash == name, tries.c.ip == ip))
        if fresh:
            connection.execute(sa.update(t.people).where(t.people.c.id == row.id).values(password_hash=fresh))
        _begin_session(connection, token, number=row.id, ip=ip, agent=agent, at=at, limits=limits)
    return token


def session(store: Store, token: str, *, at: datetime, used: bool = True, limits: Limits = LIMITS) -> Person | None:
    """The person whose session this is; None where it never was or has ended.

    `used=False` looks without counting as use: a page that refreshes itself must not keep a session alive.
    """
    now, key = micros(at), _digest(token)
    query = (
        sa.select(t.sessions.c.last_seen_at, t.people)
        .join_from(t.sessions, t.people, t.people.c.id == t.sessions.c.person_id)
        .where(t.sessions.c.token_hash == key, t.sessions.c.expires_at > now, t.people.c.active)
        .where(t.sessions.c.last_seen_at > now - _us(limits.idle))
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    if used and now - row[0] >= _us(limits.noted):
        with store.write() as connection:
            connection.execute(sa.update(t.sessions).where(t.sessions.c.token_hash == key).values(last_seen_at=now))
            connection.execute(sa.update(t.people).where(t.people.c.id == row.id).values(last_seen_at=now))
    return Person(row.id, row.name, row.email, row.role, row.active, row.created_at, row[7])


def sign_out(store: Store, token: str) -> None:
    """End a session. One that has ended already is no error."""
    with store.write() as connection:
        connection.execute(sa.delete(t.sessions).where(t.sessions.c.token_hash == _digest(token)))


# --- the first manager ----------------------------------------------------------------------------------------------


def setup_link(store: Store, *, at: datetime, limits: Limits = LIMITS) -> str:
    """A new one-time token that makes the first manager's account; earlier ones are void from now on."""
    token = secrets.token_urlsafe(32)
    with store.write() as connection:
        _check_nobody(connection)
        connection.execute(sa.delete(t.setup_tokens).where(t.setup_tokens.c.used_at.is_(None)))
        values = {"token_hash": _digest(token), "created_at": micros(at), "expires_at": micros(at + limits.setup)}
        connection.execute(sa.insert(t.setup_tokens).values(values))
    return token


def check_setup(store: Store, token: str, *, at: datetime) -> None:
    """Raise `LinkError` unless the token is good right now. Uses nothing up."""
    with store.read() as connection:
        _check_nobody(connection)
        query = sa.select(t.setup_tokens.c.token_hash).where(*_good_link(token, at))
        if connection.execute(query).first() is None:
            raise LinkError(_DEAD_LINK)


def use_setup(
    store: Store, token: str, *, name: str, email: str, password: str, ip: str, at: datetime, agent: str = "",
    limits: Limits = LIMITS,
) -> str:  # fmt: skip
    """Make the first manager's account and begin their session; returns its token.

    Link used, nobody there yet, and the new account are one transaction: of two at once, one gets it.
    """
    check_setup(store, token, at=at)
    name, email = _named(name), _addressed(email)
    kept = _kept(password, name=name, email=email)
    opened = secrets.token_urlsafe(32)
    with store.write() as connection:
        _check_nobody(connection)
        used = connection.execute(sa.update(t.setup_tokens).where(*_good_link(token, at)).values(used_at=micros(at)))
        if used.rowcount != 1:
            raise LinkError(_DEAD_LINK)
        number = _insert_person(connection, name=name, email=email, role="manager", kept=kept, at=at)
        _begin_session(connection, opened, number=number, ip=ip, agent=agent, at=at, limits=limits)
    return opened


_DEAD_LINK = "This link has expired or was used. Stop the desk and start it again for a new one."


# --- pieces ---------------------------------------------------------------------------------------------------------


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise AccountError("The name is empty.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise AccountError(f"The name has to be at most {LONGEST_NAME} printable characters.")
    return name


def _addressed(email: str) -> str:
    email = email.strip().lower()
    if len(email) > LONGEST_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise AccountError("The e-mail address has to look like name@example.com.")
    return email


def _kept(password: str, *, name: str, email: str) -> str:
    why = passwords.complaint(password, name=name, email=email)
    if why:
        raise AccountError(why)
    return passwords.hashed(password)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise AccountError(f"'{role}' is no role. There are: {', '.join(ROLES)}.")


def _check_actor(connection: sa.Connection, actor: int | None) -> None:
    if actor is None:
        return
    row = connection.execute(sa.select(t.people).where(t.people.c.id == actor)).first()
    if row is None or not row.active or not may(row.role, "manage_people"):
        raise Forbidden("Only managers may change accounts.")


def _check_nobody(connection: sa.Connection) -> None:
    if connection.execute(sa.select(t.people.c.id).limit(1)).first() is not None:
        raise LinkError("There is an account already. Sign in with it, or have its manager make yours.")


def _check_not_last_manager(connection: sa.Connection, row: sa.Row[tuple[object, ...]]) -> None:
    if row.role != "manager" or not row.active:
        return
    others = sa.select(t.people.c.id).where(t.people.c.role == "manager", t.people.c.active, t.people.c.id != row.id)
    if connection.execute(others.limit(1)).first() is None:
        raise AccountError(f"{row.name} is the only manager. Make somebody else a manager first.")


def _row(connection: sa.Connection, number: int) -> sa.Row[tuple[object, ...]]:
    row = connection.execute(sa.select(t.people).where(t.people.c.id == number)).first()
    if row is None:
        raise AccountError(f"There is no account number {number}.")
    return row


def _must(store: Store, number: int) -> Person:
    found = person(store, number)
    if found is None:
        raise AccountError(f"There is no account number {number}.")
    return found


def _insert_person(connection: sa.Connection, *, name: str, email: str, role: Role, kept: str, at: datetime) -> int:
    now = micros(at)
    values = {"name": name, "email": email, "role": role, "password_hash": kept, "active": True}
    try:
        made = connection.execute(sa.insert(t.people).values(**values, created_at=now, password_changed_at=now))
    except IntegrityError:
        raise AccountError(f"{email} has an account already.") from None
    number: int = made.inserted_primary_key[0]  # type: ignore[index]
    return number


def _begin_session(
    connection: sa.Connection, token: str, *, number: int, ip: str, agent: str, at: datetime, limits: Limits
) -> None:
    now = micros(at)
    connection.execute(sa.delete(t.sessions).where(t.sessions.c.expires_at <= now))
    values = {"token_hash": _digest(token), "person_id": number, "created_at": now, "last_seen_at": now}
    connection.execute(
        sa.insert(t.sessions).values(**values, expires_at=micros(at + limits.absolute), ip=ip, agent=agent[:200])
    )
    connection.execute(sa.update(t.people).where(t.people.c.id == number).values(last_seen_at=now))


def _end_sessions(connection: sa.Connection, number: int, at: datetime) -> None:
    ended = sa.or_(t.sessions.c.person_id == number, t.sessions.c.expires_at <= micros(at))
    connection.execute(sa.delete(t.sessions).where(ended))


def _good_link(token: str, at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    c = t.setup_tokens.c
    return c.token_hash == _digest(token), c.used_at.is_(None), c.expires_at > micros(at)


def _note_try(store: Store, *, name: str, ip: str, at: datetime, limits: Limits) -> int:
    """Write a try down as failed and return how many there are of this account and address, or refuse it."""
    tries, now = t.signin_failures, micros(at)
    with store.write() as connection:
        connection.execute(sa.delete(tries).where(tries.c.at <= now - _us(limits.window)))
        of_address = connection.execute(sa.select(tries).where(tries.c.ip == ip).order_by(tries.c.at)).all()
        of_account = [row for row in of_address if row.name_hash == name]
        for rows, most in ((of_account, limits.tries), (of_address, limits.tries_of_address)):
            if len(rows) >= most:
                free = rows[-most].at + _us(limits.window)
                raise TooManyTriesError(max(1, -(-(free - now) // 1_000_000)))
        connection.execute(sa.insert(tries).values(name_hash=name, ip=ip, at=now))
    return len(of_account) + 1
