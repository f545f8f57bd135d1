"""From a pending row to a finished scan, through Redis and a worker."""

import asyncio
from collections.abc import Collection
from typing import Any
from uuid import UUID

from httpx2 import AsyncClient
from sqlalchemy import text

from services.database import Scope
from services.resources import Resources
from services.scanner.check import CheckResult, Severity, Verdict
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult, TargetStatus
from services.scanner.target import Target
from services.scans import (
    UNLIMITED,
    Worker,
    finalize_scan,
    plan_next_scan,
    run_next_batch,
    sweep_scans,
)
from tests.conftest import RunJobs
from tests.jobs.conftest import StartScan
from tests.members import Member
from tests.scanners import BrokenScanner, HangingScanner, StubScanner, at


def _expired(target: Target) -> list[CheckResult]:
    return [
        at(target, "tls.cert.expired", Verdict.failed("ended yesterday")),
        at(target, "tls.protocol.tls10", Verdict.passed("refused")),
    ]


def _renewed(target: Target) -> list[CheckResult]:
    return [
        at(target, "tls.cert.expired", Verdict.passed("in date")),
        at(target, "tls.protocol.tls10", Verdict.passed("refused")),
    ]


async def _scan(client: AsyncClient, member: Member, scan_id: UUID) -> dict[str, Any]:  # Any: JSON
    response = await client.get(f"/api/v1/scans/{scan_id}", headers=member.headers)
    assert response.status_code == 200
    return response.json()


async def _findings(client: AsyncClient, member: Member) -> list[dict[str, Any]]:  # Any: JSON
    response = await client.get("/api/v1/findings", headers=member.headers)
    assert response.status_code == 200
    return response.json()["items"]


async def test_a_scan_runs_from_pending_to_completed(
    client: AsyncClient, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    scan_id = await start_scan("example.org", "192.0.2.0/30")

    await run_jobs(scanner := StubScanner(_expired))

    scan = await _scan(client, admin, scan_id)
    assert scan["status"] == "completed"
    assert sorted(scanner.seen) == [
        "192.0.2.0",
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
        "example.org",
    ]
    assert (scan["targets_total"], scan["targets_done"], scan["progress"]) == (5, 5, 100)
    assert (scan["hosts_scanned"], scan["hosts_alive"], scan["findings_high"]) == (5, 5, 5)
    assert scan["total_score"] is not None
    assert scan["total_score"] < 65
    assert scan["compliance_matrix"]["art21_h"]["status"] == "gap_indicated"
    assert "high" in scan["executive_summary"]


async def test_the_same_problem_in_two_scans_is_one_finding(
    client: AsyncClient, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    for _ in range(2):
        await start_scan("example.org")
        await run_jobs(StubScanner(_expired))

    (finding,) = await _findings(client, admin)
    assert finding["occurrences"] == 2
    assert finding["first_seen_at"] < finding["last_seen_at"]


async def test_a_problem_that_is_gone_is_resolved_and_one_that_returns_is_reopened(
    client: AsyncClient, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    states: list[tuple[str, int]] = []
    for judge in (_expired, _renewed, _expired):
        await start_scan("example.org")
        await run_jobs(StubScanner(judge))
        (finding,) = await _findings(client, admin)
        states.append((finding["status"], finding["reopened_count"]))

    assert states == [("open", 0), ("resolved", 0), ("open", 1)]


async def test_a_target_that_went_dark_resolves_nothing_and_has_no_score(
    client: AsyncClient, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    await start_scan("example.org")
    await run_jobs(StubScanner(_expired))
    dark = await start_scan("example.org")
    await run_jobs(StubScanner(_expired, status=TargetStatus.UNREACHABLE))

    (finding,) = await _findings(client, admin)
    scan = await _scan(client, admin, dark)
    assert finding["status"] == "open"
    assert (scan["status"], scan["total_score"], scan["partial"]) == ("completed", None, True)


async def test_a_severity_that_changes_is_the_same_finding(
    client: AsyncClient, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    for severity in (Severity.LOW, Severity.HIGH):
        await start_scan("example.org")
        await run_jobs(
            StubScanner(
                lambda target, severity=severity: [
                    at(target, "tls.cert.expiring_soon", Verdict.failed("soon", severity=severity))
                ]
            )
        )

    (finding,) = await _findings(client, admin)
    assert (finding["severity"], finding["occurrences"]) == ("high", 2)


async def test_accepted_risk_stays_accepted_while_it_is_seen(
    client: AsyncClient, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    await start_scan("example.org")
    await run_jobs(StubScanner(_expired))
    (finding,) = await _findings(client, admin)
    await client.patch(
        f"/api/v1/findings/{finding['id']}",
        json={"status": "accepted_risk", "resolution_note": "legacy"},
        headers=admin.headers,
    )
    await start_scan("example.org")
    await run_jobs(StubScanner(_expired))

    (finding,) = await _findings(client, admin)
    assert (finding["status"], finding["resolution_note"]) == ("accepted_risk", "legacy")


async def test_a_bug_in_the_scanner_costs_one_target_and_not_the_scan(
    client: AsyncClient, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    """TGT-6."""
    scan_id = await start_scan("example.org")

    await run_jobs(BrokenScanner())

    scan = await _scan(client, admin, scan_id)
    results = await client.get(f"/api/v1/scans/{scan_id}/results", headers=admin.headers)
    (result,) = results.json()["items"]
    assert (scan["status"], scan["total_score"]) == ("completed", None)
    assert (result["status"], result["reason"]) == ("skipped", "internal_error")


async def test_planning_and_running_twice_leave_the_same_rows(
    resources: Resources, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    """JOB-4: arq delivers at least once."""
    await start_scan("example.org", "192.0.2.1")
    organization_id = admin.organization_id
    for _ in range(2):
        await plan_next_scan(resources.database, organization_id, batch_size=16, quota=UNLIMITED)
    worker = Worker(resources.database, scanner := StubScanner(_expired), name="one")
    await run_next_batch(worker)
    await run_next_batch(worker)
    await run_jobs(scanner)

    assert sorted(scanner.seen) == ["192.0.2.1", "example.org"]
    async with resources.database.read(admin.scope) as session:
        counts = await session.execute(
            text(
                "select (select count(*) from scan_results), (select count(*) from observations),"
                " (select max(occurrences) from findings)"
            )
        )
        assert counts.one() == (2, 2, 1)


async def test_a_cancelled_scan_lets_its_worker_go_within_two_seconds(
    client: AsyncClient, resources: Resources, admin: Member, start_scan: StartScan
) -> None:
    """JOB-8, also while a target hangs."""
    scan_id = await start_scan("example.org")
    await plan_next_scan(resources.database, admin.organization_id, batch_size=16, quota=UNLIMITED)
    scanner = HangingScanner()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run_next_batch(Worker(resources.database, scanner, name="one")))
        await scanner.asked.wait()
        cancelled = await client.post(f"/api/v1/scans/{scan_id}/cancel", headers=admin.headers)
        async with asyncio.timeout(2):
            await running

    assert cancelled.json()["status"] == "cancelled"
    assert scanner.cancelled == 1
    assert (await _scan(client, admin, scan_id))["status"] == "cancelled"


async def test_a_worker_that_lost_its_lease_writes_nothing(
    resources: Resources, admin: Member, start_scan: StartScan
) -> None:
    """JOB-3: the attempt is the fence."""
    await start_scan("example.org")
    await plan_next_scan(resources.database, admin.organization_id, batch_size=16, quota=UNLIMITED)
    zombie = HangingScanner()

    async with asyncio.TaskGroup() as group:
        lost = group.create_task(run_next_batch(Worker(resources.database, zombie, name="zombie")))
        await zombie.asked.wait()
        async with resources.database.transaction(admin.scope) as work:
            await work.session.execute(
                text("update scan_batches set lease_until = now() - interval '1 second'")
            )
        await run_next_batch(Worker(resources.database, StubScanner(_expired), name="heir"))
        async with asyncio.timeout(3):
            await lost

    async with resources.database.read(admin.scope) as session:
        owners = await session.execute(
            text("select lease_owner, attempt, status from scan_batches")
        )
        assert owners.one() == ("heir", 2, "done")


async def test_a_batch_that_killed_three_workers_is_written_off_by_name(
    client: AsyncClient,
    resources: Resources,
    admin: Member,
    start_scan: StartScan,
    run_jobs: RunJobs,
) -> None:
    scan_id = await start_scan("example.org")
    await plan_next_scan(resources.database, admin.organization_id, batch_size=16, quota=UNLIMITED)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(text("update scan_batches set lost_workers = 3"))

    await run_jobs(scanner := StubScanner(_expired))

    results = await client.get(f"/api/v1/scans/{scan_id}/results", headers=admin.headers)
    (result,) = results.json()["items"]
    assert scanner.seen == []
    assert (result["status"], result["reason"]) == ("skipped", "worker_lost")
    assert (await _scan(client, admin, scan_id))["status"] == "completed"


async def test_the_sweep_finds_every_scan_whose_messages_were_lost(
    client: AsyncClient,
    resources: Resources,
    admin: Member,
    start_scan: StartScan,
) -> None:
    """JOB-6: Redis emptied before planning, before the batch and before the end."""
    scan_id = await start_scan("example.org")
    swept: list[str] = []
    for _ in range(3):
        await resources.redis.delete("nis2:queue")
        async with resources.database.transaction(admin.scope) as work:
            for statement in (
                "update scans set created_at = now() - interval '1 minute'",
                "update scans set updated_at = now() - interval '1 minute'",
                "update scan_batches set queued_at = now() - interval '1 minute'",
            ):
                await work.session.execute(text(statement))
        (job,) = await sweep_scans(resources.database, UNLIMITED)
        swept.append(job.name)
        if job.name == "plan_scan":
            await plan_next_scan(
                resources.database, job.organization_id, batch_size=16, quota=UNLIMITED
            )
        elif job.name == "run_batch":
            worker = Worker(resources.database, StubScanner(_expired), name="one")
            await run_next_batch(worker)
        else:
            await finalize_scan(resources.database, job.organization_id, job.subject_id)

    assert swept == ["plan_scan", "run_batch", "finalize_scan"]
    assert (await _scan(client, admin, scan_id))["status"] == "completed"


async def test_a_scan_past_its_deadline_fails_and_keeps_its_results(
    client: AsyncClient, resources: Resources, admin: Member, start_scan: StartScan
) -> None:
    """JOB-7."""
    scan_id = await start_scan("example.org")
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text("update scans set deadline_at = now() - interval '1 second'")
        )

    await sweep_scans(resources.database, UNLIMITED)

    scan = await _scan(client, admin, scan_id)
    assert (scan["status"], scan["error_code"], scan["partial"]) == ("failed", "time_limit", True)


async def test_deleting_a_running_scan_leaves_no_orphan(
    client: AsyncClient, resources: Resources, admin: Member, start_scan: StartScan
) -> None:
    scan_id = await start_scan("example.org")
    await plan_next_scan(resources.database, admin.organization_id, batch_size=16, quota=UNLIMITED)
    scanner = HangingScanner()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run_next_batch(Worker(resources.database, scanner, name="one")))
        await scanner.asked.wait()
        deleted = await client.delete(f"/api/v1/scans/{scan_id}", headers=admin.headers)
        async with asyncio.timeout(2):
            await running

    assert deleted.status_code == 204
    async with resources.database.read(Scope(organization_id=admin.organization_id)) as session:
        for table in ("scans", "scan_batches", "scan_targets", "scan_results", "observations"):
            assert await session.scalar(text(f"select count(*) from {table}")) == 0  # noqa: S608 - our own names


async def test_batches_that_end_at_once_still_finish_the_scan(
    client: AsyncClient, resources: Resources, admin: Member, start_scan: StartScan
) -> None:
    """Each of two would see the other still running: one of them must see itself as the last."""
    scan_id = await start_scan(*(f"192.0.2.{n}" for n in range(8)))
    await plan_next_scan(resources.database, admin.organization_id, batch_size=1, quota=UNLIMITED)
    gate = asyncio.Barrier(8)

    class Together(StubScanner):
        async def scan(
            self, target: Target, profile: Profile, known: Collection[Known] = ()
        ) -> TargetResult:
            await gate.wait()
            return await super().scan(target, profile, known)

    worker = Worker(resources.database, Together(), name="one")
    await resources.redis.delete("nis2:queue")
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(run_next_batch(worker))

    queued = await resources.redis.zrange("nis2:queue", 0, -1)  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
    assert queued == [f"finalize_scan:{scan_id}:0".encode()]
