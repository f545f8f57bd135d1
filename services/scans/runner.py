"""Running a batch: claim, look, store; no transaction is open while sockets are.

Safe to call twice: one caller wins the claim, finished targets are skipped, and a worker that
lost its lease writes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import findings
from services.database import Database, Scope, is_away, when_back
from services.events import SCAN_PROGRESS, Event
from services.metrics import CHECKS, TARGETS
from services.queue import Job
from services.scanner.profile import Features, Profile, ScanType
from services.scanner.result import Known, Scanner, TargetResult, TargetStatus
from services.scanner.target import Target, TargetType
from services.scans import leases
from services.scans.fair_share import next_batches
from services.scans.leases import Lease, LeaseLost
from services.scans.models import Scan, ScanResult, ScanTarget, ScanWait
from services.scans.planner import RUN_BATCH, queue_next
from services.scans.storing import store_result
from services.scans.turns import end_turn, end_turns, take_turn
from services.tracing import span

log = structlog.get_logger()

FINALIZE_SCAN = "finalize_scan"
_HEARTBEAT_S = 1.0
"""Also how soon a cancelled scan is noticed; design: within two seconds."""
_ASK_AGAIN_S = 0.5
"""How long to wait before asking again whether an address is free."""
_DEFAULT_CONCURRENCY = 8
_DEFAULT_PROBE_TIMEOUT_S = 10.0


async def own_address(target: Target) -> Sequence[str]:
    """The address that an address is; a name has none without a resolver."""
    return (target.value,) if target.type is TargetType.IP else ()


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker process brings to a batch."""

    database: Database
    scanner: Scanner
    name: str
    lease_s: float = 30.0
    locate: Callable[[Target], Awaitable[Sequence[str]]] = own_address
    """Every address of a target: no other scan may be at one of them meanwhile."""
    is_stopping: Callable[[], bool] = lambda: False
    """Asked before each target: a worker that was told to stop begins nothing new."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch that is ours, and what is left to do of it."""

    lease: Lease
    targets: Sequence[ScanTarget]
    profile: Profile
    concurrency: int


async def run_next_batch(worker: Worker, *, only: UUID | None = None) -> None:
    """Scan the unfinished targets of the batch whose turn it is; do nothing when none waits.

    ``only`` leaves the batches of every other organization to others.
    """
    batch = await _claim(worker, only)
    if batch is None:
        return
    lease = batch.lease
    structlog.contextvars.bind_contextvars(scan_id=str(lease.scan_id))
    try:
        await _work_through(worker, batch)
        if worker.is_stopping():
            await _hand_back(worker.database, lease)
        else:
            await when_back(lambda: _close(worker.database, lease))
    except LeaseLost:
        log.info("batch_lost", batch_id=str(lease.batch_id), attempt=lease.attempt)
        await _end_turns(worker.database, lease)
    except asyncio.CancelledError:
        await _hand_back(worker.database, lease)
        raise


async def _claim(worker: Worker, only: UUID | None) -> _Batch | None:
    while True:
        async with worker.database.read(Scope(is_sweep=True)) as session:
            waiting = [turn for turn in await next_batches(session) if only in {None, turn[0]}]
        if not waiting:
            return None
        for organization_id, batch_id in waiting:
            async with worker.database.transaction(Scope(organization_id=organization_id)) as work:
                lease = await leases.claim_batch(
                    work.session,
                    organization_id,
                    batch_id,
                    owner=worker.name,
                    lease_s=worker.lease_s,
                )
                if lease is not None:
                    targets = await _unfinished(work.session, lease)
                    return _Batch(lease, targets, *await _profile(work.session, lease))
        # Others were faster with each of them: what waits now is something else.


async def _work_through(worker: Worker, batch: _Batch) -> None:
    lease = batch.lease
    slots = asyncio.Semaphore(batch.concurrency)
    waiting = set[UUID]()

    async def one(row: ScanTarget) -> None:
        target = _target(row)
        addresses = () if lease.is_exhausted else await worker.locate(target)
        while True:
            async with slots:
                if worker.is_stopping():
                    return
                if await when_back(lambda: _take_turn(worker.database, lease, row.id, addresses)):
                    waiting.discard(row.id)
                    seen = await _look(worker, lease, target, batch.profile)
                    break
            # Without a slot: the other targets of the batch go on meanwhile.
            waiting.add(row.id)
            await asyncio.sleep(_ASK_AGAIN_S)
        # What was seen is kept while the database is away: nobody has to look again.
        await when_back(lambda: _store(worker.database, lease, row, seen))

    try:
        async with asyncio.TaskGroup() as group:
            beat = group.create_task(_beat(worker, lease, waiting))
            async with asyncio.TaskGroup() as looks:
                for target in batch.targets:
                    looks.create_task(one(target))
            beat.cancel()
    except BaseExceptionGroup as errors:
        if errors.subgroup(LeaseLost) is not None:
            raise LeaseLost from None
        raise


async def _take_turn(
    database: Database, lease: Lease, target_id: UUID, addresses: Sequence[str]
) -> bool:
    if not addresses:
        return True
    scope = Scope(organization_id=lease.organization_id, is_sweep=True)
    async with database.transaction(scope) as work:
        return await take_turn(work.session, lease, target_id, addresses)


async def _beat(worker: Worker, lease: Lease, waiting: AbstractSet[UUID]) -> None:
    """Raises LeaseLost when the batch or the scan is no longer ours to work on.

    ``waiting``: the targets at whose address another scan is, which the scan says.

    A database that is away for a while is no reason to stop: the lease says when it is.
    """
    scope = Scope(organization_id=lease.organization_id, is_sweep=True)
    while True:
        await asyncio.sleep(min(_HEARTBEAT_S, worker.lease_s / 3))
        try:
            async with worker.database.transaction(scope) as work:
                is_ours = await leases.extend_lease(work.session, lease, lease_s=worker.lease_s)
                if is_ours and waiting and await leases.note_waiting(work.session, lease):
                    data = {"waits_for": ScanWait.ADDRESS.value}
                    work.announce(
                        Event(lease.organization_id, "scan.progress", lease.scan_id, data)
                    )
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("heartbeat_failed", error=type(error).__name__)
            continue
        if not is_ours:
            raise LeaseLost


async def _look(worker: Worker, lease: Lease, target: Target, profile: Profile) -> TargetResult:
    """The result of one target; also when three workers died of it, and when we have a bug."""
    started_at = datetime.now(UTC)
    if lease.is_exhausted:
        return TargetResult(target, TargetStatus.SKIPPED, started_at, 0, reason="worker_lost")
    known = await when_back(lambda: _known(worker.database, lease, target))
    try:
        with span("target", target=str(target), scan_id=str(lease.scan_id)):
            return await worker.scanner.scan(target, profile, known)
    except Exception:  # the outermost loop of a target: one bug must not end the whole scan
        log.exception("target_failed", target=str(target), scan_id=str(lease.scan_id))
        return TargetResult(
            target,
            TargetStatus.SKIPPED,
            started_at,
            0,
            reason="internal_error",
            errors=("The scanner failed on this target; the log of the worker says why",),
        )


async def _known(database: Database, lease: Lease, target: Target) -> Collection[Known]:
    async with database.read(Scope(organization_id=lease.organization_id)) as session:
        return await findings.find_known(session, lease.organization_id, target.value)


async def _store(database: Database, lease: Lease, target: ScanTarget, seen: TargetResult) -> None:
    """Result, findings and progress of one target in one transaction (JOB-4)."""
    try:
        async with database.transaction(Scope(organization_id=lease.organization_id)) as work:
            await leases.hold_lease(work.session, lease)
            await end_turn(work.session, lease, target.id)
            if not await store_result(work.session, lease, target.asset_id, seen):
                return
            progress = await leases.count_target_done(work.session, lease)
            work.announce(
                Event(
                    lease.organization_id,
                    SCAN_PROGRESS,
                    lease.scan_id,
                    {"progress": progress, "target": target.target_value},
                )
            )
        _count(seen)
    except IntegrityError:
        # The scan was deleted under us: its foreign key refuses what we still have.
        raise LeaseLost from None


def _count(seen: TargetResult) -> None:
    TARGETS.labels(seen.status.value).inc()
    for result in seen.checks:
        CHECKS.labels(result.check.category, result.verdict.outcome.value).inc()


async def _close(database: Database, lease: Lease) -> None:
    async with database.transaction(Scope(organization_id=lease.organization_id)) as work:
        if await leases.close_batch(work.session, lease):
            work.enqueue(Job(FINALIZE_SCAN, lease.organization_id, lease.scan_id))
        else:
            await queue_next(work, lease.organization_id, lease.scan_id)


async def _hand_back(database: Database, lease: Lease) -> None:
    """At once, rather than when the lease ends; what is finished of the batch stays."""
    async with database.transaction(Scope(organization_id=lease.organization_id)) as work:
        await leases.release_batch(work.session, lease)
        await end_turns(work.session, lease)
        work.enqueue(Job(RUN_BATCH, lease.organization_id, lease.batch_id, lease.attempt))


async def _end_turns(database: Database, lease: Lease) -> None:
    """A cancelled scan has let go of its targets; its lease would last a while."""
    async with database.transaction(Scope(organization_id=lease.organization_id)) as work:
        await end_turns(work.session, lease)


async def _unfinished(session: AsyncSession, lease: Lease) -> Sequence[ScanTarget]:
    """The targets of the batch without a result, in the order they were planned."""
    statement = (
        select(ScanTarget)
        .where(
            ScanTarget.organization_id == lease.organization_id,
            ScanTarget.batch_id == lease.batch_id,
            ~select(ScanResult.id)
            .where(
                ScanResult.organization_id == lease.organization_id,
                ScanResult.scan_id == lease.scan_id,
                ScanResult.target == ScanTarget.target_value,
            )
            .exists(),
        )
        .order_by(ScanTarget.id)
    )
    return (await session.scalars(statement)).all()


async def _profile(session: AsyncSession, lease: Lease) -> tuple[Profile, int]:
    snapshot = await session.scalar(
        select(Scan.config_snapshot).where(
            Scan.organization_id == lease.organization_id, Scan.id == lease.scan_id
        )
    )
    if snapshot is None:
        raise LeaseLost
    profile = Profile(
        payer=str(lease.organization_id),
        scan_type=ScanType(snapshot["scan_type"]),
        features=Features(**snapshot["features"]),
        probe_timeout_s=snapshot["scan_timeout"] or _DEFAULT_PROBE_TIMEOUT_S,
    )
    return profile, snapshot["concurrency"] or _DEFAULT_CONCURRENCY


def _target(row: ScanTarget) -> Target:
    return Target(row.target_type, row.target_value)
