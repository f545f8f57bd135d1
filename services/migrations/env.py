"""Alembic's entry: ``run.py`` hands over an open connection of the tables' owner."""

from alembic import context

from services.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
