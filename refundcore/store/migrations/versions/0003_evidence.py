"""Evidence: the files that belong to claims.

Written out literally: this stays as it is when the program's own tables change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = " AND ".join(
    f"NEW.{name} IS OLD.{name}"
    for name in (
        "id",
        "claim_id",
        "event_id",
        "at",
        "person_id",
        "kind",
        "size",
        "sha256",
        "sent_sha256",
        "width",
        "height",
    )
)
# Taking a file away is an event; giving the file itself up is an erasure, which takes its name and look along.
REFUSED = (
    f"NOT ({KEPT})"
    " OR (OLD.removed_event IS NOT NULL AND NOT (NEW.removed_event IS OLD.removed_event))"
    " OR (OLD.erased_at IS NOT NULL AND NOT (NEW.erased_at IS OLD.erased_at))"
    " OR (NEW.erased_at IS NULL AND NOT (NEW.name IS OLD.name AND NEW.look IS OLD.look))"
)
SENTENCE = "evidence is not rewritten"


def upgrade() -> None:
    """Make the table, its indexes and guards."""
    op.create_table(
        "evidence",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sent_sha256", sa.Text(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("look", sa.BigInteger(), nullable=True),
        sa.Column("removed_event", sa.BigInteger(), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('png', 'jpeg', 'pdf', 'mail')", name="evidence_kind"),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    there = sa.text("look IS NOT NULL AND removed_event IS NULL")
    op.create_index("ix_evidence_claim_id", "evidence", ["claim_id"])
    op.create_index("evidence_sha256", "evidence", ["sha256"])
    op.create_index("evidence_sent", "evidence", ["sent_sha256"])
    op.create_index("evidence_looks", "evidence", ["look", "claim_id"], sqlite_where=there, postgresql_where=there)
    _guard("evidence_no_update", "UPDATE", REFUSED)
    _guard("evidence_no_delete", "DELETE", "1 = 1")
    _guard("evidence_no_replace", "INSERT", "EXISTS (SELECT 1 FROM evidence WHERE id = NEW.id)")


def _guard(name: str, when: str, condition: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {when} ON evidence WHEN {condition}"
            f" BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        )
        return
    same = condition.replace(" IS OLD.", " IS NOT DISTINCT FROM OLD.")
    row = "OLD" if when == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {same} THEN"
        f" RAISE EXCEPTION '{SENTENCE}'; END IF; RETURN {row}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {when} ON evidence FOR EACH ROW EXECUTE FUNCTION {name}()")
