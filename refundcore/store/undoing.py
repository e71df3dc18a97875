"""Taking back an import that was finished, while nobody has worked on any of its claims.

Its claims and their events go, as those of an import that was cut off; the journal keeps who took it back, when, and
the hashes over what was there. The database itself refuses it once a claim has a second event.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.store import figure_keeping, tables
from refundcore.store.acting import UNFINISHED, acting
from refundcore.store.errors import Impossible
from refundcore.store.importing import owner, remove
from refundcore.store.model import Undoing
from refundcore.store.store import Row, Store, first_of

_imports = tables.imports


def preview_undo(store: Store, number: int) -> Undoing:
    """Whether an import can be taken back, and what that would do."""
    with store.read() as connection:
        record, refusal = _look(connection, number)
    if refusal or record is None:
        return Undoing(possible=False, claims=0, sentence=refusal)
    claims = record["created"]
    what = f"{claims:,} claim{'' if claims == 1 else 's'}"
    sentence = (
        f"{what} that came with {record['filename']} will be removed, and with them what the file could not bring in."
        " Nobody has worked on any of them. The journal keeps that you took them back. The file can be imported again."
    )
    return Undoing(possible=True, claims=claims, sentence=sentence)


def undo_import(store: Store, number: int, *, actor: int, at: datetime) -> int:
    """Take a finished import back; how many claims went.

    Its claims vanish from the queue and the figures in one moment and are then removed some thousands at a time; one
    that is cut off is carried on at the next start. Raises `Forbidden`, or `Impossible` where a claim of it was
    worked on, where it changed claims that were there before, or while another import is running.
    """
    with store.read() as connection:
        there = connection.execute(sa.select(_imports.c.id).where(_imports.c.id == number)).first()
        sums = figure_keeping.sums_of_import(connection, number) if there else {}  # the same while nobody works on them
    with acting(store, "undo_import", actor=actor, at=at) as act:
        record, refusal = _look(act.connection, number)
        if refusal or record is None:
            raise Impossible(refusal)
        act.connection.execute(
            sa.update(_imports)
            .where(_imports.c.id == number)
            .values(status="removing", undone_by=actor, undone_at=act.at, owner=owner(), touched_at=act.at)
        )
        figure_keeping.count(act.connection, sums, -1)
        act.sealed = {"import": number, "undone": True, "created": record["created"]}
        act.sealed_import = number
    remove(store, number, actor, at)
    return int(record["created"])


def _look(connection: sa.Connection, number: int) -> tuple[Row | None, str]:
    """An import, and why it cannot be taken back ("": it can)."""
    record = first_of(connection, sa.select(_imports).where(_imports.c.id == number))
    if record is None:
        return None, "There is no such import."
    if record["status"] != "finished":
        words = {"removed": "was taken back already", "removing": "is being taken back already"}
        return record, f"This import {words.get(record['status'], 'is not finished yet')}."
    if record["updated"]:
        count = "1 claim that was" if record["updated"] == 1 else f"{record['updated']:,} claims that were"
        return record, f"This import also changed {count} here before, so it cannot be taken back as a whole."
    busy = sa.select(_imports.c.id).where(_imports.c.status.in_(UNFINISHED)).limit(1)
    if connection.execute(busy).first() is not None:
        return record, "Another import is running now. Wait until it is done."
    worked = connection.execute(_worked(record)).first()
    if worked is not None:
        more = "" if worked.total == 1 else f" and {worked.total - 1:,} more"
        return record, f"Claim {worked.ref}{more} of this import was worked on already, so it cannot be taken back."
    return record, ""


def _worked(record: Row) -> sa.Select[Any]:
    """The first of an import's claims that have more than the event that made them, and how many these are."""
    claims = tables.claims
    ours = sa.and_(
        claims.c.id.between(record["first_claim"], record["last_claim"]),
        claims.c.import_id == record["id"],
        claims.c.version > 1,
    )
    return sa.select(claims.c.ref, sa.func.count().over().label("total")).where(ours).order_by(claims.c.id).limit(1)
