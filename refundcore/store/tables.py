"""The tables, in types that SQLite and PostgreSQL share.

Instants are BIGINT microseconds since 1970 in UTC, money is BIGINT minor units, codes and references are TEXT.
"""

from __future__ import annotations

import sqlalchemy as sa

from refundcore.facts import BY_NAME, COLUMNS

metadata = sa.MetaData()

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A table's own number: SQLite counts up only an INTEGER PRIMARY KEY."""


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
    sa.Column("name_hash", sa.Text, nullable=False),
    sa.Column("ip", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
)

_TYPES = {"truth": sa.Boolean, "instant": sa.BigInteger, "money": sa.BigInteger}


def _fact_columns() -> list[sa.Column[object]]:
    columns = []
    for name in COLUMNS:
        kind = BY_NAME[name.removesuffix("_latest")].kind
        columns.append(sa.Column(name, _TYPES.get(kind, sa.Text)))
    return columns


claims = sa.Table(
    "claims",
    metadata,
    _number(),
    sa.Column("ref", sa.Text, nullable=False, unique=True, comment="claim_ref, or the desk's own RC-000001"),
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
    sa.Column("act_by", sa.BigInteger, comment="NULL: nothing left to do"),
    sa.Column("queue_at", sa.BigInteger, comment="act_by while the claim is open, else NULL"),
    sa.Column("asked_for", sa.Text, nullable=False),
    sa.Column("same_as", sa.Text, comment="who is the same claim where there is no claim_ref"),
    sa.Column("source_print", sa.Text, comment="fingerprint of the row that the claim was imported from last"),
    sa.Column("email_key", sa.Text, comment="customer_email in lower case, for look-ups"),
    *_fact_columns(),
)

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
