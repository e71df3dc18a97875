"""Sending a reply: kept with the claim, handed to the mail server once, and kept again with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from refundcore import smtp
from refundcore.replies.composing import Reply
from refundcore.smtp import MailError
from refundcore.store import Receipt, Store, begin_reply, end_reply, settings_now
from refundcore.store.chain import digest

SUBJECTS = {
    "ask": "We need to hear from you",
    "approve": "We have accepted your claim",
    "exchange": "We have accepted your claim",
    "deny": "About your claim",
    "wait": "About your claim",
    "look": "About your claim",
    "closed": "We have closed your claim",
}


def subject(outcome: str, ref: str) -> str:
    """The subject of a reply; the claim's reference stands in it, so that an answer finds its way back."""
    return f"{SUBJECTS[outcome]} ({ref})"


def mail(store: Store, reply: Reply, *, to: str, ref: str, key: str = "") -> EmailMessage:
    """A reply as a mail from the desk's sender. Raises `MailError` where none is set, or an address is wrong."""
    settings = settings_now(store)
    sender = settings.sender_address
    if not sender:
        raise MailError("No sender is set yet: a manager names the desk's address in the settings.")
    message_id = f"<{digest(key)[:32]}@{smtp.domain(sender)}>" if key else ""
    return smtp.message(
        sender=sender,
        name=settings.sender_name,
        to=to,
        subject=subject(reply.outcome, ref),
        text=reply.text,
        message_id=message_id,
    )


def draft(store: Store, reply: Reply, *, to: str, ref: str) -> EmailMessage:
    """A reply as a mail that a person finishes in their own program; sender and receiver as far as they are known."""
    settings = settings_now(store)
    return smtp.message(
        sender=settings.sender_address,
        name=settings.sender_name,
        to=to,
        subject=subject(reply.outcome, ref),
        text=reply.text,
        draft=True,
    )


def send(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, ref: str, to: str, reply: Reply
) -> Receipt:
    """Mail a reply to the customer; the same key sends once, whatever became of the first.

    Raises `MailError` before anything is done where no server or sender is set or the address is wrong, and after it
    was kept that the server did not take it.
    """
    by = smtp.server()
    if by is None:
        raise MailError(f"No mail server is set: {smtp.PREFIX}HOST in the desk's environment names one.")
    made = mail(store, reply, to=to, ref=ref, key=key)
    begun = begin_reply(
        store,
        actor=actor,
        at=at,
        key=key,
        claim=claim,
        version=version,
        outcome=reply.outcome,
        how="smtp",
        to=to,
        subject=str(made["Subject"]),
        text=reply.text,
        message_id=str(made["Message-ID"]),
        grounds=grounds(reply),
        told=reply.told,
    )
    if begun.repeated:
        return begun
    problem = ""
    try:
        smtp.send(made, by)
    except MailError as wrong:
        problem = str(wrong)
    ended = end_reply(store, actor=actor, at=at, key=f"end {begun.event_id}", begun=begun, problem=problem)
    if problem:
        raise MailError(f"The reply was not sent, and that is kept with the claim. {problem}")
    return ended


def keep(
    store: Store, *, actor: int, at: datetime, key: str, claim: int, version: int, ref: str, to: str, reply: Reply
) -> Receipt:
    """Keep a reply that somebody sent by other means."""
    return begin_reply(
        store,
        actor=actor,
        at=at,
        key=key,
        claim=claim,
        version=version,
        outcome=reply.outcome,
        how="hand",
        to=to,
        subject=subject(reply.outcome, ref),
        text=reply.text,
        grounds=grounds(reply),
        told=reply.told,
    )


def grounds(reply: Reply) -> Sequence[dict[str, Any]]:
    """What each sentence of a reply rests on, without its words."""
    return [{"id": one.id, "clause": one.clause, "facts": list(one.facts), "own": one.own} for one in reply.sentences]
