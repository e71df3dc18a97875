"""Imports: how far they are, and who took one back that was finished.

Written out literally: this stays as it is when the program's own tables change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = " AND ".join(
    f"NEW.{name} IS OLD.{name}"
    for name in (
        "id",
        "filename",
        "sha256",
        "person_id",
        "started_at",
        "finished_at",
        "header",
        "mapping",
        "update_claims",
        "first_claim",
        "last_claim",
        '"rows"',
        "created",
        "updated",
        "unchanged",
        "duplicates",
        "conflicting",
        "rejected",
    )
)
UNDOING = (
    f"NEW.status = 'removing' AND OLD.undone_by IS NULL AND NEW.undone_by IS NOT NULL AND {KEPT} AND NOT EXISTS ("
    "SELECT 1 FROM claims WHERE claims.id BETWEEN OLD.first_claim AND OLD.last_claim"
    " AND claims.import_id = OLD.id AND claims.version > 1)"
)
REFUSED = (
    f"OLD.status = 'removed' OR (OLD.status = 'finished' AND NOT ({UNDOING}))"
    f" OR (OLD.undone_by IS NOT NULL AND NOT (NEW.status IN ('removing', 'removed') AND NEW.undone_by IS OLD.undone_by"
    f" AND {KEPT}))"
)
SENTENCE = "imports are not rewritten"


def upgrade() -> None:
    """Add the columns; a finished import may be taken back while none of its claims was worked."""
    op.add_column("imports", sa.Column("share", sa.BigInteger(), nullable=True))
    op.add_column("imports", sa.Column("undone_by", sa.BigInteger(), nullable=True))
    op.add_column("imports", sa.Column("undone_at", sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER imports_no_update")
        op.execute(
            f"CREATE TRIGGER imports_no_update BEFORE UPDATE ON imports WHEN {REFUSED}"
            f" BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        )
        return
    same = REFUSED.replace(" IS OLD.", " IS NOT DISTINCT FROM OLD.")
    op.execute(
        f"CREATE OR REPLACE FUNCTION imports_no_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {same} THEN"
        f" RAISE EXCEPTION '{SENTENCE}'; END IF; RETURN NEW; END $$"
    )
