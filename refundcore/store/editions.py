"""Editions of the policy in the store: which are in force, and how one comes to be.

The document of `data/policy.toml` becomes the first edition when a store is first opened; from then on the store's
editions rule. A manager proposes an edition with a reason and the day from which it holds; it is released by another
manager. An edition judges orders from its day on, and none that was placed before it was released.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from refundcore import policy as policies
from refundcore import rules
from refundcore.deadlines import micros, moment, zone_of
from refundcore.policy import Policy, PolicyError
from refundcore.store.acting import Act, acting, names_of, words
from refundcore.store.edition_tables import drafts, editions
from refundcore.store.errors import Forbidden, Impossible
from refundcore.store.ruling import day_begins, refresh, take_up
from refundcore.store.store import Row, Store, first_of, rows_of

LONGEST_NAME = 80
MOST_DRAFTS = 50


@dataclass(frozen=True)
class EditionRecord:
    """An edition, or what was proposed as one."""

    id: int
    number: int | None
    """Of a released edition."""
    state: str
    """proposed, released, rejected or withdrawn."""
    policy: Policy
    document: str
    fees: str
    effective_from: date | None
    """None for the first edition."""
    begins: int | None
    """The first instant of the orders that it judges; None for the first edition, and for what isn't released."""
    reason: str
    person_id: int | None
    person: str
    """Who proposed it; "" for the first edition."""
    proposed_at: int
    approver: str
    approved_at: int | None
    approver_reason: str


@dataclass(frozen=True)
class EditionReceipt:
    """What was done to an edition."""

    id: int
    sentence: str
    repeated: bool = False


@dataclass(frozen=True)
class Draft:
    """A change of the policy that a manager keeps to try it."""

    id: int
    name: str
    policy: Policy
    document: str
    fees: str
    start: date
    """The day from which it is tried."""
    person: str
    at: int


def propose_edition(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    document: str,
    fees: str,
    effective_from: date,
    reason: str,
) -> EditionReceipt:
    """Propose a document as the next edition, in force for orders from a day on; another manager releases it.

    Raises `Impossible` for a document that cannot be used or changes nothing, and for a day in the past.
    """
    parameters = {"document": document, "fees": fees, "from": f"{effective_from}", "reason": reason}
    with acting(store, "propose_edition", actor=actor, at=at, key=key, parameters=parameters) as act:
        earlier = first_of(act.connection, sa.select(editions).where(editions.c.key == key))
        if earlier is not None:
            if earlier["fingerprint"] != _usable(document, fees).fingerprint or earlier["person_id"] != actor:
                raise Impossible("This form was used for something else before; reload the page.")
            return EditionReceipt(earlier["id"], _proposed(effective_from), repeated=True)
        policy, text = _usable(document, fees), words(reason, "The reason", needed=True)
        _refuse_past(act, effective_from, policy.zone)
        if policy == store.laws.at(day_begins(effective_from, policy.zone)).policy:
            raise Impossible("This is the policy of that day already: nothing would change.")
        made = act.connection.execute(
            sa.insert(editions).values(
                state="proposed",
                key=key,
                document=document,
                fees=fees,
                fingerprint=policy.fingerprint,
                effective_from=f"{effective_from}",
                reason=text,
                person_id=actor,
                proposed_at=act.at,
                approver_reason="",
            )
        )
        number = int(made.inserted_primary_key[0]) if made.inserted_primary_key else 0
        act.sealed = {
            "edition": number,
            "state": "proposed",
            "fingerprint": policy.fingerprint,
            "from": f"{effective_from}",
            "reason": text,
        }
    return EditionReceipt(number, _proposed(effective_from))


def _proposed(day: date) -> str:
    return f"The edition was proposed for orders from {_day(day)} on; another manager has to approve it."


def _usable(document: str, fees: str) -> Policy:
    """The policy of a document. Raises `Impossible` with the sentence of what is wrong with it."""
    try:
        policy = policies.read(document, fees)
        rules.BOOK.check(policy)
    except PolicyError as wrong:
        raise Impossible(str(wrong)) from wrong
    return policy


def _refuse_past(act: Act, day: date, zone: str) -> None:
    today = moment(act.at, zone_of(zone)).date()
    if day < today:
        raise Impossible(f"{_day(day)} is over: an edition cannot judge orders that were placed under another.")


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def approve_edition(
    store: Store, *, actor: int, at: datetime, key: str, edition: int, reason: str = ""
) -> EditionReceipt:
    """Release a proposed edition: a manager, never the one who proposed it.

    It judges orders from its day on or, where that is today, from this moment on. Raises `Forbidden`, or `Impossible`
    for one that isn't proposed any more or whose day is over.
    """
    with acting(store, "approve_edition", actor=actor, at=at, key=key) as act:
        row = _loaded(act, edition)
        if row["state"] == "released" and row["approver_id"] == actor:
            return EditionReceipt(edition, f"Edition {row['number']} was released.", repeated=True)
        _refuse_settled(act, row)
        if row["person_id"] == actor:
            raise Forbidden("You proposed this edition yourself: another manager has to approve it.")
        policy, day = _usable(row["document"], row["fees"]), date.fromisoformat(row["effective_from"])
        _refuse_past(act, day, policy.zone)
        number = (act.connection.execute(sa.select(sa.func.max(editions.c.number))).scalar() or 0) + 1
        begins = max(day_begins(day, policy.zone), act.at)
        text = words(reason, "The reason")
        _settle(act, edition, state="released", number=number, begins=begins, approver_reason=text)
        act.sealed = {
            "edition": edition,
            "state": "released",
            "number": number,
            "fingerprint": row["fingerprint"],
            "begins": begins,
            "reason": text,
        }
    with store.read() as connection:
        refresh(store, connection, micros(at))
    return EditionReceipt(edition, f"Edition {number} was released. It judges orders from {_day(day)} on.")


def reject_edition(store: Store, *, actor: int, at: datetime, key: str, edition: int, reason: str) -> EditionReceipt:
    """Refuse a proposed edition, or take one's own back."""
    with acting(store, "approve_edition", actor=actor, at=at, key=key) as act:
        row = _loaded(act, edition)
        state = "withdrawn" if row["person_id"] == actor else "rejected"
        if row["state"] == state:
            return EditionReceipt(edition, f"The edition was {state}.", repeated=True)
        _refuse_settled(act, row)
        text = words(reason, "The reason", needed=True)
        _settle(act, edition, state=state, approver_reason=text)
        act.sealed = {"edition": edition, "state": state, "fingerprint": row["fingerprint"], "reason": text}
    return EditionReceipt(edition, f"The edition was {state}.")


def _loaded(act: Act, edition: int) -> Row:
    row = first_of(act.connection, sa.select(editions).where(editions.c.id == edition))
    if row is None:
        raise Impossible("There is no such edition.")
    return row


def _refuse_settled(act: Act, row: Row) -> None:
    if row["state"] != "proposed":
        who = names_of(act.connection).get(row["approver_id"], "Somebody")
        raise Impossible(f"{who} {row['state']} this edition already; reload to see it.")


def _settle(act: Act, edition: int, **values: object) -> None:
    changes = {"approver_id": act.actor.id, "approved_at": act.at, **values}
    act.connection.execute(sa.update(editions).where(editions.c.id == edition).values(changes))


def edition_records(store: Store) -> list[EditionRecord]:
    """Every edition and everything that was proposed as one, the latest first."""
    with store.read() as connection:
        names = names_of(connection)
        return [_record(row, names) for row in rows_of(connection, sa.select(editions).order_by(editions.c.id.desc()))]


def _record(row: Row, names: Mapping[int, str]) -> EditionRecord:
    day = row["effective_from"]
    same = ("id", "number", "state", "document", "fees", "begins", "reason", "person_id", "proposed_at", "approved_at")
    return EditionRecord(
        **{name: row[name] for name in same},
        policy=policies.read(row["document"], row["fees"]),
        effective_from=date.fromisoformat(day) if day else None,
        person=names.get(row["person_id"], ""),
        approver=names.get(row["approver_id"], ""),
        approver_reason=row["approver_reason"],
    )


def save_draft(
    store: Store, *, actor: int, at: datetime, key: str, name: str, document: str, fees: str, start: date
) -> EditionReceipt:
    """Keep a draft under a name; one of the same name gives way. Raises `Impossible` for one that cannot be used."""
    del key  # the same draft twice is the same draft
    with acting(store, "propose_edition", actor=actor, at=at) as act:
        _usable(document, fees)
        title = words(name, "The draft's name", needed=True)
        if len(title) > LONGEST_NAME or not title.isprintable():
            raise Impossible(f"A draft's name is one line of at most {LONGEST_NAME} characters.")
        act.connection.execute(sa.delete(drafts).where(drafts.c.name == title))
        count = act.connection.execute(sa.select(sa.func.count()).select_from(drafts)).scalar() or 0
        if count >= MOST_DRAFTS:
            raise Impossible(f"There are {MOST_DRAFTS} drafts: drop one first.")
        made = act.connection.execute(
            sa.insert(drafts).values(
                name=title, document=document, fees=fees, start=f"{start}", person_id=actor, at=act.at
            )
        )
        number = int(made.inserted_primary_key[0]) if made.inserted_primary_key else 0
        act.sealed = {"policy_draft": title, "fingerprint": policies.read(document, fees).fingerprint}
    return EditionReceipt(number, f"The draft “{title}” is kept.")


def drop_draft(store: Store, *, actor: int, at: datetime, key: str, draft: int) -> EditionReceipt:
    """Drop a draft; nothing for one that is gone."""
    del key
    with acting(store, "propose_edition", actor=actor, at=at) as act:
        row = first_of(act.connection, sa.select(drafts).where(drafts.c.id == draft))
        if row is None:
            return EditionReceipt(draft, "The draft is gone.", repeated=True)
        act.connection.execute(sa.delete(drafts).where(drafts.c.id == draft))
        act.sealed = {"policy_draft": row["name"], "state": "dropped"}
    return EditionReceipt(draft, f"The draft “{row['name']}” was dropped.")


def drafts_kept(store: Store) -> list[Draft]:
    """The drafts that are kept, by name."""
    with store.read() as connection:
        names = names_of(connection)
        return [
            Draft(
                row["id"],
                row["name"],
                policies.read(row["document"], row["fees"]),
                row["document"],
                row["fees"],
                date.fromisoformat(row["start"]),
                names.get(row["person_id"], ""),
                row["at"],
            )
            for row in rows_of(connection, sa.select(drafts).order_by(drafts.c.name))
        ]


def check_editions(connection: sa.Connection) -> str:
    """What is wrong with the editions that are kept; "" where each is the document that its fingerprint names."""
    for row in rows_of(connection, sa.select(editions).order_by(editions.c.id)):
        if policies.read(row["document"], row["fees"]).fingerprint != row["fingerprint"]:
            return f"Edition {row['number'] or row['id']}: its document is another than the one that was proposed."
    return ""


__all__ = [
    "Draft",
    "EditionReceipt",
    "EditionRecord",
    "approve_edition",
    "check_editions",
    "day_begins",
    "drafts_kept",
    "drop_draft",
    "edition_records",
    "propose_edition",
    "refresh",
    "reject_edition",
    "save_draft",
    "take_up",
]
