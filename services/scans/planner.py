"""Planning: the assets of a scan become single targets, cut into batches."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.assets import Asset
from services.database import Database, Scope, UnitOfWork, utcnow
from services.events import SCAN_COMPLETED, SCAN_PROGRESS, Event
from services.identifiers import uuid7
from services.queue import Job
from services.scanner.target import Target, TargetType
from services.scans import leases
from services.scans.admission import ScanQuota, begin_next_scan, ring_for_next_scan
from services.scans.models import BatchStatus, Scan, ScanBatch, ScanStatus, ScanTarget

log = structlog.get_logger()

RUN_BATCH = "run_batch"
WINDOW = 16
"""Batches of one scan in the queue at once: a large network cannot keep the others waiting."""
_ROWS_PER_INSERT = 1000
Row = dict[str, Any]  # Any: column values of one row


async def plan_next_scan(
    database: Database, organization_id: UUID, *, batch_size: int, quota: ScanQuota
) -> None:
    """Begin the scan of the organization whose turn it is, and write down its targets.

    Does nothing when none waits, or as many run as may. Claim, batches and targets are one
    transaction: a worker that dies here leaves a pending scan.
    """
    async with database.transaction(Scope(organization_id=organization_id)) as work:
        scan = await begin_next_scan(work.session, organization_id, quota)
        if scan is None:
            return
        targets = await _targets(work.session, scan)
        if not targets:
            scan.status = ScanStatus.CANCELLED
            scan.completed_at = utcnow()
            scan.error_code = "no_target_left"
            scan.error_message = "Every asset of this scan was removed before it began"
            await work.session.flush()
            await ring_for_next_scan(work, organization_id)
            work.announce(
                Event(organization_id, SCAN_COMPLETED, scan.id, {"status": scan.status.value})
            )
            return
        scan.targets_total = len(targets)
        await _write(work.session, scan, targets, batch_size)
        await queue_next(work, organization_id, scan.id, most=WINDOW)
        work.announce(Event(organization_id, SCAN_PROGRESS, scan.id, {"progress": 0}))
    log.info("scan_planned", scan_id=str(scan.id), targets=len(targets))


async def queue_next(
    work: UnitOfWork, organization_id: UUID, scan_id: UUID, *, most: int = 1
) -> None:
    """Ring for the next batches of a scan that nobody was told of yet."""
    for batch_id in await leases.queue_batches(work.session, organization_id, scan_id, most=most):
        work.enqueue(Job(RUN_BATCH, organization_id, batch_id))


async def _targets(session: AsyncSession, scan: Scan) -> dict[Target, UUID]:
    """Each host once, with the asset its findings belong to: the most specific one.

    Only assets still active are scanned: consent withdrawn means no more packets.
    """
    wanted = [UUID(text) for text in scan.config_snapshot["asset_ids"]]
    assets = await session.scalars(
        select(Asset).where(
            Asset.organization_id == scan.organization_id,
            Asset.id.in_(wanted),
            Asset.is_active.is_(True),
            Asset.deleted_at.is_(None),
        )
    )
    # Single addresses before networks, small networks before large ones.
    by_width = sorted(assets, key=lambda asset: (_target(asset).host_count, str(asset.id)))
    hosts: dict[Target, UUID] = {}
    for asset in by_width:
        for host in _target(asset).hosts():
            hosts.setdefault(host, asset.id)
    return hosts


def _target(asset: Asset) -> Target:
    return Target(asset.target_type, asset.target_value)


async def _write(
    session: AsyncSession, scan: Scan, targets: dict[Target, UUID], batch_size: int
) -> None:
    """Batches and targets in sets."""
    now = utcnow()
    # Domains first: a person who watches sees the answers they asked for by name.
    ordered = sorted(targets.items(), key=lambda item: item[0].type is not TargetType.DOMAIN)
    batches: list[Row] = []
    rows: list[Row] = []
    for number, start in enumerate(range(0, len(ordered), batch_size)):
        batch_id = uuid7()
        batches.append(_row(scan, batch_id, now) | {"number": number, "attempt": 0})
        rows.extend(
            {
                **_row(scan, uuid7(), now),
                "batch_id": batch_id,
                "asset_id": asset_id,
                "target_type": target.type,
                "target_value": target.value,
            }
            for target, asset_id in ordered[start : start + batch_size]
        )
    for batch in batches:
        batch["status"] = BatchStatus.PENDING
    for chunk in _chunks(batches):
        await session.execute(insert(ScanBatch), chunk)
    for chunk in _chunks(rows):
        await session.execute(insert(ScanTarget), chunk)


def _row(scan: Scan, id: UUID, now: object) -> Row:
    return {
        "id": id,
        "organization_id": scan.organization_id,
        "scan_id": scan.id,
        "created_at": now,
        "updated_at": now,
    }


def _chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        yield list(rows[start : start + _ROWS_PER_INSERT])
