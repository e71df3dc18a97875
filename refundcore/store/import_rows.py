"""The rows of one transaction of an import: which claim each is, and what becomes of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from refundcore.store import figure_keeping, sentences, tables
from refundcore.store.acting import Act
from refundcore.store.acts import CHANGEABLE, free_ref
from refundcore.store.chain import GENESIS, canonical, first_hashes, insert_columns, insert_rows
from refundcore.store.incoming import Incoming
from refundcore.store.judging import first_act_by
from refundcore.store.matching import Known, changes, find, taken_refs
from refundcore.store.preparing import Prepared, bodies

REJECT_COLUMNS = ("import_id", "line", "kind", "cells", "why", "claim_id")
UPDATE_COLUMNS = ("import_id", "claim_id", "line", "changes", "source_print", "cells")

Update = bool | Mapping[int, int]
"""Whether rows change claims that are there: all of them, none, or those claims at those versions."""

_HIDDEN = "Claim {} is being brought in or taken back by another import now. Bring this row again when that is done."


class Batch:
    """Some rows of an import, sorted by what becomes of them, then written at once."""

    def __init__(self, act: Act, number: int, seen: Mapping[int, str], update: Update) -> None:
        self.act, self.number, self.seen, self.update = act, number, seen, update
        self.counts: Counter[str] = Counter()
        self.named: dict[int, str] = {}
        """Claims that were there before and that these rows name -> fingerprint."""
        self.first: int | None = None
        self.last: int | None = None
        self._claims: dict[str, Sequence[Any] | pa.Array] = {}
        self._events: dict[str, Sequence[Any] | pa.Array] = {}
        self._rejects: list[tuple[Any, ...]] = []
        self._updates: list[tuple[Any, ...]] = []

    def reject(self, rejected: Sequence[tuple[int, Sequence[str], str]]) -> None:
        """Keep rows that cannot be read, with why."""
        for line, cells, why in rejected:
            self.counts["rows"] += 1
            self.counts["rejected"] += 1
            self._rejects.append((self.number, line, "rejected", _cells(cells), _storable(why), None))

    def add(self, given: Prepared, lines: Sequence[int], cells: Sequence[Sequence[str]] | None, part: range) -> None:
        """Sort the rows of a part by what becomes of them. Called once."""
        if not part:
            return
        rows, places = given.rows, slice(part.start, part.stop)
        prints, marked, named = rows.prints[places], rows.marks[places], rows.refs[places]
        marks = one_each((mark, found) for mark, found in zip(marked, prints, strict=True) if mark is not None)
        refs = one_each((ref, found) for ref, found in zip(named, prints, strict=True) if ref is not None)
        connection = self.act.connection
        by_ref, by_identity = find(connection, refs, marks, self.number, {**marks, **refs})
        following = (connection.execute(sa.select(sa.func.max(tables.claims.c.id))).scalar() or 0) + 1
        self.counts["rows"] += len(part)
        if len(refs) == len(part) and not by_ref:  # as most are: each row names a claim that nobody has named
            self._create(following, [ref for ref in named if ref is not None], given, part)
            return
        taken = {*refs, *(taken_refs(connection, following, len(part)) if marks else ())}
        new: list[int] = []
        created: list[str] = []
        for place in part:
            mark, own = rows.marks[place], rows.refs[place]
            known = by_identity.get(mark) if own is None and mark is not None else by_ref.get(own or "")
            if known is not None:
                self._meet(known, rows, place, lines[place], cells[place] if cells is not None else ())
                continue
            number = following + len(new)
            known = Known(number, own or free_ref(number, taken), rows.prints[place], of_this_file=True)
            if mark is None:
                by_ref[known.ref] = known
            else:
                by_identity[mark] = known
            created.append(known.ref)
            new.append(place)
        if created:
            self._create(following, created, given, new)

    def _create(self, first: int, refs: Sequence[str], given: Prepared, new: Sequence[int]) -> None:
        """New claims with ids from `first` on, of the rows in the places `new`."""
        act, rows, size = self.act, given.rows, len(new)
        self.counts["created"] += size
        self.first, self.last = first, first + size - 1
        places = None if size == new[-1] + 1 - new[0] else pa.array(new)

        def of(column: pa.Array) -> pa.Array:
            return column.slice(new[0], size) if places is None else column.take(places)

        def same(value: object) -> Sequence[Any]:
            return [value] * size

        judged = {name: of(column) for name, column in given.verdicts.items()}
        moments = first_act_by(
            judged["verdict"],
            judged["next_deadline"],
            of(given.paid),
            answer_from=act.at,
            settings=act.settings,
        )
        facts = {name: of(column) for name, column in rows.columns.items()}
        emails = facts["customer_email"].to_pylist() if "customer_email" in facts else same(None)
        self._claims = {
            "id": range(first, first + size),
            "ref": refs,
            "state": same("new"),
            "outcome": same(""),
            "version": same(1),
            "created_at": same(act.at),
            "updated_at": same(act.at),
            "answer_from": same(act.at),
            "import_id": same(self.number),
            **judged,
            "act_by": moments,
            "queue_at": moments,
            "asked_for": same(""),
            "same_as": [rows.marks[place] for place in new],
            "source_print": [rows.prints[place] for place in new],
            "email_key": [None if email is None else email.lower() for email in emails],
            **facts,
        }
        if given.bodies is None:
            named = pa.array(refs, type=pa.string())
            told = bodies(of(rows.facts), judged, named, self.number, act.store)
        else:
            told = of(given.bodies)
        hashes = None
        if given.guess is not None and places is None:
            hashes = given.guess.of(new[0], size, first=first, at=act.at, person=act.actor.id)
        self._tell(first, told.to_pylist(), of(rows.private), hashes)

    def _tell(self, first: int, told: Sequence[str], private: pa.StringArray, hashes: Sequence[str] | None) -> None:
        """The event of each new claim, by its body and its private part."""
        if hashes is None:
            hashes = first_hashes(first, self.act.at, self.act.actor.id, "created", told)
        self._events = {
            "id": self.act.ledger.first_events(hashes),
            "claim_id": range(first, first + len(told)),
            "seq": [1] * len(told),
            "at": [self.act.at] * len(told),
            "person_id": [self.act.actor.id] * len(told),
            "kind": ["created"] * len(told),
            "body": told,
            "private": private,
            "prev_hash": [GENESIS] * len(told),
            "hash": hashes,
        }

    def _meet(self, known: Known, rows: Incoming, place: int, line: int, raw: Sequence[str]) -> None:
        """A row whose claim is there already, or was named by an earlier row."""
        found = rows.prints[place]
        before = known.print if known.of_this_file else self.named.get(known.id, self.seen.get(known.id))
        if before is not None:
            if before == found:
                self.counts["duplicates"] += 1
            else:
                self._conflict(known, line, raw, "An earlier row of the file says otherwise of the same claim.")
            return
        if known.hidden:
            self._conflict(known, line, raw, _HIDDEN.format(known.ref))
            return
        self.named[known.id] = found
        differing = {} if known.print == found or known.facts is None else changes(rows.values(place), known.facts)
        if not differing:
            self.counts["unchanged"] += 1
        elif why := self._refusal(known, differing):
            self._conflict(known, line, raw, why)
        else:
            self.counts["updated"] += 1
            self._updates.append((self.number, known.id, line, canonical(differing), found, _cells(raw)))

    def _refusal(self, known: Known, differing: Mapping[str, Any]) -> str:
        """Why a claim that differs from its row is left as it is; "" where it is to be changed."""
        seen = self.update if isinstance(self.update, bool) else self.update.get(known.id, False)
        if seen is False:
            return f"Claim {known.ref} is here with other facts: {sentences.labels(differing)}."
        if unchangeable := fixed(known):
            return unchangeable
        if seen is not True and seen != known.version:
            return f"Claim {known.ref} was changed after you saw how it differs. Look again before you change it."
        return ""

    def _conflict(self, known: Known, line: int, raw: Sequence[str], why: str) -> None:
        self.counts["conflicting"] += 1
        self._rejects.append((self.number, line, "conflicting", _cells(raw), why, known.id))

    def write(self) -> None:
        """Write everything that was sorted."""
        connection = self.act.connection
        insert_columns(connection, tables.claims, self._claims)
        insert_columns(connection, tables.events, self._events)
        figure_keeping.add_batch(self.act, self._claims)
        insert_rows(connection, tables.import_rejects, REJECT_COLUMNS, self._rejects)
        insert_rows(connection, tables.import_updates, UPDATE_COLUMNS, self._updates)


def fixed(known: Known) -> str:
    """Why the facts of a claim are not changed by a file; "" where they may be: nobody decided it yet."""
    if known.state in CHANGEABLE:
        return ""
    return f"Claim {known.ref} is {sentences.STATES[known.state]}, so its facts are not changed."


def one_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each mark's fingerprint; "", which equals none, for a mark with several."""
    found: dict[str, str] = {}
    for mark, one in pairs:
        found[mark] = one if found.get(mark, one) == one else ""
    return found


def _cells(cells: Sequence[str]) -> str:
    return json.dumps(list(cells), ensure_ascii=True)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
