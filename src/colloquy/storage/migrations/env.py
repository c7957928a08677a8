"""Alembic's environment: offline only. SQL is rendered here and run by our own drivers, so that no
second SQLite library ever opens the file (engine decision 4)."""

from __future__ import annotations

from alembic import context

from colloquy.storage.tables import metadata

context.configure(
    dialect_name=context.config.get_main_option("dialect"),
    target_metadata=metadata,
    literal_binds=True,
    transactional_ddl=False,
    version_table="schema_version",
)
context.run_migrations()
