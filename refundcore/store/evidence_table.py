"""The table of evidence: which file belongs to which claim. The files lie in a folder, each under its hash."""

from __future__ import annotations

import sqlalchemy as sa

from refundcore.store.tables import Number, metadata

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("claim_id", sa.BigInteger, sa.ForeignKey("claims.id"), nullable=False, index=True),
    sa.Column("event_id", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False, comment="empty once it was erased"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, comment="of what is kept"),
    sa.Column("sent_sha256", sa.Text, nullable=False, comment="of what was sent"),
    sa.Column("width", sa.BigInteger),
    sa.Column("height", sa.BigInteger),
    sa.Column("look", sa.BigInteger, comment="how a picture looks: its difference hash"),
    sa.Column("removed_event", sa.BigInteger),
    sa.Column("erased_at", sa.BigInteger, comment="when the file itself was given up"),
    sa.CheckConstraint("kind IN ('png', 'jpeg', 'pdf', 'mail')", name="evidence_kind"),
    sa.Index("evidence_sha256", "sha256"),
    sa.Index("evidence_sent", "sent_sha256"),
    sa.Index(
        "evidence_looks",
        "look",
        "claim_id",
        sqlite_where=sa.text("look IS NOT NULL AND removed_event IS NULL"),
        postgresql_where=sa.text("look IS NOT NULL AND removed_event IS NULL"),
    ),
)
