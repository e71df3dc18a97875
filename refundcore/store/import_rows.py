"""The rows of one transaction of an import: which claim each is, and what becomes of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from refundcore.facts import Claims
from refundcore.store import sentences, tables
from refundcore.store.acting import Act
from refundcore.store.acts import CHANGEABLE, free_ref
from refundcore.store.chain import EVENT_COLUMNS, GENESIS, canonical, insert_rows
from refundcore.store.judging import VERDICT_COLUMNS, Verdict, act_by
from refundcore.store.matching import NAMES, PLACES, Known, Values, changes, find, fingerprint, identity, taken_refs

CLAIM_COLUMNS = (
    "id",
    "ref",
    "state",
    "outcome",
    "version",
    "created_at",
    "updated_at",
    "answer_from",
    "import_id",
    *VERDICT_COLUMNS,
    "act_by",
    "queue_at",
    "asked_for",
    "same_as",
    "source_print",
    "email_key",
    *NAMES,
)
REJECT_COLUMNS = ("import_id", "line", "kind", "cells", "why", "claim_id")
UPDATE_COLUMNS = ("import_id", "claim_id", "line", "changes", "source_print", "cells")

_REF, _EMAIL, _SUBMITTED = PLACES["claim_ref"], PLACES["customer_email"], PLACES["submitted_at"]
_AFTER = {"state": "new", "outcome": "", "assignee_id": None, "asked_for": ""}


def tuples_of(claims: Claims) -> list[Values]:
    """The facts of claims row by row, in the order of `COLUMNS`."""
    columns = [pa.array(claims.frame[name], from_pandas=True).to_pylist() for name in NAMES]
    return list(zip(*columns, strict=True))


class Batch:
    """Some rows of an import, sorted by what becomes of them, then written at once."""

    def __init__(self, act: Act, number: int, seen: Mapping[int, str], *, update: bool) -> None:
        self.act, self.number, self.seen, self.update = act, number, seen, update
        self.counts: Counter[str] = Counter()
        self.named: dict[int, str] = {}
        """Claims that were there before and that these rows name -> fingerprint."""
        self.first: int | None = None
        self.last: int | None = None
        self._claims: list[tuple[Any, ...]] = []
        self._events: list[tuple[Any, ...]] = []
        self._rejects: list[tuple[Any, ...]] = []
        self._updates: list[tuple[Any, ...]] = []

    def reject(self, rejected: Sequence[tuple[int, Sequence[str], str]]) -> None:
        """Keep rows that cannot be read, with why."""
        for line, cells, why in rejected:
            self.counts["rows"] += 1
            self.counts["rejected"] += 1
            self._rejects.append((self.number, line, "rejected", _cells(cells), _storable(why), None))

    def add(
        self,
        values: Sequence[Values],
        verdicts: Sequence[Verdict],
        lines: Sequence[int],
        cells: Sequence[Sequence[str]] | None,
    ) -> None:
        """Sort rows by what becomes of them."""
        if not values:
            return
        prints = [fingerprint(row) for row in values]
        identities = [identity(row) for row in values]
        marks = _one_each((mark, found) for mark, found in zip(identities, prints, strict=True) if mark is not None)
        refs = _one_each((row[_REF], found) for row, found in zip(values, prints, strict=True) if row[_REF] is not None)
        connection = self.act.connection
        by_ref, by_identity = find(connection, refs, marks, self.number, {**marks, **refs})
        following = (connection.execute(sa.select(sa.func.max(tables.claims.c.id))).scalar() or 0) + 1
        taken = {*refs, *(taken_refs(connection, following, len(values)) if marks else ())}
        for place, row in enumerate(values):
            mark = identities[place]
            known = by_ref.get(row[_REF]) if mark is None else by_identity.get(mark)
            self.counts["rows"] += 1
            if known is None:
                ref = row[_REF] if mark is None else free_ref(following, taken)
                known = Known(following, ref, prints[place], of_this_file=True)
                if mark is None:
                    by_ref[ref] = known
                else:
                    by_identity[mark] = known
                self._create(known, row, verdicts[place], mark)
                following += 1
                continue
            raw = cells[place] if cells is not None else ()
            self._meet(known, row, prints[place], lines[place], raw)

    def _create(self, known: Known, row: Values, verdict: Verdict, mark: str | None) -> None:
        act, number, ref, found = self.act, known.id, known.ref, known.print
        moment = act_by("new", "", verdict, submitted_at=row[_SUBMITTED], answer_from=act.at, settings=act.settings)
        email = row[_EMAIL]
        self._claims.append(
            (
                number,
                ref,
                "new",
                "",
                1,
                act.at,
                act.at,
                act.at,
                self.number,
                verdict.verdict,
                verdict.leaning,
                verdict.clause,
                verdict.clauses,
                verdict.missing,
                verdict.next_deadline,
                verdict.refund,
                verdict.fee,
                verdict.holds_until,
                moment,
                moment,
                "",
                mark,
                found,
                None if email is None else email.lower(),
                *row,
            )
        )
        body = {
            "ref": ref,
            "facts": {name: value for name, value in zip(NAMES, row, strict=True) if value is not None},
            "after": _AFTER,
            "import": self.number,
            "verdict": verdict.verdict,
            "clause": verdict.clause,
            "policy": act.store.policy.fingerprint,
        }
        self._events.append(act.ledger.row(number, 1, GENESIS, "created", body, facts_in="facts"))
        self.counts["created"] += 1
        self.first = number if self.first is None else self.first
        self.last = number

    def _meet(self, known: Known, row: Values, found: str, line: int, raw: Sequence[str]) -> None:
        """A row whose claim is there already, or was named by an earlier row."""
        before = known.print if known.of_this_file else self.named.get(known.id, self.seen.get(known.id))
        if before is not None:
            if before == found:
                self.counts["duplicates"] += 1
            else:
                self._conflict(known, line, raw, "An earlier row of the file says otherwise of the same claim.")
            return
        self.named[known.id] = found
        differing = {} if known.print == found or known.facts is None else changes(row, known.facts)
        if not differing:
            self.counts["unchanged"] += 1
        elif not self.update:
            self._conflict(
                known, line, raw, f"Claim {known.ref} is here with other facts: {sentences.labels(differing)}."
            )
        elif known.state not in CHANGEABLE:
            state = sentences.STATES[known.state]
            self._conflict(known, line, raw, f"Claim {known.ref} is {state}, so its facts are not changed.")
        else:
            self.counts["updated"] += 1
            self._updates.append((self.number, known.id, line, canonical(differing), found, _cells(raw)))

    def _conflict(self, known: Known, line: int, raw: Sequence[str], why: str) -> None:
        self.counts["conflicting"] += 1
        self._rejects.append((self.number, line, "conflicting", _cells(raw), why, known.id))

    def write(self) -> None:
        """Write everything that was sorted."""
        connection = self.act.connection
        insert_rows(connection, tables.claims, CLAIM_COLUMNS, self._claims)
        insert_rows(connection, tables.events, EVENT_COLUMNS, self._events)
        insert_rows(connection, tables.import_rejects, REJECT_COLUMNS, self._rejects)
        insert_rows(connection, tables.import_updates, UPDATE_COLUMNS, self._updates)


def _one_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each mark's fingerprint; "", which equals none, for a mark with several."""
    found: dict[str, str] = {}
    for mark, one in pairs:
        found[mark] = one if found.get(mark, one) == one else ""
    return found


def _cells(cells: Sequence[str]) -> str:
    return json.dumps(list(cells), ensure_ascii=True)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
