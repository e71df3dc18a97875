"""What customers were told: until when they are to answer, and deadlines; and who has a claim open.

Written out literally: this stays as it is when the program's own tables change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("claims", sa.Column("asked_until", sa.BigInteger(), nullable=True))
    op.add_column("claims", sa.Column("promised", sa.Text(), nullable=True))
    op.create_table(
        "viewing",
        sa.Column("claim_id", sa.BigInteger(), sa.ForeignKey("claims.id"), primary_key=True, autoincrement=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), primary_key=True, autoincrement=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
    )
