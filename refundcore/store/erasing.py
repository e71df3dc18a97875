"""Erasing a customer's personal data: addresses, grounds, notes, replies, files, raw cells.

The chain of events holds only salted commitments to personal values; the values and their salts go, the chain stays
and still verifies. What somebody wrote as a reason of an act is part of the act and stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import moment
from refundcore.store import sentences, sqlite, tables
from refundcore.store.acting import UNFINISHED, Act, acting, words
from refundcore.store.chain import ERASED_ON
from refundcore.store.errors import Impossible, StoreError
from refundcore.store.evidence_reading import files
from refundcore.store.evidence_table import evidence
from refundcore.store.messages import forget_attachments
from refundcore.store.model import OPEN_STATES, Receipt
from refundcore.store.opening import data_folder
from refundcore.store.payout_tables import payouts
from refundcore.store.store import Row, Store, rows_of

LIST = "erased.txt"
"""The file beside the store that names the claims that were erased, for a backup that is put back later."""

SWEPT_AT_ONCE = 500 * 2**20
"""Larger files are swept by the command alone: it takes as long as copying them, and nobody can write meanwhile."""

_claims, _events, _rejects = tables.claims, tables.events, tables.import_rejects


@dataclass(frozen=True)
class Erasure:
    """What erasing a customer's data would concern."""

    refs: tuple[str, ...]
    """The customer's claims whose data is still there."""
    events: int
    """Events that hold personal values."""
    files: int
    """Files of evidence."""
    rejects: int
    """Rows that were left out of imports and name the customer."""
    refusal: str = ""
    """Why nothing can be erased now; "" where it can."""

    @property
    def sentence(self) -> str:
        """What it would concern, in words."""
        many = "Claim" if len(self.refs) == 1 else "Claims"
        listed = f"{many} {', '.join(self.refs)}" if self.refs else "No claim"
        return (
            f"{listed}: personal values of {self.events:,} events, {self.files:,} files of evidence and"
            f" {self.rejects:,} rows left out of imports."
        )


@dataclass(frozen=True)
class _Concerned:
    claims: list[Row]
    rejects: list[Row]
    refusal: str


def preview_erasure(store: Store, *, email: str = "", claim: int | None = None) -> Erasure:
    """What `erase` would do for an address, or for the customer of a claim; nothing is changed."""
    with store.read() as connection:
        found = _concerned(connection, email, claim)
        numbers = [row["id"] for row in found.claims]
        private = sa.select(sa.func.count()).select_from(_events)
        events = connection.execute(private.where(_events.c.claim_id.in_(numbers), _events.c.private.isnot(None)))
        kept = sa.select(sa.func.count()).select_from(evidence)
        many = connection.execute(kept.where(evidence.c.claim_id.in_(numbers), evidence.c.erased_at.is_(None)))
        return Erasure(
            refs=tuple(row["ref"] for row in found.claims),
            events=events.scalar() or 0,
            files=many.scalar() or 0,
            rejects=len(found.rejects),
            refusal=found.refusal,
        )


def erase(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    reason: str,
    email: str = "",
    claim: int | None = None,
) -> Receipt:
    """Erase what is personal of a customer: of all claims with an address, or with the address of a claim.

    Every claim gets an event that says so and who did it why. Raises `Forbidden`, or `Impossible` while a claim of
    theirs is open or its payout is under way. The file is swept afterwards, so that no trace is left in it.
    """
    with acting(store, "erase", actor=actor, at=at, key=key, parameters={"reason": reason}) as act:
        if earlier := act.earlier():
            return earlier
        why = words(reason, "The reason", needed=True)
        found = _concerned(act.connection, email, claim)
        if found.refusal:
            raise Impossible(found.refusal)
        receipt, gone = _erase(act, found, why)
    _remember(store, [row["ref"] for row in found.claims], at)
    for sha256 in gone:
        files(store).remove(sha256)
    forget_attachments(store)
    return receipt


def erased_before(store: Store) -> list[str]:
    """The references of claims that were erased in the store of this folder, also before a backup was put back."""
    try:
        lines = _list(store).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return list(dict.fromkeys(line.split("\t")[0] for line in lines if line.strip()))


def sweep(store: Store, *, most: int | None = None) -> bool:
    """Write the file anew, so that nothing of what was erased is left in its free pages; False for one above `most`.

    Raises `StoreError` where others use the store for too long. A database on a server sweeps itself (VACUUM).
    """
    if store.path is None:
        return True
    if most is not None and store.path.stat().st_size > most:
        return False
    with store.writer:
        try:
            sqlite.sweep(store.engine)
        except sa.exc.DBAPIError as error:
            raise StoreError(
                "The data was erased, but the file is in use, so traces may be left in its free pages: run"
                " `refund-desk erase --sweep` later."
            ) from error
    return True


def _concerned(connection: sa.Connection, email: str, claim: int | None) -> _Concerned:
    """The claims and left-out rows of a customer that are not erased yet."""
    address = email.strip().lower()
    if claim is not None:
        row = connection.execute(sa.select(_claims.c.email_key).where(_claims.c.id == claim)).first()
        if row is None:
            raise Impossible("There is no such claim.")
        address = row.email_key or ""
    mine = _claims.c.email_key == address if address else _claims.c.id == claim
    if not address and claim is None:
        raise Impossible("Say whose data is to be erased: an e-mail address.")
    claims = [
        row for row in rows_of(connection, sa.select(_claims).where(mine).order_by(_claims.c.id)) if holds_personal(row)
    ]
    numbers = [row["id"] for row in claims]
    named: sa.ColumnElement[bool] = _rejects.c.claim_id.in_(numbers)
    if address:
        named = sa.or_(named, sa.func.lower(_rejects.c.cells).contains(_as_kept(address), autoescape=True))
    rejects = rows_of(connection, sa.select(_rejects).where(named))
    rejects = [row for row in rejects if not row["why"].startswith(ERASED_ON)]
    return _Concerned(claims, rejects, _refusal(connection, claims, rejects))


def _as_kept(address: str) -> str:
    """An address as the cells of a left-out row hold it: as JSON in plain letters."""
    return json.dumps(address, ensure_ascii=True)[1:-1]


def holds_personal(row: Row) -> bool:
    """Whether a claim still holds what is personal."""
    kept = (row["customer_email"], row["description"])
    return not any(str(value).startswith(ERASED_ON) for value in kept)


def _refusal(connection: sa.Connection, claims: Sequence[Row], rejects: Sequence[Row]) -> str:
    if not claims and not rejects:
        return "Nothing of this customer is here, or it was erased already."
    imports = tables.imports
    busy = connection.execute(sa.select(imports.c.id).where(imports.c.status.in_(UNFINISHED)).limit(1)).first()
    if busy is not None:
        return "A file is being imported now, which may bring data of this customer. Wait until it is done."
    for row in claims:
        if row["state"] in OPEN_STATES:
            return (
                f"Claim {row['ref']} is {sentences.STATES[row['state']]}: decide and close it before its customer's"
                " data is erased."
            )
    due = sa.select(_claims.c.ref).join(payouts, payouts.c.claim_id == _claims.c.id)
    due = due.where(
        payouts.c.claim_id.in_([row["id"] for row in claims]), payouts.c.state.in_(("awaiting", "queued", "in_batch"))
    )
    ref = connection.execute(due.limit(1)).scalar()
    return f"Claim {ref} has a payout that is not settled yet: erase its customer's data afterwards." if ref else ""


def _erase(act: Act, found: _Concerned, why: str) -> tuple[Receipt, list[str]]:
    """Erase within the act; the receipt, and the files that nothing names any more."""
    mark = f"{ERASED_ON}{moment(act.at):%Y-%m-%d}"
    connection, numbers = act.connection, [row["id"] for row in found.claims]
    last: tuple[Mapping[str, Any], int] | None = None
    given_up = give_up_files(act, numbers)
    hashes = {sha256 for each in given_up.values() for sha256 in each}
    for claim in found.claims:
        row: Mapping[str, Any] = claim
        for sha256 in given_up.get(claim["id"], ()):
            row, _ = act.change(row, "evidence_erased", {"sha256": sha256, "reason": why})
        marks = {name: mark for name in ("customer_email", "description") if row[name] is not None}
        changes = {**marks, "email_key": None, "same_as": None, "source_print": None}
        last = act.change(row, "erased", {"reason": why, "marks": marks}, changes)
    decisions, receipts, messages = tables.decisions, tables.receipts, tables.messages
    had = _events.c.claim_id.in_(numbers)
    connection.execute(sa.update(_events).where(had, _events.c.private.isnot(None)).values(private=None))
    said = sa.and_(decisions.c.claim_id.in_(numbers), decisions.c.reply != "")
    connection.execute(sa.update(decisions).where(said).values(reply=mark))
    connection.execute(
        sa.update(receipts).where(receipts.c.claim_id.in_(numbers)).values(sentence=f"Done; {mark}.", asked="")
    )
    connection.execute(sa.update(messages).where(messages.c.claim_id.in_(numbers)).values(text=mark, attachments="[]"))
    for row in found.rejects:
        cells = json.dumps([mark for _ in json.loads(row["cells"])])
        this = sa.and_(_rejects.c.import_id == row["import_id"], _rejects.c.line == row["line"])
        connection.execute(sa.update(_rejects).where(this).values(cells=cells, why=f"{mark}."))
    unneeded = unneeded_files(act, hashes)
    act.sealed = {"erased": {"claims": len(numbers), "rejects": len(found.rejects), "files": len(hashes)}}
    refs = ", ".join(row["ref"] for row in found.claims)
    also = f"{len(hashes)} files; {len(found.rejects)} rows left out of imports"
    told = f"The customer's data was erased: {refs or 'no claim'}; {also}."
    if last is None:
        return Receipt(0, 0, 0, repeated=False, sentence=told), unneeded
    return act.receipt(*last, told), unneeded


def give_up_files(act: Act, numbers: Sequence[int]) -> dict[int, list[str]]:
    """Mark the evidence of claims as erased; the hashes of the files by claim."""
    ours = sa.and_(evidence.c.claim_id.in_(numbers), evidence.c.erased_at.is_(None))
    found: dict[int, list[str]] = {}
    for row in act.connection.execute(sa.select(evidence.c.claim_id, evidence.c.sha256).where(ours)):
        found.setdefault(row.claim_id, []).append(row.sha256)
    act.connection.execute(sa.update(evidence).where(ours).values(name="", look=None, erased_at=act.at))
    return found


def unneeded_files(act: Act, hashes: Iterable[str]) -> list[str]:
    """Of files that were given up, those that no other claim holds."""
    given_up = set(hashes)
    still = sa.select(evidence.c.sha256).where(evidence.c.sha256.in_(given_up), evidence.c.erased_at.is_(None))
    return sorted(given_up - set(act.connection.execute(still).scalars()))


def _list(store: Store) -> Path:
    return (store.path.parent if store.path else data_folder()) / LIST


def _remember(store: Store, refs: Sequence[str], at: datetime) -> None:
    """Add claims to the list of erased ones: references and a moment, nothing personal."""
    try:
        with _list(store).open("a", encoding="utf-8") as file:
            file.writelines(f"{ref}\t{at:%Y-%m-%dT%H:%M:%SZ}\n" for ref in refs)
    except OSError as error:
        raise StoreError(
            f"The data was erased, but {_list(store)} could not be written ({error.strerror}): note the claims"
            f" {', '.join(refs)} yourself, to erase them again after a backup is put back."
        ) from error
