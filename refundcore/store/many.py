"""Acts on several claims at once, and taking the next one.

`claims` is either pairs (id, version) or a `Filter`, which means every claim it finds, on all pages, as it is now;
a decision on a filter is held to what its preview showed. Each claim is done, or refused with its sentence, on its
own; several share a transaction. A repeated call with the same key does nothing more than what the first one was cut
off from, and returns the same for every claim.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import micros
from refundcore.store import tables
from refundcore.store.acting import WITH_LAST, Act, Row, acting, allowed, asked_of, visible
from refundcore.store.acts import give, write_note
from refundcore.store.deciding import Wish, refuse_state, settle
from refundcore.store.errors import Impossible, Refused, StoreError
from refundcore.store.judging import Verdict, judge_rows
from refundcore.store.listing import Order, conditions
from refundcore.store.model import Filter, ManyResult, Outcome, Preview, Receipt, Result
from refundcore.store.previewing import Which, other_verdict, preview_decide_many, refuse_differences
from refundcore.store.store import Store, rows_of

TOGETHER = 200
"""Claims that share a transaction: enough to pay for its one write to the disk, few enough that nobody waits."""

REFUSED = 0
"""Stands for the event in the receipt of a claim that was refused."""

Progress = Callable[[int, int], None]
"""Is told, after each transaction, how many claims are through and of how many."""

_claims = tables.claims
_receipts = tables.receipts
_Does = Callable[[Act, Row, Verdict | None], tuple[Row, int, str]]


def take_next(store: Store, *, actor: int, at: datetime, key: str, filter: Filter | None = None) -> Receipt | None:  # noqa: A002
    """Assign to the actor the new claim of nobody's that is to be acted on first; None where there is none left.

    One that time alone will settle is only given where no other is left, and the sentence says so.
    """
    chosen = filter or Filter()
    with acting(store, "take_next", actor=actor, at=at, key=key, parameters=chosen.params()) as act:
        if earlier := act.earlier():
            return earlier
        wanted = [
            *conditions(act.connection, chosen, actor, act.at),
            _claims.c.queue_at.isnot(None),
            _claims.c.state == "new",
            _claims.c.assignee_id.is_(None),
        ]
        query = sa.select(_claims.c.id).where(*wanted).order_by(_claims.c.queue_at, _claims.c.id).limit(1)
        number = act.connection.execute(query.where(_claims.c.verdict != "pending")).scalar()
        if number is not None:
            return act.receipt(*give(act, act.load(number, None), actor))
        number = act.connection.execute(query).scalar()
        if number is None:
            return None
        row, event, sentence = give(act, act.load(number, None), actor)
        waits = "Nothing is to be decided on it yet, since time alone will settle it: no other claim was left to take."
        return act.receipt(row, event, f"{sentence} {waits}")


def assign_many(
    store: Store, *, actor: int, at: datetime, key: str, claims: Which, to: int | None, progress: Progress | None = None
) -> ManyResult:
    """Give claims to somebody, or to nobody."""

    def does(act: Act, row: Row, _: Verdict | None) -> tuple[Row, int, str]:
        return give(act, row, to)

    bulk = _Bulk(store, "assign", {"to": to}, does, actor, at, key, progress)
    return bulk.do(claims)


def note_many(
    store: Store, *, actor: int, at: datetime, key: str, claims: Which, text: str, progress: Progress | None = None
) -> ManyResult:
    """Add a note to each claim."""

    def does(act: Act, row: Row, _: Verdict | None) -> tuple[Row, int, str]:
        return write_note(act, row, text)

    bulk = _Bulk(store, "note", {"text": text}, does, actor, at, key, progress)
    return bulk.do(claims)


def decide_many(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    claims: Which,
    outcome: Outcome,
    reason: str = "",
    seen: Preview | None = None,
    progress: Progress | None = None,
) -> ManyResult:
    """Decide each claim whose verdict is `outcome` (approve, exchange or deny); the others are left with a sentence.

    For a `Filter`, `seen` is the preview that the person saw: exactly the claims it counted are decided, each only in
    the version that it counted. Raises `Impossible` where the filter would find others by now.
    """
    wish = Wish(outcome, reason)

    def does(act: Act, row: Row, verdict: Verdict | None) -> tuple[Row, int, str]:
        refuse_state(act, row)
        if verdict is None or verdict.verdict != outcome:
            raise Impossible(other_verdict(verdict.verdict if verdict else None, outcome))
        return settle(act, row, verdict, wish)

    bulk = _Bulk(store, "decide", {"outcome": outcome, "reason": reason}, does, actor, at, key, progress, judged=True)
    if isinstance(claims, Filter):
        if seen is None:
            raise Impossible("Look first at what would be decided, then decide.")
        if not bulk.done_before():
            refuse_differences(seen, preview_decide_many(store, actor=actor, at=at, claims=claims, outcome=outcome))
        claims = seen.pairs
    return bulk.do(claims)


@dataclass
class _Bulk:
    """One act on many claims."""

    store: Store
    action: str
    parameters: Mapping[str, Any]
    does: _Does
    actor: int
    at: datetime
    key: str
    progress: Progress | None = None
    judged: bool = False
    receipts: list[dict[str, Any]] = field(default_factory=list)
    """Of the present transaction, written at its end."""

    def do(self, claims: Which) -> ManyResult:
        """Do it, some claims at a time.

        Raises `StoreError` where the first of these fails; later that is said in the result, since what was done
        before stands.
        """
        with self.store.read() as connection:
            allowed(connection, self.actor, self.action)
            pairs = list(self._pairs(connection, claims))
        results: list[Result] = []
        for start in range(0, len(pairs), TOGETHER):
            try:
                results += self._together(pairs[start : start + TOGETHER])
            except StoreError as stopped:
                if not results:
                    raise
                return ManyResult(tuple(results), len(pairs), str(stopped))
            if self.progress:
                self.progress(len(results), len(pairs))
        return ManyResult(tuple(results), len(pairs))

    def done_before(self) -> list[int]:
        """The claims that have a receipt under this key."""
        with self.store.read() as connection:
            return self._before(connection)

    def _before(self, connection: sa.Connection) -> list[int]:
        under: sa.ColumnElement[bool]
        if connection.dialect.name == "sqlite":  # a range of the index; elsewhere the order of letters is another
            under = _receipts.c.key.between(f"{self.key}:", f"{self.key}:~")
        else:
            under = _receipts.c.key.startswith(f"{self.key}:", autoescape=True)
        return list(connection.execute(sa.select(_receipts.c.claim_id).where(under)).scalars())

    def _pairs(self, connection: sa.Connection, claims: Which) -> Iterator[tuple[int, int | None]]:
        if not isinstance(claims, Filter):
            yield from dict(claims).items()
            return
        if before := self._before(connection):
            yield from ((number, None) for number in before)
            return
        wanted = conditions(connection, claims, self.actor, micros(self.at))
        for number in connection.execute(
            sa.select(_claims.c.id).where(*wanted).order_by(*Order.of(claims).by())
        ).scalars():
            yield number, None

    def _together(self, some: Sequence[tuple[int, int | None]]) -> list[Result]:
        """The claims of one transaction. What is asked for each of them is read for all at once."""
        self.receipts = []
        with acting(
            self.store, self.action, actor=self.actor, at=self.at, key=self.key, parameters=self.parameters
        ) as act:
            numbers = [number for number, _ in some]
            query = WITH_LAST.where(_claims.c.id.in_(numbers), visible(act.connection))
            rows: dict[int, Row] = {row["id"]: row for row in rows_of(act.connection, query)}
            _ = act.settings  # read once for all the copies below
            keys = [f"{self.key}:{number}" for number in numbers]
            earlier = {
                row["claim_id"]: row
                for row in rows_of(act.connection, sa.select(_receipts).where(_receipts.c.key.in_(keys)))
            }
            verdicts: dict[int, Verdict] = {}
            if self.judged:
                verdicts = dict(zip(rows, judge_rows(self.store, list(rows.values()), act.at), strict=True))
            results = [
                self._one(act, rows.get(number), number, version, verdicts.get(number), earlier.get(number))
                for number, version in some
            ]
            if self.receipts:
                act.connection.execute(sa.insert(_receipts), self.receipts)
        return results

    def _one(  # noqa: PLR0917 - one claim's share of `_together`
        self,
        act: Act,
        row: Row | None,
        number: int,
        version: int | None,
        verdict: Verdict | None,
        earlier: Row | None,
    ) -> Result:
        if row is None:
            return Result(number, "", done=False, sentence="There is no such claim.")
        asked = asked_of(self.action, self.actor, {**self.parameters, "claim": number})
        if earlier and earlier["asked"] != asked:
            again = "This form was used for something else before; reload the page and fill it in again."
            return Result(number, row["ref"], done=False, sentence=again)
        if earlier:
            return Result(number, row["ref"], done=earlier["event_id"] != REFUSED, sentence=earlier["sentence"])
        single = copy.copy(act)
        single.key, single.asked = f"{self.key}:{number}", asked
        now, event = row, REFUSED
        try:
            if version is not None and version != row["version"]:
                row = act.load(number, version)  # says who changed it
            now, event, sentence = self.does(single, row, verdict)
        except Refused as refusal:
            sentence = str(refusal)
        self.receipts.append(
            {
                "key": single.key,
                "asked": asked,
                "at": act.at,
                "claim_id": number,
                "version": now["version"],
                "event_id": event,
                "sentence": sentence,
            }
        )
        return Result(number, row["ref"], done=event != REFUSED, sentence=sentence)
