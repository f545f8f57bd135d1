"""``make torture``: scans while workers are killed, Redis is emptied and the database blinks.

Bounded and seeded. Three workers, one of them killed every second; Redis emptied three times;
every PostgreSQL connection ended twice; two scans cancelled and one deleted on the way. At the end
every scan has ended, every target has one result, nothing is doubled, nothing is orphaned, and an
undisturbed run of the same targets gives the same findings.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from services import assets, auth, scans
from services.actor import Actor, Role
from services.database import Scope
from services.embedded import EmbeddedServers, temporary_servers
from services.migrations.run import migrate
from services.resources import Resources, open_resources
from services.scans import UNLIMITED, ScanRequest, ScanStatus
from services.settings import Settings
from tests.lab.certificates import Authority, in_days
from tests.lab.web_server import Site, html, serve_site, server_context

_ROOT = Path(__file__).resolve().parents[2]
_ORGANIZATIONS = 3
_WORKERS = 3
_CALM_AFTER_S = 60
"""Until then a worker dies every second; afterwards the scans may come to an end."""
_LIMIT_S = 900
_LIVE = ("127.30.0.10", "127.30.0.200", "127.30.1.30")
_NETWORKS = ("127.30.0.0/25", "127.30.0.128/25", "127.30.1.0/25", "127.30.1.128/28")
_INVARIANTS = {
    "targets without a result in a completed scan": """
        select count(*) from scan_targets target join scans scan on scan.id = target.scan_id
         where scan.status = 'completed' and not exists (select 1 from scan_results result
               where result.scan_id = scan.id and result.target = target.target_value)""",
    "targets with two results": """
        select count(*) from (select 1 from scan_results group by scan_id, target
                              having count(*) > 1) doubled""",
    "findings doubled": """
        select count(*) from (select 1 from findings group by organization_id, fingerprint
                              having count(*) > 1) doubled""",
    "occurrences that are not the number of observations": """
        select count(*) from findings where occurrences <>
          (select count(*) from observations where finding_id = findings.id)""",
    "observations of a scan without a result of it": """
        select count(*) from observations seen where not exists (
          select 1 from scan_results result where result.id = seen.scan_result_id)""",
    "targets done that were not counted": """
        select count(*) from scans where status = 'completed'
           and targets_done <> targets_total""",
}


@dataclass(slots=True)
class Story:
    """What was started, and what was done to it."""

    actors: list[Actor] = field(default_factory=list[Actor])
    scans: list[tuple[Actor, UUID]] = field(default_factory=list[tuple[Actor, UUID]])
    deleted: set[UUID] = field(default_factory=set[UUID])
    killed: int = 0


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if "NIS2_" not in name},  # noqa: TID251 - the workers'
        "PYTHONPATH": str(_ROOT),
        "NIS2_DATABASE_URL": settings.database_url,
        "NIS2_REDIS_URL": settings.redis_url,
        "NIS2_SECRET_KEY": settings.secret_key.get_secret_value(),
        "NIS2_SCAN_ALLOWED_NETWORKS": "127.0.0.0/8",
        "NIS2_SCAN_LEASE_S": "4",
        "NIS2_RATE_LIMITS": "off",
    }


class Workers:
    """Worker processes; a dead one is replaced."""

    def __init__(self, settings: Settings) -> None:
        self._environment = _environment(settings)
        self._processes: list[subprocess.Popen[bytes]] = [self._start() for _ in range(_WORKERS)]

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "jobs"], env=self._environment, stderr=subprocess.DEVNULL
        )

    def keep_alive(self) -> None:
        self._processes = [p if p.poll() is None else self._start() for p in self._processes]

    def kill_one(self, chance: random.Random) -> None:
        chance.choice(self._processes).kill()

    def stop(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()


async def _start_scans(resources: Resources, count: int) -> Story:
    story = Story()
    asset_ids: list[list[UUID]] = []
    for number in range(_ORGANIZATIONS):
        async with resources.database.transaction(Scope()) as work:
            session = await auth.register(
                work,
                resources.identity,
                email=f"torture{number}@example.com",
                password="a long pass phrase",
                full_name="Torture",
                organization_name=f"Torture {number}",
            )
        active = session.profile.active
        assert active is not None
        actor = Actor(session.profile.user.id, active.organization.id, Role.ADMIN)
        story.actors.append(actor)
        async with resources.database.transaction(_scope(actor)) as work:
            views = [
                await assets.create_asset(
                    work,
                    actor,
                    resources.settings.address_policy(),
                    name=None,
                    target_type=None,
                    target_value=network,
                    values={},
                )
                for network in _NETWORKS
            ]
            asset_ids.append([view.asset.id for view in views])
    for number in range(count):
        which = number % _ORGANIZATIONS
        actor = story.actors[which]
        async with resources.database.transaction(_scope(actor)) as work:
            request = ScanRequest(
                asset_ids=asset_ids[which], name=f"scan {number}", concurrency=4, scan_timeout_s=5
            )
            scan = await scans.create_scan(work, actor, request, UNLIMITED)
        story.scans.append((actor, scan.id))
    return story


def _scope(actor: Actor) -> Scope:
    return Scope(organization_id=actor.organization_id, user_id=actor.user_id)


@asynccontextmanager
async def _owner(servers: EmbeddedServers) -> AsyncGenerator[AsyncConnection]:
    """Past row security, to see everything."""
    engine = create_async_engine(
        _asyncpg(servers.owner_database_url), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def _count(connection: AsyncConnection, statement: str) -> int:
    return int(await connection.scalar(text(statement)) or 0)


async def _torment(
    resources: Resources, servers: EmbeddedServers, story: Story, workers: Workers, seed: int
) -> None:
    """One blow a second until every scan has ended."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    second = 0
    async with _owner(servers) as owner:
        while await _count(
            owner, "select count(*) from scans where status in ('pending', 'running')"
        ):
            await asyncio.sleep(1)
            second += 1
            workers.keep_alive()
            if second <= _CALM_AFTER_S:
                workers.kill_one(chance)
                story.killed += 1
            if second in {5, 15, 30}:
                await resources.redis.execute_command("FLUSHALL")  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
            if second in {10, 25}:
                await owner.execute(
                    text(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where pid <> pg_backend_pid() and usename = 'nis2_app'"
                    )
                )
            if second in {8, 12}:
                await _cancel(resources, *chance.choice(story.scans))
            if second == 20:
                await _delete(resources, story, *chance.choice(story.scans))
            assert second < _LIMIT_S, "the scans did not end in time"


async def _cancel(resources: Resources, actor: Actor, scan_id: UUID) -> None:
    async with resources.database.transaction(_scope(actor)) as work:
        scan = await scans.get_scan(work.session, actor, scan_id)
        if scan.is_active:
            await scans.cancel_scan(work, actor, scan_id)


async def _delete(resources: Resources, story: Story, actor: Actor, scan_id: UUID) -> None:
    async with resources.database.transaction(_scope(actor)) as work:
        await scans.delete_scan(work, actor, scan_id)
    story.deleted.add(scan_id)


async def _undisturbed(resources: Resources, workers: Workers, story: Story) -> None:
    """One more scan per organization, with nobody in the way."""
    for actor in story.actors:
        async with resources.database.transaction(_scope(actor)) as work:
            last = await scans.get_scan(
                work.session, actor, next(s for a, s in story.scans[::-1] if a is actor)
            )
            ids = [UUID(text_) for text_ in last.config_snapshot["asset_ids"]]
            scan = await scans.create_scan(
                work,
                actor,
                ScanRequest(asset_ids=ids, name="undisturbed", scan_timeout_s=5),
                UNLIMITED,
            )
        while True:
            workers.keep_alive()
            await asyncio.sleep(0.5)
            async with resources.database.read(_scope(actor)) as session:
                status = (await scans.get_scan(session, actor, scan.id)).status
            if status is ScanStatus.COMPLETED:
                break


async def _failures(servers: EmbeddedServers) -> list[str]:
    async with _owner(servers) as owner:
        wrong = [
            f"{name}: {count}"
            for name, statement in _INVARIANTS.items()
            if (count := await _count(owner, statement))
        ]
        tormented, calm = (
            await _findings(owner, is_calm=False),
            await _findings(owner, is_calm=True),
        )
        if tormented != calm:
            wrong.append(f"findings differ from the undisturbed run: {len(tormented ^ calm)}")
        states = await owner.execute(
            text("select status, count(*) from scans group by status order by status")
        )
        for status, count in states:
            typer.echo(f"  {status}: {count} scans")
        typer.echo(f"  {len(calm)} findings in the undisturbed run")
    return wrong


async def _findings(owner: AsyncConnection, *, is_calm: bool) -> set[tuple[UUID, bytes]]:
    rows = await owner.execute(
        text(
            "select finding.organization_id, fingerprint from observations seen"
            " join findings finding on finding.id = seen.finding_id"
            " join scans scan on scan.id = seen.scan_id"
            " where scan.status = 'completed' and (scan.name = 'undisturbed') = :is_calm"
        ),
        {"is_calm": is_calm},
    )
    return {(row[0], row[1]) for row in rows}


async def _run(count: int, seed: int) -> Sequence[str]:
    with temporary_servers(lambda _text: None) as servers, TemporaryDirectory() as directory:
        await migrate(
            _asyncpg(servers.owner_database_url), _asyncpg(servers.application_database_url)
        )
        settings = Settings(
            database_url=servers.application_database_url,
            redis_url=servers.redis_url,
            secret_key=servers.secrets.secret_key,  # pyright: ignore[reportArgumentType] - becomes a SecretStr
            password_memory_kib=8,
            password_time_cost=1,
        )
        async with AsyncExitStack() as stack:
            identity = Authority.create("Torture Root").issue(["x.example"], not_after=in_days(5))
            tls = server_context(identity, Path(directory))
            for host in _LIVE:
                site = Site(pages={"/": html("<title>live</title>")})
                await stack.enter_async_context(
                    serve_site(site, host=host, port=8443, ssl_context=tls)
                )
            resources = await stack.enter_async_context(open_resources(settings))
            story = await _start_scans(resources, count)
            workers = Workers(settings)
            stack.callback(workers.stop)
            began = time.monotonic()
            await _torment(resources, servers, story, workers, seed)
            typer.echo(
                f"{count} scans ended after {time.monotonic() - began:.0f} s"
                f" and {story.killed} killed workers"
            )
            await _undisturbed(resources, workers, story)
            return await _failures(servers)


def _asyncpg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://")


def main(scans: int = 40, seed: int = 1) -> None:
    """Exit code 1 and the broken invariants when something was lost or doubled."""
    wrong = asyncio.run(_run(scans, seed))
    for line in wrong:
        typer.echo(f"  WRONG {line}")
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
