"""People: made, given another role or password, closed and opened again; who is there and what was changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore import passwords
from refundcore.accounts.pieces import (
    LIMITS,
    AccountError,
    Limits,
    WrongPasswordError,
    addressed,
    change_person,
    changing,
    check_not_last_manager,
    check_role,
    end_sessions,
    hashed,
    insert_person,
    kept,
    must,
    named,
    note,
    row_of,
    us,
)
from refundcore.accounts.signing_in import note_try, take_back_tries
from refundcore.deadlines import micros
from refundcore.store import Person, Role, Store, may, people, person
from refundcore.store import tables as t
from refundcore.store.acting import Act, acting
from refundcore.store.store import rows_of

_OWN = "own account"
"""In the place of an address: from where tries of one's present password are counted."""


@dataclass(frozen=True)
class Member:
    """A person, with what a manager sees of the account."""

    person: Person
    claims: int
    """Claims in their hands that are not closed."""
    sessions: int
    """Sessions that have not ended: browsers in which they are signed in."""
    link: bool
    """Whether a one-time link is out that chooses their password."""


@dataclass(frozen=True)
class AccountChange:
    """A change of an account, as the journal sealed it."""

    at: int
    by: str
    """Who did it; "" for whoever ran a command on the desk's own machine."""
    person: str
    what: str
    more: Mapping[str, Any]


def anybody(store: Store) -> bool:
    """Whether there is any account yet."""
    with store.read() as connection:
        return connection.execute(sa.select(t.people.c.id).limit(1)).first() is not None


def create_person(
    store: Store, *, actor: int | None, name: str, email: str, role: Role, password: str, at: datetime
) -> Person:
    """Make an account. Raises `AccountError` for values that cannot be taken, `Forbidden` for who may not."""
    name, email = named(name), addressed(email)
    check_role(role)
    new = kept(password, name=name, email=email)
    if actor is None:
        with store.write() as connection:
            number = insert_person(connection, name=name, email=email, role=role, kept=new, at=at)
        return must(store, number)
    with acting(store, "manage_people", actor=actor, at=at) as act:
        number = insert_person(act.connection, name=name, email=email, role=role, kept=new, at=at)
        note(act, number, "added", role=role)
    return must(store, number)


def set_role(store: Store, *, actor: int | None, number: int, role: Role, at: datetime) -> Person:
    """Give somebody another role; they sign in anew. The last manager stays one.

    Whoever can no longer work on claims has theirs handed back to everybody.
    """
    check_role(role)
    with changing(store, actor, "manage_people", number, at=at) as act:
        before = row_of(act.connection, number)
        if before.role != role:
            if role != "manager":
                check_not_last_manager(act.connection, before)
            change_person(act.connection, number, {"role": role})
            end_sessions(act.connection, number, at)
            claims = 0 if may(role, "decide") else _hand_over(act, number, None)
            note(act, number, "role", by_command=actor is None, old=before.role, role=role, claims=claims)
    return must(store, number)


def disable(store: Store, *, actor: int | None, number: int, at: datetime, to: int | None = None) -> Person:
    """Close an account: whoever it belongs to is signed out at once, and their claims go to `to`, or to nobody.

    What they did stays. The last manager stays. Raises `AccountError`, `Forbidden`, or `Impossible` where `to` cannot
    work on claims.
    """
    with changing(store, actor, "manage_people", number, at=at) as act:
        before = row_of(act.connection, number)
        if to == number:
            raise AccountError("Claims of an account that is closed go to somebody else, or to nobody.")
        check_not_last_manager(act.connection, before)
        if before.active:
            claims = _hand_over(act, number, to)
            change_person(act.connection, number, {"active": False})
            note(act, number, "closed", by_command=actor is None, claims=claims, to=to)
        end_sessions(act.connection, number, at)
    return must(store, number)


def enable(store: Store, *, actor: int | None, number: int, at: datetime) -> Person:
    """Open a closed account again, with the password it had."""
    with changing(store, actor, "manage_people", number, at=at) as act:
        if not row_of(act.connection, number).active:
            change_person(act.connection, number, {"active": True})
            note(act, number, "opened", by_command=actor is None)
    return must(store, number)


def set_password(
    store: Store, *, actor: int | None, number: int, password: str, at: datetime, present: str | None = None,
    limits: Limits = LIMITS,
) -> Person:  # fmt: skip
    """Give an account a new password and end its sessions.

    People change their own by naming the `present` one, of which tries are counted as at the sign-in; managers, and
    whoever runs commands on the desk's machine, change anybody's.
    """
    with store.read() as connection:
        row = row_of(connection, number)
    own = actor == number
    name = hashed(row.email)
    if own:
        failures = note_try(store, name=name, ip=_OWN, at=at, limits=limits)
        if not passwords.fits(row.password_hash, (present or "")[: passwords.LONGEST + 1]):
            raise WrongPasswordError(failures, "The present password is not right.")
    new = kept(password, name=row.name, email=row.email)
    changes = {"password_hash": new, "password_changed_at": micros(at)}
    with changing(store, actor, "own_account" if own else "manage_people", number, at=at) as act:
        take_back_tries(act.connection, name=name, ip=_OWN)
        change_person(act.connection, number, changes)
        end_sessions(act.connection, number, at)
        note(act, number, "password", by_command=actor is None)
    return must(store, number)


def sign_out_everywhere(store: Store, *, actor: int | None, number: int, at: datetime) -> int:
    """End all sessions of a person, one's own or, as a manager, anybody's; how many there were."""
    action = "own_account" if actor == number else "manage_people"
    with changing(store, actor, action, number, at=at) as act:
        row_of(act.connection, number)
        ended = end_sessions(act.connection, number, at)
        note(act, number, "signed_out", by_command=actor is None, sessions=ended)
    return ended


def find(store: Store, email: str) -> Person | None:
    """The person with this e-mail address, in whatever case it is written."""
    with store.read() as connection:
        wanted = email.strip().lower()
        number = connection.execute(sa.select(t.people.c.id).where(t.people.c.email == wanted)).scalar()
    return None if number is None else person(store, number)


def members(store: Store, *, at: datetime, limits: Limits = LIMITS) -> list[Member]:
    """Everybody with an account: the open ones first, each by name."""
    claims, sessions, links, now = t.claims, t.sessions, t.password_links, micros(at)
    held = sa.select(claims.c.assignee_id, sa.func.count()).where(
        claims.c.assignee_id.isnot(None), claims.c.state != "closed"
    )
    live = sa.select(sessions.c.person_id, sa.func.count()).where(
        sessions.c.expires_at > now, sessions.c.last_seen_at > now - us(limits.idle)
    )
    out = sa.select(links.c.person_id).where(links.c.used_at.is_(None), links.c.expires_at > now)
    with store.read() as connection:
        holding = {row[0]: row[1] for row in connection.execute(held.group_by(claims.c.assignee_id))}
        signed_in = {row[0]: row[1] for row in connection.execute(live.group_by(sessions.c.person_id))}
        linked = set(connection.execute(out).scalars())
    found = [Member(one, holding.get(one.id, 0), signed_in.get(one.id, 0), one.id in linked) for one in people(store)]
    return sorted(found, key=lambda one: not one.person.active)


def account_changes(store: Store, limit: int = 50) -> list[AccountChange]:
    """The changes of accounts, the latest first, as the journal sealed them."""
    heads = t.heads
    query = (
        sa.select(heads.c.at, heads.c.person_id, heads.c.body)
        .where(heads.c.body.contains('"account":', autoescape=True))
        .order_by(heads.c.id.desc())
        .limit(limit)
    )
    names = {one.id: one.name for one in people(store)}
    made = []
    with store.read() as connection:
        for row in connection.execute(query):
            body = json.loads(row.body)
            if "account" in body:
                by = "" if body.get("by") == "command" else names.get(row.person_id, "")
                whom = names.get(body.pop("account"), "")
                made.append(AccountChange(row.at, by, whom, body.pop("change", ""), body))
    return made


def _hand_over(act: Act, number: int, to: int | None) -> int:
    """Give all claims of a person that are not closed to somebody, or to nobody; how many there were."""
    act.assignable(to)
    mine = sa.select(t.claims).where(t.claims.c.assignee_id == number, t.claims.c.state != "closed")
    rows = rows_of(act.connection, mine.order_by(t.claims.c.id))
    for row in rows:
        act.change(row, "assigned", {"to": to, "left_by": number}, {"assignee_id": to})
    return len(rows)
