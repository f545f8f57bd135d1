import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.embedded import EmbeddedServers
from services.embedded.account import server_account
from services.embedded.data_directory import temporary_parent


@pytest.fixture
def data_dir() -> Generator[Path]:
    """Below a directory that the servers' user may enter; pytest's own is closed to it."""
    parent = Path(tempfile.mkdtemp(prefix="nis2-test-", dir=temporary_parent(server_account())))
    parent.chmod(0o755)
    yield parent / "data"
    shutil.rmtree(parent)


@pytest.fixture
def said() -> list[str]:
    """What the servers reported."""
    return []


@pytest.fixture
def servers(data_dir: Path) -> Generator[EmbeddedServers]:
    """Not started yet; stopped at the end, whatever the test did."""
    servers = EmbeddedServers(data_dir, durable=False)
    yield servers
    servers.stop()


async def ask(url: str, statement: str) -> object:
    """The first value of the first row; None for a statement without rows."""
    engine = create_async_engine(
        url.replace("postgresql:", "postgresql+asyncpg:"), poolclass=NullPool
    )
    async with engine.begin() as connection:
        result = await connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


async def ping(url: str) -> bool:
    async with Redis.from_url(url) as redis:  # pyright: ignore[reportUnknownMemberType]  # redis-py 5
        return bool(await redis.ping())  # pyright: ignore[reportUnknownMemberType]  # as above
