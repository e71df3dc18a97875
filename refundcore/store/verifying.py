"""Checking the whole store: the file, the heads, the chains, the claims against their events, decisions, balances."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from refundcore.facts import COLUMNS
from refundcore.store import sqlite, tables
from refundcore.store.chain import GENESIS, PERSONAL, commitment, event_hash, head_hash
from refundcore.store.sentences import DONE
from refundcore.store.store import Store

AT_ONCE = 5_000
"""Rows that are held at once."""

ERASED = object()
"""A personal value that is no longer known."""

_PARTS = ("rows", "created", "updated", "unchanged", "duplicates", "conflicting", "rejected")


@dataclass(frozen=True)
class Finding:
    """The outcome of a check of the store."""

    good: bool
    sentence: str
    """What was checked, or the first thing that is wrong."""


class _Wrong(Exception):  # noqa: N818 - carries the sentence of the first thing that is wrong
    pass


def verify(store: Store) -> Finding:
    """Check everything that must hold; stops at the first thing that does not."""
    try:
        with store.read() as connection:
            if connection.dialect.name == "sqlite" and (wrong := sqlite.integrity(connection)):
                return Finding(good=False, sentence=wrong)
            heads, last = _check_heads(connection)
            claims, events = _check_claims(connection)
            _check_decisions(connection)
            imports = _check_imports(connection)
    except _Wrong as wrong:
        return Finding(good=False, sentence=str(wrong))
    sentence = (
        f"{claims:,} claims agree with their {events:,} events, {heads:,} entries of the journal hold together and"
        f" {imports:,} imports balance. The journal ends with {last[:16]}."
    )
    return Finding(good=True, sentence=sentence)


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
        events += _check_claim(claim, upcoming[1])
        upcoming = next(by_claim, None)
    if upcoming is not None:
        raise _Wrong(f"The claim of {next(upcoming[1]).id} is missing.")
    return claims, events


def _check_claim(claim: Mapping[str, Any], events: Iterator[Any]) -> int:
    prev, count, ref = GENESIS, 0, claim["ref"]
    now: dict[str, Any] = dict.fromkeys(COLUMNS)
    for event in events:
        count += 1
        if event.seq != count:
            raise _Wrong(f"Claim {ref}: event {count} is missing.")
        if event.prev_hash != prev:
            raise _Wrong(f"Claim {ref}: event {count} does not follow the one before it.")
        found = event_hash(
            event.claim_id, event.seq, event.at, event.person_id, event.kind, event.body, event.prev_hash
        )
        if found != event.hash:
            raise _Wrong(f"Claim {ref}: event {count} was changed.")
        prev = event.hash
        body = json.loads(event.body)
        private = json.loads(event.private) if event.private else {}
        for part in (body, body.get("facts", {}), body.get("changes", {})):
            _put_back(part, private, f"Claim {ref}: a personal value of event {count} was changed.")
        if event.kind == "created":
            now |= body["facts"]
            now["ref"] = body["ref"]
        elif event.kind == "facts_set":
            now |= body["changes"]
        now |= body.get("after", {})
    if claim["version"] != count:
        raise _Wrong(f"Claim {ref} is at version {claim['version']}, but has {count} events.")
    for name, value in now.items():
        if value is not ERASED and claim[name] != value:
            raise _Wrong(f"Claim {ref}: {name} is not what its events say.")
    return count


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
    waiting: set[int] = set()
    count = 0
    for row in _stream(connection, query):
        count += 1
        body = json.loads(row.body) if row.body else {}
        same = all(
            getattr(row, name) == body.get(name)
            for name in ("outcome", "override", "reason", "refund", "fee", "currency", "verdict", "policy")
        )
        if not same or row.event_claim != row.claim_id:
            raise _Wrong(f"Claim {row.ref}: decision {row.id} is not what its event says.")
        if row.status == "standing":
            standing[row.claim_id] = DONE[row.outcome]
        elif row.status == "awaiting_approval":
            waiting.add(row.claim_id)
    kinds = events.c.kind.in_(("decided", "override_requested"))
    told = connection.execute(sa.select(sa.func.count()).select_from(events).where(kinds)).scalar()
    if told != count:
        raise _Wrong(f"There are {count} decisions, but the events tell of {told}.")
    done = claims.c.state.in_(("decided", "closed", "awaiting_approval"))
    for row in _stream(connection, sa.select(claims.c.id, claims.c.ref, claims.c.state, claims.c.outcome).where(done)):
        if row.state == "awaiting_approval":
            if row.id not in waiting:
                raise _Wrong(f"Claim {row.ref} waits for approval of a decision that is not there.")
            waiting.discard(row.id)
        elif standing.pop(row.id, None) != row.outcome:
            raise _Wrong(f"Claim {row.ref} is {row.outcome or 'decided'}, but no decision says so.")
    if left := [*standing, *waiting]:
        raise _Wrong(f"A decision stands on claim number {left[0]}, which is open.")


def _check_imports(connection: sa.Connection) -> int:
    """Each finished import balances, with the claims and rejects that are here and with what the journal sealed."""
    imports, claims, kept = tables.imports, tables.claims, tables.import_rejects
    count_of = sa.select(claims.c.import_id, sa.func.count()).where(claims.c.import_id.isnot(None))
    created = {row[0]: row[1] for row in connection.execute(count_of.group_by(claims.c.import_id))}
    listed: Counter[tuple[int, str]] = Counter()
    query = sa.select(kept.c.import_id, kept.c.kind, sa.func.count()).group_by(kept.c.import_id, kept.c.kind)
    for row in connection.execute(query):
        listed[row[0], row[1]] = row[2]
    sealed = {}
    for row in _stream(connection, sa.select(tables.heads.c.import_id, tables.heads.c.body)):
        if row.import_id is not None and json.loads(row.body).get("finished"):
            sealed[row.import_id] = json.loads(row.body)
    count = 0
    for row in connection.execute(sa.select(imports).order_by(imports.c.id)).mappings():
        count += 1
        number = row["id"]
        where = f"Import {number} ({row['filename']})"
        if row["rows"] != sum(row[part] for part in _PARTS[1:]):
            raise _Wrong(f"{where}: its balance does not add up.")
        if row["status"] == "removed":
            if number in sealed or created.get(number):
                raise _Wrong(f"{where} was taken back, but some of it is here.")
            continue
        if row["status"] == "removing":
            continue
        if created.get(number, 0) != row["created"]:
            raise _Wrong(f"{where} created {row['created']} claims, but {created.get(number, 0)} are here.")
        for kind in ("rejected", "conflicting"):
            if listed[number, kind] != row[kind]:
                raise _Wrong(f"{where} lists {listed[number, kind]} {kind} rows, but counted {row[kind]}.")
        if row["status"] == "finished" and any(sealed.get(number, {}).get(part) != row[part] for part in _PARTS):
            raise _Wrong(f"{where}: its balance is not the one that was sealed.")
    return count
