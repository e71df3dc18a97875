"""The tables of the policy: its editions, proposed, released or refused, and the drafts that managers keep."""

from __future__ import annotations

import sqlalchemy as sa

from refundcore.store.tables import Number, metadata

editions = sa.Table(
    "editions",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("number", sa.BigInteger, unique=True, comment="of a released edition: 1, 2, 3, ..."),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True, comment="the form's key under which it was proposed"),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("fees", sa.Text, nullable=False, comment="the schedule of fees; '' for none"),
    sa.Column("fingerprint", sa.Text, nullable=False, comment="sha256 of both"),
    sa.Column("effective_from", sa.Text, nullable=False, comment="the day, as 2027-01-01; '' for the first edition"),
    sa.Column("begins", sa.BigInteger, comment="the first order it judges; NULL: all before it too, or not released"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), comment="NULL: the desk itself"),
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

drafts = sa.Table(
    "policy_drafts",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("fees", sa.Text, nullable=False),
    sa.Column("start", sa.Text, nullable=False, comment="the day from which it is tried, as 2026-01-01"),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)
