"""Checking the whole store: the file, the heads, the chains, the claims against their events, decisions, balances."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from refundcore.facts import COLUMNS
from refundcore.store import sqlite, tables
from refundcore.store.chain import ERASED_ON, GENESIS, PERSONAL, commitment, event_hash, head_hash
from refundcore.store.editions import check_editions
from refundcore.store.evidence_checking import Listed, check_files, check_rows, listed_files
from refundcore.store.evidence_reading import files
from refundcore.store.figure_keeping import check_figures
from refundcore.store.model import OPEN_STATES
from refundcore.store.payout_checking import check_payouts
from refundcore.store.sentences import DONE
from refundcore.store.store import Row, Store, rows_of
from refundcore.store.verdict_checking import check_verdicts

AT_ONCE = 5_000
"""Rows that are held at once."""

ERASED = object()
"""A personal value that is no longer known."""

_DECIDED = ("outcome", "override", "reason", "refund", "fee", "currency", "verdict", "clause", "policy")
"""What a decision and the body of its event both hold."""

_PARTS = ("rows", "created", "updated", "unchanged", "duplicates", "conflicting", "rejected")


@dataclass(frozen=True)
class Finding:
    """The outcome of a check of the store."""

    good: bool
    sentence: str
    """What was checked, or the first thing that is wrong."""


class _Wrong(Exception):  # noqa: N818 - carries the sentence of the first thing that is wrong
    pass


def verify(store: Store, *, at: datetime | None = None) -> Finding:
    """Check everything that must hold; stops at the first thing that does not.

    Given a moment, each open claim is also judged afresh, where the store was opened with a policy.
    """
    try:
        with store.read() as connection:
            if connection.dialect.name == "sqlite" and (wrong := sqlite.integrity(connection)):
                return Finding(good=False, sentence=wrong)
            heads, last = _check_heads(connection)
            claims, events = _check_claims(connection)
            _check_decisions(connection)
            _check_editions(connection)
            imports = _check_imports(connection)
            payouts = _good(check_payouts(connection))
            listed = _check_evidence(connection)
            days = _good(check_figures(store, connection))
            judged = _good(check_verdicts(store, connection, at)) if at else 0
        evidence = _good(check_files(listed, files(store)))  # it takes long: not within the snapshot
    except _Wrong as wrong:
        return Finding(good=False, sentence=str(wrong))
    files_too = f" {evidence:,} files of evidence are unchanged." if evidence else ""
    paid = f" {payouts:,} payouts agree with their decisions and orders." if payouts else ""
    counted = f" The figures of {days:,} days are the sums of their claims." if days else ""
    verdicts = f" {judged:,} open claims were judged afresh and have the verdict that is kept." if judged else ""
    sentence = (
        f"{claims:,} claims agree with their {events:,} events, {heads:,} entries of the journal hold together and"
        f" {imports:,} imports balance.{paid}{files_too}{counted}{verdicts} The journal ends with {last[:16]}."
    )
    return Finding(good=True, sentence=sentence)


def _check_editions(connection: sa.Connection) -> None:
    """Each edition is the document that its fingerprint names."""
    if wrong := check_editions(connection):
        raise _Wrong(wrong)


def _good(checked: tuple[int, str]) -> int:
    """How many were checked, where nothing is wrong with them."""
    count, wrong = checked
    if wrong:
        raise _Wrong(wrong)
    return count


def _check_evidence(connection: sa.Connection) -> list[Listed]:
    """Each file of evidence is told of by an event; the files that have to be there."""
    if wrong := check_rows(connection):
        raise _Wrong(wrong)
    return listed_files(connection)


def _stream(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Any]:
    yield from connection.execution_options(yield_per=AT_ONCE).execute(query)


def _check_heads(connection: sa.Connection) -> tuple[int, str]:
    """The heads are one chain, and each covers just the events that its transaction added."""
    removed = set(
        connection.execute(
            sa.select(tables.imports.c.id).where(tables.imports.c.status.in_(("removing", "removed")))
        ).scalars()
    )
    events = _stream(connection, sa.select(tables.events.c.id, tables.events.c.hash).order_by(tables.events.c.id))
    upcoming = next(events, None)
    prev, count, reached = GENESIS, 0, 0
    for head in _stream(connection, sa.select(tables.heads).order_by(tables.heads.c.id)):
        count += 1
        if head.id != count:
            raise _Wrong(f"Entry {count} of the journal is missing.")
        if head.prev_hash != prev or head.first_event != reached + 1:
            raise _Wrong(f"Entry {count} of the journal does not follow the one before it.")
        if _hash_of_head(head) != head.hash:
            raise _Wrong(f"Entry {count} of the journal was changed.")
        found, number = hashlib.sha256(), 0
        while upcoming is not None and upcoming.id <= head.last_event:
            found.update(upcoming.hash.encode())
            number += 1
            upcoming = next(events, None)
        expected = head.last_event - head.first_event + 1
        if head.import_id in removed and number < expected:
            pass  # an import that was cut off: its events were taken back with its claims
        elif number != expected or found.hexdigest() != head.digest:
            raise _Wrong(
                f"Events {head.first_event} to {head.last_event} are not those that entry {count} of the journal saw:"
                f" {expected} were written, {number} are here."
            )
        prev, reached = head.hash, head.last_event
    if upcoming is not None:
        raise _Wrong(f"Event {upcoming.id} is not in the journal.")
    return count, prev


def _hash_of_head(head: Any) -> str:  # noqa: ANN401 - a row
    return head_hash(
        head.at,
        head.person_id,
        head.first_event,
        head.last_event,
        head.digest,
        head.import_id,
        head.body,
        head.prev_hash,
    )


def _check_claims(connection: sa.Connection) -> tuple[int, int]:
    """Each claim's events are one chain, and the claim is their sum."""
    table = tables.events
    query = sa.select(table).order_by(table.c.claim_id, table.c.seq)
    by_claim = groupby(_stream(connection, query), key=lambda event: event.claim_id)
    upcoming = next(by_claim, None)
    claims = events = 0
    rows = connection.execution_options(yield_per=AT_ONCE).execute(
        sa.select(tables.claims).order_by(tables.claims.c.id)
    )
    for claim in rows.mappings():
        claims += 1
        if upcoming is None or upcoming[0] != claim["id"]:
            raise _Wrong(f"Claim {claim['ref']} has no events.")
        events += _check_claim(dict(claim), upcoming[1])
        upcoming = next(by_claim, None)
    if upcoming is not None:
        raise _Wrong(f"Event {next(upcoming[1]).id} is of a claim that is missing.")
    return claims, events


def _check_claim(claim: Mapping[str, Any], events: Iterator[Any]) -> int:
    prev, count, ref = GENESIS, 0, claim["ref"]
    now: dict[str, Any] = dict.fromkeys((*COLUMNS, "asked_until", "promised"))
    lost = 0
    for event in events:
        count += 1
        if event.seq != count:
            raise _Wrong(f"Claim {ref}: event {count} is missing.")
        if event.prev_hash != prev:
            raise _Wrong(f"Claim {ref}: event {count} does not follow the one before it.")
        said, whole = _said(event, ref)
        now |= said
        lost = 0 if event.kind in {"erased", "evidence_erased"} else lost if whole else lost or count
        prev = event.hash
    if lost:
        raise _Wrong(f"Claim {ref}: a personal value of event {lost} is gone, but no event says that it was erased.")
    if claim["version"] != count:
        raise _Wrong(f"Claim {ref} is at version {claim['version']}, but has {count} events.")
    for name, value in now.items():
        if value is not ERASED and claim[name] != value:
            raise _Wrong(f"Claim {ref}: {name} is not what its events say.")
    _check_places(claim)
    return count


def _check_places(claim: Mapping[str, Any]) -> None:
    """A claim is found where its state and its facts say: in the queue while it is open, by its address."""
    ref, address = claim["ref"], claim["customer_email"]
    if claim["state"] in OPEN_STATES:
        if claim["act_by"] is None or claim["queue_at"] != claim["act_by"]:
            raise _Wrong(f"Claim {ref} is open, but does not stand in the queue at its time.")
    elif claim["queue_at"] is not None:
        raise _Wrong(f"Claim {ref} is {claim['state']}, but still stands in the queue.")
    key = None if address is None or address.startswith(ERASED_ON) else address.lower()
    if claim["email_key"] != key:
        raise _Wrong(f"Claim {ref} is not found by its customer's address.")


def _said(event: Any, ref: str) -> tuple[dict[str, Any], bool]:  # noqa: ANN401 - a row
    """What an event says of the columns of its claim, once it is known to be unchanged; whether all of it is here."""
    found = event_hash(event.claim_id, event.seq, event.at, event.person_id, event.kind, event.body, event.prev_hash)
    if found != event.hash:
        raise _Wrong(f"Claim {ref}: event {event.seq} was changed.")
    body = json.loads(event.body)
    private = json.loads(event.private) if event.private else {}
    parts = (body, body.get("facts", {}), body.get("changes", {}))
    for part in parts:
        _put_back(part, private, f"Claim {ref}: a personal value of event {event.seq} was changed.")
    whole = not any(value is ERASED for part in parts for value in part.values())
    said: dict[str, Any] = body.get("after", {})
    if event.kind == "created":
        said = {**body["facts"], "ref": body["ref"], **said}
    elif "changes" in body:
        said = {**body["changes"], **said}
    elif event.kind == "erased":
        said = {**body["marks"], **said}
    return said, whole


def _put_back(part: dict[str, Any], private: Mapping[str, Any], wrong: str) -> None:
    for name in PERSONAL & part.keys():
        if not part[name]:
            continue
        if name not in private:
            part[name] = ERASED
            continue
        if commitment(private["salt"], name, private[name]) != part[name]:
            raise _Wrong(wrong)
        part[name] = private[name]


def _check_decisions(connection: sa.Connection) -> None:
    """Each decision is as its event says, and the state of the claim agrees with its decisions."""
    decisions, events, claims = tables.decisions, tables.events, tables.claims
    query = (
        sa.select(decisions, events.c.body, events.c.claim_id.label("event_claim"), claims.c.ref)
        .join(events, events.c.id == decisions.c.event_id, isouter=True)
        .join(claims, claims.c.id == decisions.c.claim_id)
        .order_by(decisions.c.id)
    )
    standing: dict[int, str] = {}
    waiting: dict[int, str] = {}
    count = 0
    for row in _stream(connection, query):
        count += 1
        body = json.loads(row.body) if row.body else {}
        if row.event_claim != row.claim_id or any(getattr(row, name) != body.get(name) for name in _DECIDED):
            raise _Wrong(f"Claim {row.ref}: decision {row.id} is not what its event says.")
        if row.status == "standing":
            standing[row.claim_id] = DONE[row.outcome]
        elif row.status == "awaiting_approval":
            waiting[row.claim_id] = ""
    kinds = events.c.kind.in_(("decided", "override_requested"))
    told = connection.execute(sa.select(sa.func.count()).select_from(events).where(kinds)).scalar()
    if told != count:
        raise _Wrong(f"There are {count} decisions, but the events tell of {told}.")
    _check_outcomes(connection, standing, waiting)


def _check_outcomes(connection: sa.Connection, standing: dict[int, str], waiting: dict[int, str]) -> None:
    """Every claim that is decided has a decision that stands, every other has none; nor has one that was withdrawn."""
    claims = tables.claims
    done = claims.c.state.in_(("decided", "closed", "awaiting_approval", "payout_failed"))
    for row in _stream(connection, sa.select(claims.c.id, claims.c.ref, claims.c.state, claims.c.outcome).where(done)):
        if row.outcome == "withdrawn" and row.state == "closed" and row.id not in standing:
            continue
        found = (waiting if row.state == "awaiting_approval" else standing).pop(row.id, None)
        if found != row.outcome:
            raise _Wrong(f"Claim {row.ref} is {row.state.replace('_', ' ')}, but no decision says so.")
    if left := [*standing, *waiting]:
        raise _Wrong(f"A decision stands on claim number {left[0]}, which is open.")


def _check_imports(connection: sa.Connection) -> int:
    """Each finished import balances, with the claims and rejects that are here and with what the journal sealed."""
    claims, kept, heads = tables.claims, tables.import_rejects, tables.heads
    here: Counter[tuple[int, str]] = Counter()
    query = sa.select(claims.c.import_id, sa.func.count()).where(claims.c.import_id.isnot(None))
    for number, count in connection.execute(query.group_by(claims.c.import_id)):
        here[number, "created"] = count
    listed = sa.select(kept.c.import_id, kept.c.kind, sa.func.count()).group_by(kept.c.import_id, kept.c.kind)
    for number, kind, count in connection.execute(listed):
        here[number, kind] = count
    sealed, undone = {}, set[int]()
    for row in _stream(connection, sa.select(heads.c.import_id, heads.c.body).where(heads.c.import_id.isnot(None))):
        body = json.loads(row.body)
        if body.get("finished"):
            sealed[row.import_id] = body
        if body.get("undone"):
            undone.add(row.import_id)
    imports = rows_of(connection, sa.select(tables.imports).order_by(tables.imports.c.id))
    for record in imports:
        if (record["undone_by"] is not None) != (record["id"] in undone):
            raise _Wrong(f"Import {record['id']} ({record['filename']}): the journal tells otherwise of its undoing.")
        _check_import(record, here, sealed.get(record["id"]))
    return len(imports)


def _check_import(record: Row, here: Counter[tuple[int, str]], sealed: Mapping[str, Any] | None) -> None:
    number, status = record["id"], record["status"]
    where = f"Import {number} ({record['filename']})"
    if record["rows"] != sum(record[part] for part in _PARTS[1:]):
        raise _Wrong(f"{where}: its balance does not add up.")
    if status == "removed" and (here[number, "created"] or (sealed and record["undone_by"] is None)):
        raise _Wrong(f"{where} was taken back, but some of it is here.")
    if status in {"removing", "removed"}:
        return
    for kind in ("created", "rejected", "conflicting"):
        if here[number, kind] != record[kind]:
            raise _Wrong(f"{where} counted {record[kind]} rows as {kind}, but {here[number, kind]} are here.")
    if status == "finished" and any((sealed or {}).get(part) != record[part] for part in _PARTS):
        raise _Wrong(f"{where}: its balance is not the one that was sealed.")
