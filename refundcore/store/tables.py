"""The tables, in types that SQLite and PostgreSQL share.

Instants are BIGINT microseconds since 1970 in UTC, money is BIGINT minor units, codes and references are TEXT.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from refundcore.facts import BY_NAME, COLUMNS

metadata = sa.MetaData()

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A table's own number: SQLite counts up only an INTEGER PRIMARY KEY."""


Mark = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""A text that is looked up by its beginning: compared letter by letter, in no country's order."""

_MARKS = {"order_ref"}


def _number() -> sa.Column[int]:
    return sa.Column("id", Number, primary_key=True)


people = sa.Table(
    "people",
    metadata,
    _number(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False, unique=True, comment="lower case"),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger),
    sa.Column("password_changed_at", sa.BigInteger),
    sa.CheckConstraint("role IN ('agent', 'manager', 'auditor')", name="people_role"),
    sa.CheckConstraint("email = lower(email)", name="people_email_lower"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("ip", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
)

setup_tokens = sa.Table(
    "setup_tokens",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
)

signin_failures = sa.Table(
    "signin_failures",
    metadata,
    _number(),
    sa.Column("name_hash", sa.Text, nullable=False, index=True),
    sa.Column("ip", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
)

signin_addresses = sa.Table(
    "signin_addresses",
    metadata,
    sa.Column("name_hash", sa.Text, primary_key=True),
    sa.Column("ip_hash", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False, comment="when the account was last entered from there"),
)

password_links = sa.Table(
    "password_links",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("made_by", sa.BigInteger, sa.ForeignKey("people.id"), comment="NULL: by a command"),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
)

_TYPES = {"truth": sa.Boolean, "instant": sa.BigInteger, "money": sa.BigInteger}


def _fact_columns() -> list[sa.Column[Any]]:
    columns: list[sa.Column[Any]] = []
    for name in COLUMNS:
        kind = BY_NAME[name.removesuffix("_latest")].kind
        columns.append(sa.Column(name, Mark if name in _MARKS else _TYPES.get(kind, sa.Text)))
    return columns


claims = sa.Table(
    "claims",
    metadata,
    _number(),
    sa.Column("ref", Mark, nullable=False, unique=True, comment="claim_ref, or the desk's own RC-000001"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("assignee_id", sa.BigInteger, sa.ForeignKey("people.id")),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("answer_from", sa.BigInteger, nullable=False, comment="when the ball came to this state's side"),
    sa.Column("import_id", sa.BigInteger, sa.ForeignKey("imports.id")),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("leaning", sa.Text, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("clauses", sa.Text, nullable=False),
    sa.Column("missing", sa.Text, nullable=False),
    sa.Column("next_deadline", sa.BigInteger),
    sa.Column("refund", sa.BigInteger),
    sa.Column("fee", sa.BigInteger),
    sa.Column("holds_until", sa.BigInteger, comment="NULL: for ever"),
    sa.Column("edition", sa.BigInteger, nullable=False, server_default="1", comment="of the policy that judged it"),
    sa.Column("act_by", sa.BigInteger, comment="NULL: nothing left to do"),
    sa.Column("queue_at", sa.BigInteger, comment="act_by while the claim is open, else NULL"),
    sa.Column("asked_for", sa.Text, nullable=False),
    sa.Column("asked_until", sa.BigInteger, comment="until when the answer was asked for; NULL: no day was named"),
    sa.Column("promised", sa.Text, comment="JSON: the deadlines that the customer was told; NULL: none"),
    sa.Column("same_as", sa.Text, comment="who is the same claim where there is no claim_ref"),
    sa.Column("source_print", sa.Text, comment="fingerprint of the row that the claim was imported from last"),
    sa.Column("email_key", Mark, comment="customer_email in lower case, for look-ups"),
    *_fact_columns(),
)
_open = claims.c.queue_at.isnot(None)
_assigned = claims.c.assignee_id.isnot(None)


def _index(name: str, *columns: str, where: sa.ColumnElement[bool] | None = None, unique: bool = False) -> None:
    kept = [claims.c[column] for column in columns]
    sa.Index(name, *kept, unique=unique, sqlite_where=where, postgresql_where=where)


# Few indexes, each for a question that is asked all the time: keeping them is most of the cost of an import.
_index(
    "claims_queue", "queue_at", "id", "state", "verdict", "reason", "assignee_id", "import_id", where=_open
)  # a page of the queue is a range of it, filters and figures are read from it alone
_index("claims_assignee", "assignee_id", "queue_at", "id", where=_assigned)
_index("claims_state", "state", "id", where=claims.c.queue_at.is_(None))
_index("claims_order", "order_ref", where=claims.c.order_ref.isnot(None))
_index("claims_email", "email_key", where=claims.c.email_key.isnot(None))
_index("claims_same", "same_as", where=claims.c.same_as.isnot(None), unique=True)
_index("claims_holds", "holds_until", where=sa.and_(claims.c.holds_until.isnot(None), _open))

events = sa.Table(
    "events",
    metadata,
    _number(),
    sa.Column("claim_id", sa.BigInteger, sa.ForeignKey("claims.id"), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="canonical JSON; personal values stand in it as commitments"),
    sa.Column("private", sa.Text, comment="salt and personal values as JSON; may be erased, the chain still holds"),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.UniqueConstraint("claim_id", "seq", name="events_claim_seq"),
)

heads = sa.Table(
    "heads",
    metadata,
    _number(),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("first_event", sa.BigInteger, nullable=False),
    sa.Column("last_event", sa.BigInteger, nullable=False, comment="first_event - 1: none"),
    sa.Column("digest", sa.Text, nullable=False, comment="sha256 of the hashes of its events, in order"),
    sa.Column("import_id", sa.BigInteger, sa.ForeignKey("imports.id")),
    sa.Column("body", sa.Text, nullable=False, comment="canonical JSON: what the transaction did beside events"),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

decisions = sa.Table(
    "decisions",
    metadata,
    _number(),
    sa.Column("claim_id", sa.BigInteger, sa.ForeignKey("claims.id"), nullable=False, index=True),
    sa.Column("event_id", sa.BigInteger, sa.ForeignKey("events.id"), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("override", sa.Boolean, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False, comment="fingerprint of the policy's document"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("refund", sa.BigInteger),
    sa.Column("fee", sa.BigInteger),
    sa.Column("currency", sa.Text),
    sa.Column("order_ref", sa.Text, nullable=False, comment="'' where nothing is to be had for it"),
    sa.Column("item_ref", sa.Text, nullable=False, comment="'' for the whole order"),
    sa.Column("remedy", sa.Text, nullable=False, comment="refund, replacement or ''"),
    sa.Column("approver_id", sa.BigInteger, sa.ForeignKey("people.id")),
    sa.Column("approved_at", sa.BigInteger),
    sa.Column("approver_reason", sa.Text, nullable=False),
    sa.CheckConstraint("outcome IN ('approve', 'exchange', 'deny')", name="decisions_outcome"),
    sa.CheckConstraint("status IN ('awaiting_approval', 'standing', 'rejected', 'withdrawn')", name="decisions_status"),
    sa.CheckConstraint("approver_id IS NULL OR approver_id <> person_id", name="decisions_second_person"),
    sa.CheckConstraint("refund IS NULL OR refund >= 0", name="decisions_refund"),
    sa.CheckConstraint("fee IS NULL OR fee >= 0", name="decisions_fee"),
)
_standing = sa.and_(
    decisions.c.status == sa.literal_column("'standing'"), decisions.c.remedy != sa.literal_column("''")
)
sa.Index(
    "decisions_one_remedy",
    decisions.c.order_ref,
    decisions.c.item_ref,
    decisions.c.remedy,
    unique=True,
    sqlite_where=_standing,
    postgresql_where=_standing,
)
sa.Index(
    "decisions_one_standing",
    decisions.c.claim_id,
    unique=True,
    sqlite_where=decisions.c.status == sa.literal_column("'standing'"),
    postgresql_where=decisions.c.status == sa.literal_column("'standing'"),
)

receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("asked", sa.Text, nullable=False, comment="sha256 of the act, the person and the parameters"),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("claim_id", sa.BigInteger, sa.ForeignKey("claims.id"), nullable=False, index=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.BigInteger, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
)

imports = sa.Table(
    "imports",
    metadata,
    _number(),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("touched_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False, comment="machine and process that stores the rows"),
    sa.Column("header", sa.Text, nullable=False, comment="JSON list"),
    sa.Column("mapping", sa.Text, nullable=False, comment="JSON: header -> fact"),
    sa.Column("update_claims", sa.Boolean, nullable=False),
    sa.Column("first_claim", sa.BigInteger),
    sa.Column("last_claim", sa.BigInteger),
    sa.Column("share", sa.BigInteger, comment="how much of the file is read, in thousandths; NULL: not known"),
    sa.Column("undone_by", sa.BigInteger, comment="who took it back after it was finished"),
    sa.Column("undone_at", sa.BigInteger),
    *(
        sa.Column(part, sa.BigInteger, nullable=False)
        for part in ("rows", "created", "updated", "unchanged", "duplicates", "conflicting", "rejected")
    ),
    sa.CheckConstraint(
        '"rows" = created + updated + unchanged + duplicates + conflicting + rejected', name="imports_balance"
    ),
    sa.CheckConstraint("status IN ('running', 'finishing', 'finished', 'removing', 'removed')", name="imports_status"),
)

import_rejects = sa.Table(
    "import_rejects",
    metadata,
    sa.Column("import_id", sa.BigInteger, sa.ForeignKey("imports.id"), primary_key=True),
    sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("cells", sa.Text, nullable=False, comment="JSON list, in the order of the import's header"),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("claim_id", sa.BigInteger),
)

import_updates = sa.Table(
    "import_updates",
    metadata,
    sa.Column("import_id", sa.BigInteger, sa.ForeignKey("imports.id"), primary_key=True),
    sa.Column("claim_id", sa.BigInteger, sa.ForeignKey("claims.id"), primary_key=True, index=True),
    sa.Column("line", sa.BigInteger, nullable=False),
    sa.Column("changes", sa.Text, nullable=False, comment="JSON: column -> value"),
    sa.Column("source_print", sa.Text, nullable=False),
    sa.Column("cells", sa.Text, nullable=False),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("key", sa.Text, primary_key=True, comment="of a message: from its Message-ID, or from its content"),
    sa.Column("claim_id", sa.BigInteger, sa.ForeignKey("claims.id"), nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("became", sa.Text, nullable=False, comment="claim or note"),
    sa.Column("text", sa.Text, nullable=False, comment="where the facts of the claim were found"),
    sa.Column("attachments", sa.Text, nullable=False, comment="JSON list: name, kind, size, sha256"),
)

viewing = sa.Table(
    "viewing",
    metadata,
    sa.Column("claim_id", sa.BigInteger, sa.ForeignKey("claims.id"), primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), primary_key=True, autoincrement=False),
    sa.Column("since", sa.BigInteger, nullable=False, comment="when the person opened the claim"),
    sa.Column("seen_at", sa.BigInteger, nullable=False, comment="when they last had it open"),
)

mappings = sa.Table(
    "mappings",
    metadata,
    sa.Column("header_hash", sa.Text, primary_key=True),
    sa.Column("mapping", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
)

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("changed_by", sa.BigInteger, sa.ForeignKey("people.id"), comment="NULL: the desk itself"),
)
