"""``make torture``: scans while workers are killed, Redis is emptied and the database goes away.

Bounded and seeded. 40 scans over 400 loopback targets in three organizations, each scan of some
networks that others scan too; three workers, one of them killed every second; Redis emptied three
times; every PostgreSQL connection ended twice, and PostgreSQL down for half a minute; two scans
cancelled and one deleted on the way. At the end every scan has ended, every target has one result
or a reason, nothing is doubled or orphaned, no two scans were at one address at once, and each scan
saw what an undisturbed one sees.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import typer
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from services import scans
from services.actor import Actor
from services.scanner.profile import ScanType
from services.scans import UNLIMITED, ScanRequest, ScanStatus
from tests.lab.certificates import Authority, in_days
from tests.lab.web_server import Site, html, serve_site, server_context
from tests.outage import start_postgres, stop_postgres
from tests.torture.platform import (
    Platform,
    Workers,
    new_assets,
    new_organization,
    open_platform,
    scope,
)

_ORGANIZATIONS = 3
_WORKERS = 3
_TORMENT_S = 60
"""Until then a worker dies every second; afterwards the scans may come to an end."""
_OUTAGE_AT_S, _OUTAGE_S = 35, 30
_LIMIT_S = 600
_NETWORKS = [str(network) for network in ip_network("127.30.0.0/23").subnets(new_prefix=28)][:25]
"""Of 16 addresses each: 400 in all."""
_LIVE = ("127.30.0.10", "127.30.0.200", "127.30.1.30")
_INVARIANTS = {
    "scans that have not ended": """
        select count(*) from scans where status in ('pending', 'running')""",
    "targets without a result in a completed scan": """
        select count(*) from scan_targets target join scans scan on scan.id = target.scan_id
         where scan.status = 'completed' and not exists (select 1 from scan_results result
               where result.scan_id = scan.id and result.target = target.target_value)""",
    "targets without a result or a reason": """
        select count(*) from scan_results where status <> 'evaluated' and reason = ''""",
    "targets with two results": """
        select count(*) from (select 1 from scan_results group by scan_id, target
                              having count(*) > 1) doubled""",
    "findings doubled": """
        select count(*) from (select 1 from findings group by organization_id, fingerprint
                              having count(*) > 1) doubled""",
    "findings nobody saw": """
        select count(*) from findings finding where not exists (
          select 1 from observations seen where seen.finding_id = finding.id)""",
    "occurrences that are not the number of observations": """
        select count(*) from findings where occurrences <>
          (select count(*) from observations where finding_id = findings.id)""",
    "observations of a scan without a result of it": """
        select count(*) from observations seen where not exists (
          select 1 from scan_results result where result.id = seen.scan_result_id)""",
    "rows of a scan that is gone": """
        select count(*) from (
          select scan_id from scan_batches union all select scan_id from scan_targets
          union all select scan_id from scan_results union all select scan_id from observations
        ) kept where not exists (select 1 from scans where id = kept.scan_id)""",
    "turns at an address that nobody ended": """
        select count(*) from address_turns turn join scan_batches batch on batch.id = turn.batch_id
         where batch.status = 'running'""",
    "targets done that were not counted": """
        select count(*) from scans where status = 'completed'
           and targets_done <> targets_total""",
}
_AT_ONE_ADDRESS = text(
    """
select count(*) from (
  select address from address_turns turn join scan_batches batch
      on batch.id = turn.batch_id and batch.attempt = turn.attempt
     and batch.status = 'running' and batch.lease_until >= clock_timestamp()
   group by address having count(distinct batch.scan_id) > 1) crowded
    """
)
_SEEN = text(
    """
select result.organization_id, result.target, result.status, result.reason, scan.name,
       scan.name = 'undisturbed' as is_calm,
       array(select encode(finding.fingerprint, 'hex') from observations seen
               join findings finding on finding.id = seen.finding_id
              where seen.scan_result_id = result.id order by 1) as fingerprints
  from scan_results result join scans scan on scan.id = result.scan_id
 where scan.status = 'completed' and result.reason <> 'worker_lost'
    """
)


@dataclass(slots=True)
class Story:
    """What was started, and what was done to it."""

    platform: Platform
    workers: Workers
    chance: random.Random
    actors: list[Actor] = field(default_factory=list[Actor])
    asset_ids: dict[UUID, list[UUID]] = field(default_factory=dict[UUID, list[UUID]])
    scans: list[tuple[Actor, UUID]] = field(default_factory=list[tuple[Actor, UUID]])
    killed: int = 0
    crowded: int = 0
    """Moments at which two scans were at one address."""
    refusals: list[int] = field(default_factory=list[int])
    """What the API answered while the database was away."""

    async def begin(self, count: int, networks: int) -> None:
        resources = self.platform.resources
        for number in range(_ORGANIZATIONS):
            actor = await new_organization(resources, f"torture{number}")
            self.actors.append(actor)
            self.asset_ids[actor.organization_id] = await new_assets(resources, actor, _NETWORKS)
        for number in range(count):
            actor = self.actors[number % _ORGANIZATIONS]
            chosen = self.chance.sample(self.asset_ids[actor.organization_id], networks)
            self.scans.append((actor, await self.start(actor, chosen, f"scan {number}")))

    async def start(self, actor: Actor, asset_ids: list[UUID], name: str) -> UUID:
        request = ScanRequest(
            asset_ids=asset_ids, name=name, scan_type=ScanType.QUICK, scan_timeout_s=60
        )
        async with self.platform.resources.database.transaction(scope(actor)) as work:
            return (await scans.create_scan(work, actor, request, UNLIMITED)).id

    async def cancel_one(self) -> None:
        """One that has not ended, as far as there is any."""
        for actor, scan_id in self.chance.sample(self.scans, len(self.scans)):
            async with self.platform.resources.database.transaction(scope(actor)) as work:
                if (await scans.get_scan(work.session, actor, scan_id)).is_active:
                    await scans.cancel_scan(work, actor, scan_id)
                    return

    async def delete_one(self) -> None:
        for actor, scan_id in self.chance.sample(self.scans, len(self.scans)):
            async with self.platform.resources.database.transaction(scope(actor)) as work:
                if (await scans.get_scan(work.session, actor, scan_id)).is_active:
                    await scans.delete_scan(work, actor, scan_id)
                    self.scans.remove((actor, scan_id))
                    return


async def _torment(story: Story) -> None:
    """One blow a second until every scan has ended."""
    began = time.monotonic()
    second = 0
    is_over = False
    while not is_over:
        second += 1
        await asyncio.sleep(max(0.0, began + second - time.monotonic()))
        story.workers.keep_alive()
        if second <= _TORMENT_S:
            story.workers.kill_one(story.chance)
            story.killed += 1
        if second in {5, 15, 30}:
            await story.platform.resources.redis.execute_command("FLUSHALL")  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
        if second in {8, 12}:
            await story.cancel_one()
        if second == 20:
            await story.delete_one()
        if second == _OUTAGE_AT_S:
            await _outage(story)
        async with story.platform.owner() as owner:
            if second in {10, 25}:
                await owner.execute(text(_CUT_OFF))
            story.crowded += int(await owner.scalar(_AT_ONE_ADDRESS) or 0)
            is_over = second > _TORMENT_S and not await _count(
                owner, _INVARIANTS["scans that have not ended"]
            )
        assert time.monotonic() - began < _LIMIT_S, "the scans did not end in time"


_CUT_OFF = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where pid <> pg_backend_pid() and usename = 'nis2_app'"
)


async def _outage(story: Story) -> None:
    """PostgreSQL is down for a while; workers go on dying meanwhile, and the API says so."""
    await asyncio.to_thread(stop_postgres, story.platform.servers)
    async with _client(story.platform) as client:
        for _ in range(_OUTAGE_S):
            await asyncio.sleep(1)
            answer = await client.post(
                "/api/v1/auth/login", json={"email": "a@example.com", "password": "12345678"}
            )
            is_said = answer.status_code == 503 and "Retry-After" in answer.headers
            story.refusals.append(answer.status_code if is_said else -answer.status_code)
    start_postgres(story.platform.servers)


@asynccontextmanager
async def _client(platform: Platform) -> AsyncGenerator[AsyncClient]:
    app = create_app(platform.settings, platform.resources)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = dict(state or {})
            await app(scope, receive, send)

        async with AsyncClient(
            transport=ASGITransport(app=with_state), base_url="http://torture"
        ) as client:
            yield client


async def _count(connection: AsyncConnection, statement: str) -> int:
    return int(await connection.scalar(text(statement)) or 0)


async def _undisturbed(story: Story) -> None:
    """One more scan of everything per organization, with nobody in the way."""
    for actor in story.actors:
        ids = story.asset_ids[actor.organization_id]
        scan_id = await story.start(actor, ids, "undisturbed")
        status = ScanStatus.PENDING
        while status is not ScanStatus.COMPLETED:
            story.workers.keep_alive()
            await asyncio.sleep(0.5)
            async with story.platform.resources.database.read(scope(actor)) as session:
                status = (await scans.get_scan(session, actor, scan_id)).status


async def _failures(story: Story) -> list[str]:
    async with story.platform.owner() as owner:
        wrong = [
            f"{name}: {count}"
            for name, statement in _INVARIANTS.items()
            if (count := await _count(owner, statement))
        ]
        seen = (await owner.execute(_SEEN)).all()
        states = await owner.execute(
            text("select status, count(*) as number from scans group by status order by status")
        )
        lost = await _count(owner, "select count(*) from scan_results where reason = 'worker_lost'")
        for status, number in states:
            typer.echo(f"  {status}: {number} scans")
    calm = {(row[0], row.target): row.fingerprints for row in seen if row.is_calm}
    differing = [
        row for row in seen if not row.is_calm and calm[row[0], row.target] != row.fingerprints
    ]
    typer.echo(f"  {len(seen) - len(calm)} targets of disturbed scans were compared")
    typer.echo(f"  {sum(map(len, calm.values()))} findings in the undisturbed scans")
    typer.echo(f"  {lost} targets written off as worker_lost")
    for row in differing:
        typer.echo(f"  {row.target} in {row.name}, {row.status} {row.reason!r}:")
        typer.echo(f"    {set(row.fingerprints) ^ set(calm[row[0], row.target])}")
    if differing:
        wrong.append(f"targets whose findings differ from the undisturbed run: {len(differing)}")
    if story.crowded:
        wrong.append(f"addresses with two scans at once: {story.crowded}")
    if set(story.refusals) != {503}:
        wrong.append(f"answers of the API without the database: {sorted(set(story.refusals))}")
    return wrong


async def _run(count: int, networks: int, seed: int) -> Sequence[str]:
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory())
        platform = await stack.enter_async_context(open_platform())
        identity = Authority.create("Torture Root").issue(["x.example"], not_after=in_days(5))
        tls = server_context(identity, Path(directory))
        for host in _LIVE:
            site = Site(pages={"/": html("<title>live</title>")})
            await stack.enter_async_context(serve_site(site, host=host, port=8443, ssl_context=tls))
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        workers = Workers(platform.settings, _WORKERS, {"NIS2_SCAN_LEASE_S": "4"})
        stack.callback(workers.stop)
        story = Story(platform, workers, chance)
        await story.begin(count, networks)
        began = time.monotonic()
        await _torment(story)
        typer.echo(
            f"{count} scans ended after {time.monotonic() - began:.0f} s,"
            f" {story.killed} killed workers and {len(story.refusals)} s without a database"
        )
        await _undisturbed(story)
        return await _failures(story)


def main(scans: int = 40, networks: int = 3, seed: int = 1) -> None:
    """Exit code 1 and the broken invariants when something was lost or doubled.

    ``networks``: of 16 targets each, in one scan; 25 for all 400.
    """
    wrong = asyncio.run(_run(scans, networks, seed))
    for line in wrong:
        typer.echo(f"  WRONG {line}")
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
