"""One PostgreSQL and one Redis for the whole run; every test finds empty tables.

Embedded servers in a directory of their own, or the ones that ``NIS2_TEST_DATABASE_URL`` (an owner
who may create databases and roles) and ``NIS2_TEST_REDIS_URL`` name.
"""

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, cast

import pytest
import structlog
from arq.worker import Worker as ArqWorker
from httpx2 import ASGITransport, AsyncClient
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from jobs.context import JobContext
from jobs.functions import FUNCTIONS
from services.embedded import temporary_servers
from services.migrations.run import migrate
from services.queue import HEALTH_KEY, QUEUE_NAME, deserialize_job, serialize_job
from services.resources import Resources, open_resources
from services.scanner.result import Scanner
from services.scans import Worker as ScanWorker
from services.settings import Settings
from services.tables import METADATA
from tests.fuzz.gateway import gateway_thread
from tests.members import Member, register

RunJobs = Callable[[Scanner], Awaitable[None]]


class TestServers(BaseSettings):
    __test__ = False
    model_config = SettingsConfigDict(env_prefix="NIS2_TEST_")

    database_url: str | None = None
    redis_url: str | None = None


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses for this run: a database of its own, as its owner and as the application."""

    owner_url: str
    application_url: str
    redis_url: str

    @property
    def database(self) -> str:
        return str(make_url(self.owner_url).database)


def _address(
    url: str, database: str, *, username: str | None = None, password: str | None = None
) -> str:
    address = make_url(url).set(drivername="postgresql+asyncpg", database=database)
    if username is not None:
        address = address.set(username=username, password=password)
    return address.render_as_string(hide_password=False)


def _redis_address(url: str, worker: str) -> str:
    """A logical database of its own for each process of a parallel run on one Redis."""
    number = int(worker.removeprefix("gw") or 0) if worker != "master" else 0
    return url if "unix:" in url else f"{url.rstrip('/').removesuffix('/0')}/{number}"


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """The default renderer draws tracebacks with all their locals: seconds for each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )


@pytest.fixture(scope="session")
def servers(worker_id: str) -> Generator[Servers]:
    """Running servers; nothing is made in them yet."""
    given = TestServers()
    name = f"nis2_test_{secrets.token_hex(4)}"
    with ExitStack() as stack:
        database, redis = given.database_url, given.redis_url
        if database is None or redis is None:
            embedded = stack.enter_context(temporary_servers(lambda _text: None))
            database = database or embedded.owner_database_url
            redis = redis or embedded.redis_url
        yield Servers(
            owner_url=_address(database, name),
            application_url=_address(
                database, name, username=f"{name}_app", password=secrets.token_hex(16)
            ),
            redis_url=_redis_address(redis, worker_id),
        )


@pytest.fixture(scope="session")
async def migrated(servers: Servers) -> AsyncGenerator[Servers]:
    """A database of this run's own, at the newest revision."""
    name = servers.database
    role = make_url(servers.application_url).username
    await _execute(_address(servers.owner_url, "postgres"), f"create database {name}")
    await migrate(servers.owner_url, servers.application_url)
    yield servers
    await _execute(
        _address(servers.owner_url, "postgres"),
        f"drop database {name} with (force)",
        f"drop role {role}",
    )


async def _execute(url: str, *statements: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def empty_tables(servers: Servers) -> None:
    tables = ", ".join(table.name for table in METADATA.sorted_tables)
    await _execute(servers.owner_url, f"truncate {tables} cascade")


@pytest.fixture(scope="session")
def settings(migrated: Servers) -> Settings:
    """Settings of a platform that may scan loopback, with cheap passwords."""
    return Settings(
        database_url=migrated.application_url,
        redis_url=migrated.redis_url,
        secret_key=secrets.token_hex(32),  # pyright: ignore[reportArgumentType] - becomes a SecretStr
        scan_allowed_networks=(ip_network("127.0.0.0/8"),),
        scan_connections_per_second=1000,
        password_memory_kib=8,
        password_time_cost=1,
    )


@pytest.fixture(scope="session")
async def open_platform(settings: Settings) -> AsyncGenerator[Resources]:
    async with open_resources(settings) as resources:
        yield resources


@pytest.fixture
async def resources(open_platform: Resources, migrated: Servers) -> AsyncGenerator[Resources]:
    """The platform's pools; what the test wrote is gone afterwards."""
    yield open_platform
    await empty_tables(migrated)
    keys = cast("list[bytes]", await open_platform.redis.keys("*"))  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
    ours = [key for key in keys if key.startswith((b"nis2:", b"arq:"))]
    if ours:
        await open_platform.redis.delete(*ours)


@pytest.fixture
async def client(resources: Resources, settings: Settings) -> AsyncGenerator[AsyncClient]:
    """A client of the whole application, without a socket and without a token."""
    app = create_app(settings, resources)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            # The transport sends no lifespan, so the state it would have left is put in here.
            scope["state"] = dict(state or {})
            await app(scope, receive, send)

        async with AsyncClient(
            transport=ASGITransport(app=with_state), base_url="http://testserver"
        ) as client:
            yield client


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Generator[str]:
    """The address of a gateway on a socket, over the same servers as the test's own pools."""
    with gateway_thread(settings) as url:
        yield url


@pytest.fixture
async def admin(client: AsyncClient) -> Member:
    """The admin of a new organization."""
    return await register(client, "ada@example.com")


@pytest.fixture
async def stranger(client: AsyncClient) -> Member:
    """The admin of another organization."""
    return await register(client, "mallory@example.net", organization="Elsewhere")


@pytest.fixture
def run_jobs(open_platform: Resources) -> RunJobs:
    """Work until the queue is empty, with the scanner given; the sweep does not run."""

    async def run(scanner: Scanner) -> None:
        worker = ScanWorker(open_platform.database, scanner, name="test", lease_s=5)
        ctx: dict[Any, Any] = {}  # Any: arq's own type
        JobContext(open_platform, worker, AsyncExitStack()).put_into(ctx)
        arq_worker = ArqWorker(
            functions=FUNCTIONS,
            redis_pool=open_platform.redis,
            queue_name=QUEUE_NAME,
            health_check_key=HEALTH_KEY,
            job_serializer=serialize_job,
            job_deserializer=deserialize_job,
            ctx=ctx,
            burst=True,
            poll_delay=0.01,
            handle_signals=False,
            max_tries=10,
        )
        await arq_worker.main()

    return run
