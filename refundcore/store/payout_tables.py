"""The tables of payouts: what is to be paid, in which batch, and what went back for each order."""

from __future__ import annotations

import sqlalchemy as sa

from refundcore.store.tables import Number, metadata

STATES = ("awaiting", "queued", "in_batch", "paid", "failed", "withdrawn")
LIVE = ("awaiting", "queued", "in_batch", "paid")
"""The states in which a payout counts as refunded, and in which there is none beside it."""

batches = sa.Table(
    "payout_batches",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True, comment="of the form that made it"),
    sa.Column("asked", sa.Text, nullable=False, comment="sha256 of the act, the person and the parameters"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("exported_at", sa.BigInteger),
    sa.Column("settled_at", sa.BigInteger),
    sa.CheckConstraint("state IN ('drafted', 'exported', 'settled', 'discarded')", name="payout_batches_state"),
)

_live = sa.text("state NOT IN ('failed', 'withdrawn')")

payouts = sa.Table(
    "payouts",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("claim_id", sa.BigInteger, sa.ForeignKey("claims.id"), nullable=False, index=True),
    sa.Column("decision_id", sa.BigInteger, sa.ForeignKey("decisions.id"), comment="NULL: goodwill"),
    sa.Column("event_id", sa.BigInteger, sa.ForeignKey("events.id"), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False, comment="who wants it"),
    sa.Column("order_ref", sa.Text, nullable=False),
    sa.Column("item_ref", sa.Text, nullable=False, comment="'' for the whole order"),
    sa.Column("remedy", sa.Text, nullable=False, comment="refund or goodwill"),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("route", sa.Text, nullable=False, comment="card, or card:5.70;balance:3.80"),
    sa.Column("key", sa.Text, nullable=False, unique=True, comment="for the payment system: one key, one payment"),
    sa.Column("needs", sa.Text, nullable=False, comment="why another manager has to approve it; '' for no reason"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("replaces", sa.BigInteger, comment="the payout in whose place it stands"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("approver_id", sa.BigInteger, sa.ForeignKey("people.id")),
    sa.Column("approved_at", sa.BigInteger),
    sa.Column("batch_id", sa.BigInteger, sa.ForeignKey("payout_batches.id"), index=True),
    sa.Column("settled_at", sa.BigInteger),
    sa.Column("why", sa.Text, nullable=False, comment="why it failed"),
    sa.CheckConstraint("amount > 0", name="payouts_amount"),
    sa.CheckConstraint("remedy IN ('refund', 'goodwill')", name="payouts_remedy"),
    sa.CheckConstraint(
        "state IN ('awaiting', 'queued', 'in_batch', 'paid', 'failed', 'withdrawn')", name="payouts_state"
    ),
    sa.CheckConstraint("approver_id IS NULL OR approver_id <> person_id", name="payouts_second_person"),
    sa.CheckConstraint(
        "needs = '' OR approver_id IS NOT NULL OR state IN ('awaiting', 'withdrawn')", name="payouts_four_eyes"
    ),
    sa.CheckConstraint("(remedy = 'goodwill') = (decision_id IS NULL)", name="payouts_decision"),
    sa.Index(
        "payouts_once",
        "order_ref",
        "item_ref",
        "remedy",
        unique=True,
        sqlite_where=_live,
        postgresql_where=_live,
    ),
    sa.Index("payouts_state", "state", "currency", "id"),
)

balances = sa.Table(
    "order_balances",
    metadata,
    sa.Column("order_ref", sa.Text, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("paid", sa.BigInteger, nullable=False, comment="what the order's claims say was paid"),
    sa.Column("earlier", sa.BigInteger, nullable=False, comment="what had gone back before"),
    sa.Column("refunded", sa.BigInteger, nullable=False, comment="the sum of its live payouts"),
    sa.CheckConstraint("refunded >= 0 AND earlier >= 0 AND earlier + refunded <= paid", name="order_balances_cap"),
)
