"""Taking back one's own last act on a claim, within minutes and as an event of its own: nothing is rewritten."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import SECOND
from refundcore.facts import COLUMNS
from refundcore.store import payable, sentences, tables
from refundcore.store.acting import FOLDED, Act, Row, acting, names_of
from refundcore.store.acts import identity, judged_as
from refundcore.store.chain import opened
from refundcore.store.errors import Impossible
from refundcore.store.judging import JUDGED
from refundcore.store.model import Receipt
from refundcore.store.steps import STEPS
from refundcore.store.store import Store

MINUTES = 10
"""For how long an act can be taken back."""

UNDOABLE = frozenset({"facts_set", "assigned", "asked", "decided", "override_requested", "closed", *STEPS})
"""The kinds of events that can be taken back. What left the desk, or rests on two people, is not among them."""


def can_undo(store: Store, *, actor: int, at: int, claim: int) -> str:
    """What a person could take back on a claim at an instant, to follow "you"; "" where there is nothing."""
    with store.read() as connection:
        found = _last(connection, claim)
        if found is None or _why_not(connection, found, actor, at):
            return ""
        return sentences.phrase(found.kind, opened(found.body, found.private), names_of(connection))


def undo(store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int) -> Receipt:
    """Take back one's own last act on a claim: the claim is as it was before, and judged anew.

    Raises `Impossible` where the last act is another person's, is too long ago, or cannot be taken back, such as a
    reply that was sent or money that is under way.
    """
    parameters = {"claim": claim, "version": version}
    with acting(store, "undo", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        found = _last(act.connection, claim)
        if found is None:
            raise Impossible("There is nothing to take back on this claim.")
        if why := _why_not(act.connection, found, actor, act.at):
            raise Impossible(why)
        return _take_back(act, row, found)


def _last(connection: sa.Connection, claim: int) -> Any:  # noqa: ANN401 - a row
    """The last event of a claim that is no note; None where there is none."""
    events = tables.events
    query = sa.select(events).where(events.c.claim_id == claim, events.c.kind != "noted")
    return connection.execute(query.order_by(events.c.seq.desc()).limit(1)).first()


def _why_not(connection: sa.Connection, event: Any, actor: int, at: int) -> str:  # noqa: ANN401 - a row
    """Why an event cannot be taken back by a person at an instant; "" where it can."""
    body = json.loads(event.body)
    if event.person_id != actor:
        return "Somebody else did something on this claim since: only your own last act can be taken back."
    if event.kind not in UNDOABLE or "import" in body or (event.kind == "facts_set" and "payouts" in body):
        return "Your last act on this claim cannot be taken back."
    if at - event.at > MINUTES * 60 * SECOND:
        return f"An act can be taken back for {MINUTES} minutes, and yours was {sentences.clock(event.at, at)}."
    heads, events = tables.heads, tables.events
    begun = sa.select(heads.c.first_event).where(heads.c.first_event <= event.id).order_by(heads.c.id.desc()).limit(1)
    with_it = sa.and_(events.c.claim_id == event.claim_id, events.c.seq < event.seq)
    others = sa.select(events.c.id, events.c.kind).where(with_it).order_by(events.c.seq.desc())
    first = connection.execute(begun).scalar() or 0
    before = connection.execute(others).all()
    if before and before[0].id >= first:
        return "Your last act on this claim did several things at once: it cannot be taken back as a whole."
    if any(each.kind == "erased" for each in before):
        return "The customer's data was erased before: nothing of this claim can be put back."
    return ""


def _take_back(act: Act, row: Row, event: Any) -> Receipt:  # noqa: ANN401 - a row
    undone = json.loads(event.body)
    before = _before(act, event)
    columns = [*undone.get("changes", ()), *undone.get("after", ())]
    back = {name: before[name] for name in columns if row[name] != before[name]}
    facts = {name: value for name, value in back.items() if name in COLUMNS}
    if back.get("assignee_id") is not None:
        act.assignable(back["assignee_id"])
    body: dict[str, Any] = {"undid": event.kind, **{name: undone.get(name) for name in ("outcome", "of", "to")}}
    if event.kind in {"decided", "override_requested"}:
        if gone := payable.withdraw_all(act, row):
            body["payouts"] = gone
        decisions = tables.decisions
        act.connection.execute(sa.update(decisions).where(decisions.c.event_id == event.id).values(status="withdrawn"))
    now = {**row, **back}
    verdict = act.verdict(now) if now["state"] in JUDGED else None
    body["changes"] = facts
    if verdict:
        body |= judged_as(verdict, act.store)
    changes = {
        **back,
        **(identity(act, row, now) if facts else {}),
        "answer_from": undone.get("since", row["answer_from"]),
    }
    after, number = act.change(row, "undone", body, changes, verdict=verdict, facts_in="changes")
    return act.receipt(after, number, f"Claim {row['ref']} is as it was before: you took back your last act.")


def _before(act: Act, event: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    """The claim's columns as its earlier events made them."""
    events = tables.events
    query = sa.select(events).where(events.c.claim_id == event.claim_id, events.c.seq < event.seq)
    now: dict[str, Any] = dict.fromkeys((*COLUMNS, *FOLDED))
    for each in act.connection.execute(query.order_by(events.c.seq)):
        body = opened(each.body, each.private)
        after = body.get("after", {})
        said = body["facts"] if each.kind == "created" else body.get("changes", {})
        now |= {**said, **body.get("marks", {}), **after}
    return now
