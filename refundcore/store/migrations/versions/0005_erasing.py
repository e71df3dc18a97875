"""Erasing: the reply of a decision may give way to the words that say when it was erased.

Written out literally: this stays as it is when the program's own tables change.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEPT = " AND ".join(
    f"NEW.{name} IS OLD.{name}"
    for name in (
        "id",
        "claim_id",
        "event_id",
        "at",
        "person_id",
        "outcome",
        "override",
        "verdict",
        "clause",
        "policy",
        "reason",
        "refund",
        "fee",
        "currency",
        "order_ref",
        "item_ref",
        "remedy",
    )
)
REFUSED = f"NOT ({KEPT} AND (NEW.reply IS OLD.reply OR NEW.reply LIKE 'erased on ____-__-__'))"
SENTENCE = "decisions are not rewritten"


def upgrade() -> None:
    """Put the wider guard in the place of the one before."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER decisions_no_update")
        op.execute(
            f"CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions WHEN {REFUSED}"
            f" BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        )
        return
    same = REFUSED.replace(" IS OLD.", " IS NOT DISTINCT FROM OLD.")
    op.execute(
        "CREATE OR REPLACE FUNCTION decisions_no_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF"
        f" {same} THEN RAISE EXCEPTION '{SENTENCE}'; END IF; RETURN NEW; END $$"
    )
