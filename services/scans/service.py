"""Use cases of scans: start one, follow it, stop it, delete it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import assets, findings
from services.actor import Actor, Permission
from services.assets import Asset
from services.database import Change, UnitOfWork, utcnow
from services.errors import InvalidInput, InvalidRequest, NotFound
from services.events import SCAN_COMPLETED, Event
from services.findings import FindingFilter, FindingView
from services.pagination import Page, PageRequest
from services.queue import Job
from services.scanner.profile import Features, ScanType
from services.scanner.target import Target, TargetType
from services.scans import queries
from services.scans.admission import (
    PLAN_SCAN,
    ScanQuota,
    require_room_to_wait,
    ring_for_next_scan,
)
from services.scans.models import Scan, ScanResult, ScanStatus
from services.scans.queries import ScanFilter
from services.sorting import parse_sort

MAX_ASSETS = 1000
MAX_HOSTS = 65_536
"""Addresses of one scan, after expansion."""
TIME_LIMIT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan and how. None means the default of the profile."""

    asset_ids: Sequence[UUID]
    name: str | None = None
    scan_type: ScanType = ScanType.FULL
    features: Features | None = None
    concurrency: int | None = None
    """Targets at once, 1 to 200."""
    scan_timeout_s: int | None = None
    """Limit of one probe, 1 to 120 seconds."""
    max_hosts: int | None = None
    """Refuse a scope with more hosts; 0 and None: the platform's own limit."""
    is_scheduled: bool = False
    """Whether the clock asks for it and no person waits."""


async def list_scans(
    session: AsyncSession,
    actor: Actor,
    filter_: ScanFilter,
    page: PageRequest,
    sort: str | None = None,
) -> Page[Scan]:
    """Newest first unless sorted. Raises InvalidInput for a field that cannot be sorted by."""
    actor.require(Permission.SCANS_READ)
    order = parse_sort(sort, queries.SORT_COLUMNS)
    scans, total = await queries.list_scans(session, actor.organization_id, filter_, page, order)
    return Page(scans, total, page)


async def get_scan(session: AsyncSession, actor: Actor, scan_id: UUID) -> Scan:
    """Raises NotFound."""
    actor.require(Permission.SCANS_READ)
    return await _get(session, actor, scan_id)


async def create_scan(
    work: UnitOfWork, actor: Actor, request: ScanRequest, quota: ScanQuota
) -> Scan:
    """A pending scan, queued after the commit.

    Raises InvalidRequest when an asset is unknown, switched off or another organization's: a
    scope that silently shrinks is a compliance error. Raises TooManyRequests when the organization
    has its fill of scans that wait.
    """
    actor.require(Permission.SCANS_RUN)
    usable = await _usable_assets(work.session, actor, request.asset_ids)
    _require_size(usable, request.max_hosts)
    await require_room_to_wait(work.session, actor.organization_id, quota)
    now = utcnow()
    scan = Scan(
        organization_id=actor.organization_id,
        created_by=actor.user_id,
        name=(request.name or "").strip() or f"Scan of {now:%Y-%m-%d %H:%M} UTC",
        scan_type=request.scan_type,
        config_snapshot={},
        deadline_at=now + TIME_LIMIT,
        is_scheduled=request.is_scheduled,
    )
    scan.config_snapshot = _snapshot(scan, request, usable)
    job = Job(PLAN_SCAN, scan.organization_id, scan.id)
    scan.task_id = job.id
    work.session.add(scan)
    work.record(actor, "scan.created", scan)
    await work.session.flush()
    work.enqueue(job)
    return scan


async def cancel_scan(work: UnitOfWork, actor: Actor, scan_id: UUID) -> Scan:
    """Stop a pending or running scan. Raises NotFound, or InvalidRequest once it has ended.

    Finished targets stay. A worker in the middle of a target sees the state at its next
    heartbeat, and what it would still write is refused.
    """
    actor.require(Permission.SCANS_RUN)
    scan = await _get(work.session, actor, scan_id, lock=True)
    if not scan.is_active:
        raise InvalidRequest(f"The scan is already {scan.status}", code="scan_not_active")
    scan.status = ScanStatus.CANCELLED
    scan.completed_at = utcnow()
    scan.waits_for = None
    work.record(actor, "scan.cancelled", scan)
    await work.session.flush()
    await ring_for_next_scan(work, actor.organization_id)
    work.announce(
        Event(actor.organization_id, SCAN_COMPLETED, scan.id, {"status": scan.status.value})
    )
    return scan


async def delete_scan(work: UnitOfWork, actor: Actor, scan_id: UUID) -> None:
    """Delete a scan with its results, observations and reports. Raises NotFound.

    Findings seen only by this scan go with it; the others stay.
    """
    actor.require(Permission.SCANS_DELETE)
    scan = await _get(work.session, actor, scan_id, lock=True)
    work.record(actor, "scan.deleted", Change.removed(scan))
    await findings.forget_scan(work.session, actor.organization_id, scan.id)
    await work.session.delete(scan)
    await work.session.flush()
    await ring_for_next_scan(work, actor.organization_id)
    work.announce(Event(actor.organization_id, SCAN_COMPLETED, scan.id, {"status": "deleted"}))


async def list_results(
    session: AsyncSession, actor: Actor, scan_id: UUID, page: PageRequest
) -> Page[ScanResult]:
    """By target. Raises NotFound."""
    actor.require(Permission.SCANS_READ)
    scan = await _get(session, actor, scan_id)
    results, total = await queries.list_results(session, actor.organization_id, scan.id, page)
    return Page(results, total, page)


async def list_scan_findings(
    session: AsyncSession, actor: Actor, scan_id: UUID, filter_: FindingFilter, page: PageRequest
) -> Page[FindingView]:
    """What this scan saw, worst first. Raises NotFound."""
    actor.require(Permission.SCANS_READ)
    scan = await _get(session, actor, scan_id)
    return await findings.list_scan_findings(session, actor, scan.id, filter_, page)


async def _get(session: AsyncSession, actor: Actor, scan_id: UUID, *, lock: bool = False) -> Scan:
    scan = await queries.find_scan(session, actor.organization_id, scan_id, lock=lock)
    if scan is None:
        raise NotFound("scan")
    return scan


async def _usable_assets(
    session: AsyncSession, actor: Actor, asset_ids: Sequence[UUID]
) -> Sequence[Asset]:
    wanted = list(dict.fromkeys(asset_ids))
    if not 1 <= len(wanted) <= MAX_ASSETS:
        raise InvalidInput(f"asset_ids must hold 1 to {MAX_ASSETS} ids", field="asset_ids")
    found = await assets.find_active_assets(session, actor, wanted)
    missing = set(wanted) - {asset.id for asset in found}
    if missing:
        raise InvalidRequest(
            "These assets do not exist or are switched off: "
            + ", ".join(sorted(str(asset_id) for asset_id in missing)),
            code="asset_not_usable",
        )
    return found


def _require_size(usable: Sequence[Asset], max_hosts: int | None) -> None:
    hosts = sum(Target(asset.target_type, asset.target_value).host_count for asset in usable)
    limit = min(max_hosts or MAX_HOSTS, MAX_HOSTS)
    if hosts > limit:
        raise InvalidRequest(
            f"The assets stand for {hosts} hosts and the limit is {limit}: choose fewer assets"
            " or raise max_hosts",
            code="scope_too_large",
        )


def _snapshot(scan: Scan, request: ScanRequest, usable: Sequence[Asset]) -> dict[str, object]:
    """The scope and the options as they were asked for: evidence, never changed."""
    features = request.features or Features()
    return {
        "name": scan.name,
        "domains": [a.target_value for a in usable if a.target_type is TargetType.DOMAIN],
        "ip_ranges": [a.target_value for a in usable if a.target_type is not TargetType.DOMAIN],
        "asset_ids": [str(asset.id) for asset in usable],
        "scan_type": request.scan_type.value,
        "features": asdict(features),
        "concurrency": request.concurrency,
        "scan_timeout": request.scan_timeout_s,
        "max_hosts": request.max_hosts,
    }
