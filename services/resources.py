"""What a process holds while it lives: pools and keys, opened once and checked before use."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from arq.connections import ArqRedis, create_pool
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.audit import append_entries
from services.auth import Identity
from services.database import Database
from services.events import EventHub, EventPublisher
from services.migrations.run import current_revision, head_revision
from services.queue import (
    QUEUE_NAME,
    ArqQueue,
    deserialize_job,
    redis_settings,
    serialize_job,
)
from services.settings import Settings

_STATEMENT_TIMEOUT = "30s"
_FIRST_LOOK_S = 3.0


class StartRefused(Exception):
    """Something is wrong with the installation; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Resources:
    settings: Settings
    database: Database
    redis: ArqRedis
    identity: Identity
    events: EventHub


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncGenerator[Resources]:
    """Open and check everything. Raises StartRefused."""
    engine = create_async_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=5,
        pool_pre_ping=True,
        # Exceptions of SQLAlchemy would print bound parameters into the log (LOG-1).
        hide_parameters=True,
        connect_args={
            "timeout": 10,
            "server_settings": {"jit": "off", "statement_timeout": _STATEMENT_TIMEOUT},
        },
    )
    identity = Identity.of(settings)
    try:
        await _require_safe_database(engine)
        redis = await _connect_redis(settings)
        try:
            database = Database(
                engine, ArqQueue(redis).put, EventPublisher(redis).publish, append_entries
            )
            events = EventHub(settings.redis_url)
            try:
                yield Resources(settings, database, redis, identity, events)
            finally:
                await events.close()
        finally:
            await redis.aclose()
    finally:
        identity.passwords.close()
        await engine.dispose()


async def _connect_redis(settings: Settings) -> ArqRedis:
    """The pool outlives a restart of Redis; the first look does not wait for one."""
    try:
        await _require_redis(settings.redis_url)
        return await create_pool(
            redis_settings(settings.redis_url),
            job_serializer=serialize_job,
            job_deserializer=deserialize_job,
            default_queue_name=QUEUE_NAME,
        )
    except (RedisError, OSError) as error:
        raise StartRefused(f"Redis cannot be reached (NIS2_REDIS_URL): {error}") from error


async def _require_redis(url: str) -> None:
    client = Redis.from_url(url, socket_connect_timeout=_FIRST_LOOK_S)  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
    try:
        await client.execute_command("PING")  # pyright: ignore[reportUnknownMemberType] - as above
    finally:
        await client.aclose()


async def _require_safe_database(engine: AsyncEngine) -> None:
    """Reachable, migrated, and with a role that row security holds (TEN-1, SEC-2)."""
    try:
        async with engine.connect() as connection:
            revision = await connection.run_sync(current_revision)
            role = (await connection.execute(_ROLE)).one()
    except (SQLAlchemyError, OSError) as error:
        reason = getattr(error, "orig", None) or error
        raise StartRefused(f"PostgreSQL cannot be reached (NIS2_DATABASE_URL): {reason}") from error
    if revision != head_revision():
        raise StartRefused(
            f"The database is at revision {revision or 'none'} and this version needs"
            f" {head_revision()}: run 'nis2 migrate' first"
        )
    if role.is_unsafe:
        raise StartRefused(
            f"The role {role.name!r} could pass row security (superuser, BYPASSRLS or owner of"
            " the tables): give its address to NIS2_MIGRATION_DATABASE_URL and an ordinary role's"
            " to NIS2_DATABASE_URL, then run 'nis2 migrate'"
        )


_ROLE = text(
    """
select current_user as name,
       rolsuper or rolbypassrls
       or exists (select 1 from pg_class join pg_namespace on pg_namespace.oid = relnamespace
                   where nspname = 'public' and relkind = 'r'
                     and pg_has_role(current_user, relowner, 'member')) as is_unsafe
  from pg_roles where rolname = current_user
    """
)
