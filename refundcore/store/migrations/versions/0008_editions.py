"""Editions of the policy in the store: proposed by one manager, released by another; which one judged each claim.

Written out literally: this stays as it is when the program's own tables change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEPT = " AND ".join(
    f"NEW.{name} IS OLD.{name}"
    for name in ("id", "key", "document", "fees", "fingerprint", "effective_from", "reason", "person_id", "proposed_at")
)
GUARDS = (
    ("editions_no_update", "UPDATE", "editions", f"OLD.state <> 'proposed' OR NOT ({KEPT})", "editions are not rewritten"),
    ("editions_no_delete", "DELETE", "editions", "1 = 1", "editions are never removed"),
)


def _guard(name: str, act: str, table: str, refused: str, sentence: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {act} ON {table} WHEN {refused}"
            f" BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        )
        return
    same = refused.replace(" IS OLD.", " IS NOT DISTINCT FROM OLD.")
    row = "OLD" if act == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {same} THEN"
        f" RAISE EXCEPTION '{sentence}'; END IF; RETURN {row}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def upgrade() -> None:
    """Make the tables; every claim so far was judged by the first edition."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "editions",
        sa.Column("id", number, primary_key=True),
        sa.Column("number", sa.BigInteger, unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("fees", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("effective_from", sa.Text, nullable=False),
        sa.Column("begins", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id")),
        sa.Column("proposed_at", sa.BigInteger, nullable=False),
        sa.Column("approver_id", sa.BigInteger, sa.ForeignKey("people.id")),
        sa.Column("approved_at", sa.BigInteger),
        sa.Column("approver_reason", sa.Text, nullable=False),
        sa.CheckConstraint("state IN ('proposed', 'released', 'rejected', 'withdrawn')", name="editions_state"),
        sa.CheckConstraint("state <> 'released' OR number IS NOT NULL", name="editions_numbered"),
        sa.CheckConstraint(
            "state <> 'released' OR number = 1 OR (approver_id IS NOT NULL AND approver_id <> person_id)",
            name="editions_second_person",
        ),
    )
    op.create_table(
        "policy_drafts",
        sa.Column("id", number, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("fees", sa.Text, nullable=False),
        sa.Column("start", sa.Text, nullable=False),
        sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.add_column("claims", sa.Column("edition", sa.BigInteger(), nullable=False, server_default="1"))
    for guard in GUARDS:
        _guard(*guard)
