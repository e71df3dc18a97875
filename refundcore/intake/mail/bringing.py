"""Messages into the store: what each would become, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from refundcore.deadlines import iso
from refundcore.facts import COLUMNS
from refundcore.intake import cells
from refundcore.intake.mail import attachments
from refundcore.intake.mail.mailboxes import Mailbox
from refundcore.intake.mail.messages import Message
from refundcore.intake.mail.proposals import Found, Proposed, propose
from refundcore.intake.problems import IntakeError, printable

if TYPE_CHECKING:
    from refundcore.store import Balance, KnownMessage, Mailed, Store

HEADER = ("Message-ID", "From", "Date", "Subject")
"""What is kept of a message that is left out."""

MAPPING = {"From": "customer_email", "Date": "sent_at"}
LONGEST_NOTE = 19_000
_LEFT_OVER = timedelta(days=1)
"""After so long a kept file that no message names is one of an import that was taken back."""

LEFT_OUT = "It was left out by the person who brought it."


@dataclass(frozen=True)
class Bound:
    """A message and what it would become, as proposed."""

    message: Message
    becomes: Literal["claim", "note", "nothing"]
    proposed: Proposed
    known: KnownMessage | None = None
    """The message itself, where it is here already: it changes nothing."""
    answers: str = ""
    """For a note: the reference of the claim, or "" for the claim of a message of this file."""


@dataclass(frozen=True)
class Chosen:
    """A message and what it is to become."""

    message: Message
    becomes: Literal["claim", "note", "nothing"]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For a claim: its facts by column."""
    told: str = ""
    """For a claim: where its facts were found."""
    why: str = LEFT_OUT
    """For nothing."""


def sort(mailbox: Mailbox, known: Mapping[str, KnownMessage]) -> list[Bound]:
    """What each message would become: an answer a note, what no person wrote nothing, any other a claim.

    `known` are the messages that are in the store, by key: see `answered_claims`.
    """
    mine = {one.key for one in mailbox.messages if not one.automatic}
    settled: dict[str, str] = {}
    waiting = [one for one in mailbox.messages if not one.automatic]
    while waiting:
        progress = False
        for one in list(waiting):
            refs = [known[key].ref for key in one.answers if key in known]
            inside = [key for key in one.answers if key in mine and key != one.key]
            if refs or not inside or any(key in settled for key in inside):
                settled[one.key] = "note" if refs or inside else "claim"
                waiting.remove(one)
                progress = True
        if not progress:  # they answer each other in a circle
            settled[waiting.pop(0).key] = "claim"
    bound = []
    for one in mailbox.messages:
        ref = next((known[key].ref for key in one.answers if key in known), "")
        becomes: Any = "nothing" if one.automatic else settled[one.key]
        bound.append(Bound(one, becomes, propose(one), known.get(one.key), ref))
    return bound


def answered_claims(store: Store, mailbox: Mailbox) -> dict[str, KnownMessage]:
    """The messages of a mailbox, and those that they answer, that are in the store."""
    from refundcore.store import known_messages  # noqa: PLC0415 - reading mail needs no database

    keys = [key for one in mailbox.messages for key in (one.key, *one.answers)]
    return known_messages(store, keys)


def taken(given: Sequence[Mapping[str, str]], zone: str) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """For each claim's texts its facts by column, and what is wrong with the texts that cannot be read."""
    names = sorted({name for values in given for name in values})
    rows = list(range(len(given)))
    texts = {name: [values.get(name, "") for values in given] for name in names}
    found = cells.convert(texts, zone=zone, lines=rows)
    problems: list[dict[str, str]] = [{} for _ in rows]
    for problem in found.problems:
        if problem.column:  # a claim from mail may name no order yet
            problems[problem.line][problem.column] = problem.sentence
    columns = {name: found.claims.columns[name].to_pylist() for name in COLUMNS} if given else {}
    return [
        ({name: column[row] for name, column in columns.items() if column[row] is not None}, problems[row])
        for row in rows
    ]


def told(found: Iterable[Found], values: Mapping[str, str]) -> str:
    """Where the facts that were taken as proposed were found, one a line."""
    lines = []
    for one in found:
        text = values.get(one.fact, "")
        candidate = next((each for each in one.candidates if each.text.casefold() == text.casefold()), None)
        if candidate and text and one.fact not in {"description", "channel"}:
            lines.append(f"{one.fact} = {printable(text)} ({candidate.place}: {candidate.quote})")
    return "\n".join(lines)


def certain(bound: Sequence[Bound], zone: str) -> list[Chosen]:
    """What messages become where nobody looks at them: only what is certain is taken, the rest stays unknown.

    Raises `ValueError` for a zone that there is not.
    """
    read = taken([one.proposed.certain for one in bound], zone)
    return [
        Chosen(one.message, "claim", facts, told(one.proposed.found.values(), _but(one.proposed.certain, problems)))
        if one.becomes == "claim"
        else Chosen(one.message, one.becomes, why=one.message.automatic)
        for one, (facts, problems) in zip(bound, read, strict=True)
    ]


def _but(values: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: text for name, text in values.items() if name not in names}


def bring_in(
    mailbox: Mailbox, chosen: Sequence[Chosen], store: Store, *, actor: int, at: datetime
) -> tuple[int, Balance]:
    """Import the messages of a mailbox as chosen: the import's number and its balance, one row a message.

    Attachments of claims and notes are kept in the folder of the desk's data. An import that fails is taken back.
    Raises what the store refuses.
    """
    from refundcore import store as acts  # noqa: PLC0415 - reading mail needs no database
    from refundcore.store import messages  # noqa: PLC0415

    folder = messages.attachments_folder(store)
    number = acts.begin_import(
        store, actor=actor, at=at, filename=mailbox.name, sha256=mailbox.sha256, header=HEADER, mapping=MAPPING
    )
    try:
        mailed = [_mailed(one, folder) for one in chosen]
        mailed += [
            acts.Mailed("", line, ("", "", "", ""), "nothing", printable(why)) for line, why in mailbox.unreadable
        ]
        acts.import_messages(store, number, actor=actor, at=at, messages=mailed)
        balance = acts.finish_import(store, number, actor=actor, at=at)
    except BaseException:
        acts.cancel_import(store, number, actor=actor, at=at)
        raise
    messages.forget_attachments(store, before=at - _LEFT_OVER)
    return number, balance


def attachment(store: Store, sha256: str) -> bytes:
    """What came with a message and was kept. Raises `IntakeError` where it is no longer there as it came."""
    from refundcore.store.messages import attachments_folder  # noqa: PLC0415 - reading mail needs no database

    try:
        data = (attachments_folder(store) / sha256).read_bytes()
    except OSError as error:
        raise IntakeError("The file is no longer kept here: ask for it again.") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise IntakeError("The file was changed where it was kept: ask for it again.")
    return data


def _mailed(one: Chosen, folder: Path) -> Mailed:
    from refundcore import store as acts  # noqa: PLC0415 - reading mail needs no database

    message = one.message
    raw = (message.message_id, message.sender, "" if message.sent_at is None else iso(message.sent_at), message.subject)
    texts = {"claim": one.told, "note": _note(message), "nothing": one.why}
    listed: list[dict[str, Any]] = []
    if one.becomes != "nothing":
        there = attachments.keep(folder, message.attachments)
        listed = [
            {
                "name": each.name,
                "kind": each.kind,
                "size": each.size,
                "sha256": each.sha256,
                "kept": each.sha256 in there,
                "received": message.received_at,
            }
            for each in message.attachments
        ]
    return acts.Mailed(
        message.key, message.line, raw, one.becomes, texts[one.becomes], one.facts,
        answers=message.answers, attachments=listed,
    )  # fmt: skip


def _note(message: Message) -> str:
    """An answer as a note: who wrote when, what they wrote, and what came with it."""
    head = f"E-mail from {message.sender or 'an unknown sender'}: {message.subject}".strip(": ")
    text = message.text.strip() or "(no text)"
    if message.attachments:
        text += "\n\nAttached: " + ", ".join(one.name for one in message.attachments)
    return f"{head}\n\n{text}"[:LONGEST_NOTE]
