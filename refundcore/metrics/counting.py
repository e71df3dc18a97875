"""How many: claims, verdicts, decisions, and the money of each currency."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from refundcore.metrics import sql
from refundcore.metrics.model import Count, DayCount, Headline, Period, Rate, Sum
from refundcore.metrics.timing import median
from refundcore.metrics.zones import day_of_number, local_day
from refundcore.store import Store, tables
from refundcore.store.acting import visible


def first_and_last(store: Store) -> tuple[int, int] | None:
    """When the first and the last claim came in; None where there is none."""
    query = sa.select(sa.func.min(sql.CAME), sa.func.max(sql.CAME))
    with store.read() as connection:
        first, last = connection.execute(query.where(visible(connection))).one()
    return None if first is None else (int(first), int(last))


def journal_end(store: Store) -> int:
    """A number that grows with every change of any claim, for whoever keeps figures until then."""
    with store.read() as connection:
        return int(connection.execute(sa.select(sa.func.max(tables.heads.c.id))).scalar() or 0)


def claims_by_day(store: Store, period: Period, zone: str) -> list[DayCount]:
    """Claims that came in, by local day of a zone and by reason, in the order of days."""
    with store.read() as connection:
        there = sql.came_in(connection, period)
        first, last = connection.execute(sa.select(sa.func.min(sql.CAME), sa.func.max(sql.CAME)).where(there)).one()
        if first is None:
            return []
        day = local_day(sql.CAME, zone, int(first), int(last))
        found = sql.grouped(connection, sql.claims, there, [day, sql.REASON])
    return [DayCount(day_of_number(number), reason, claims) for number, reason, claims in found]


def verdicts(store: Store, period: Period) -> list[Count]:
    """What the policy says of the claims that came in, by reason; a decided claim keeps its last verdict."""
    with store.read() as connection:
        there = sql.came_in(connection, period)
        return [Count(*row) for row in sql.grouped(connection, sql.claims, there, [sql.REASON, sql.claims.c.verdict])]


def outcomes(store: Store, period: Period) -> list[Count]:
    """What was decided (approve, exchange, deny), by reason."""
    with store.read() as connection:
        there = sql.took_effect(connection, period)
        by = [sql.REASON, sql.decisions.c.outcome]
        return [Count(*row) for row in sql.grouped(connection, sql.DECIDED, there, by)]


def refund_rates(counts: Iterable[Count]) -> list[Rate]:
    """The share of refunds among decisions, by reason, from what `outcomes` counted."""
    parts: dict[str, list[int]] = {}
    for count in counts:
        rate = parts.setdefault(count.reason, [0, 0])
        rate[0] += count.claims if count.value == "approve" else 0
        rate[1] += count.claims
    return [Rate(reason, part, whole) for reason, (part, whole) in parts.items()]


def denying_clauses(store: Store, period: Period) -> list[Count]:
    """Claims that were denied as the policy says, by reason and by the clause that led."""
    decisions = sql.decisions
    with store.read() as connection:
        there = sa.and_(
            sql.took_effect(connection, period), decisions.c.outcome == "deny", decisions.c.verdict == "deny"
        )
        return [Count(*row) for row in sql.grouped(connection, sql.DECIDED, there, [sql.REASON, decisions.c.clause])]


def sums(store: Store, period: Period) -> list[Sum]:
    """Refunds, what was paid and what was kept, by currency and reason."""
    decisions = sql.decisions
    with store.read() as connection:
        there = sa.and_(sql.took_effect(connection, period), decisions.c.outcome == "approve")
        by = [sa.func.coalesce(decisions.c.currency, sa.literal_column("''")), sql.REASON]
        found = sql.grouped(connection, sql.DECIDED, there, by, [decisions.c.refund, decisions.c.fee])
    return [Sum(code, reason, refunds, int(net), int(fees)) for code, reason, refunds, net, fees in found]


def headline(store: Store, period: Period) -> Headline:
    """The figures on top of the page."""
    claims, decisions = sql.claims, sql.decisions
    standing = sa.exists().where(decisions.c.claim_id == claims.c.id, decisions.c.status == "standing")
    with store.read() as connection:
        came, undecided = connection.execute(
            sa.select(sa.func.count(), sql.number(~standing)).where(sql.came_in(connection, period))
        ).one()
        decided, refunded, overridden = connection.execute(
            sa.select(
                sa.func.count(),
                sql.number(decisions.c.outcome == "approve"),
                sql.number(decisions.c.override.is_(sa.true())),
            )
            .select_from(sql.DECIDED)
            .where(sql.took_effect(connection, period))
        ).one()
    return Headline(
        claims=int(came),
        undecided=int(undecided),
        decided=int(decided),
        refunded=int(refunded),
        overridden=int(overridden),
        median=median(store, period),
    )
