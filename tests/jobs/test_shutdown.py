"""A worker that is told to stop finishes its target and hands the rest back."""

from collections.abc import Collection

from sqlalchemy import text

from services.resources import Resources
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult
from services.scanner.target import Target
from services.scans import UNLIMITED, Worker, plan_next_scan, run_next_batch
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
