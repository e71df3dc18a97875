"""Payouts: what is to be paid, in which batch, and what went back for each order.

Written out literally: this stays as it is when the program's own tables change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAYOUT_SAME = " AND ".join(
    f"NEW.{name} IS OLD.{name}"
    for name in (
        "id",
        "claim_id",
        "decision_id",
        "event_id",
        "at",
        "person_id",
        "order_ref",
        "item_ref",
        "remedy",
        "amount",
        "currency",
        "route",
        "key",
        "needs",
        "reason",
        "replaces",
    )
)
BATCH_SAME = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in ("id", "key", "asked", "currency", "at", "person_id"))
# What was paid, failed or was given up stays so; a batch goes only forward.
GUARDS = (
    # name, when, table, condition under which it is refused, sentence
    (
        "payouts_no_update",
        "UPDATE",
        "payouts",
        f"OLD.state IN ('paid', 'failed', 'withdrawn') OR NOT ({PAYOUT_SAME})",
        "payouts are not rewritten",
    ),
    ("payouts_no_delete", "DELETE", "payouts", "1 = 1", "payouts are never removed"),
    (
        "payouts_no_replace",
        "INSERT",
        "payouts",
        "EXISTS (SELECT 1 FROM payouts WHERE id = NEW.id OR key = NEW.key) OR EXISTS (SELECT 1 FROM payouts"
        " WHERE order_ref = NEW.order_ref AND item_ref = NEW.item_ref AND remedy = NEW.remedy"
        " AND state NOT IN ('failed', 'withdrawn') AND NEW.state NOT IN ('failed', 'withdrawn'))",
        "nothing is paid twice",
    ),
    (
        "payout_batches_no_update",
        "UPDATE",
        "payout_batches",
        f"OLD.state IN ('settled', 'discarded') OR (OLD.state = 'exported' AND NEW.state <> 'settled')"
        f" OR NOT ({BATCH_SAME})",
        "batches go only forward",
    ),
    ("payout_batches_no_delete", "DELETE", "payout_batches", "1 = 1", "batches are never removed"),
)


def upgrade() -> None:
    """Make the tables, their indexes and guards."""
    op.create_table(
        "payout_batches",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("exported_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('drafted', 'exported', 'settled', 'discarded')", name="payout_batches_state"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "payouts",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("order_ref", sa.Text(), nullable=False),
        sa.Column("item_ref", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("replaces", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("approver_id", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
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
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"]),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.ForeignKeyConstraint(["approver_id"], ["people.id"]),
        sa.ForeignKeyConstraint(["batch_id"], ["payout_batches.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    live = sa.text("state NOT IN ('failed', 'withdrawn')")
    op.create_index("ix_payouts_claim_id", "payouts", ["claim_id"])
    op.create_index("ix_payouts_batch_id", "payouts", ["batch_id"])
    op.create_index("payouts_state", "payouts", ["state", "currency", "id"])
    op.create_index(
        "payouts_once",
        "payouts",
        ["order_ref", "item_ref", "remedy"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_table(
        "order_balances",
        sa.Column("order_ref", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("earlier", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "refunded >= 0 AND earlier >= 0 AND earlier + refunded <= paid", name="order_balances_cap"
        ),
        sa.PrimaryKeyConstraint("order_ref", "currency"),
    )
    for guard in GUARDS:
        _guard(*guard)


def _guard(name: str, when: str, table: str, condition: str, sentence: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {when} ON {table} WHEN {condition}"
            f" BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        )
        return
    same = condition.replace(" IS OLD.", " IS NOT DISTINCT FROM OLD.")
    row = "OLD" if when == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {same} THEN"
        f" RAISE EXCEPTION '{sentence}'; END IF; RETURN {row}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
