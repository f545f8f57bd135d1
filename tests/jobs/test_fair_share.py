"""Organizations take turns, people go before the clock, and a quota holds under concurrency."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text

from services.database import Scope
from services.errors import TooManyRequests
from services.resources import Resources
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult
from services.scanner.target import Target
from services.scans import (
    UNLIMITED,
    ScanQuota,
    ScanRequest,
    Worker,
    cancel_scan,
    create_scan,
    delete_scan,
    finalize_scan,
    plan_next_scan,
    run_next_batch,
    sweep_scans,
)
from tests.conftest import RunJobs
from tests.members import Member
from tests.scanners import StubScanner

TWO = ScanQuota(running=2, pending=20)
_EVERYBODY = Scope(is_sweep=True)


async def _asset(client: AsyncClient, member: Member, target: str) -> UUID:
    created = await client.post(
        "/api/v1/assets", json={"target_value": target}, headers=member.headers
    )
    assert created.status_code == 201
    return UUID(created.json()["id"])


async def _start(
    resources: Resources,
    member: Member,
    asset_id: UUID,
    *,
    quota: ScanQuota = UNLIMITED,
    is_scheduled: bool = False,
) -> UUID:
    async with resources.database.transaction(member.scope) as work:
        request = ScanRequest(asset_ids=[asset_id], is_scheduled=is_scheduled)
        return (await create_scan(work, member.actor, request, quota)).id


async def _plan(
    resources: Resources, member: Member, quota: ScanQuota, batch_size: int = 1
) -> None:
    await plan_next_scan(
        resources.database, member.organization_id, batch_size=batch_size, quota=quota
    )


async def _states(resources: Resources, member: Member) -> dict[UUID, tuple[str, str | None]]:
    async with resources.database.read(member.scope) as session:
        rows = await session.execute(text("select id, status, waits_for from scans order by id"))
        return {row.id: (row.status, row.waits_for) for row in rows}


async def _queued(resources: Resources) -> list[str]:
    queued: list[bytes] = await resources.redis.zrange("nis2:queue", 0, -1)  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
    return [job.decode() for job in queued]


async def test_a_scan_past_the_quota_waits_says_why_and_begins_when_one_ends(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = await _asset(client, admin, "example.org")
    first, second, third = [await _start(resources, admin, asset_id) for _ in range(3)]

    for _ in range(3):
        await _plan(resources, admin, TWO)
    waiting = await client.get(f"/api/v1/scans/{third}", headers=admin.headers)
    await resources.redis.flushdb()  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
    await client.post(f"/api/v1/scans/{first}/cancel", headers=admin.headers)
    rung = await _queued(resources)
    await _plan(resources, admin, TWO)

    assert (waiting.json()["status"], waiting.json()["waits_for"]) == ("pending", "running_scans")
    assert rung == [f"plan_scan:{third}:0"]
    assert await _states(resources, admin) == {
        first: ("cancelled", None),
        second: ("running", None),
        third: ("running", None),
    }


@pytest.mark.parametrize("ending", ["completed", "deleted", "overdue"])
async def test_whatever_ends_a_scan_rings_for_the_next(
    client: AsyncClient, resources: Resources, admin: Member, ending: str
) -> None:
    asset_id = await _asset(client, admin, "example.org")
    running = await _start(resources, admin, asset_id)
    await _plan(resources, admin, TWO)
    waiting = await _start(resources, admin, asset_id)
    await resources.redis.flushdb()  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py

    if ending == "completed":
        await run_next_batch(Worker(resources.database, StubScanner(), name="one"))
        await finalize_scan(resources.database, admin.organization_id, running)
    elif ending == "deleted":
        async with resources.database.transaction(admin.scope) as work:
            await delete_scan(work, admin.actor, running)
    else:
        async with resources.database.transaction(admin.scope) as work:
            await work.session.execute(
                text("update scans set deadline_at = now() where id = :id"), {"id": running}
            )
        await sweep_scans(resources.database, TWO)

    assert f"plan_scan:{waiting}:0" in await _queued(resources)


async def test_two_workers_that_plan_at_once_keep_to_the_quota(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = await _asset(client, admin, "example.org")
    for _ in range(6):
        await _start(resources, admin, asset_id)

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(_plan(resources, admin, TWO))

    states = [status for status, _ in (await _states(resources, admin)).values()]
    assert sorted(states) == ["pending"] * 4 + ["running"] * 2


async def test_a_scan_too_many_is_refused_with_429_and_what_to_do(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    asset_id = await _asset(client, admin, "example.org")
    body = {"asset_ids": [str(asset_id)]}
    answers = [
        await client.post("/api/v1/scans", json=body, headers=admin.headers) for _ in range(21)
    ]
    async with resources.database.transaction(admin.scope) as work:
        await cancel_scan(work, admin.actor, UUID(answers[0].json()["id"]))
    again = await client.post("/api/v1/scans", json=body, headers=admin.headers)
    foreign = await _asset(client, stranger, "example.net")
    elsewhere = await client.post(
        "/api/v1/scans", json={"asset_ids": [str(foreign)]}, headers=stranger.headers
    )

    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    refusal = answers[-1]
    assert refusal.json()["code"] == "too_many_pending_scans"
    assert "cancel one" in refusal.json()["detail"]
    assert int(refusal.headers["Retry-After"]) > 0
    assert (again.status_code, elsewhere.status_code) == (201, 201)


async def test_graphql_refuses_the_same_scan_with_a_typed_error(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = await _asset(client, admin, "example.org")
    for _ in range(20):
        await _start(resources, admin, asset_id)
    asked = await client.post(
        "/graphql", json={"query": "{ assets { nodes { id } } }"}, headers=admin.headers
    )
    (asset,) = asked.json()["data"]["assets"]["nodes"]

    answer = await client.post(
        "/graphql",
        json={
            "query": """mutation ($id: ID!) { createScan(input: {assetIds: [$id]}) {
                scan { id } errors { code ... on RateLimitedError { retryAfterSeconds } } } }""",
            "variables": {"id": asset["id"]},
        },
        headers=admin.headers,
    )

    payload: dict[str, Any] = answer.json()["data"]["createScan"]  # Any: JSON
    assert payload["scan"] is None
    assert payload["errors"] == [{"code": "TOO_MANY_PENDING_SCANS", "retryAfterSeconds": 60}]


async def test_scans_that_are_asked_for_at_once_keep_to_the_quota(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = await _asset(client, admin, "example.org")

    started: list[UUID] = []

    async def start() -> None:
        with suppress(TooManyRequests):
            started.append(await _start(resources, admin, asset_id, quota=ScanQuota(pending=3)))

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(start())

    assert len(started) == 3


async def test_people_go_before_the_clock(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = await _asset(client, admin, "192.0.2.0/30")
    nightly = await _start(resources, admin, asset_id, is_scheduled=True)
    by_hand = await _start(resources, admin, asset_id)

    await _plan(resources, admin, ScanQuota(running=1))
    first = {
        scan
        for scan, (status, _) in (await _states(resources, admin)).items()
        if status == "running"
    }
    await _plan(resources, admin, UNLIMITED)
    worked = await _work_all(resources)

    assert first == {by_hand}
    assert worked == [by_hand] * 4 + [nightly] * 4


async def _work_all(resources: Resources) -> list[UUID]:
    """The scans in the order in which one worker came to their batches."""
    worked: list[UUID] = []
    async with resources.database.read(_EVERYBODY) as session:
        batches = await session.scalar(text("select count(*) from scan_batches"))
    for _ in range(batches or 0):
        await run_next_batch(Worker(resources.database, StubScanner(), name="one"))
        async with resources.database.read(_EVERYBODY) as session:
            latest = await session.scalar(
                text("select id from scans order by served_at desc nulls last limit 1")
            )
        assert latest is not None
        worked.append(latest)
    return worked


async def test_organizations_take_turns_whoever_asked_first(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    large = await _start(resources, admin, await _asset(client, admin, "192.0.2.0/29"))
    await _plan(resources, admin, UNLIMITED)
    small = await _start(resources, stranger, await _asset(client, stranger, "198.51.100.0/31"))
    await _plan(resources, stranger, UNLIMITED)

    worked = await _work_all(resources)

    assert worked[:4] in ([large, small, large, small], [small, large, small, large])
    assert worked[4:] == [large] * 6


async def test_an_organization_with_two_scans_gets_no_more_workers_than_one_with_one(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    for network in ("192.0.2.0/28", "192.0.2.16/28"):
        await _start(resources, admin, await _asset(client, admin, network))
        await _plan(resources, admin, UNLIMITED)
    await _start(resources, stranger, await _asset(client, stranger, "198.51.100.0/28"))
    await _plan(resources, stranger, UNLIMITED)
    busy = asyncio.Semaphore(0)
    over = asyncio.Event()

    class Busy(StubScanner):
        async def scan(
            self, target: Target, profile: Profile, known: Collection[Known] = ()
        ) -> TargetResult:
            self.seen.append(target.value)
            busy.release()
            await over.wait()
            return await super().scan(target, profile, known)

    scanner = Busy()
    worker = Worker(resources.database, scanner, name="one")
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(run_next_batch(worker))
            await busy.acquire()
        seen = list(scanner.seen)
        over.set()

    assert sum(target.startswith("198.51.100.") for target in seen) == 4


async def test_the_sweep_rings_only_for_scans_that_may_begin(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = await _asset(client, admin, "example.org")
    scans = [await _start(resources, admin, asset_id) for _ in range(4)]
    await _plan(resources, admin, TWO)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(text("update scans set created_at = now() - interval '1 hour'"))

    due = [job.subject_id for job in await sweep_scans(resources.database, TWO)]
    all_due = [job.subject_id for job in await sweep_scans(resources.database, UNLIMITED)]

    assert due == [scans[1]]
    assert all_due == scans[1:]


async def test_a_worker_killed_after_a_target_was_finished_does_not_count(
    client: AsyncClient, resources: Resources, admin: Member, run_jobs: RunJobs
) -> None:
    """Only a batch that kills its workers is written off, not one that lived through a bad day."""
    scan_id = await _start(resources, admin, await _asset(client, admin, "192.0.2.0/29"))
    await _plan(resources, admin, UNLIMITED, batch_size=8)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text("update scans set config_snapshot = config_snapshot || '{\"concurrency\": 1}'")
        )
    for round_ in range(5):
        await _die(resources, _Dying(after=1), finished=round_ + 1)

    await run_next_batch(Worker(resources.database, StubScanner(), name="last"))

    async with resources.database.read(admin.scope) as session:
        reasons = await session.scalars(
            text("select reason from scan_results where scan_id = :id"), {"id": scan_id}
        )
        assert list(reasons) == [""] * 8


class _Dying(StubScanner):
    """Answers for some targets and hangs at the next, as a worker does that is killed there."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after
        self.hangs = asyncio.Event()

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        if len(self.seen) == self.after:
            self.seen.append(target.value)
            self.hangs.set()
            await asyncio.Event().wait()
        return await super().scan(target, profile, known)


async def _die(resources: Resources, scanner: _Dying, *, finished: int) -> None:
    """A worker that is gone without a word: it hands nothing back, and its lease runs out."""

    async def count() -> int:
        async with resources.database.read(Scope(organization_id=organization_id)) as session:
            return await session.scalar(text("select count(*) from scan_results")) or 0

    async with resources.database.read(_EVERYBODY) as session:
        organization_id, batch_id = (
            await session.execute(text("select organization_id, id from scan_batches"))
        ).one()
    async with asyncio.TaskGroup() as group:
        worker = Worker(resources.database, scanner, name="dying")
        running = group.create_task(run_next_batch(worker))
        await scanner.hangs.wait()
        while await count() < finished:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
        running.cancel()
    async with resources.database.transaction(Scope(organization_id=organization_id)) as work:
        await work.session.execute(
            text(
                "update scan_batches set status = 'running',"
                " lease_until = now() - interval '1 second' where id = :id"
            ),
            {"id": batch_id},
        )
