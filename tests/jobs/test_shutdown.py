"""A worker that is told to stop finishes its target and hands the rest back."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from services.resources import Resources
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult
from services.scanner.target import Target
from services.scans import UNLIMITED, Worker, plan_next_scan, run_next_batch
from services.scans.leases import queue_batches
from services.settings import Settings
from tests.jobs.conftest import StartScan
from tests.members import Member
from tests.scanners import StubScanner


async def test_a_stopping_worker_begins_nothing_new_and_the_next_one_goes_on(
    resources: Resources, admin: Member, start_scan: StartScan
) -> None:
    await start_scan("192.0.2.0/29")
    await plan_next_scan(resources.database, admin.organization_id, batch_size=16, quota=UNLIMITED)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text("update scans set config_snapshot = config_snapshot || '{\"concurrency\": 1}'")
        )
    stopping = False

    class Interrupted(StubScanner):
        async def scan(
            self, target: Target, profile: Profile, known: Collection[Known] = ()
        ) -> TargetResult:
            nonlocal stopping
            stopping = len(self.seen) == 2
            return await super().scan(target, profile, known)

    first, second = Interrupted(), StubScanner()
    await run_next_batch(
        Worker(resources.database, first, name="first", is_stopping=lambda: stopping)
    )
    async with resources.database.read(admin.scope) as session:
        left = (
            await session.execute(
                text("select status, lost_workers, lease_owner from scan_batches")
            )
        ).one()
    await run_next_batch(Worker(resources.database, second, name="second"))

    assert tuple(left) == ("pending", 0, None)
    assert len(first.seen) == 3
    assert len(second.seen) == 5
    assert not set(first.seen) & set(second.seen)


async def test_a_large_scan_keeps_only_a_window_of_its_batches_in_the_queue(
    resources: Resources, admin: Member, start_scan: StartScan
) -> None:
    await start_scan("192.0.2.0/26")
    await resources.redis.delete("nis2:queue")

    await plan_next_scan(resources.database, admin.organization_id, batch_size=1, quota=UNLIMITED)

    assert await resources.redis.zcard("nis2:queue") == 16
    await run_next_batch(Worker(resources.database, StubScanner(), name="one"))
    assert await resources.redis.zcard("nis2:queue") == 17  # the message of the first still waits


async def test_no_plan_of_the_database_queues_more_batches_than_were_asked_for(
    resources: Resources, admin: Member, start_scan: StartScan
) -> None:
    """A nested loop would choose the rows again for each row that it meets."""
    scan_id = await start_scan("192.0.2.0/26")
    await plan_next_scan(resources.database, admin.organization_id, batch_size=1, quota=UNLIMITED)

    async with resources.database.transaction(admin.scope) as work:
        for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
            await work.session.execute(text(f"set local enable_{way} = off"))
        queued = await queue_batches(work.session, admin.organization_id, scan_id, most=3)

    assert len(queued) == 3


async def test_sigterm_ends_a_worker_in_time_and_the_rest_of_its_batch_waits_for_the_next(
    resources: Resources, settings: Settings, admin: Member, start_scan: StartScan
) -> None:
    """A real process, at a port that takes connections and never answers."""
    await resources.redis.delete("nis2:queue")
    with socket.create_server(("127.77.0.1", 8443), backlog=1024):
        await start_scan("127.77.0.1")
        with _worker_process(settings, finish_s=1) as process:
            await _until(resources, admin, "select status from scan_batches", "running")
            began = time.monotonic()
            process.terminate()
            await asyncio.to_thread(process.wait, 60)
            took = time.monotonic() - began

    async with resources.database.read(admin.scope) as session:
        batch = (
            await session.execute(
                text("select status, lease_owner, lost_workers from scan_batches")
            )
        ).one()
        turns = await session.scalar(text("select count(*) from address_turns"))
    assert took < 20
    assert (tuple(batch), turns) == (("pending", None, 0), 0)


@contextmanager
def _worker_process(settings: Settings, *, finish_s: int) -> Generator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ,  # noqa: TID251 - the worker's
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "NIS2_DATABASE_URL": settings.database_url,
        "NIS2_REDIS_URL": settings.redis_url,
        "NIS2_SECRET_KEY": settings.secret_key.get_secret_value(),
        "NIS2_SCAN_ALLOWED_NETWORKS": "127.0.0.0/8",
        "NIS2_WORKER_FINISH_S": str(finish_s),
    }
    process = subprocess.Popen([sys.executable, "-P", "-m", "jobs"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _until(resources: Resources, member: Member, statement: str, expected: str) -> None:
    async with asyncio.timeout(100):
        while True:
            async with resources.database.read(member.scope) as session:
                if await session.scalar(text(statement)) == expected:
                    return
            await asyncio.sleep(0.1)
