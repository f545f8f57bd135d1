"""The migrations make what the models describe."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.migrations.run import migrate
from services.tables import METADATA
from tests.conftest import Servers


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


async def test_models_and_migrations_agree(migrated: Servers) -> None:
    engine = create_async_engine(migrated.owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences) == []
    finally:
        await engine.dispose()


async def test_migrating_again_applies_nothing(migrated: Servers) -> None:
    assert await migrate(migrated.owner_url, migrated.application_url) == []
