"""What the accounts' functions share: limits, refusals, checks of what was typed, rows of people and sessions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from refundcore import passwords
from refundcore.deadlines import micros
from refundcore.store import ROLES, Person, Role, Store, StoreError, figure_keeping, person
from refundcore.store import tables as t
from refundcore.store.acting import Act, acting, load_person

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
    """The first manager's one-time link is good for this long."""
    password_link: timedelta = timedelta(hours=24)
    """A one-time link that chooses a password is good for this long."""
    window: timedelta = timedelta(minutes=15)
    """Failed tries are counted over this time."""
    tries: int = 5
    """Failed tries for one account from one address."""
    tries_of_address: int = 20
    """Failed tries from one address, whatever the account."""
    tries_of_account: int = 50
    """Failed tries for one account from all addresses that nobody signed in to it from."""
    known: timedelta = timedelta(days=60)
    """An address counts as an account's own for so long after a sign-in from there."""


LIMITS = Limits()


class AccountError(StoreError):
    """An account could not be made, changed or entered; the sentence says why."""


class WrongPasswordError(AccountError):
    """E-mail address and password don't belong together; `failures` so far, this one among them."""

    def __init__(self, failures: int, sentence: str = "E-mail address and password don't belong together.") -> None:
        super().__init__(sentence)
        self.failures = failures


class TooManyTriesError(AccountError):
    """Too many failed tries; `wait` seconds until the next one is looked at."""

    def __init__(self, wait: int) -> None:
        minutes = max(1, -(-wait // 60))
        super().__init__(f"Too many failed tries. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.")
        self.wait = wait


class LinkError(AccountError):
    """The one-time link is used up, expired or was never given."""


def us(span: timedelta) -> int:
    """A span in microseconds."""
    return span // timedelta(microseconds=1)


def hashed(text: str) -> str:
    """What the store keeps of a token or of a name that somebody tried: its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def named(name: str) -> str:
    """A name without surplus blanks. Raises `AccountError`."""
    name = " ".join(name.split())
    if not name:
        raise AccountError("The name is empty.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise AccountError(f"The name has to be at most {LONGEST_NAME} printable characters.")
    return name


def addressed(email: str) -> str:
    """An e-mail address in lower case. Raises `AccountError`."""
    email = email.strip().lower()
    if len(email) > LONGEST_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise AccountError("The e-mail address has to look like name@example.com.")
    return email


def kept(password: str, *, name: str, email: str) -> str:
    """The hash of a new password. Raises `AccountError` for one that is easily guessed."""
    why = passwords.complaint(password, name=name, email=email)
    if why:
        raise AccountError(why)
    return passwords.hashed(password)


def check_role(role: str) -> None:
    """Raise `AccountError` for what is no role."""
    if role not in ROLES:
        raise AccountError(f"'{role}' is no role. There are: {', '.join(ROLES)}.")


def check_not_last_manager(connection: sa.Connection, row: sa.Row[Any]) -> None:
    """Raise `AccountError` where nobody would be left who manages people."""
    if row.role != "manager" or not row.active:
        return
    others = sa.select(t.people.c.id).where(t.people.c.role == "manager", t.people.c.active, t.people.c.id != row.id)
    if connection.execute(others.limit(1)).first() is None:
        raise AccountError(f"{row.name} is the only manager. Make somebody else a manager first.")


def row_of(connection: sa.Connection, number: int) -> sa.Row[Any]:
    """An account with all that is kept of it. Raises `AccountError`."""
    row = connection.execute(sa.select(t.people).where(t.people.c.id == number)).first()
    if row is None:
        raise AccountError(f"There is no account number {number}.")
    return row


def must(store: Store, number: int) -> Person:
    """The person of an account. Raises `AccountError`."""
    found = person(store, number)
    if found is None:
        raise AccountError(f"There is no account number {number}.")
    return found


@contextmanager
def changing(store: Store, actor: int | None, action: str, number: int, *, at: datetime) -> Iterator[Act]:
    """One change of an account in its transaction; what `note` is told of it is sealed into the journal.

    `actor` None is whoever runs commands on the desk's own machine: in the journal it then stands under the account
    itself, marked so. Raises `Forbidden`.
    """
    if actor is not None:
        with acting(store, action, actor=actor, at=at) as act:
            yield act
    else:
        with store.write() as connection:
            row_of(connection, number)
            own = load_person(connection, number)
            assert own is not None  # noqa: S101 - the row was there just now
            act = Act(store, connection, own, micros(at))
            yield act
            figure_keeping.keep(act)
            act.ledger.seal(act.sealed)
    store.sessions_ended += 1  # only now, when it holds: perhaps somebody's sessions ended


def note(act: Act, number: int, what: str, *, by_command: bool = False, **more: Any) -> None:  # noqa: ANN401 - JSON
    """Have the journal say what was changed on an account: numbers and words of ours, nothing personal."""
    act.sealed = {"account": number, "change": what, **({"by": "command"} if by_command else {}), **more}


def insert_person(connection: sa.Connection, *, name: str, email: str, role: Role, kept: str, at: datetime) -> int:
    """Add an account; its number. Raises `AccountError` where the address has one."""
    now = micros(at)
    values = {"name": name, "email": email, "role": role, "password_hash": kept, "active": True}
    try:
        made = connection.execute(sa.insert(t.people).values(**values, created_at=now, password_changed_at=now))
    except IntegrityError:
        raise AccountError(f"{email} has an account already.") from None
    number: int = made.inserted_primary_key[0]  # type: ignore[index]
    return number


def change_person(connection: sa.Connection, number: int, values: Mapping[str, Any]) -> None:
    """Change an account."""
    connection.execute(sa.update(t.people).where(t.people.c.id == number).values(values))


def begin_session(
    connection: sa.Connection, token: str, *, number: int, ip: str, agent: str, at: datetime, limits: Limits
) -> None:
    """Keep a session's token, and throw away those that have expired."""
    now = micros(at)
    connection.execute(sa.delete(t.sessions).where(t.sessions.c.expires_at <= now))
    values = {"token_hash": hashed(token), "person_id": number, "created_at": now, "last_seen_at": now}
    connection.execute(
        sa.insert(t.sessions).values(**values, expires_at=micros(at + limits.absolute), ip=ip, agent=agent[:200])
    )
    change_person(connection, number, {"last_seen_at": now})


def end_sessions(connection: sa.Connection, number: int, at: datetime) -> int:
    """End all sessions of a person, and void the links that would let them choose a password; how many there were."""
    ended = connection.execute(sa.delete(t.sessions).where(t.sessions.c.person_id == number)).rowcount
    connection.execute(sa.delete(t.sessions).where(t.sessions.c.expires_at <= micros(at)))
    links = t.password_links
    connection.execute(sa.delete(links).where(links.c.person_id == number, links.c.used_at.is_(None)))
    return ended
