"""Evidence of a claim: attaching files, taking one away, an agent's finding.

The parameters common to every act are described in `acts`. A file is written before the row that names it: one that
no row names does no harm and is removed a day later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import micros
from refundcore.evidence import EvidenceError, Kept
from refundcore.store import sentences, tables
from refundcore.store.acting import Act, Row, acting, allowed, visible, words
from refundcore.store.acts import ANSWERED, CHANGEABLE, change_facts
from refundcore.store.errors import Impossible
from refundcore.store.evidence_reading import files
from refundcore.store.evidence_table import evidence
from refundcore.store.model import Receipt
from refundcore.store.store import Store

MOST_AT_ONCE = 20
"""Files that are attached in one act."""

MOST = 100
"""Files of a claim."""

FACTS = ("evidence_attached", "evidence_sufficient", "evidence_received_at", "evidence_received_at_latest")


def attach_evidence(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    claim: int,
    version: int,
    evidence: Sequence[Kept],
    received: tuple[int, int] | None = None,
    with_claim: bool = False,
    remark: str = "",
) -> Receipt:
    """Attach files, as `refundcore.evidence.read` made them, and say in the facts that evidence is there.

    `received` is when the evidence reached the company, the earliest and the latest moment (None: now);
    `with_claim` says that it came with the claim itself. What a person found insufficient before is open again, and
    counts from when the new evidence came. The facts of a decided claim stay as they are.
    """
    if not evidence:
        raise Impossible("Choose at least one file.")
    if len(evidence) > MOST_AT_ONCE:
        raise Impossible(f"At most {MOST_AT_ONCE} files are attached at once.")
    moments = received or (micros(at), micros(at))
    if moments[0] > micros(at):
        raise Impossible("Evidence cannot have been received in the future.")
    parameters = {
        "claim": claim, "version": version, "files": [[kept.sha256, kept.name] for kept in evidence],
        "received": received, "with_claim": with_claim, "remark": remark,
    }  # fmt: skip
    with store.read() as connection:
        allowed(connection, actor, "attach_evidence")
    try:
        for kept in evidence:
            files(store).put(kept)
    except EvidenceError as error:
        raise Impossible(str(error)) from error
    with acting(store, "attach_evidence", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        new, here = _new_ones(act, row, evidence)
        row, event = _attach(act, row, new, words(remark, "The remark"))
        row, event, said = _facts_follow(act, row, event, None if with_claim else moments)
        names = ", ".join(kept.name for kept in new)
        told = [f"Claim {row['ref']}: {names} attached as evidence.{said}"]
        if here:
            told.append(f"{', '.join(here)} {'was' if len(here) == 1 else 'were'} here already.")
        if others := _same_elsewhere(act, row, new):
            told.append(f"The same file is with claim {', '.join(others)}, too.")
        return act.receipt(row, event, " ".join(told))


def _new_ones(act: Act, row: Row, given: Sequence[Kept]) -> tuple[list[Kept], list[str]]:
    """The files that the claim does not have yet, and the names of those it has."""
    if row["state"] == "closed":
        raise Impossible("This claim is closed: reopen it before attaching evidence.")
    query = sa.select(evidence.c.sha256, evidence.c.sent_sha256).where(
        evidence.c.claim_id == row["id"], evidence.c.removed_event.is_(None)
    )
    found = act.connection.execute(query).all()
    seen = {each for pair in found for each in pair}
    new: list[Kept] = []
    here: list[str] = []
    for kept in given:
        if {kept.sha256, kept.sent_sha256} & seen:
            here.append(kept.name)
        else:
            new.append(kept)
            seen |= {kept.sha256, kept.sent_sha256}
    if not new:
        raise Impossible(
            f"{'This file is' if len(here) == 1 else 'These files are'} here already: nothing would change."
        )
    if len(found) + len(new) > MOST:
        raise Impossible(f"A claim holds at most {MOST} files: take some away first.")
    return new, here


def _attach(act: Act, row: Row, new: Sequence[Kept], remark: str) -> tuple[Row, int]:
    body: dict[str, Any] = {
        "files": [{"sha256": kept.sha256, "kind": kept.kind, "size": len(kept.data)} for kept in new],
        "text": ", ".join(kept.name for kept in new),
    }
    if remark:
        body["reason"] = remark
    answered = row["state"] == "waiting_customer"
    changes = {"state": "new", **ANSWERED, "answer_from": act.at} if answered else {}
    after, event = act.change(row, "evidence_attached", body, changes)
    act.connection.execute(
        sa.insert(evidence),
        [
            {
                "claim_id": row["id"], "event_id": event, "at": act.at, "person_id": act.actor.id,
                "name": kept.name, "kind": kept.kind, "size": len(kept.data), "sha256": kept.sha256,
                "sent_sha256": kept.sent_sha256, "width": kept.width, "height": kept.height, "look": kept.look,
            }
            for kept in new
        ],
    )  # fmt: skip
    return after, event


def _facts_follow(act: Act, row: Row, event: int, moments: tuple[int, int] | None) -> tuple[Row, int, str]:
    """Say in the facts that evidence is there, where that was not known; what the act has to say of it."""
    wanted: dict[str, Any] = {}
    if row["evidence_attached"] is not True:
        wanted["evidence_attached"] = True
        came = moments
    elif row["evidence_sufficient"] is False:
        wanted["evidence_sufficient"] = None
        came = moments
    else:
        known = row["evidence_received_at"]
        came = moments if known is not None and moments and moments[0] < known and not _judged(row) else None
    if came is not None:
        wanted |= dict(zip(FACTS[2:], came, strict=True))
    if row["state"] not in CHANGEABLE:
        return row, event, " The claim is decided: its facts stay as they are until it is reopened." if wanted else ""
    return _set(act, row, event, wanted)


def _judged(row: Row) -> bool:
    return row["evidence_sufficient"] is not None


def _set(act: Act, row: Row, event: int, wanted: Mapping[str, Any]) -> tuple[Row, int, str]:
    """Change facts where they differ; the claim afterwards, its last event and the verdict in words."""
    if all(row[name] == value for name, value in wanted.items()):
        return row, event, ""
    after, last, _ = change_facts(act, row, wanted)
    return after, last, f" The facts say so now; the verdict is {sentences.verdict(after['verdict'])}."


def _same_elsewhere(act: Act, row: Row, new: Sequence[Kept]) -> list[str]:
    """References of other claims that hold one of these files."""
    claims = tables.claims
    query = (
        sa.select(claims.c.ref)
        .join(evidence, evidence.c.claim_id == claims.c.id)
        .where(
            evidence.c.removed_event.is_(None),
            evidence.c.claim_id != row["id"],
            visible(act.connection),
            sa.or_(
                evidence.c.sha256.in_([kept.sha256 for kept in new]),
                evidence.c.sent_sha256.in_([kept.sent_sha256 for kept in new]),
            ),
        )
        .distinct()
        .order_by(claims.c.ref)
        .limit(5)
    )
    return list(act.connection.execute(query).scalars())


def remove_evidence(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, evidence_id: int, reason: str
) -> Receipt:
    """Take a file away from a claim, with a reason. It stays in the folder and in what happened.

    With the last file goes what the facts say of evidence, where the claim is still open.
    """
    why = words(reason, "The reason", needed=True)
    parameters = {"claim": claim, "version": version, "evidence": evidence_id, "reason": why}
    with acting(store, "remove_evidence", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        found = _present(act, row)
        gone = next((file for file in found if file.id == evidence_id), None)
        if gone is None:
            raise Impossible("This file is not among the claim's evidence, or was taken away already.")
        body = {"sha256": gone.sha256, "text": gone.name, "reason": why}
        row, event = act.change(row, "evidence_removed", body)
        act.connection.execute(sa.update(evidence).where(evidence.c.id == evidence_id).values(removed_event=event))
        said = ""
        if len(found) == 1 and row["evidence_attached"] is True and row["state"] in CHANGEABLE:
            row, event, said = _set(act, row, event, dict.fromkeys(FACTS))
        return act.receipt(row, event, f"Claim {row['ref']}: {gone.name} was taken away.{said}")


def judge_evidence(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, sufficient: bool, reason: str
) -> Receipt:
    """Say whether the evidence shows what it has to show, and why; the fact and the verdict follow."""
    why = words(reason, "The reason", needed=True)
    parameters = {"claim": claim, "version": version, "sufficient": sufficient, "reason": why}
    with acting(store, "judge_evidence", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        if row["state"] not in CHANGEABLE:
            raise Impossible("This claim is not open: reopen it before judging its evidence.")
        found = _present(act, row)
        if not found:
            raise Impossible("There is no evidence here to judge: attach it first.")
        finding = "sufficient" if sufficient else "insufficient"
        body = {"finding": finding, "reason": why, "files": [file.sha256 for file in found]}
        row, event = act.change(row, "evidence_judged", body)
        wanted = {"evidence_attached": True, "evidence_sufficient": sufficient}
        row, event, said = _set(act, row, event, wanted)
        return act.receipt(row, event, f"Claim {row['ref']}: the evidence is {finding}.{said}")


def _present(act: Act, row: Row) -> Sequence[sa.Row[Any]]:
    query = sa.select(evidence).where(evidence.c.claim_id == row["id"], evidence.c.removed_event.is_(None))
    return act.connection.execute(query.order_by(evidence.c.id)).all()
