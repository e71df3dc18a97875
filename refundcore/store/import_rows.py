"""The rows of one transaction of an import: which claim each is, and what becomes of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

import sqlalchemy as sa

from refundcore.store import figure_keeping, sentences, tables
from refundcore.store.acting import Act
from refundcore.store.acts import CHANGEABLE, free_ref
from refundcore.store.chain import EVENT_COLUMNS, GENESIS, canonical, insert_columns, insert_rows
from refundcore.store.incoming import Incoming
from refundcore.store.judging import VERDICT_COLUMNS, Verdict, act_by, pay_by
from refundcore.store.matching import Known, changes, find, taken_refs

REJECT_COLUMNS = ("import_id", "line", "kind", "cells", "why", "claim_id")
UPDATE_COLUMNS = ("import_id", "claim_id", "line", "changes", "source_print", "cells")

Update = bool | Mapping[int, int]
"""Whether rows change claims that are there: all of them, none, or those claims at those versions."""

_HIDDEN = "Claim {} is being brought in or taken back by another import now. Bring this row again when that is done."
_AFTER = canonical({"state": "new", "outcome": "", "assignee_id": None, "asked_for": ""})


class Batch:
    """Some rows of an import, sorted by what becomes of them, then written at once."""

    def __init__(self, act: Act, number: int, seen: Mapping[int, str], update: Update) -> None:
        self.act, self.number, self.seen, self.update = act, number, seen, update
        self.counts: Counter[str] = Counter()
        self.named: dict[int, str] = {}
        """Claims that were there before and that these rows name -> fingerprint."""
        self.first: int | None = None
        self.last: int | None = None
        self._claims: dict[str, Sequence[Any]] = {}
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
        rows: Incoming,
        verdicts: Sequence[Verdict],
        lines: Sequence[int],
        cells: Sequence[Sequence[str]] | None,
        part: range,
    ) -> None:
        """Sort the rows of a part by what becomes of them. Called once."""
        if not part:
            return
        places = slice(part.start, part.stop)
        prints, marked = rows.prints[places], rows.marks[places]
        marks = one_each((mark, found) for mark, found in zip(marked, prints, strict=True) if mark is not None)
        named = rows.refs[places]
        refs = one_each((ref, found) for ref, found in zip(named, prints, strict=True) if ref is not None)
        connection = self.act.connection
        by_ref, by_identity = find(connection, refs, marks, self.number, {**marks, **refs})
        following = (connection.execute(sa.select(sa.func.max(tables.claims.c.id))).scalar() or 0) + 1
        taken = {*refs, *(taken_refs(connection, following, len(part)) if marks else ())}
        created: list[Known] = []
        new: list[int] = []
        for place in part:
            mark, own = rows.marks[place], rows.refs[place]
            known = by_identity.get(mark) if own is None and mark is not None else by_ref.get(own or "")
            if known is not None:
                self._meet(known, rows, place, lines[place], cells[place] if cells is not None else ())
                continue
            known = Known(following, own or free_ref(following, taken), rows.prints[place], of_this_file=True)
            if mark is None:
                by_ref[known.ref] = known
            else:
                by_identity[mark] = known
            created.append(known)
            new.append(place)
            following += 1
        self.counts["rows"] += len(part)
        if created:
            self._create(created, rows, new, verdicts)

    def _create(
        self, created: Sequence[Known], rows: Incoming, new: Sequence[int], verdicts: Sequence[Verdict]
    ) -> None:
        act = self.act
        self.counts["created"] += len(created)
        self.first, self.last = created[0].id, created[-1].id
        whole = len(new) == new[-1] + 1 - new[0]

        def of(column: Sequence[Any]) -> Sequence[Any]:
            return column[new[0] : new[-1] + 1] if whole else [column[place] for place in new]

        facts = {name: of(column) for name, column in rows.columns.items()}
        judged = of(verdicts)
        nothing = [None] * len(new)
        dates = (facts.get(name) or nothing for name in ("submitted_at", "ordered_at", "purchased_at"))
        moments = [
            act_by("new", "", verdict, pay_by=paid, answer_from=act.at, settings=act.settings)
            for verdict, paid in zip(judged, pay_by(act.store.policy, *dates), strict=True)
        ]
        emails = facts.get("customer_email") or [None] * len(new)

        def same(value: object) -> Sequence[Any]:
            return [value] * len(new)

        self._claims = {
            "id": [known.id for known in created],
            "ref": [known.ref for known in created],
            "state": same("new"),
            "outcome": same(""),
            "version": same(1),
            "created_at": same(act.at),
            "updated_at": same(act.at),
            "answer_from": same(act.at),
            "import_id": same(self.number),
            **dict(zip(VERDICT_COLUMNS, zip(*judged, strict=True), strict=True)),
            "act_by": moments,
            "queue_at": moments,
            "asked_for": same(""),
            "same_as": of(rows.marks),
            "source_print": [known.print for known in created],
            "email_key": [None if email is None else email.lower() for email in emails],
            **facts,
        }
        self._tell(created, of(rows.facts), of(rows.private), judged)

    def _tell(
        self, created: Sequence[Known], facts: Sequence[str], private: Sequence[str | None], judged: Sequence[Verdict]
    ) -> None:
        """The event of each claim: as `Ledger.row` would make it of a mapping."""
        ledger, policy = self.act.ledger, canonical(self.act.store.policy.fingerprint)
        codes = {code: canonical(code) for verdict in set(judged) for code in (verdict.verdict, verdict.clause)}
        for known, told, kept, verdict in zip(created, facts, private, judged, strict=True):
            body = (
                f'{{"after":{_AFTER},"clause":{codes[verdict.clause]},"facts":{told},"import":{self.number},'
                f'"policy":{policy},"ref":{encode_basestring(known.ref)},"verdict":{codes[verdict.verdict]}}}'
            )
            self._events.append(ledger.ready(known.id, 1, GENESIS, "created", body, kept))

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
        figure_keeping.add_batch(self.act, self._claims)
        insert_rows(connection, tables.events, EVENT_COLUMNS, self._events)
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
