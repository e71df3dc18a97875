"""The tables behind the managers' figures: a narrow row for each claim, and the daily sums of these rows.

`claim_figures` says in a few numbers and codes what a claim counts as; `daily_figures` is its sum by local day. Both
follow from claims, decisions, events and payouts, and are written in the transaction that changes those.
"""

from __future__ import annotations

import sqlalchemy as sa

from refundcore.store.tables import metadata


def _count(name: str, comment: str = "") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, comment=comment or None)


def _code(name: str, comment: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, comment=comment or "'' where it is not known")


def _day(name: str, comment: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, comment=comment)


claim_figures = sa.Table(
    "claim_figures",
    metadata,
    sa.Column("claim_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("import_id", sa.BigInteger),
    _count("came", "local day on which it reached the company, or else came onto the desk"),
    _day("bought", "local day of the order, or else of the purchase; NULL: not known"),
    _code("reason"),
    _code("currency"),
    _code("method", "how it was paid; '' where it is not known"),
    _code("channel"),
    _code("product"),
    _count("agent", "who has it; 0: nobody"),
    _count("amount", "what was paid for it, in minor units; 0 where it is not known"),
    _day("created", "local day on which it came onto the desk; NULL: it came in as decided"),
    _count("answer", "bin of the time to the first answer; -1: there was none yet"),
    _day("cure_day", "local day on which a confirmed defect was notified"),
    _code("cure", "kept, missed, stands (its clock), open; '' without a confirmed defect"),
    _count("cure_due", "local day on which an open cure is due"),
    _day("decided", "local day on which the decision that stands took effect; NULL: there is none"),
    _code("outcome", "approve, exchange, deny; '' undecided"),
    _count("overridden", "1: decided against the policy"),
    _code("verdict", "the policy's verdict when it was decided"),
    _code("clause", "the clause that led that verdict"),
    _count("decider"),
    _count("refund"),
    _count("fee", "kept of the refund"),
    _count("lost", "the processor's fee that was not kept, by the fee schedule"),
    _count("took", "bin of the time from the claim to its decision; -1: not known"),
    _day("granted", "local day of a goodwill payment"),
    _count("goodwill"),
)

NAMES = tuple(column.name for column in claim_figures.columns)

KEY = ("kind", "facet", "value", "day", "reason", "currency", "what")
SUMS = ("n", "decided", "approved", "denied", "overridden", "gross", "refund", "fee", "lost")

daily_figures = sa.Table(
    "daily_figures",
    metadata,
    *(
        sa.Column(name, sa.BigInteger if name == "day" else sa.Text, primary_key=True, autoincrement=False)
        for name in KEY
    ),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in SUMS),
    sqlite_with_rowid=False,
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("order_ref", sa.Text, primary_key=True),
    sa.Column("product", sa.Text, primary_key=True, comment="'' where it is not known"),
    sa.Column("at", sa.BigInteger, nullable=False, comment="when it was placed"),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="minor units; 0 where it is not known"),
    sa.Column("currency", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
