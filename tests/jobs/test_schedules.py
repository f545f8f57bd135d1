"""The minute tick as a worker calls it."""

from contextlib import AsyncExitStack
from datetime import timedelta
from inspect import unwrap
from typing import Any

from httpx2 import AsyncClient
from sqlalchemy import update

from jobs.context import JobContext
from jobs.functions import CRON
from jobs.schedules import tick
from services.database import utcnow
from services.resources import Resources
from services.scans import Worker
from services.schedules import Schedule
from tests.conftest import RunJobs
from tests.members import Member
from tests.scanners import StubScanner


async def test_the_tick_starts_a_due_schedule_and_a_worker_scans_it(
    client: AsyncClient, resources: Resources, admin: Member, run_jobs: RunJobs
) -> None:
    asset = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=admin.headers
    )
    await client.post(
        "/api/v1/schedules",
        json={"name": "n", "cron_expression": "@hourly", "asset_ids": [asset.json()["id"]]},
        headers=admin.headers,
    )
    async with resources.database.transaction(admin.scope) as work:
        due = utcnow().replace(second=0, microsecond=0) - timedelta(minutes=1)
        await work.session.execute(update(Schedule).values(next_run_at=due))
    scanner = StubScanner()
    ctx: dict[Any, Any] = {}  # Any: arq's own type
    worker = Worker(resources.database, scanner, name="test")
    JobContext(resources, worker, AsyncExitStack()).put_into(ctx)

    for _ in range(2):
        await tick(ctx)
    await run_jobs(scanner)

    scans = (await client.get("/api/v1/scans", headers=admin.headers)).json()["items"]
    assert [scan["status"] for scan in scans] == ["completed"]
    assert scanner.seen == ["example.org"]
    (schedule,) = (await client.get("/api/v1/schedules", headers=admin.headers)).json()
    assert (schedule["last_outcome"], schedule["last_scan_id"]) == ("started", scans[0]["id"])


def test_the_clock_calls_the_tick_each_minute() -> None:
    (job,) = [job for job in CRON if job.name == "tick"]

    assert (unwrap(job.coroutine), job.second, job.minute, job.hour) == (tick, 0, None, None)
    assert job.run_at_startup
