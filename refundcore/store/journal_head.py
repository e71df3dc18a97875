"""The journal's head: one line that, kept elsewhere, shows later whether the journal was cut or rewritten."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from refundcore.deadlines import moment
from refundcore.store import tables
from refundcore.store.chain import GENESIS
from refundcore.store.errors import StoreError
from refundcore.store.store import Store

_LINE = re.compile(r"(\d{1,18})\s+([0-9a-f]{64})(?:\s+(\S+))?")


@dataclass(frozen=True)
class Head:
    """The last entry of a journal at some moment."""

    count: int
    """How many entries it had."""
    hash: str
    date: str = ""
    """When the last entry was made: ISO 8601 in UTC."""

    def __str__(self) -> str:
        return f"{self.count} {self.hash} {self.date}".rstrip()


def journal_head(store: Store) -> Head:
    """The journal's head now. A journal without entries has the count 0."""
    heads = tables.heads
    query = sa.select(heads.c.id, heads.c.hash, heads.c.at).order_by(heads.c.id.desc()).limit(1)
    with store.read() as connection:
        last = connection.execute(query).first()
    return Head(last.id, last.hash, f"{moment(last.at):%Y-%m-%dT%H:%M:%SZ}") if last else Head(0, GENESIS)


def heads_in(text: str) -> list[Head]:
    """The heads that a text holds, one a line. Raises `StoreError` naming a line that is none."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise StoreError(
                f"Line {number} is no head of a journal: {line.strip()[:60]!r}. One looks like"
                " “12 3f9a… 2026-05-12T09:00:00Z”, as `journal head` prints it."
            )
        found.append(Head(int(match[1]), match[2], match[3] or ""))
    if not found:
        raise StoreError("There is no head of a journal to compare with: the file is empty.")
    return found


def compare_heads(store: Store, earlier: Iterable[Head]) -> str:
    """What is wrong with the journal beside heads of earlier days, the oldest first; "" where all of them are in it."""
    heads = tables.heads
    with store.read() as connection:
        count = connection.execute(sa.select(sa.func.max(heads.c.id))).scalar() or 0
        for head in sorted(earlier, key=lambda head: head.count):
            when = f" on {head.date}" if head.date else ""
            if head.count > count:
                return (
                    f"The journal ends with entry {count}, but had {head.count} entries{when}: its end was cut off, or"
                    " this is an older copy."
                )
            found = connection.execute(sa.select(heads.c.hash).where(heads.c.id == head.count)).scalar()
            if head.count and found != head.hash:
                return (
                    f"Entry {head.count} of the journal is not the one that was there{when}: the journal was rewritten"
                    f" at or before it ({str(found)[:16]} instead of {head.hash[:16]})."
                )
    return ""
