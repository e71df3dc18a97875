"""The journal as a page: its filter in the address, its rows as links, its export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from refundcore.desk import acts, context
from refundcore.desk.claim_parts import ICONS
from refundcore.desk.listing import Line, listing
from refundcore.desk.show import ago_text, count_text, when_text
from refundcore.intake.exporting import harmless
from refundcore.store import Person
from refundcore.store.journal_reading import (
    EARLIEST,
    KINDS,
    LATEST,
    JournalFilter,
    JournalPage,
    JournalRow,
    journal_page,
    journal_rows,
)

COLUMNS = ("event", "at", "person", "kind", "claim", "what", "hash")
_DAYS: Mapping[str, Any] = {"min_value": EARLIEST, "max_value": LATEST, "format": "YYYY-MM-DD"}
_CURSORS = ("before", "after")


def chosen(params: Mapping[str, str]) -> JournalFilter:
    """The filter that the address says."""
    return JournalFilter.of(params)


def draw(people: Sequence[Person], now: JournalFilter) -> JournalFilter:
    """The fields of the filter; the filter they say."""
    names = {"": "Anybody", **{str(person.id): _name(person, people) for person in people}}
    kinds = {"": "Everything", **{kind: word for kind, (word, _) in KINDS.items()}}
    places = st.columns([1.3, 1.3, 1.3, 1, 1], vertical_alignment="bottom")
    with places[0]:
        claim = st.text_input("Claim", value=now.claim, key="journal_claim", placeholder="Reference or its beginning")
    with places[1]:
        person = _one("Person", names, now.person, "journal_person")
    with places[2]:
        kind = _one("What", kinds, now.kind, "journal_kind")
    with places[3]:
        since = st.date_input("From", value=_day(now.since), key="journal_since", **_DAYS)
    with places[4]:
        until = st.date_input("To", value=_day(now.until), key="journal_until", **_DAYS)
    days = {name: f"{day}" if isinstance(day, date) else "" for name, day in (("since", since), ("until", until))}
    return JournalFilter.of({"claim": claim or "", "person": person, "kind": kind, **days})


def keep(wanted: JournalFilter, now: JournalFilter) -> None:
    """Write a filter that was changed into the address, from its first page on."""
    if wanted != now:
        st.query_params.from_dict(wanted.params())
        st.rerun()


def page(of: JournalFilter, params: Mapping[str, str]) -> JournalPage:
    """The page of the journal that the address names."""
    cursor = {name: int(params[name]) for name in _CURSORS if _number(params.get(name, ""))}
    if len(cursor) > 1:
        cursor = {}
    return acts.read(journal_page, of, zone=context.policy().zone, **cursor)


def head(found: JournalPage) -> None:
    """How many rows there are here, and what they tell."""
    more = "" if found.older is None and found.newer is None else " on this page"
    st.text(f"{count_text(len(found.rows), 'event')}{more}, the latest first")


def show(found: JournalPage) -> str:
    """Draw the rows; the reference of the claim that was just opened, or ''."""
    return listing([_line(row) for row in found.rows], "journal", "What happened, the latest first")


def turn(of: JournalFilter, found: JournalPage) -> None:
    """The ways to newer and older rows."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        for label, icon, name, cursor in (
            ("Newer", "chevron_left", "after", found.newer),
            ("Older", "chevron_right", "before", found.older),
        ):
            if cursor is not None and st.button(label, key=f"journal_{name}", icon=f":material/{icon}:"):
                st.query_params.from_dict({**of.params(), name: str(cursor)})
                st.rerun()


def export(of: JournalFilter) -> None:
    """The button that hands out everything of the filter as CSV."""
    store, zone = context.store(), context.policy().zone
    st.download_button(
        "Download as CSV",
        data=lambda: as_csv(journal_rows(store, of, zone=zone)),
        file_name="journal.csv",
        mime="text/csv",
        key="journal_csv",
        icon=":material/download:",
        on_click="ignore",
        help="Everything that the filter finds, all pages of it.",
    )


def as_csv(rows: Iterable[JournalRow]) -> bytes:
    """Rows as CSV that no spreadsheet takes for formulas."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (row.person, row.kind, row.ref, row.sentence)
        writer.writerow([row.id, when_text(row.at), *map(harmless, cells), row.hash])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8", "replace")


def _line(row: JournalRow) -> Line:
    return Line(
        head=row.ref,
        text=row.sentence,
        note=when_text(row.at),
        icon=ICONS.get(row.kind, "circle"),
        tone="gray",
        when=ago_text(row.at),
        opens=row.ref,
    )


def _one(label: str, words: Mapping[str, str], now: str, key: str) -> str:
    codes = list(words)
    place = codes.index(now) if now in words else 0
    picked = st.selectbox(label, codes, index=place, key=key, format_func=lambda code: words.get(code, code))
    return str(picked or "")


def _name(person: Person, people: Sequence[Person]) -> str:
    same = [each for each in people if each.name == person.name]
    return person.name if len(same) == 1 else f"{person.name} ({person.email})"


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _number(text: str) -> bool:
    return text.isdecimal() and len(text) <= 18
