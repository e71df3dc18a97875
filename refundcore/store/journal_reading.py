"""Reading the journal: what happened in the whole desk, by whom, filtered and in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Self

import numpy as np
import sqlalchemy as sa

from refundcore.deadlines import start_of_day
from refundcore.store import sentences, tables
from refundcore.store.acting import names_of, visible
from refundcore.store.chain import opened
from refundcore.store.store import Store

PAGE = 50
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
"""The days between which a period may lie."""

AT_ONCE = 1_000
"""Rows that an export reads at once."""

KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "came": ("Claims that came in", ("created",)),
    "facts": ("Changes of facts", ("facts_set",)),
    "decisions": ("Decisions", ("decided", "override_requested", "reopened", "closed")),
    "approvals": (
        "Approvals",
        ("override_approved", "override_rejected", "payout_approved", "payout_rejected"),
    ),
    "payouts": (
        "Payouts",
        (
            "payout_queued", "payout_batched", "payout_unbatched", "payout_paid", "payout_failed", "route_asked",
            "goodwill_asked",
        ),
    ),
    "evidence": ("Evidence", ("evidence_attached", "evidence_removed", "evidence_judged", "evidence_erased")),
    "talk": ("Notes, questions, replies", ("noted", "asked", "replied", "reply_begun", "reply_sent", "reply_failed")),
    "assigned": ("Assignments", ("assigned",)),
    "erased": ("Erasures", ("erased", "evidence_erased")),
}  # fmt: skip
"""Groups of kinds of events: their word and what belongs to them."""


@dataclass(frozen=True)
class JournalFilter:
    """Which events are shown. `of` and `params` are its form in a page's address."""

    person: str = ""
    """A person's id in digits; "" for anybody."""
    kind: str = ""
    """A key of `KINDS`; "" for everything."""
    claim: str = ""
    """The reference of a claim, or its beginning."""
    since: str = ""
    """The first day, as 2026-05-12; "" for no limit."""
    until: str = ""
    """The last day."""

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Self:
        """The filter of an address; unknown names and impossible values are dropped."""
        given = {each.name: str(params.get(each.name, "")).strip() for each in fields(cls)}
        if not given["person"].isdecimal() or len(given["person"]) > 18:
            given["person"] = ""
        if given["kind"] not in KINDS:
            given["kind"] = ""
        for name in ("since", "until"):
            day = _day(given[name])
            given[name] = f"{day}" if day else ""
        return cls(**given)

    def params(self) -> dict[str, str]:
        """What of the filter differs from everything, for an address."""
        return {each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name)}


@dataclass(frozen=True)
class JournalRow:
    """Something that happened."""

    id: int
    at: int
    person: str
    kind: str
    ref: str
    """The claim."""
    sentence: str
    hash: str


@dataclass(frozen=True)
class JournalPage:
    """Some rows, the latest first, and the cursors of the pages beside them (None: there is none)."""

    rows: tuple[JournalRow, ...]
    older: int | None
    newer: int | None


def journal_page(
    store: Store,
    chosen: JournalFilter,
    *,
    zone: str,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> JournalPage:
    """A page of the journal: the events before one, or those just after one. Days are days of `zone`."""
    events = tables.events
    with store.read() as connection:
        query = _matching(connection, chosen, zone)
        if after is not None:
            found = _rows(connection, query.where(events.c.id > after).order_by(events.c.id).limit(limit + 1))
            more, rows = len(found) > limit, found[:limit][::-1]
            return JournalPage(tuple(rows), rows[-1].id if rows else None, rows[0].id if rows and more else None)
        if before is not None:
            query = query.where(events.c.id < before)
        found = _rows(connection, query.order_by(events.c.id.desc()).limit(limit + 1))
        rows = found[:limit]
        older = rows[-1].id if len(found) > limit else None
        return JournalPage(tuple(rows), older, rows[0].id if rows and before is not None else None)


def journal_rows(store: Store, chosen: JournalFilter, *, zone: str) -> Iterator[JournalRow]:
    """Every event of a filter, the latest first, read some at a time."""
    before: int | None = None
    while True:
        page = journal_page(store, chosen, zone=zone, before=before, limit=AT_ONCE)
        yield from page.rows
        if page.older is None:
            return
        before = page.older


def _matching(connection: sa.Connection, chosen: JournalFilter, zone: str) -> sa.Select[Any]:
    events, claims = tables.events, tables.claims
    query = sa.select(events, claims.c.ref).join(claims, claims.c.id == events.c.claim_id).where(visible(connection))
    if chosen.person:
        query = query.where(events.c.person_id == int(chosen.person))
    if chosen.kind:
        query = query.where(events.c.kind.in_(KINDS[chosen.kind][1]))
    if chosen.claim:
        query = query.where(claims.c.ref.startswith(chosen.claim, autoescape=True))
    if first := _day(chosen.since):
        query = query.where(events.c.at >= _midnight(first, zone))
    if last := _day(chosen.until):
        query = query.where(events.c.at < _midnight(last, zone, later=1))
    return query


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[JournalRow]:
    names = names_of(connection)
    rows = []
    for row in connection.execute(query):
        who, body = names.get(row.person_id, "Somebody"), opened(row.body, row.private)
        said = sentences.told(who, row.kind, body, names)
        rows.append(JournalRow(row.id, row.at, who, row.kind, row.ref, said, row.hash))
    return rows


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None


def _midnight(day: date, zone: str, later: int = 0) -> int:
    number = (day - date(1970, 1, 1)).days + later
    return int(start_of_day(np.array([number], dtype=np.int64), zone)[0])
