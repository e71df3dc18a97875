"""Accounts: links that choose a password, and the addresses from which an account was entered.

Written out literally: this stays as it is when the program's own tables change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "password_links",
        sa.Column("token_hash", sa.Text(), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("made_by", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
    )
    op.create_index("ix_password_links_person_id", "password_links", ["person_id"])
    op.create_table(
        "signin_addresses",
        sa.Column("name_hash", sa.Text(), primary_key=True),
        sa.Column("ip_hash", sa.Text(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_signin_failures_name_hash", "signin_failures", ["name_hash"])
