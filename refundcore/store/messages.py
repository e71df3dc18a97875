"""Messages in the store: each becomes a claim or a note on one, exactly once however often its mailbox is imported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from refundcore.facts import COLUMNS, Claims
from refundcore.store import tables
from refundcore.store.acting import Act, Row, acting, visible
from refundcore.store.acts import write_note
from refundcore.store.chain import digest
from refundcore.store.errors import Refused
from refundcore.store.evidence_table import evidence
from refundcore.store.import_rows import Batch
from refundcore.store.importing import count_batch, running_import
from refundcore.store.model import Balance, Facts
from refundcore.store.opening import data_folder
from refundcore.store.preparing import Prepared, prepare
from refundcore.store.store import Store, first_of

TOGETHER = 50
"""Messages in one transaction: each writes several rows, and others wait a quarter of a second at most."""

FOLDER = "evidence-to-attach"
"""The folder beside the store in which attachments are kept."""

_AT_ONCE = 500
_messages, _claims = tables.messages, tables.claims


@dataclass(frozen=True)
class Mailed:
    """A message as it comes into the store."""

    key: str
    line: int
    cells: Sequence[str]
    """What is kept of a message that is left out, in the order of the import's header."""
    becomes: Literal["claim", "note", "nothing"]
    text: str = ""
    """For a claim: where its facts were found; for a note: what it says; for nothing: why."""
    facts: Facts = field(default_factory=dict)
    claim: int | None = None
    """For a note: the claim; None for the claim of the first of `answers` that is known."""
    answers: Sequence[str] = ()
    """The keys of the messages that it answers, the nearest first."""
    attachments: Sequence[Mapping[str, Any]] = ()
    """What is kept as evidence to attach: name, kind, size, sha256."""


@dataclass(frozen=True)
class KnownMessage:
    """A message that is in the store already."""

    key: str
    claim: int
    ref: str
    became: str
    """claim or note."""


@dataclass(frozen=True)
class KeptMessage:
    """What is kept of a message beside the claim's own facts."""

    at: int
    became: str
    text: str
    """Where the facts of the claim were found."""
    attachments: tuple[Mapping[str, Any], ...]
    """What came with it: name, kind, size, sha256, whether it is kept, when it was received, whether it is evidence."""


def known_messages(store: Store, keys: Iterable[str]) -> dict[str, KnownMessage]:
    """The messages of these keys that are there, of claims that can be seen."""
    found: dict[str, KnownMessage] = {}
    wanted = list(dict.fromkeys(keys))
    with store.read() as connection:
        for start in range(0, len(wanted), _AT_ONCE):
            query = (
                sa.select(_messages.c.key, _messages.c.claim_id, _claims.c.ref, _messages.c.became)
                .join(_claims, _claims.c.id == _messages.c.claim_id)
                .where(_messages.c.key.in_(wanted[start : start + _AT_ONCE]), visible(connection))
            )
            for row in connection.execute(query):
                found[row.key] = KnownMessage(row.key, row.claim_id, row.ref, row.became)
    return found


def messages_of(store: Store, claim: int) -> list[KeptMessage]:
    """The messages of a claim, the oldest first."""
    query = sa.select(_messages).where(_messages.c.claim_id == claim).order_by(_messages.c.at, _messages.c.key)
    there = sa.select(evidence.c.sent_sha256).where(evidence.c.claim_id == claim, evidence.c.removed_event.is_(None))
    with store.read() as connection:
        attached = set(connection.execute(there).scalars())
        found = connection.execute(query).all()
    return [KeptMessage(row.at, row.became, row.text, _listed(row.attachments, attached)) for row in found]


def _listed(attachments: str, attached: set[str]) -> tuple[Mapping[str, Any], ...]:
    return tuple({**one, "attached": one.get("sha256") in attached} for one in json.loads(attachments))


def attachments_folder(store: Store) -> Path:
    """Where what came with messages is kept until somebody attaches it as evidence, each file under its SHA-256."""
    return (store.path.parent if store.path else data_folder()) / FOLDER


def forget_attachments(store: Store, *, before: datetime | None = None) -> int:
    """Remove kept files that no message names any more, `before` a moment or all; how many went.

    Files are written before the rows that name them, so an import that runs needs `before`.
    """
    folder = attachments_folder(store)
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    if not files:
        return 0
    with store.read() as connection:
        lists = connection.execute(sa.select(_messages.c.attachments).where(_messages.c.attachments != "[]")).scalars()
        named = {one.get("sha256") for text in lists for one in json.loads(text)}
    gone = 0
    for path in files:
        if path.name not in named and (before is None or path.stat().st_mtime < before.timestamp()):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def import_messages(store: Store, number: int, *, actor: int, at: datetime, messages: Sequence[Mailed]) -> Balance:
    """Store the messages of an import that was begun; the balance so far.

    A message whose key is known is unchanged (a duplicate where this file brought it), a note counts as an update of
    its claim. Claims come before notes, so that an answer finds the claim that the same file brings.
    """
    order = {"claim": 0, "note": 1, "nothing": 2}
    sorted_ = sorted(messages, key=lambda one: order[one.becomes])
    new = [one for one in sorted_ if one.becomes == "claim"]
    claims = Claims.of({name: [one.facts.get(name) for one in new] for name in COLUMNS})
    given = prepare(store, number, claims, at)
    marks = [_mark(mark, one) for mark, one in zip(given.rows.marks, new, strict=True)]
    work = _Work(number, new, replace(given, rows=replace(given.rows, marks=marks)))
    balance = Balance(0)
    for start in range(0, max(1, len(sorted_)), TOGETHER):
        with acting(store, "import", actor=actor, at=at) as act:
            record = running_import(act, number)
            total = Batch(act, number, {}, update=False)
            for place, one in enumerate(sorted_[start : start + TOGETHER], start=start):
                work.take(act, one, place, total)
            total.write()
            balance = count_batch(act, record, total)
    return balance


def _mark(mark: str | None, one: Mailed) -> str | None:
    """Who is the same claim: where order or day are unknown, claims of one customer are not the same for that."""
    if mark is None or (one.facts.get("order_ref") is not None and one.facts.get("submitted_at") is not None):
        return mark
    return digest(f"message {one.key}")[:32]


@dataclass
class _Work:
    """The messages of one import that are to become claims, and those taken so far."""

    number: int
    new: Sequence[Mailed]
    given: Prepared
    taken: set[str] = field(default_factory=set)

    def take(self, act: Act, one: Mailed, place: int, total: Batch) -> None:
        """Make of a message what it is to become."""
        if one.becomes == "nothing":
            total.reject([(one.line, one.cells, one.text)])
        elif one.key in self.taken or self._there(act, one.key):
            total.counts["rows"] += 1
            total.counts["duplicates" if one.key in self.taken else "unchanged"] += 1
        elif one.becomes == "claim":
            self._claim(act, one, place, total)
        else:
            self._note(act, one, total)

    def _there(self, act: Act, key: str) -> bool:
        return act.connection.execute(sa.select(_messages.c.key).where(_messages.c.key == key)).first() is not None

    def _claim(self, act: Act, one: Mailed, place: int, total: Batch) -> None:
        lines, cells = [each.line for each in self.new], [each.cells for each in self.new]
        batch = Batch(act, self.number, {}, update=False)
        batch.add(self.given, lines, cells, range(place, place + 1))
        batch.write()
        total.counts.update(batch.counts)
        if batch.counts["conflicting"]:
            return
        claim = batch.first
        if claim is None:  # the same claim came by another way
            query = sa.select(_claims.c.id).where(_claims.c.same_as == self.given.rows.marks[place])
            claim = act.connection.execute(query).scalar_one()
        else:
            total.first, total.last = total.first or claim, claim
        self._remember(act, one, claim)

    def _note(self, act: Act, one: Mailed, total: Batch) -> None:
        row = self._answered(act, one)
        if row is None:
            total.reject([(one.line, one.cells, "It answers a message whose claim is not here.")])
            return
        try:
            write_note(act, row, one.text)
        except Refused as refusal:
            total.reject([(one.line, one.cells, str(refusal))])
            return
        total.counts["rows"] += 1
        total.counts["updated"] += 1
        self._remember(act, one, row["id"])

    def _answered(self, act: Act, one: Mailed) -> Row | None:
        """The claim that a message answers: one that can be seen, or one that this import brings."""
        seen = sa.or_(visible(act.connection), _claims.c.import_id == self.number)
        numbers = [one.claim] if one.claim is not None else []
        if not numbers:
            found = {
                row.key: row.claim_id
                for row in act.connection.execute(
                    sa.select(_messages.c.key, _messages.c.claim_id).where(_messages.c.key.in_(list(one.answers)))
                )
            }
            numbers = [found[key] for key in one.answers if key in found]
        for claim in numbers:
            if row := first_of(act.connection, sa.select(_claims).where(_claims.c.id == claim, seen)):
                return row
        return None

    def _remember(self, act: Act, one: Mailed, claim: int) -> None:
        self.taken.add(one.key)
        act.connection.execute(
            sa.insert(_messages).values(
                key=one.key,
                claim_id=claim,
                at=act.at,
                became=one.becomes,
                text=one.text if one.becomes == "claim" else "",
                attachments=json.dumps([dict(each) for each in one.attachments], ensure_ascii=False),
            )
        )
