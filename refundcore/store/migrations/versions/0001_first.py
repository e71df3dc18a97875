"""The first tables: people, claims, events and the journal's heads, decisions, imports.

Written out literally: this stays as it is when the program's own tables change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MARK = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# Events, heads and decisions are the desk's memory: the database itself refuses to change or remove them.
# INSERT OR REPLACE fires no delete trigger on SQLite, hence a trigger before each insert as well.
EVENT_SAME = " AND ".join(
    f"NEW.{name} IS OLD.{name}"
    for name in ("id", "claim_id", "seq", "at", "person_id", "kind", "body", "prev_hash", "hash")
)
DECISION_SAME = " AND ".join(
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
        "reply",
        "refund",
        "fee",
        "currency",
        "order_ref",
        "item_ref",
        "remedy",
    )
)
REMOVING = (
    "EXISTS (SELECT 1 FROM claims JOIN imports ON imports.id = claims.import_id"
    " WHERE claims.id = OLD.{claim} AND imports.status = 'removing')"
)
GUARDS = (
    # name, when, table, condition under which it is refused, sentence
    (
        "events_no_update",
        "UPDATE",
        "events",
        f"NOT (NEW.private IS NULL AND {EVENT_SAME})",
        "events are only ever added",
    ),
    ("events_no_delete", "DELETE", "events", "NOT " + REMOVING.format(claim="claim_id"), "events are only ever added"),
    (
        "events_no_replace",
        "INSERT",
        "events",
        "EXISTS (SELECT 1 FROM events WHERE id = NEW.id)"
        " OR EXISTS (SELECT 1 FROM events WHERE claim_id = NEW.claim_id AND seq = NEW.seq)",
        "events are only ever added",
    ),
    ("heads_no_update", "UPDATE", "heads", "1 = 1", "heads are only ever added"),
    ("heads_no_delete", "DELETE", "heads", "1 = 1", "heads are only ever added"),
    (
        "heads_no_replace",
        "INSERT",
        "heads",
        "EXISTS (SELECT 1 FROM heads WHERE id = NEW.id)",
        "heads are only ever added",
    ),
    ("claims_no_delete", "DELETE", "claims", "NOT " + REMOVING.format(claim="id"), "claims are never removed"),
    ("decisions_no_update", "UPDATE", "decisions", f"NOT ({DECISION_SAME})", "decisions are not rewritten"),
    ("decisions_no_delete", "DELETE", "decisions", "1 = 1", "decisions are never removed"),
    ("imports_no_update", "UPDATE", "imports", "OLD.status IN ('finished', 'removed')", "imports are not rewritten"),
    ("imports_no_delete", "DELETE", "imports", "1 = 1", "imports are never removed"),
)


def upgrade() -> None:
    """Make the tables, their indexes and guards."""
    _people()
    _setup_tokens()
    _signin_failures()
    _imports()
    _mappings()
    _sessions()
    _settings()
    _claims()
    _heads()
    _import_rejects()
    _events()
    _import_updates()
    _messages()
    _receipts()
    _decisions()
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


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("password_changed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role IN ('agent', 'manager', 'auditor')", name="people_role"),
        sa.CheckConstraint("email = lower(email)", name="people_email_lower"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )


def _setup_tokens() -> None:
    op.create_table(
        "setup_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )


def _signin_failures() -> None:
    op.create_table(
        "signin_failures",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name_hash", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_signin_failures_at", "signin_failures", ["at"], unique=False)


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("update_claims", sa.Boolean(), nullable=False),
        sa.Column("first_claim", sa.BigInteger(), nullable=True),
        sa.Column("last_claim", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("conflicting", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('running', 'finishing', 'finished', 'removing', 'removed')", name="imports_status"
        ),
        sa.CheckConstraint(
            '"rows" = created + updated + unchanged + duplicates + conflicting + rejected', name="imports_balance"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("became", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"]),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_messages_claim_id", "messages", ["claim_id"], unique=False)


def _mappings() -> None:
    op.create_table(
        "mappings",
        sa.Column("header_hash", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("header_hash"),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"], unique=False)


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["changed_by"], ["people.id"]),
        sa.PrimaryKeyConstraint("name"),
    )


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("ref", MARK, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_from", sa.BigInteger(), nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("leaning", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("clauses", sa.Text(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("next_deadline", sa.BigInteger(), nullable=True),
        sa.Column("refund", sa.BigInteger(), nullable=True),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("holds_until", sa.BigInteger(), nullable=True),
        sa.Column("act_by", sa.BigInteger(), nullable=True),
        sa.Column("queue_at", sa.BigInteger(), nullable=True),
        sa.Column("asked_for", sa.Text(), nullable=False),
        sa.Column("same_as", sa.Text(), nullable=True),
        sa.Column("source_print", sa.Text(), nullable=True),
        sa.Column("email_key", MARK, nullable=True),
        sa.Column("claim_ref", sa.Text(), nullable=True),
        sa.Column("order_ref", MARK, nullable=True),
        sa.Column("item_ref", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("grounds_sufficient", sa.Boolean(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("ordered_at", sa.BigInteger(), nullable=True),
        sa.Column("ordered_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("purchased_at", sa.BigInteger(), nullable=True),
        sa.Column("purchased_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.Column("submitted_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("contacted_at", sa.BigInteger(), nullable=True),
        sa.Column("contacted_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("sms_code_received", sa.Boolean(), nullable=True),
        sa.Column("sms_received_at", sa.BigInteger(), nullable=True),
        sa.Column("sms_received_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("evidence_attached", sa.Boolean(), nullable=True),
        sa.Column("evidence_sufficient", sa.Boolean(), nullable=True),
        sa.Column("evidence_received_at", sa.BigInteger(), nullable=True),
        sa.Column("evidence_received_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("defect_notified_at", sa.BigInteger(), nullable=True),
        sa.Column("defect_notified_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("defect_approved", sa.Boolean(), nullable=True),
        sa.Column("defect_fixed_at", sa.BigInteger(), nullable=True),
        sa.Column("defect_fixed_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("fix_accepted", sa.Boolean(), nullable=True),
        sa.Column("access_needed", sa.Boolean(), nullable=True),
        sa.Column("access_requested_at", sa.BigInteger(), nullable=True),
        sa.Column("access_requested_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("access_granted_at", sa.BigInteger(), nullable=True),
        sa.Column("access_granted_at_latest", sa.BigInteger(), nullable=True),
        sa.Column("access_refused", sa.Boolean(), nullable=True),
        sa.Column("third_party_cause", sa.Boolean(), nullable=True),
        sa.Column("listed_compatible", sa.Boolean(), nullable=True),
        sa.Column("reproduced_without_third_party", sa.Boolean(), nullable=True),
        sa.Column("unlawful_use", sa.Text(), nullable=True),
        sa.Column("terms_section", sa.Text(), nullable=True),
        sa.Column("remedy_choice", sa.Text(), nullable=True),
        sa.Column("replacement_price", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("payment_method", sa.Text(), nullable=True),
        sa.Column("refunded_before", sa.BigInteger(), nullable=True),
        sa.Column("payment_split", sa.Text(), nullable=True),
        sa.Column("fee_disclosed", sa.Boolean(), nullable=True),
        sa.Column("chargeback_open", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["assignee_id"], ["people.id"]),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ref"),
    )
    op.create_index(
        "claims_assignee",
        "claims",
        ["assignee_id", "queue_at", "id"],
        unique=False,
        sqlite_where=sa.text("assignee_id IS NOT NULL"),
        postgresql_where=sa.text("assignee_id IS NOT NULL"),
    )
    op.create_index(
        "claims_email",
        "claims",
        ["email_key"],
        unique=False,
        sqlite_where=sa.text("email_key IS NOT NULL"),
        postgresql_where=sa.text("email_key IS NOT NULL"),
    )
    op.create_index(
        "claims_holds",
        "claims",
        ["holds_until"],
        unique=False,
        sqlite_where=sa.text("holds_until IS NOT NULL AND queue_at IS NOT NULL"),
        postgresql_where=sa.text("holds_until IS NOT NULL AND queue_at IS NOT NULL"),
    )
    op.create_index(
        "claims_order",
        "claims",
        ["order_ref"],
        unique=False,
        sqlite_where=sa.text("order_ref IS NOT NULL"),
        postgresql_where=sa.text("order_ref IS NOT NULL"),
    )
    op.create_index(
        "claims_queue",
        "claims",
        ["queue_at", "id", "state", "verdict", "reason", "assignee_id", "import_id"],
        unique=False,
        sqlite_where=sa.text("queue_at IS NOT NULL"),
        postgresql_where=sa.text("queue_at IS NOT NULL"),
    )
    op.create_index(
        "claims_same",
        "claims",
        ["same_as"],
        unique=True,
        sqlite_where=sa.text("same_as IS NOT NULL"),
        postgresql_where=sa.text("same_as IS NOT NULL"),
    )
    op.create_index(
        "claims_state",
        "claims",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("queue_at IS NULL"),
        postgresql_where=sa.text("queue_at IS NULL"),
    )


def _heads() -> None:
    op.create_table(
        "heads",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("first_event", sa.BigInteger(), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def _import_rejects() -> None:
    op.create_table(
        "import_rejects",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.PrimaryKeyConstraint("import_id", "line"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("private", sa.Text(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("claim_id", "seq", name="events_claim_seq"),
    )


def _import_updates() -> None:
    op.create_table(
        "import_updates",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("source_print", sa.Text(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"]),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.PrimaryKeyConstraint("import_id", "claim_id"),
    )
    op.create_index("ix_import_updates_claim_id", "import_updates", ["claim_id"], unique=False)


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"]),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_receipts_claim_id", "receipts", ["claim_id"], unique=False)


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("override", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("refund", sa.BigInteger(), nullable=True),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("order_ref", sa.Text(), nullable=False),
        sa.Column("item_ref", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("approver_id", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("approver_reason", sa.Text(), nullable=False),
        sa.CheckConstraint("outcome IN ('approve', 'exchange', 'deny')", name="decisions_outcome"),
        sa.CheckConstraint(
            "status IN ('awaiting_approval', 'standing', 'rejected', 'withdrawn')", name="decisions_status"
        ),
        sa.CheckConstraint("approver_id IS NULL OR approver_id <> person_id", name="decisions_second_person"),
        sa.CheckConstraint("fee IS NULL OR fee >= 0", name="decisions_fee"),
        sa.CheckConstraint("refund IS NULL OR refund >= 0", name="decisions_refund"),
        sa.ForeignKeyConstraint(["approver_id"], ["people.id"]),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"]),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "decisions_one_remedy",
        "decisions",
        ["order_ref", "item_ref", "remedy"],
        unique=True,
        sqlite_where=sa.text("status = 'standing' AND remedy != ''"),
        postgresql_where=sa.text("status = 'standing' AND remedy != ''"),
    )
    op.create_index(
        "decisions_one_standing",
        "decisions",
        ["claim_id"],
        unique=True,
        sqlite_where=sa.text("status = 'standing'"),
        postgresql_where=sa.text("status = 'standing'"),
    )
    op.create_index("ix_decisions_claim_id", "decisions", ["claim_id"], unique=False)
