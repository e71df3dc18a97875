"""`import` of a file of mail: says what was found where, takes what is certain, and leaves the rest unknown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime

from refundcore.facts import BY_NAME
from refundcore.intake import Source, mail, sentence
from refundcore.intake.mail import Bound
from refundcore.intake.problems import IntakeError, clip
from refundcore.store import Store

ALL_IN, SOME_OUT = 0, 1

_OF_TABLES = (
    "map",
    "const",
    "value",
    "date_order",
    "decimal",
    "encoding",
    "delimiter",
    "header_line",
    "update",
    "rejects",
)
"""Options that say how a table is read, and mean nothing for mail."""


def run(args: argparse.Namespace, store: Store, file: Source, *, actor: int, at: datetime) -> int:
    """Import the messages of a file. 0: all are in; 1: some were left out, named with why.

    Raises `IntakeError` for a file that cannot be read and for options of tables, and what the store refuses.
    """
    if wrong := [name for name in _OF_TABLES if getattr(args, name, None)]:
        raise IntakeError(f"--{wrong[0].replace('_', '-')} is for tables; {file.name} is mail.")
    zone = args.zone or store.policy.zone
    mailbox = mail.read(file)
    bound = mail.sort(mailbox, mail.answered_claims(store, mailbox))
    for one in bound:
        _tell(one)
    for line, why in mailbox.unreadable:
        print(f"Line {line:,}: left out. {why}", file=sys.stderr)
    if args.dry_run:
        counts = [sum(one.becomes == kind and not one.known for one in bound) for kind in ("claim", "note", "nothing")]
        here = sum(one.known is not None for one in bound)
        left = counts[2] + len(mailbox.unreadable)
        print(
            f"{_messages(len(bound) + len(mailbox.unreadable))}: {counts[0]} would become claims, {counts[1]} notes,"
            f" {here} here already, {left} left out."
        )
        return SOME_OUT if left else ALL_IN
    try:
        chosen = mail.certain(bound, zone)
    except ValueError as error:
        raise IntakeError(f"--zone: {error}") from None
    number, balance = mail.bring_in(mailbox, chosen, store, actor=actor, at=at)
    print(f"Import {number}: {sentence(balance, 'message')}")
    return SOME_OUT if balance.rejected or balance.conflicting else ALL_IN


def _messages(count: int) -> str:
    return f"{count:,} {'message' if count == 1 else 'messages'}"


def _tell(one: Bound) -> None:
    """What a message would become, and what was found where."""
    message = one.message
    head = f"Line {message.line:,}, {message.sender or 'sender unknown'}: {clip(message.subject) or '(no subject)'}"
    print(f"{head}: {_becomes(one)}", file=sys.stderr)
    if one.becomes == "claim" and not one.known:
        for found in one.proposed.found.values():
            if found.fact not in {"channel", "description"}:
                _tell_found(found)
        missing = [fact for fact in BY_NAME.values() if fact.required and fact.name not in one.proposed.certain]
        print(f"  unknown: {', '.join(fact.name for fact in missing) or 'nothing that is needed'}", file=sys.stderr)
    for attachment in message.attachments:
        print(f"  attached: {attachment.name} ({attachment.kind}, {attachment.size:,} bytes)", file=sys.stderr)
    for notice in message.notices:
        print(f"  {notice}", file=sys.stderr)


def _becomes(one: Bound) -> str:
    if one.known:
        return f"here already, on claim {one.known.ref}."
    if one.becomes == "nothing":
        return f"left out. {one.message.automatic}"
    if one.becomes == "note":
        return f"a note on {f'claim {one.answers}' if one.answers else 'the claim that this file brings'}."
    return "a new claim."


def _tell_found(found: mail.Found) -> None:
    places = _distinct([f"{clip(each.text)} ({each.place}: {each.quote})" for each in found.candidates])
    said = "" if found.sure else " - not taken: several" if not found.text else " - not taken: not certain"
    print(f"  {found.fact} <- {'; '.join(places[:4])}{said}", file=sys.stderr)


def _distinct(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(texts))
