"""Looks an installation over: each part that may be wrong, what was seen, and what to do about it.

Nothing here changes anything, and every question has a time limit.
"""

import asyncio
import resource
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import dns.rdatatype
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from services.migrations.run import current_revision, head_revision
from services.queue import HEALTH_KEY
from services.scanner.data_file import DataFileError
from services.scanner.engine import open_context
from services.scanner.resolver import Resolver
from services.settings import ScanSettings, Settings

_LIMIT_S = 8.0
_OLDEST_POSTGRESQL = 15
_OLDEST_REDIS = (6, 2)
_CLOCK_SKEW_S = 5.0
_WAITS_TOO_LONG_S = 300
_SPARE_FILES = 500
_SPARE_BYTES = 2_000_000_000


class State(StrEnum):
    FINE = "fine"
    DOUBTFUL = "doubtful"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    part: str
    state: State
    seen: str
    remedy: str = ""
    """What to do; empty when nothing needs doing."""


Examination = Callable[[Settings], Awaitable[Sequence[Diagnosis]]]


async def examine(settings: Settings, *, data_dir: Path | None = None) -> Sequence[Diagnosis]:
    """Every part once, in the order in which they depend on each other."""
    found: list[Diagnosis] = []
    for part, examination in _EXAMINATIONS:
        try:
            async with asyncio.timeout(_LIMIT_S):
                found += await examination(settings)
        except TimeoutError:
            found.append(broken(part, f"no answer within {_LIMIT_S:g} s", "see whether it hangs"))
    return [*found, *_disk(data_dir)]


def fine(part: str, seen: str) -> Diagnosis:
    return Diagnosis(part, State.FINE, seen)


def doubtful(part: str, seen: str, remedy: str) -> Diagnosis:
    return Diagnosis(part, State.DOUBTFUL, seen, remedy)


def broken(part: str, seen: str, remedy: str) -> Diagnosis:
    return Diagnosis(part, State.BROKEN, seen, remedy)


async def _settings(settings: Settings) -> Sequence[Diagnosis]:
    found: list[Diagnosis] = []
    defaults = ScanSettings.model_fields
    if settings.scan_contact_url == defaults["scan_contact_url"].default:
        found.append(
            doubtful(
                "contact",
                "the User-Agent of every probe names no one",
                "set NIS2_SCAN_CONTACT_URL to a page that says who scans and why",
            )
        )
    if settings.rate_limits == "off":
        found.append(doubtful("rate limits", "off", "NIS2_RATE_LIMITS=on, except in a laboratory"))
    is_public = settings.host not in {"127.0.0.1", "::1", "localhost"}
    if is_public and settings.environment != "production":
        found.append(
            doubtful(
                "environment",
                f"development, and listening on {settings.host}",
                "NIS2_ENVIRONMENT=production marks the session cookies Secure",
            )
        )
    return found or [fine("settings", "complete")]


async def _database(settings: Settings) -> Sequence[Diagnosis]:
    engine = create_async_engine(settings.database_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await _look_at_database(connection, settings)
    except (OSError, SQLAlchemyError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        remedy = "start PostgreSQL, or correct NIS2_DATABASE_URL (role, password, host, database)"
        return [broken("PostgreSQL", f"cannot be reached: {reason}", remedy)]
    finally:
        await engine.dispose()


async def _look_at_database(connection: AsyncConnection, settings: Settings) -> Sequence[Diagnosis]:
    row = (await connection.execute(_DATABASE)).one()
    revision = await connection.run_sync(current_revision)
    major = row.number // 10_000
    found = [
        fine("PostgreSQL", f"version {major}")
        if major >= _OLDEST_POSTGRESQL
        else broken("PostgreSQL", f"version {major}", f"use {_OLDEST_POSTGRESQL} or newer")
    ]
    if revision == head_revision():
        found.append(fine("schema", f"revision {revision}"))
    else:
        seen = f"revision {revision or 'none'}, and this version needs {head_revision()}"
        found.append(broken("schema", seen, "run 'nis2 migrate'"))
    if row.is_unsafe:
        found.append(
            broken(
                "tenants",
                f"the role {row.role} could pass row security",
                "NIS2_DATABASE_URL must name a role that owns nothing; 'nis2 migrate' makes it",
            )
        )
    elif row.open_tables:
        found.append(
            broken(
                "tenants",
                f"row security is not forced on {row.open_tables}",
                "somebody changed the tables by hand: restore from a backup",
            )
        )
    else:
        found.append(fine("tenants", "row security is forced on every table of theirs"))
    skew_s = abs(row.now - time.time())
    if skew_s > _CLOCK_SKEW_S:
        seen = f"{skew_s:.0f} s apart from PostgreSQL's"
        found.append(doubtful("clock", seen, "run a time service (NTP) on both machines"))
    if row.connections < 2 * (settings.database_pool_size + 5):
        found.append(
            doubtful(
                "connections",
                f"PostgreSQL allows {row.connections}, one process may use"
                f" {settings.database_pool_size + 5}",
                "raise max_connections, or lower NIS2_DATABASE_POOL_SIZE",
            )
        )
    return found


_DATABASE = text(
    """
select current_setting('server_version_num')::int as number,
       current_setting('max_connections')::int as connections,
       extract(epoch from clock_timestamp())::float as now,
       current_user as role,
       (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)
         as is_unsafe,
       (select string_agg(table_name, ', ') from information_schema.columns
          join pg_class on relname = table_name and relkind = 'r'
          join pg_namespace on pg_namespace.oid = relnamespace and nspname = table_schema
         where table_schema = 'public' and column_name = 'organization_id'
           and not (relrowsecurity and relforcerowsecurity)) as open_tables
    """
)


async def _redis(settings: Settings) -> Sequence[Diagnosis]:
    redis: Redis = Redis.from_url(settings.redis_url, socket_timeout=_LIMIT_S)  # pyright: ignore[reportUnknownMemberType, reportMissingTypeArgument, reportUnknownVariableType] - untyped in redis-py
    try:
        server = await redis.info()  # pyright: ignore[reportUnknownMemberType] - as above
        is_worker_alive = bool(await redis.exists(HEALTH_KEY))
    except (RedisError, OSError) as error:
        remedy = "start Redis, or correct NIS2_REDIS_URL; nothing is lost meanwhile"
        return [broken("Redis", f"cannot be reached: {error}", remedy)]
    finally:
        await redis.aclose()
    version = str(server.get("redis_version", "0"))
    found = [
        fine("Redis", f"version {version}")
        if tuple(int(part) for part in version.split(".")[:2]) >= _OLDEST_REDIS
        else broken("Redis", f"version {version}", "use 6.2 or newer, or Valkey")
    ]
    policy = server.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        remedy = "set maxmemory-policy noeviction: sessions of limits and jobs would vanish"
        found.append(doubtful("Redis", f"may forget ({policy})", remedy))
    address = urlsplit(settings.redis_url)
    if address.scheme == "redis" and not address.password and address.hostname != "127.0.0.1":
        found.append(doubtful("Redis", "asks for no password", "set requirepass"))
    found.append(
        fine("worker", "gave a sign of life in the last seconds")
        if is_worker_alive
        else broken("worker", "none lives: scans and reports wait", "start one with 'nis2 worker'")
    )
    return found


async def _gateway(settings: Settings) -> Sequence[Diagnosis]:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - looked up, not bound
    url = f"http://{host}:{settings.port}/api/v1/health/ready"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            answer = response.status
    except (aiohttp.ClientError, OSError) as error:
        remedy = "start it with 'nis2 serve', or correct NIS2_HOST and NIS2_PORT"
        return [broken("gateway", f"{url}: {error}", remedy)]
    if answer == 200:  # noqa: PLR2004 - HTTP's OK
        return [fine("gateway", f"answers on port {settings.port}")]
    return [broken("gateway", f"{url} answers {answer}", "see PostgreSQL and Redis above")]


async def _scanner(settings: Settings) -> Sequence[Diagnosis]:
    found: list[Diagnosis] = []
    try:
        async with open_context(settings.probe_options(), settings.address_policy()):
            pass  # it reads every file that the operator gave
    except DataFileError as error:
        found.append(broken("scanner's files", str(error), "correct the setting or the file"))
    if settings.scan_ca_file is not None and not settings.scan_ca_file.is_file():
        seen = f"{settings.scan_ca_file} is not there"
        found.append(broken("trusted roots", seen, "correct NIS2_SCAN_CA_FILE"))
    needed = settings.scan_ports_in_flight + _SPARE_FILES
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        remedy = f"raise it to {needed} (ulimit -n), or lower NIS2_SCAN_PORTS_IN_FLIGHT"
        found.append(doubtful("open files", f"at most {soft}", remedy))
    answer = await Resolver(settings.probe_options().dns_servers).lookup(".", dns.rdatatype.NS)
    if not answer.is_known:
        remedy = "set NIS2_SCAN_DNS_SERVERS; without a resolver only addresses can be scanned"
        found.append(doubtful("resolver", answer.reason, remedy))
    return found or [fine("scanner", "resolver, roots and limits are in order")]


def _disk(data_dir: Path | None) -> Sequence[Diagnosis]:
    if data_dir is None or not data_dir.exists():
        return ()
    free = shutil.disk_usage(data_dir).free
    seen = f"{free / 1e9:.1f} GB free for {data_dir}"
    if free < _SPARE_BYTES:
        return [doubtful("disk", seen, "make room: PostgreSQL stops when there is none")]
    return [fine("disk", seen)]


_EXAMINATIONS: tuple[tuple[str, Examination], ...] = (
    ("settings", _settings),
    ("PostgreSQL", _database),
    ("Redis", _redis),
    ("gateway", _gateway),
    ("scanner", _scanner),
)
