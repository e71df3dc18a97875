"""What an act on many claims would do, found by a few queries however many the claims are; nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from refundcore.deadlines import micros
from refundcore.store import sentences, tables
from refundcore.store.acting import allowed, names_of, visible
from refundcore.store.acts import CHANGEABLE
from refundcore.store.deciding import REMEDIES
from refundcore.store.errors import Impossible
from refundcore.store.judging import rejudge_due
from refundcore.store.listing import Order, conditions
from refundcore.store.model import Filter, Outcome, Owners, Preview
from refundcore.store.store import Store

Which = Filter | Sequence[tuple[int, int]]
"""Pairs (id, version), or everything that a filter finds."""

ASKED_TOGETHER = 500
"""Ids in one query: databases take some thousands of values at most."""

CHANGED = "Somebody changed it since this page was loaded: look at it again."
GONE = "There is no such claim."
SAME_ITEM = "Another of these claims is for the same item: only one of them is approved."
HAD_ALREADY = "Its item, or its whole order, has had a remedy on another claim: one remedy an item."
NO_ORDER = "The order is unknown: fill it in, so that nothing is paid twice for it."
NO_AMOUNT = "The amount paid or its currency is unknown: fill it in before approving a refund."

_claims = tables.claims
_decisions = tables.decisions
_STANDING = sa.and_(
    _decisions.c.status == sa.literal_column("'standing'"), _decisions.c.remedy != sa.literal_column("''")
)
"""In these very words, so that the partial index on remedies is used."""


def other_verdict(verdict: str | None, outcome: str) -> str:
    """Why a claim is left: the policy says otherwise."""
    said, wanted = sentences.verdict(verdict), sentences.verdict(outcome)
    return f"The policy's verdict is {said}, not {wanted}: decide it by itself."


def journal_end(store: Store) -> int:
    """The number of the journal's last head: as long as it stays, nobody changed a claim."""
    with store.read() as connection:
        return connection.execute(sa.select(sa.func.max(tables.heads.c.id))).scalar() or 0


def preview_many(store: Store, *, actor: int, at: datetime, claims: Which) -> Owners:
    """Whose claims an act on many would touch, and which these are.

    Raises `Forbidden` for somebody who may not give claims to others.
    """
    pairs: list[tuple[int, int]] = []
    owners: Counter[int | None] = Counter()
    closed = 0
    with store.read() as connection:
        allowed(connection, actor, "assign")
        for wanted, versions in _parts(connection, claims, actor, micros(at)):
            columns = (_claims.c.id, _claims.c.version, _claims.c.assignee_id, _claims.c.state)
            order = Order.of(claims).by() if isinstance(claims, Filter) else [_claims.c.id]
            query = sa.select(*columns).where(*wanted).order_by(*order)
            for number, version, assignee, state in connection.execute(query):
                pairs.append((number, versions.get(number, version)))
                owners[assignee] += 1
                closed += state == "closed"
        names = names_of(connection)
    nobodys, yours = owners.pop(None, 0), owners.pop(actor, 0)
    others: Counter[str] = Counter()
    for number, count in owners.most_common():
        others[names.get(number or 0, "somebody")] += count
    return Owners(tuple(pairs), nobodys, yours, dict(others), closed)


def preview_decide_many(store: Store, *, actor: int, at: datetime, claims: Which, outcome: Outcome) -> Preview:
    """What `decide_many` would do now, and to which claims, without doing it.

    Verdicts that time has changed are judged anew first, as before every reading of the queue.
    """
    if outcome not in REMEDIES:
        raise Impossible("Choose whether the claims are approved, exchanged or denied.")
    with store.read() as connection:
        allowed(connection, actor, "decide")
    rejudge_due(store, at)
    found = _Found(outcome)
    with store.read() as connection:
        for wanted, versions in _parts(connection, claims, actor, micros(at)):
            order = Order.of(claims).by() if isinstance(claims, Filter) else [_claims.c.id]
            found.look(connection, wanted, versions, order)
    reasons = {why: count for why, count in found.reasons.most_common() if count}
    return Preview(
        len(found.pairs), sum(reasons.values()), reasons, dict(found.refunds), tuple(found.pairs), found.waits
    )


def refuse_differences(seen: Preview, now: Preview) -> None:
    """Raise `Impossible` where what would be decided now is not what somebody saw."""
    if seen.pairs == now.pairs:
        return
    different = len({number for number, _ in {*seen.pairs} ^ {*now.pairs}})
    if not different:
        return
    claims = "1 claim" if different == 1 else f"{different:,} claims"
    raise Impossible(f"{claims} changed or came in since you looked, so nothing was decided; look again.")


def _parts(
    connection: sa.Connection, claims: Which, actor: int, at: int
) -> Iterator[tuple[list[sa.ColumnElement[bool]], Mapping[int, int]]]:
    """Conditions that find the claims, and the versions that were seen of them (none for a filter's)."""
    if isinstance(claims, Filter):
        yield conditions(connection, claims, actor, at), {}
        return
    pairs = list(dict(claims).items())
    for start in range(0, len(pairs), ASKED_TOGETHER):
        some = dict(pairs[start : start + ASKED_TOGETHER])
        yield [_claims.c.id.in_(some), visible(connection)], some


@dataclass
class _Found:
    """What was found so far of a decision on many claims."""

    outcome: str
    pairs: list[tuple[int, int]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    refunds: Counter[str] = field(default_factory=Counter)
    waits: int = 0
    taken: dict[str, set[str]] = field(default_factory=dict)
    """Order -> the items of it that a claim before this one has."""

    def look(
        self,
        connection: sa.Connection,
        wanted: Sequence[sa.ColumnElement[bool]],
        versions: Mapping[int, int],
        order: Sequence[sa.ColumnElement[Any]],
    ) -> None:
        """Look at the claims that the conditions find."""
        changeable = _claims.c.state.in_(CHANGEABLE)
        agrees = sa.and_(changeable, _claims.c.verdict == self.outcome)
        groups = sa.select(_claims.c.state, _claims.c.verdict, sa.func.count()).where(*wanted)
        there = 0
        for state, verdict, number in connection.execute(groups.group_by(_claims.c.state, _claims.c.verdict)):
            there += number
            if state not in CHANGEABLE:
                self.reasons[f"It is {sentences.STATES[state]}, so there is nothing to decide."] += number
            elif verdict != self.outcome:
                self.reasons[other_verdict(verdict, self.outcome)] += number
        self.reasons[GONE] += len(versions) - there if versions else 0
        had = self._had(connection, [*wanted, agrees]) if REMEDIES[self.outcome] else set()
        columns = (
            _claims.c.id,
            _claims.c.version,
            _claims.c.order_ref,
            _claims.c.item_ref,
            _claims.c.refund,
            _claims.c.amount,
            _claims.c.currency,
            _claims.c.unlawful_use,
        )
        for row in connection.execute(sa.select(*columns).where(*wanted, agrees).order_by(*order)):
            if versions.get(row.id, row.version) != row.version:
                self.reasons[CHANGED] += 1
            elif refusal := self._refusal(row, had):
                self.reasons[refusal] += 1
            else:
                self.pairs.append((row.id, row.version))
                self.waits += self.outcome == "deny" and row.unlawful_use == "confirmed"
                if self.outcome == "approve" and row.refund is not None:
                    self.refunds[str(row.currency)] += row.refund

    def _had(self, connection: sa.Connection, wanted: Sequence[sa.ColumnElement[bool]]) -> set[int]:
        """The claims whose item, or whole order, has had a remedy on another claim."""
        same_item = sa.or_(
            sa.func.coalesce(_claims.c.item_ref, "") == "",
            _decisions.c.item_ref == _claims.c.item_ref,
            _decisions.c.item_ref == "",
        )
        query = (
            sa.select(_claims.c.id)
            .join(_decisions, _decisions.c.order_ref == _claims.c.order_ref)
            .where(*wanted, _STANDING, _decisions.c.claim_id != _claims.c.id, same_item)
        )
        return set(connection.execute(query).scalars())

    def _refusal(self, row: Any, had: set[int]) -> str:  # noqa: ANN401 - a row
        """Why a claim on which the policy agrees is left all the same; "" where it is decided."""
        if not REMEDIES[self.outcome]:
            return ""
        if self.outcome == "approve" and (row.amount is None or row.currency is None):
            return NO_AMOUNT
        if row.order_ref is None:
            return NO_ORDER
        if row.id in had:
            return HAD_ALREADY
        item, items = row.item_ref or "", self.taken.setdefault(row.order_ref, set())
        if items & {item, ""} or (items and not item):
            return SAME_ITEM
        items.add(item)
        return ""
