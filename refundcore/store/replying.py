"""Replies that were sent: kept with the claim before they leave, and once more when it is known what became of them.

A mail and a transaction cannot be one. So the intention is written first, under the form's key: whoever comes second
with the same key sends nothing. What follows it is an event that says whether the mail server took it. Where a crash
lies between, the claim says that a mail may have gone out, and its number to look for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from refundcore import promises
from refundcore.promises import Told
from refundcore.store import sentences, tables
from refundcore.store.acting import Act, Row, acting, words
from refundcore.store.errors import Impossible
from refundcore.store.judging import JUDGED, Verdict
from refundcore.store.model import Receipt
from refundcore.store.store import Store

How = Literal["smtp", "hand"]
DECIDING: Mapping[str, str] = {
    "approve": "approved", "exchange": "exchanged", "deny": "denied", "closed": "withdrawn",
}  # fmt: skip
"""Outcome of a reply -> the outcome that the claim must have before the customer is told so."""


def begin_reply(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    claim: int,
    version: int,
    outcome: str,
    how: How,
    to: str,
    subject: str,
    text: str,
    message_id: str = "",
    grounds: Sequence[Mapping[str, Any]] = (),
    told: Sequence[Told] = (),
) -> Receipt:
    """Keep a reply with its claim: one that is about to be mailed, or (`hand`) one that somebody sent by other means.

    `grounds` says of each sentence its clause and facts and whether it is the agent's own; `told` are the deadlines
    that the customer is told, to which the claim is held from then on. Raises `Impossible` for a reply that tells of
    a decision which nobody made.
    """
    parameters = {"claim": claim, "version": version, "outcome": outcome, "how": how, "to": to, "text": text}
    with acting(store, "reply", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(claim, version)
        if outcome in DECIDING and row["outcome"] != DECIDING[outcome]:
            raise Impossible(
                f"The reply tells the customer that the claim is {DECIDING[outcome]}, and it is"
                f" {row['outcome'] or sentences.STATES[row['state']]}: decide the claim first."
            )
        body = {
            "outcome_told": outcome,
            "how": how,
            "customer_email": words(to, "The customer's address", needed=how == "smtp"),
            "subject": subject,
            "reply": words(text, "The reply", needed=True),
            "message_id": message_id,
            "grounds": [dict(ground) for ground in grounds],
            "told": [list(one) for one in told],
        }
        promised = promises.write(promises.added(promises.read(row["promised"]), told))
        kind = "reply_begun" if how == "smtp" else "replied"
        after, event = act.change(row, kind, body, {"promised": promised}, verdict=_judged(act, row, promised))
        sentence = (
            f"The reply on claim {row['ref']} is being sent."
            if how == "smtp"
            else f"The reply on claim {row['ref']} is kept as sent."
        )
        return act.receipt(after, event, sentence)


def end_reply(store: Store, *, actor: int, at: datetime, key: str, begun: Receipt, problem: str = "") -> Receipt:
    """Keep what became of a mail: taken by the mail server, or why not."""
    parameters = {"begun": begun.event_id, "problem": problem}
    with acting(store, "reply", actor=actor, at=at, key=key, parameters=parameters) as act:
        if earlier := act.earlier():
            return earlier
        row = act.load(begun.claim, None)
        _refuse_other(act, begun)
        body = {"reply_event": begun.event_id, "problem": words(problem, "The problem")[:1_000]}
        if problem:
            promised = _told_before(act, begun)
            verdict = _judged(act, row, promised)
            after, event = act.change(row, "reply_failed", body, {"promised": promised}, verdict=verdict)
        else:
            after, event = act.change(row, "reply_sent", body)
        sentence = f"The reply on claim {row['ref']} was {f'not sent. {problem}' if problem else 'sent'}"
        return act.receipt(after, event, sentence if problem else f"{sentence}.")


def _judged(act: Act, row: Row, promised: str | None) -> Verdict | None:
    """The verdict on an open claim with what its customer is told from now on; a decided claim keeps its own."""
    return act.verdict({**row, "promised": promised}) if row["state"] in JUDGED else None


def _told_before(act: Act, begun: Receipt) -> str | None:
    """What the customer was told without a reply that did not leave: all that the other replies told."""
    events = tables.events
    query = sa.select(events.c.id, events.c.kind, events.c.body).where(events.c.claim_id == begun.claim)
    found = act.connection.execute(query.order_by(events.c.seq)).all()
    bodies = {row.id: json.loads(row.body) for row in found if row.kind in {"replied", "reply_begun", "reply_failed"}}
    lost = {body.get("reply_event") for body in bodies.values()} | {begun.event_id}
    told = (promises.of_body(body) for number, body in bodies.items() if number not in lost)
    return promises.write(promises.added((), [one for each in told for one in each]))


def _refuse_other(act: Act, begun: Receipt) -> None:
    events = tables.events
    query = sa.select(events.c.kind).where(events.c.id == begun.event_id, events.c.claim_id == begun.claim)
    if act.connection.execute(query).scalar() != "reply_begun":
        raise Impossible("No reply was begun there.")
