"""Reading payouts, batches and what they add up to; never across currencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from refundcore.store import tables
from refundcore.store.acting import names_of
from refundcore.store.payout_tables import batches as _batches
from refundcore.store.payout_tables import payouts as _payouts
from refundcore.store.payouts import unresolved
from refundcore.store.store import Store, rows_of

PAGE = 1_000


@dataclass(frozen=True)
class Payout:
    """Money that is to go back, goes back or went back for a claim."""

    id: int
    claim: int
    ref: str
    version: int
    """Of the claim."""
    at: int
    person_id: int
    person: str
    """Who decided it, or asked for it."""
    decider_id: int | None
    order_ref: str
    item_ref: str
    remedy: str
    """refund or goodwill."""
    amount: int
    currency: str
    route: str
    key: str
    needs: tuple[str, ...]
    """Why another manager has to approve it: keys of `payable.NEEDS`."""
    reason: str
    state: str
    approver: str
    batch: int | None
    batch_state: str
    settled_at: int | None
    why: str
    blocked: bool
    """A chargeback is open on the claim."""
    act_by: int | None
    """By when the claim is to be acted on."""
    unresolved: bool = False
    """Failed, and nothing was put in its place."""


@dataclass(frozen=True)
class Batch:
    """A batch of payouts in one currency."""

    id: int
    currency: str
    at: int
    person: str
    state: str
    """drafted, exported, settled or discarded."""
    exported_at: int | None
    settled_at: int | None
    sums: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """State of its payouts -> (how many, their sum)."""

    @property
    def count(self) -> int:
        """How many payouts it has."""
        return sum(number for number, _ in self.sums.values())

    @property
    def total(self) -> int:
        """The sum of its payouts, in minor units."""
        return sum(total for _, total in self.sums.values())


@dataclass(frozen=True)
class Total:
    """The payouts of one currency in one state."""

    currency: str
    state: str
    remedy: str
    count: int
    amount: int


def _read(connection: sa.Connection, *wanted: sa.ColumnElement[bool], limit: int = PAGE) -> list[Payout]:
    claims, decisions = tables.claims, tables.decisions
    query = (
        sa.select(
            _payouts,
            claims.c.ref,
            claims.c.version,
            claims.c.act_by,
            claims.c.chargeback_open,
            decisions.c.person_id.label("decider_id"),
            _batches.c.state.label("batch_state"),
        )
        .join(claims, claims.c.id == _payouts.c.claim_id)
        .join(decisions, decisions.c.id == _payouts.c.decision_id, isouter=True)
        .join(_batches, _batches.c.id == _payouts.c.batch_id, isouter=True)
        .where(*wanted)
        .order_by(claims.c.act_by.is_(None), claims.c.act_by, _payouts.c.id)
        .limit(limit)
    )
    names = names_of(connection)
    direct = ("id", "version", "at", "person_id", "decider_id", "order_ref", "item_ref", "remedy", "amount")
    more = ("currency", "route", "key", "reason", "state", "settled_at", "why", "ref", "act_by")
    return [
        Payout(
            **{name: row[name] for name in (*direct, *more)},
            claim=row["claim_id"],
            person=names.get(row["person_id"], ""),
            needs=tuple(row["needs"].split()),
            approver=names.get(row["approver_id"], ""),
            batch=row["batch_id"],
            batch_state=row["batch_state"] or "",
            blocked=bool(row["chargeback_open"]),
        )
        for row in rows_of(connection, query)
    ]


def payouts_in(store: Store, state: str, *, currency: str = "", limit: int = PAGE) -> list[Payout]:
    """The payouts in a state, the most urgent first; only those of a currency where one is named."""
    wanted = [_payouts.c.state == state]
    if currency:
        wanted.append(_payouts.c.currency == currency)
    with store.read() as connection:
        return _read(connection, *wanted, limit=limit)


def payouts_of(store: Store, claim: int) -> list[Payout]:
    """The payouts of a claim, first to last, without those that were withdrawn."""
    with store.read() as connection:
        found = _read(connection, _payouts.c.claim_id == claim, _payouts.c.state != "withdrawn")
        left = {payout["id"] for payout in unresolved(connection, claim)}
    return [Payout(**{**payout.__dict__, "unresolved": payout.id in left}) for payout in found]


def payouts_of_batch(store: Store, batch: int) -> list[Payout]:
    """The payouts of a batch, by number."""
    with store.read() as connection:
        return sorted(_read(connection, _payouts.c.batch_id == batch), key=lambda payout: payout.id)


def batches(store: Store, *, limit: int = 50) -> list[Batch]:
    """The batches, the newest first, without those that were given up."""
    with store.read() as connection:
        query = sa.select(_batches).where(_batches.c.state != "discarded").order_by(_batches.c.id.desc()).limit(limit)
        found = rows_of(connection, query)
        sums: dict[int, dict[str, tuple[int, int]]] = {row["id"]: {} for row in found}
        counted = (
            sa.select(_payouts.c.batch_id, _payouts.c.state, sa.func.count(), sa.func.sum(_payouts.c.amount))
            .where(_payouts.c.batch_id.in_(list(sums)))
            .group_by(_payouts.c.batch_id, _payouts.c.state)
        )
        for number, state, count, total in connection.execute(counted):
            sums[number][state] = (count, int(total))
        names = names_of(connection)
    same = ("id", "currency", "at", "state", "exported_at", "settled_at")
    return [
        Batch(**{name: row[name] for name in same}, person=names[row["person_id"]], sums=sums[row["id"]])
        for row in found
    ]


def payout_totals(store: Store) -> list[Total]:
    """Sums of payouts by currency, state and remedy."""
    columns = (_payouts.c.currency, _payouts.c.state, _payouts.c.remedy)
    query = sa.select(*columns, sa.func.count(), sa.func.sum(_payouts.c.amount)).group_by(*columns).order_by(*columns)
    with store.read() as connection:
        return [
            Total(currency, state, remedy, count, int(amount))
            for currency, state, remedy, count, amount in connection.execute(query)
        ]
