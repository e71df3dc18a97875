"""Acts on several claims at once, and taking the next one.

`claims` is either pairs (id, version) or a `Filter`, which means every claim it finds, on all pages, as it is now.
Each claim is done, or refused with its sentence, on its own; several share a transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import micros
from refundcore.store import tables
from refundcore.store.acting import Act, Row, acting, allowed, asked_of, visible
from refundcore.store.acts import give, write_note
from refundcore.store.deciding import Wish, refuse_second, refuse_state, settle
from refundcore.store.errors import Impossible, Refused
from refundcore.store.judging import Verdict, judge_rows
from refundcore.store.listing import Order, conditions
from refundcore.store.model import Filter, ManyResult, Outcome, Preview, Receipt, Result
from refundcore.store.store import Store, rows_of

Which = Filter | Sequence[tuple[int, int]]
"""Pairs (id, version), or everything that a filter finds."""

TOGETHER = 200
"""Claims that share a transaction: enough to pay for its one write to the disk, few enough that nobody waits."""

_claims = tables.claims
_Does = Callable[[Act, Row, Verdict | None], tuple[Row, int, str]]


def take_next(store: Store, *, actor: int, at: datetime, key: str, filter: Filter | None = None) -> Receipt | None:  # noqa: A002
    """Assign to the actor the new claim of nobody's that is to be acted on first; None where there is none left."""
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
        number = act.connection.execute(query).scalar()
        if number is None:
            return None
        row, event, sentence = give(act, act.load(number, None), actor)
        return act.receipt(row, event, sentence)


def assign_many(store: Store, *, actor: int, at: datetime, key: str, claims: Which, to: int | None) -> ManyResult:
    """Give claims to somebody, or to nobody."""

    def does(act: Act, row: Row, _: Verdict | None) -> tuple[Row, int, str]:
        return give(act, row, to)

    return _many(store, "assign", {"to": to}, does, actor=actor, at=at, key=key, claims=claims)


def note_many(store: Store, *, actor: int, at: datetime, key: str, claims: Which, text: str) -> ManyResult:
    """Add a note to each claim."""

    def does(act: Act, row: Row, _: Verdict | None) -> tuple[Row, int, str]:
        return write_note(act, row, text)

    return _many(store, "note", {"text": text}, does, actor=actor, at=at, key=key, claims=claims)


def decide_many(
    store: Store,
    *,
    actor: int,
    at: datetime,
    key: str,
    claims: Which,
    outcome: Outcome,
    reason: str = "",
) -> ManyResult:
    """Decide each claim whose verdict is `outcome` (approve, exchange or deny); the others are left with a sentence."""
    wish = Wish(outcome, reason)

    def does(act: Act, row: Row, verdict: Verdict | None) -> tuple[Row, int, str]:
        refuse_state(act, row)
        if verdict is None or verdict.verdict != outcome:
            raise Impossible(_other(verdict, outcome))
        return settle(act, row, verdict, wish)

    parameters = {"outcome": outcome, "reason": reason}
    return _many(store, "decide", parameters, does, actor=actor, at=at, key=key, claims=claims, judged=True)


def _other(verdict: Verdict | None, outcome: str) -> str:
    return f"The policy's verdict is {verdict.verdict if verdict else 'unknown'}, not {outcome}: decide it by itself."


def preview_decide_many(store: Store, *, actor: int, at: datetime, claims: Which, outcome: Outcome) -> Preview:
    """What `decide_many` would do now, without doing it."""
    moment, will = micros(at), 0
    reasons: Counter[str] = Counter()
    refunds: Counter[str] = Counter()
    taken: dict[str, set[str]] = {}
    with store.read() as connection:
        person = allowed(connection, actor, "decide")
        act = Act(store, connection, person, moment)
        pairs = list(_pairs(connection, claims, actor, moment))
        for some in _chunks(pairs):
            rows = _load(connection, some)
            there = [rows[number] for number, _ in some if number in rows]
            verdicts = dict(zip((row["id"] for row in there), judge_rows(store, there, moment), strict=True))
            for number, version in some:
                try:
                    row = _fresh(act, rows, number, version)
                    refuse_state(act, row)
                    if verdicts[number].verdict != outcome:
                        raise Impossible(_other(verdicts[number], outcome))
                    _refuse_within(act, row, outcome, taken)
                except Refused as refusal:
                    reasons[str(refusal)] += 1
                    continue
                will += 1
                if outcome == "approve" and verdicts[number].refund is not None:
                    refunds[str(row["currency"])] += verdicts[number].refund or 0
    return Preview(will, sum(reasons.values()), dict(reasons.most_common()), dict(refunds))


def _refuse_within(act: Act, row: Row, outcome: str, taken: dict[str, set[str]]) -> None:
    """Refuse a second remedy for an item, on record or among the claims of the preview itself."""
    refuse_second(act, row, outcome)
    if outcome == "deny":
        return
    item, items = row["item_ref"] or "", taken.setdefault(row["order_ref"], set())
    if items & {item, ""} or (items and not item):
        raise Impossible("Another of these claims is for the same item: only one of them is approved.")
    items.add(item)


def _many(
    store: Store,
    action: str,
    parameters: Mapping[str, Any],
    does: _Does,
    *,
    actor: int,
    at: datetime,
    key: str,
    claims: Which,
    judged: bool = False,
) -> ManyResult:
    results: list[Result] = []
    with store.read() as connection:
        allowed(connection, actor, action)
        pairs = list(_pairs(connection, claims, actor, micros(at)))
    for some in _chunks(pairs):
        with acting(store, action, actor=actor, at=at, key=key, parameters=parameters) as act:
            rows = _load(act.connection, some)
            verdicts: dict[int, Verdict] = {}
            if judged:
                there = list(rows.values())
                verdicts = dict(zip(rows, judge_rows(store, there, act.at), strict=True))
            for number, version in some:
                results.append(_one(act, action, parameters, does, rows, number, version, verdicts.get(number)))
    return ManyResult(tuple(results))


def _one(  # noqa: PLR0917 - one claim's share of `_many`
    act: Act,
    action: str,
    parameters: Mapping[str, Any],
    does: _Does,
    rows: Mapping[int, Row],
    number: int,
    version: int | None,
    verdict: Verdict | None,
) -> Result:
    key, asked = f"{act.key}:{number}", asked_of(action, act.actor.id, {**parameters, "claim": number})
    ref = rows[number]["ref"] if number in rows else ""
    single = Act(act.store, act.connection, act.actor, act.at, key, asked)
    single.ledger = act.ledger
    try:
        if earlier := single.earlier():
            return Result(number, ref, done=True, sentence=earlier.sentence)
        row, event, sentence = does(single, _fresh(single, rows, number, version), verdict)
    except Refused as refusal:
        return Result(number, ref, done=False, sentence=str(refusal))
    single.receipt(row, event, sentence)
    return Result(number, ref, done=True, sentence=sentence)


def _fresh(act: Act, rows: Mapping[int, Row], number: int, version: int | None) -> Row:
    if number not in rows:
        raise Impossible("There is no such claim.")
    if version is not None and rows[number]["version"] != version:
        return act.load(number, version)  # says who changed it
    return rows[number]


def _pairs(connection: sa.Connection, claims: Which, actor: int, at: int) -> Iterator[tuple[int, int | None]]:
    if not isinstance(claims, Filter):
        yield from dict(claims).items()
        return
    query = sa.select(_claims.c.id).where(*conditions(connection, claims, actor, at)).order_by(*Order.of(claims).by())
    for number in connection.execute(query).scalars():
        yield number, None


def _chunks(pairs: Sequence[tuple[int, int | None]]) -> Iterator[Sequence[tuple[int, int | None]]]:
    for start in range(0, len(pairs), TOGETHER):
        yield pairs[start : start + TOGETHER]


def _load(connection: sa.Connection, some: Sequence[tuple[int, int | None]]) -> dict[int, Row]:
    query = sa.select(_claims).where(_claims.c.id.in_([number for number, _ in some]), visible(connection))
    return {row["id"]: row for row in rows_of(connection, query)}
