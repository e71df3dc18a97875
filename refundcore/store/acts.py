"""Adding a claim, its facts, its assignee, notes.

Common to every act: `actor` is a person's id, `key` an idempotency key (made once when the form is shown; the same
key with the same parameters does nothing and returns the earlier receipt, with other parameters it is refused),
`claim` the claim's id, `version` the version that the person saw. Raises `Forbidden`, `Stale` or `Impossible`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.facts import COLUMNS
from refundcore.store import sentences, tables
from refundcore.store.acting import Act, Row, acting, typed_facts, words
from refundcore.store.chain import ERASED_ON, GENESIS, canonical, digest
from refundcore.store.errors import Impossible
from refundcore.store.judging import AWAITS, Verdict, judge_rows, kept
from refundcore.store.model import Facts, Receipt
from refundcore.store.store import Store

SAME = ("order_ref", "item_ref", "customer_email", "reason", "submitted_at")
"""Claims without a reference of their own are the same where these agree."""

ANSWERED: Mapping[str, Any] = {"asked_for": "", "asked_until": None}
"""What of a claim says that nothing is asked for."""

CHANGEABLE = ("new", "waiting_customer", "waiting_technician")
"""The states in which facts are changed and decisions made."""


def own_ref(number: int) -> str:
    """The desk's own reference of a claim."""
    return f"RC-{number:06d}"


def free_ref(number: int, taken: Container[str]) -> str:
    """The desk's own reference of a claim, or the next one where a sender has used that as theirs."""
    while own_ref(number) in taken:
        number += 1_000_000
    return own_ref(number)


def same_as(facts: Mapping[str, Any]) -> str | None:
    """The fingerprint by which a claim without a reference is the same as another; None for one with a reference.

    None as well for one whose customer's data was erased: what stands in its place is nobody's.
    """
    if facts["claim_ref"] is not None or _erased(facts["customer_email"]):
        return None
    return digest(canonical([facts[name] for name in SAME]))[:32]


def email_key(facts: Mapping[str, Any]) -> str | None:
    """The customer's address as it is looked up."""
    address = facts["customer_email"]
    return None if address is None or _erased(address) else str(address).lower()


def _erased(value: object) -> bool:
    return str(value).startswith(ERASED_ON)


def judged_as(verdict: Verdict, store: Store) -> dict[str, Any]:
    """The verdict as an event's body keeps it."""
    return {"verdict": verdict.verdict, "clause": verdict.clause, "policy": store.fingerprint(verdict.edition)}


def add_claim(
    store: Store, *, actor: int, at: datetime, key: str, facts: Facts, assign_to: int | None = None
) -> Receipt:
    """Add a claim. Without a `claim_ref` among the facts it gets a reference such as RC-000001.

    Raises `Impossible` for facts of the wrong type, or where the same claim is there already.
    """
    given = dict.fromkeys(COLUMNS) | typed_facts(facts)
    parameters = {"facts": given, "assign_to": assign_to}
    with acting(store, "add_claim", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        act.assignable(assign_to)
        if given["claim_ref"] is None and given["order_ref"] is None:
            raise Impossible("Name the claim or the order: without both nobody could find it again.")
        same = same_as(given)
        _refuse_same(act, given["claim_ref"], same)
        number = (act.connection.execute(sa.select(sa.func.max(tables.claims.c.id))).scalar() or 0) + 1
        row: dict[str, Any] = {
            "id": number,
            "ref": given["claim_ref"] or free_ref(number, _own_refs(act, number)),
            "state": "new",
            "outcome": "",
            "assignee_id": assign_to,
            "version": 1,
            "created_at": act.at,
            "updated_at": act.at,
            "answer_from": act.at,
            "import_id": None,
            **ANSWERED,
            "promised": None,
            "same_as": same,
            "source_print": None,
            "email_key": email_key(given),
            **given,
        }
        verdict = judge_rows(store, [row], act.at)[0]
        row.update(kept(verdict, row, act.settings, act.store.laws))
        act.connection.execute(sa.insert(tables.claims).values(row))
        body = {
            "ref": row["ref"],
            "facts": {name: value for name, value in given.items() if value is not None},
            "after": {"state": "new", "outcome": "", "assignee_id": assign_to, "asked_for": ""},
            **judged_as(verdict, store),
        }
        event, _ = act.ledger.append(number, 1, GENESIS, "created", body, facts_in="facts")
        return act.receipt(row, event, f"Claim {row['ref']} was added.")


def _refuse_same(act: Act, ref: str | None, same: str | None) -> None:
    if ref is None and same is None:
        return
    claims = tables.claims
    there = claims.c.ref == ref if ref is not None else claims.c.same_as == same
    found = act.connection.execute(sa.select(claims.c.ref).where(there)).scalar()
    if found is not None:
        raise Impossible(f"This claim is here already, as {found}.")


def _own_refs(act: Act, number: int) -> set[str]:
    """References that are there already and look like the desk's own of this claim."""
    claims = tables.claims
    query = sa.select(claims.c.ref).where(claims.c.ref.in_([own_ref(number), own_ref(number + 1_000_000)]))
    return set(act.connection.execute(query).scalars())


def set_facts(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, changes: Facts) -> Receipt:
    """Change some facts (None: unknown) and judge the claim again.

    A claim that waits goes on waiting until one of the facts comes that it waits for, or its verdict needs none. For
    whom it waits then follows from its facts.

    An instant given without its `_latest` column is known to the moment.
    """
    wanted = typed_facts(changes)
    parameters = {"claim": claim, "version": version, "changes": wanted}
    with acting(store, "set_facts", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row, event, sentence = change_facts(act, act.load(claim, version), wanted)
        return act.receipt(row, event, sentence)


def change_facts(
    act: Act, row: Row, wanted: Mapping[str, Any], imported: int | None = None, verdict: Verdict | None = None
) -> tuple[Row, int, str]:
    """Change facts of a loaded claim; the claim afterwards, the event's id and a sentence."""
    if row["state"] not in CHANGEABLE:
        raise Impossible(f"This claim is {sentences.STATES[row['state']]}: reopen it before changing its facts.")
    changed = {name: value for name, value in wanted.items() if row[name] != value}
    if not changed:
        raise Impossible("These are the facts already: nothing would change.")
    if "claim_ref" in changed:
        raise Impossible("A claim's reference cannot be changed.")
    now: dict[str, Any] = {**row, **changed}
    if verdict is None:
        verdict = act.verdict(now)
    changes = {**changed, **identity(act, row, now)}
    asked = set(row["asked_for"].split())
    answered = asked & {name.removesuffix("_latest") for name in changed}
    if row["state"] != "new" and (answered or verdict.verdict not in AWAITS):
        state, asked_for = awaited(now, verdict.verdict)
        changes |= {"state": state, "asked_for": asked_for, "asked_until": None, "answer_from": act.at}
    body: dict[str, Any] = {"changes": changed, **judged_as(verdict, act.store)}
    if imported is not None:
        body["import"] = imported
    after, event = act.change(row, "facts_set", body, changes, verdict=verdict, facts_in="changes")
    now_is = sentences.verdict(verdict.verdict)
    sentence = f"Claim {row['ref']}: {sentences.labels(changed)} changed; the verdict is {now_is}."
    return after, event, sentence


def identity(act: Act, row: Row, now: Row) -> dict[str, Any]:
    """The columns by which a changed claim is found and told from others. Raises `Impossible` for one that is here."""
    same = same_as(now)
    if same != row["same_as"]:
        _refuse_same(act, None, same)
    return {"same_as": same, "email_key": email_key(now)}


def awaited(row: Row, verdict: str) -> tuple[str, str]:
    """The waiting state that follows from a claim's facts and verdict, and the fact that is waited for."""
    if row["reason"] == "major_defect" and row["defect_fixed_at"] is None and row["defect_approved"] is not False:
        asked = row["access_requested_at"] is not None and row["access_granted_at"] is None
        if asked and not row["access_refused"] and verdict in {*AWAITS, "review"}:
            return "waiting_customer", "access_granted_at"
        if verdict in AWAITS:
            return "waiting_technician", "defect_approved" if row["defect_approved"] is None else "defect_fixed_at"
    return "new", ""


def assign(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, to: int | None) -> Receipt:
    """Give the claim to an agent or manager, or to nobody (None)."""
    parameters = {"claim": claim, "version": version, "to": to}
    with acting(store, "assign", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row, event, sentence = give(act, act.load(claim, version), to)
        return act.receipt(row, event, sentence)


def give(act: Act, row: Row, to: int | None) -> tuple[Row, int, str]:
    """Give a loaded claim to somebody."""
    person = act.assignable(to)
    if row["state"] == "closed":
        raise Impossible("This claim is closed: reopen it before giving it to somebody.")
    if row["assignee_id"] == to:
        whose = "nobody's" if person is None else "yours" if person.id == act.actor.id else f"{person.name}'s"
        raise Impossible(f"This claim is {whose} already.")
    after, event = act.change(row, "assigned", {"to": to}, {"assignee_id": to})
    whose = "nobody's" if person is None else "yours" if person.id == act.actor.id else f"{person.name}'s"
    return after, event, f"Claim {row['ref']} is now {whose}."


def note(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, text: str) -> Receipt:
    """Add a note. A note does not need the latest version: it changes nothing but the timeline."""
    parameters = {"claim": claim, "version": version, "text": text}
    with acting(store, "note", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row, event, sentence = write_note(act, act.load(claim, None), text)
        return act.receipt(row, event, sentence)


def write_note(act: Act, row: Row, text: str) -> tuple[Row, int, str]:
    """Add a note to a loaded claim."""
    after, event = act.change(row, "noted", {"text": words(text, "The note", needed=True)})
    return after, event, f"The note was added to claim {row['ref']}."
