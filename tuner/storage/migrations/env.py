"""Entry point of Alembic, which runs migrations on a given connection."""

from __future__ import annotations

from alembic import context

from tuner.storage.schema import VERSION_TABLE
from tuner.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
