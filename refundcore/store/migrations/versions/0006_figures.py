"""Figures: a narrow row for each claim, their daily sums, and the orders of an uploaded file.

Written out literally: this stays as it is when the program's own tables change. The rows are made when the store is
opened next, since they follow from the policy's zone and fee schedule too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COUNTS = ("agent", "amount", "answer", "cure_due", "overridden", "decider", "refund", "fee", "lost", "took", "goodwill")
CODES = ("reason", "currency", "method", "channel", "product", "cure", "outcome", "verdict", "clause")
DAYS = ("import_id", "bought", "created", "cure_day", "decided", "granted")
ORDER = (
    "import_id came bought reason currency method channel product agent amount created answer cure_day cure cure_due"
    " decided outcome overridden verdict clause decider refund fee lost took granted goodwill"
).split()
KEY = ("kind", "facet", "value", "day", "reason", "currency", "what")
SUMS = ("n", "decided", "approved", "denied", "overridden", "gross", "refund", "fee", "lost")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "claim_figures",
        sa.Column("claim_id", NUMBER, nullable=False, autoincrement=False),
        *(
            sa.Column(name, sa.Text() if name in CODES else sa.BigInteger(), nullable=name in DAYS)
            for name in ORDER
        ),
        sa.PrimaryKeyConstraint("claim_id"),
    )
    op.create_table(
        "daily_figures",
        *(
            sa.Column(name, sa.BigInteger() if name == "day" else sa.Text(), nullable=False, autoincrement=False)
            for name in KEY
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint(*KEY),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "orders",
        sa.Column("order_ref", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_ref", "product"),
        sqlite_with_rowid=False,
    )
