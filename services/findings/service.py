"""Use cases of findings: look at them, move them through their life, count them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations
from services.actor import Actor, Permission
from services.database import UnitOfWork, utcnow
from services.errors import InvalidInput, InvalidRequest, NotFound
from services.events import Event
from services.findings import queries
from services.findings.models import Finding, FindingEvent, FindingStatus, Observation
from services.findings.queries import FindingFilter
from services.findings.views import FindingView
from services.pagination import Page, PageRequest
from services.scanner.check import Severity

UNRESOLVED = (FindingStatus.OPEN, FindingStatus.ACKNOWLEDGED, FindingStatus.IN_PROGRESS)
ACCEPTANCE = timedelta(days=180)
"""How long a risk stays accepted when nobody says until when."""
MAX_NOTE_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class FindingStats:
    """Each problem once, over all statuses unless the filter says otherwise; zeros present."""

    matrix: Mapping[Severity, Mapping[FindingStatus, int]]

    @property
    def total(self) -> int:
        return sum(self.by_severity.values())

    @property
    def by_severity(self) -> dict[Severity, int]:
        return {severity: sum(row.values()) for severity, row in self.matrix.items()}

    @property
    def by_status(self) -> dict[FindingStatus, int]:
        return {
            status: sum(row[status] for row in self.matrix.values()) for status in FindingStatus
        }


async def list_findings(
    session: AsyncSession, actor: Actor, filter_: FindingFilter, page: PageRequest
) -> Page[FindingView]:
    """Newest first."""
    actor.require(Permission.FINDINGS_READ)
    rows, total = await queries.list_findings(session, actor.organization_id, filter_, page)
    return Page(await _views(session, actor, [(finding, None) for finding in rows]), total, page)


async def list_scan_findings(
    session: AsyncSession,
    actor: Actor,
    scan_id: UUID,
    filter_: FindingFilter,
    page: PageRequest,
) -> Page[FindingView]:
    """What one scan saw, worst severity first. The caller has made sure that the scan exists."""
    actor.require(Permission.FINDINGS_READ)
    rows, total = await queries.list_scan_findings(
        session, actor.organization_id, scan_id, filter_, page
    )
    return Page(await _views(session, actor, rows), total, page)


async def views_of_scan(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, scan_name: str
) -> list[FindingView]:
    """Everything one scan saw, worst first: for its report."""
    rows = await queries.all_scan_findings(session, organization_id, scan_id)
    return [FindingView(finding, scan_name, observation) for finding, observation in rows]


async def get_finding(session: AsyncSession, actor: Actor, finding_id: UUID) -> FindingView:
    """Raises NotFound."""
    actor.require(Permission.FINDINGS_READ)
    finding = await _get(session, actor, finding_id)
    return (await _views(session, actor, [(finding, None)]))[0]


async def update_finding(
    work: UnitOfWork,
    actor: Actor,
    finding_id: UUID,
    changes: Mapping[str, Any],  # Any: column values; only the fields a caller gave
) -> FindingView:
    """Change ``status, resolution_note, assigned_to, due_at`` or ``accepted_until``.

    Setting the status it has leaves no trace. Raises NotFound, InvalidInput, InvalidRequest.
    """
    actor.require(Permission.FINDINGS_WRITE)
    finding = await _get(work.session, actor, finding_id, lock=True)
    if not changes:
        raise InvalidRequest("No field to change was given", code="nothing_to_update")
    await _require_acceptable(work.session, actor, changes)
    for column in ("resolution_note", "assigned_to", "due_at", "accepted_until"):
        if column in changes:
            setattr(finding, column, changes[column])
    if "status" in changes:
        _set_status(work, actor, finding, changes["status"])
    work.announce(Event(actor.organization_id, "finding.changed", finding.id))
    await work.session.flush()
    return (await _views(work.session, actor, [(finding, None)]))[0]


async def finding_stats(
    session: AsyncSession, actor: Actor, filter_: FindingFilter
) -> FindingStats:
    actor.require(Permission.FINDINGS_READ)
    matrix = {severity: dict.fromkeys(FindingStatus, 0) for severity in Severity}
    for severity, status, count in await queries.count_by_severity_and_status(
        session, actor.organization_id, filter_
    ):
        matrix[severity][status] = count
    return FindingStats(matrix)


async def count_open_by_asset(
    session: AsyncSession, actor: Actor, asset_ids: Sequence[UUID]
) -> dict[UUID, int]:
    """How many unresolved findings each asset has; an asset without any is left out."""
    actor.require(Permission.FINDINGS_READ)
    return await queries.count_by_asset(session, actor.organization_id, asset_ids, UNRESOLVED)


async def resolve_for_removed_asset(work: UnitOfWork, actor: Actor, asset_id: UUID) -> None:
    """Resolve what is open of an asset that is no longer watched; the history says why."""
    actor.require(Permission.ASSETS_WRITE)
    note = "asset_removed"
    resolved = await queries.resolve_of_asset(
        work.session,
        actor.organization_id,
        asset_id,
        statuses=(*UNRESOLVED, FindingStatus.ACCEPTED_RISK),
        note=note,
        now=utcnow(),
    )
    work.session.add_all(
        FindingEvent(
            organization_id=actor.organization_id,
            finding_id=finding_id,
            actor_id=actor.user_id,
            from_status=status,
            to_status=FindingStatus.RESOLVED,
            note=note,
        )
        for finding_id, status in resolved
    )


async def _get(
    session: AsyncSession, actor: Actor, finding_id: UUID, *, lock: bool = False
) -> Finding:
    finding = await queries.find_finding(session, actor.organization_id, finding_id, lock=lock)
    if finding is None:
        raise NotFound("finding")
    return finding


async def _views(
    session: AsyncSession,
    actor: Actor,
    rows: Sequence[tuple[Finding, Observation | None]] | Sequence[tuple[Finding, Observation]],
) -> list[FindingView]:
    """One statement for the names of all the scans."""
    scan_ids = {
        scan_id
        for finding, observation in rows
        if (scan_id := observation.scan_id if observation else finding.last_scan_id)
    }
    names = await queries.scan_names(session, actor.organization_id, list(scan_ids))
    return [
        FindingView(
            finding,
            names.get(scan_id)
            if (scan_id := observation.scan_id if observation else finding.last_scan_id)
            else None,
            observation,
        )
        for finding, observation in rows
    ]


async def _require_acceptable(
    session: AsyncSession,
    actor: Actor,
    changes: Mapping[str, Any],  # Any: column values
) -> None:
    if "status" in changes and changes["status"] is None:
        raise InvalidInput("status may not be null", field="status")
    if len(changes.get("resolution_note") or "") > MAX_NOTE_LENGTH:
        raise InvalidInput(
            f"resolution_note has at most {MAX_NOTE_LENGTH} characters", field="resolution_note"
        )
    assignee: UUID | None = changes.get("assigned_to")
    if assignee is not None and not await organizations.is_member(
        session, actor.organization_id, assignee
    ):
        raise InvalidRequest("assigned_to is no member of this organization", code="not_a_member")


def _set_status(work: UnitOfWork, actor: Actor, finding: Finding, status: FindingStatus) -> None:
    if status is finding.status:
        return
    now = utcnow()
    work.session.add(
        FindingEvent(
            organization_id=actor.organization_id,
            finding_id=finding.id,
            actor_id=actor.user_id,
            from_status=finding.status,
            to_status=status,
            note=finding.resolution_note,
        )
    )
    finding.status = status
    finding.resolved_at = now if status is FindingStatus.RESOLVED else None
    if status is FindingStatus.ACCEPTED_RISK:
        finding.accepted_until = finding.accepted_until or now + ACCEPTANCE
    else:
        finding.accepted_until = None
