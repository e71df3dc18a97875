"""Imports: rows of a file become claims, in transactions of some thousands, invisible until the last one.

Every row is accounted for: rows = created + updated + unchanged + duplicates + conflicting + rejected.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import SECOND, micros
from refundcore.facts import Claims
from refundcore.store import figure_keeping, sqlite, tables
from refundcore.store.acting import UNFINISHED, Act, acting, load_person, names_of
from refundcore.store.acts import change_facts
from refundcore.store.chain import Ledger, canonical
from refundcore.store.errors import Impossible, Refused
from refundcore.store.import_rows import Batch
from refundcore.store.judging import judge_rows
from refundcore.store.model import Balance, ImportRecord, Reject
from refundcore.store.preparing import Prepared, prepare
from refundcore.store.roles import may
from refundcore.store.store import Store, first_of, rows_of

TOGETHER = 5_000
"""Rows in one transaction, so that others who write wait some tenths of a second at most."""

CROWDED = 1_000
"""Rows in one transaction while others wait to write."""

BREATH, BREATHS = 0.025, 4
"""Seconds between two transactions while others wait, longer than the nap of one who waits, who is then next; and how
often so long, until nobody waits."""

REMOVED_TOGETHER = 2_000
UPDATED_TOGETHER = 500

SILENT = 15 * 60 * SECOND
"""An import whose process did not write for so long was cut off."""

PARTS = ("rows", "created", "updated", "unchanged", "duplicates", "conflicting", "rejected")

_imports = tables.imports


_PROCESS = secrets.token_hex(4)
"""Tells this process from an earlier one of the same number."""


def owner() -> str:
    """The machine and process that stores the rows of an import."""
    return f"{socket.gethostname()}:{os.getpid()}:{_PROCESS}"


def _gone(owner: str) -> bool:
    """Whether the process of an import is known to be gone: only processes of this machine can be asked."""
    host, number, process = owner.rsplit(":", 2)
    if host != socket.gethostname() or os.name == "nt":  # where os.kill would end the process it asks
        return False
    if int(number) == os.getpid():
        return process != _PROCESS
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def begin_import(
    store: Store,
    *,
    actor: int,
    at: datetime,
    filename: str,
    sha256: str,
    header: Sequence[str],
    mapping: Mapping[str, str],
    update: bool = False,
) -> int:
    """Begin an import; its id.

    `mapping` is header -> name of a fact. With `update`, a row that differs from an undecided claim of the same
    reference changes that claim; otherwise it is listed as conflicting. The same file may be imported again:
    it creates nothing new. Raises `Forbidden`, or `Impossible` while the same file is being imported.
    """
    resume_or_remove(store, at)
    with acting(store, "import", actor=actor, at=at) as act:
        query = sa.select(_imports.c.person_id, _imports.c.status, _imports.c.sha256)
        for other in act.connection.execute(query.where(_imports.c.status.in_(UNFINISHED))):
            if other.status == "removing":
                raise Impossible("An import is being taken back now. Wait until that is done.")
            if other.sha256 == sha256:
                who = names_of(act.connection)[other.person_id]
                raise Impossible(f"{who} is importing this very file now. Wait until it is done.")
        number = (act.connection.execute(sa.select(sa.func.max(_imports.c.id))).scalar() or 0) + 1
        act.connection.execute(
            sa.insert(_imports).values(
                id=number,
                filename=filename,
                sha256=sha256,
                person_id=actor,
                started_at=act.at,
                touched_at=act.at,
                status="running",
                owner=owner(),
                header=json.dumps(list(header), ensure_ascii=False),
                mapping=canonical(dict(mapping)),
                update_claims=update,
                **dict.fromkeys(PARTS, 0),
            )
        )
    store.seen[number] = {}
    return number


def next_claim(store: Store) -> int:
    """The id that a claim would get now."""
    with store.read() as connection:
        return (connection.execute(sa.select(sa.func.max(tables.claims.c.id))).scalar() or 0) + 1


def import_batch(
    store: Store,
    number: int,
    *,
    actor: int,
    at: datetime,
    claims: Claims | Prepared,
    lines: Sequence[int],
    cells: Sequence[Sequence[str]] | None = None,
    rejected: Sequence[tuple[int, Sequence[str], str]] = (),
    confirmed: Mapping[int, int] | None = None,
    share: float | None = None,
) -> Balance:
    """Store the next rows of an import; the balance so far.

    `lines` are the line numbers of `claims` in the file and `cells` their raw cells in the order of the header (kept
    for conflicting rows). `rejected` are rows that cannot be read: (line, raw cells, why). Any number of rows may be
    given: they are judged in one call and written in transactions of 5,000. `confirmed` are the claims, each at the
    version that was seen, that differing rows may change; without it an import begun with `update` changes all.
    `share` tells how much of the file is read, from 0 to 1.
    """
    given = prepare(store, number, claims, at) if isinstance(claims, Claims) else claims
    size = len(given)
    if len(lines) != size or (cells is not None and len(cells) != size):
        raise ValueError(f"{size} claims, {len(lines)} line numbers: one each is wanted.")
    balance, most, end = Balance(0), max(size, len(rejected), 1), 0
    while end < most:
        start, end = end, end + (min(CROWDED, TOGETHER) if store.crowded else TOGETHER)
        if store.crowded:
            _give_way(store)
        with acting(store, "import", actor=actor, at=at) as act:
            sqlite.checkpoint_seldom(act.connection)
            record = running_import(act, number)
            seen = store.seen.setdefault(number, {})
            update = confirmed if record["update_claims"] and confirmed is not None else record["update_claims"]
            batch = Batch(act, number, seen, update)
            batch.add(given, lines, cells, range(min(start, size), min(end, size)))
            batch.reject(rejected[start:end])
            batch.write()
            balance = count_batch(act, record, batch, share)
        seen.update(batch.named)
    return balance


def _give_way(store: Store) -> None:
    """Let others write who wait to, for some moments."""
    for _ in range(BREATHS):
        time.sleep(BREATH)
        if not store.wanted():
            return


def running_import(act: Act, number: int, states: tuple[str, ...] = ("running",)) -> Mapping[str, Any]:
    """The record of an import of this person in one of these states. Raises `Impossible`."""
    record = first_of(act.connection, sa.select(_imports).where(_imports.c.id == number))
    if record is None:
        raise Impossible("There is no such import.")
    if record["person_id"] != act.actor.id:
        raise Impossible("Somebody else began this import.")
    if record["status"] not in states:
        raise Impossible(f"This import is {record['status']} already; begin a new one.")
    return record


def count_batch(act: Act, record: Mapping[str, Any], batch: Batch, share: float | None = None) -> Balance:
    """Add what became of a batch to the import's balance; the balance so far."""
    now: dict[str, Any] = {part: record[part] + batch.counts[part] for part in PARTS}
    values = {**now, "touched_at": act.at}
    if share is not None:
        values["share"] = round(1000 * min(1.0, max(0.0, share)))
    if batch.first is not None:
        values["first_claim"] = record["first_claim"] or batch.first
        values["last_claim"] = batch.last
    act.connection.execute(sa.update(_imports).where(_imports.c.id == record["id"]).values(values))
    act.sealed = {"import": record["id"], **{part: batch.counts[part] for part in PARTS}}
    act.sealed_import = record["id"]
    return Balance(**now)


def finish_import(store: Store, number: int, *, actor: int, at: datetime) -> Balance:
    """Apply the updates, make the rows visible and close the balance.

    The rows become visible in one moment, with the last transaction. Updates of claims that are there already are
    applied before it in transactions of some hundreds; one that is cut off here is carried on at the next start.
    """
    with acting(store, "import", actor=actor, at=at) as act:
        running_import(act, number)
        act.connection.execute(sa.update(_imports).where(_imports.c.id == number).values(status="finishing"))
    return _finish(store, number, actor=actor, at=at)


def _finish(store: Store, number: int, *, actor: int, at: datetime) -> Balance:
    while _apply_updates(store, number, actor=actor, at=at):
        pass
    with store.read() as connection:
        sums = figure_keeping.sums_of_import(connection, number)  # nobody changes these claims before they are seen
    with acting(store, "import", actor=actor, at=at) as act:
        record = running_import(act, number, ("finishing",))
        figure_keeping.count(act.connection, sums)
        act.connection.execute(
            sa.update(_imports).where(_imports.c.id == number).values(status="finished", finished_at=act.at)
        )
        balance = Balance(**{part: record[part] for part in PARTS})
        act.sealed = {"import": number, "finished": True, **{part: record[part] for part in PARTS}}
        act.sealed_import = number
    sqlite.checkpoint(store.engine)
    store.seen.pop(number, None)
    return balance


def _apply_updates(store: Store, number: int, *, actor: int, at: datetime) -> bool:
    """Apply some of the updates that wait; whether there were any."""
    updates, claims = tables.import_updates, tables.claims
    with acting(store, "import", actor=actor, at=at) as act:
        record = running_import(act, number, ("finishing",))
        query = sa.select(updates).where(updates.c.import_id == number).order_by(updates.c.claim_id)
        waiting = rows_of(act.connection, query.limit(UPDATED_TOGETHER))
        if not waiting:
            return False
        numbers = [row["claim_id"] for row in waiting]
        rows = {row["id"]: row for row in rows_of(act.connection, sa.select(claims).where(claims.c.id.in_(numbers)))}
        wanted = [json.loads(row["changes"]) for row in waiting]
        changed = [{**rows[row["claim_id"]], **change} for row, change in zip(waiting, wanted, strict=True)]
        refused = 0
        for row, change, verdict in zip(waiting, wanted, judge_rows(store, changed, act.at), strict=True):
            claim = rows[row["claim_id"]]
            try:
                change_facts(act, claim, change, imported=number, verdict=verdict)
                act.connection.execute(
                    sa.update(claims).where(claims.c.id == claim["id"]).values(source_print=row["source_print"])
                )
            except Refused as refusal:
                refused += 1
                act.connection.execute(
                    sa.insert(tables.import_rejects).values(
                        import_id=number,
                        line=row["line"],
                        kind="conflicting",
                        cells=row["cells"],
                        why=str(refusal),
                        claim_id=claim["id"],
                    )
                )
        act.connection.execute(sa.delete(updates).where(updates.c.import_id == number, updates.c.claim_id.in_(numbers)))
        act.connection.execute(
            sa.update(_imports)
            .where(_imports.c.id == number)
            .values(updated=record["updated"] - refused, conflicting=record["conflicting"] + refused, touched_at=act.at)
        )
        return True


def cancel_import(store: Store, number: int, *, actor: int, at: datetime) -> None:
    """Take an unfinished import back: its rows were never visible.

    One that was being finished when it was cut off is left, since claims may have been changed already: it is
    carried on at the next start, or by `resume_or_remove` once it has been silent for 15 minutes.
    """
    with acting(store, "import", actor=actor, at=at) as act:
        if running_import(act, number, ("running", "finishing", "removing"))["status"] == "finishing":
            return
        act.connection.execute(sa.update(_imports).where(_imports.c.id == number).values(status="removing"))
    remove(store, number, actor, at)


def remove(store: Store, number: int, actor: int, at: datetime) -> None:
    """Take the rows of an import back, some thousands at a time, and say so in the journal."""
    while _remove_some(store, number):
        pass
    with store.write() as connection:
        record = _imports.c.id == number
        if connection.execute(sa.select(_imports.c.status).where(record)).scalar() != "removing":
            return
        for table in (tables.import_updates, tables.import_rejects):
            connection.execute(sa.delete(table).where(table.c.import_id == number))
        Ledger(connection, at=micros(at), person=actor).seal({"import": number, "removed": True}, number)
        finished = sa.func.coalesce(_imports.c.finished_at, micros(at))
        connection.execute(sa.update(_imports).where(record).values(status="removed", finished_at=finished))
    store.seen.pop(number, None)


def _remove_some(store: Store, number: int) -> bool:
    """Remove some claims of an import that is being taken back; whether there were any."""
    claims, events = tables.claims, tables.events
    with store.write() as connection:
        reach = connection.execute(
            sa.select(_imports.c.first_claim, _imports.c.last_claim).where(_imports.c.id == number)
        ).one()
        if reach.first_claim is None:
            return False
        ours = sa.and_(claims.c.import_id == number, claims.c.id.between(reach.first_claim, reach.last_claim))
        query = sa.select(claims.c.id).where(ours).order_by(claims.c.id).limit(REMOVED_TOGETHER)
        numbers = list(connection.execute(query).scalars())
        if not numbers:
            return False
        some = sa.and_(claims.c.import_id == number, claims.c.id.between(numbers[0], numbers[-1]))
        ids = sa.select(claims.c.id).where(some)
        for table in (tables.messages, tables.receipts, tables.viewing, events):
            connection.execute(sa.delete(table).where(table.c.claim_id.in_(ids)))
        figure_keeping.forget(connection, ids)
        connection.execute(sa.delete(claims).where(some))
    return True


def resume_or_remove(store: Store, at: datetime) -> int:
    """Put imports right that were cut off (their process is gone or silent for 15 minutes); how many.

    One whose rows were all stored is finished; any other is taken back.
    """
    with store.read() as connection:
        query = sa.select(_imports).where(_imports.c.status.in_(("running", "finishing", "removing")))
        found = rows_of(connection, query)
    moment, done = micros(at), 0
    for record in found:
        if not _gone(record["owner"]) and moment - record["touched_at"] < SILENT:
            continue
        if record["status"] == "finishing" and _may_still(store, record["person_id"]):
            _finish(store, record["id"], actor=record["person_id"], at=at)
        else:
            with store.write() as connection:
                connection.execute(sa.update(_imports).where(_imports.c.id == record["id"]).values(status="removing"))
            remove(store, record["id"], record["undone_by"] or record["person_id"], at)
        done += 1
    return done


def _may_still(store: Store, number: int) -> bool:
    with store.read() as connection:
        person = load_person(connection, number)
    return person is not None and person.active and may(person.role, "import")


def _record(row: Mapping[str, Any], names: Mapping[int, str]) -> ImportRecord:
    same = ("id", "filename", "sha256", "person_id", "started_at", "finished_at", "status")
    return ImportRecord(
        **{name: row[name] for name in same},
        person=names[row["person_id"]],
        balance=Balance(**{part: row[part] for part in PARTS}),
        share=None if row["share"] is None else row["share"] / 1000,
        undone_by=names.get(row["undone_by"], ""),
        undone_at=row["undone_at"],
        mapping=json.loads(row["mapping"]),
    )


def imports(store: Store, limit: int = 50) -> list[ImportRecord]:
    """The imports, latest first."""
    with store.read() as connection:
        names = names_of(connection)
        query = sa.select(_imports).order_by(_imports.c.id.desc()).limit(limit)
        return [_record(row, names) for row in rows_of(connection, query)]


def import_record(store: Store, number: int) -> ImportRecord | None:
    """One import; None where there is none."""
    with store.read() as connection:
        row = first_of(connection, sa.select(_imports).where(_imports.c.id == number))
        return _record(row, names_of(connection)) if row else None


def rejects(store: Store, number: int, *, after: int = 0, limit: int = 1000) -> list[Reject]:
    """The rejected and conflicting rows of an import by line, those after line `after`."""
    table = tables.import_rejects
    with store.read() as connection:
        header = connection.execute(sa.select(_imports.c.header).where(_imports.c.id == number)).scalar()
        names = json.loads(header) if header else []
        query = sa.select(table).where(table.c.import_id == number, table.c.line > after).order_by(table.c.line)
        return [
            Reject(number, row.line, row.kind, _named(names, json.loads(row.cells)), row.why, row.claim_id)
            for row in connection.execute(query.limit(limit))
        ]


def _named(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """A row's cells by their header; what stands beyond the header by its place."""
    names = [*header, *(f"column {place}" for place in range(len(header) + 1, len(cells) + 1))]
    return dict(zip(names, cells, strict=False))
