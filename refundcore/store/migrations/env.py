"""Alembic's way in: the connection is given, already in a transaction that `opening` commits."""

from __future__ import annotations

from alembic import context

from refundcore.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
