"""A platform of its own for a measurement: servers, organizations, and worker processes."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from services import assets, auth
from services.actor import Actor, Role
from services.database import Scope
from services.embedded import EmbeddedServers, temporary_servers
from services.migrations.run import migrate
from services.resources import Resources, open_resources
from services.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Platform:
    servers: EmbeddedServers
    settings: Settings
    resources: Resources

    @asynccontextmanager
    async def owner(self) -> AsyncGenerator[AsyncConnection]:
        """Past row security, to see everything."""
        engine = create_async_engine(
            _asyncpg(self.servers.owner_database_url),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
        )
        try:
            async with engine.connect() as connection:
                yield connection
        finally:
            await engine.dispose()


@asynccontextmanager
async def open_platform() -> AsyncGenerator[Platform]:
    with temporary_servers(lambda _text: None) as servers:
        settings = Settings(
            database_url=servers.application_database_url,
            redis_url=servers.redis_url,
            secret_key=servers.secrets.secret_key,  # pyright: ignore[reportArgumentType] - becomes a SecretStr
            scan_allowed_networks="127.0.0.0/8",  # pyright: ignore[reportArgumentType] - becomes networks
            password_memory_kib=8,
            password_time_cost=1,
        )
        await migrate(_asyncpg(servers.owner_database_url), settings.database_url)
        async with open_resources(settings) as resources:
            yield Platform(servers, settings, resources)


def scope(actor: Actor) -> Scope:
    return Scope(organization_id=actor.organization_id, user_id=actor.user_id)


async def new_organization(resources: Resources, name: str) -> Actor:
    async with resources.database.transaction(Scope()) as work:
        session = await auth.register(
            work,
            resources.identity,
            email=f"{name}@example.com",
            password="a long pass phrase",
            full_name="Somebody",
            organization_name=name,
        )
    active = session.profile.active
    assert active is not None
    return Actor(session.profile.user.id, active.organization.id, Role.ADMIN)


async def new_assets(resources: Resources, actor: Actor, targets: Iterable[str]) -> list[UUID]:
    async with resources.database.transaction(scope(actor)) as work:
        return [
            (
                await assets.create_asset(
                    work,
                    actor,
                    resources.settings.address_policy(),
                    name=None,
                    target_type=None,
                    target_value=target,
                    values={},
                )
            ).asset.id
            for target in targets
        ]


class Workers:
    """Worker processes; a dead one is replaced."""

    def __init__(
        self, settings: Settings, count: int, extra: Mapping[str, str] | None = None
    ) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if "NIS2_" not in name},  # noqa: TID251 - the workers'
            "PYTHONPATH": str(_ROOT),
            "NIS2_DATABASE_URL": settings.database_url,
            "NIS2_REDIS_URL": settings.redis_url,
            "NIS2_SECRET_KEY": settings.secret_key.get_secret_value(),
            "NIS2_SCAN_ALLOWED_NETWORKS": "127.0.0.0/8",
            "NIS2_RATE_LIMITS": "off",
            **(extra or {}),
        }
        self.processes: list[subprocess.Popen[bytes]] = [self._start() for _ in range(count)]

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "jobs"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def keep_alive(self) -> None:
        self.processes = [p if p.poll() is None else self._start() for p in self.processes]

    def kill_one(self, chance: random.Random) -> None:
        chance.choice(self.processes).kill()

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()


def _asyncpg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://")
