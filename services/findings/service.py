"""Use cases of findings: look at them, and let go of what nobody works on."""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission
from services.database import UnitOfWork, utcnow
from services.errors import NotFound
from services.findings import queries
from services.findings.filtering import FindingFilter
from services.findings.models import UNRESOLVED, Finding, Observation
from services.findings.views import FindingView
from services.pagination import Page, PageRequest
from services.sorting import parse_sort

_BLOCK = 1_000
"""Findings read at once for a report."""


async def list_findings(
    session: AsyncSession,
    actor: Actor,
    filter_: FindingFilter,
    page: PageRequest,
    sort: str | None = None,
) -> Page[FindingView]:
    """Newest first unless sorted. Raises InvalidInput for a field that cannot be sorted by."""
    actor.require(Permission.FINDINGS_READ)
    order = parse_sort(sort, queries.SORT_COLUMNS)
    rows, total = await queries.list_findings(session, actor.organization_id, filter_, page, order)
    return Page(
        await named_views(session, actor, [(finding, None) for finding in rows]), total, page
    )


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
    return Page(await named_views(session, actor, rows), total, page)


async def stream_views_of_scan(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, scan_name: str
) -> AsyncGenerator[Sequence[FindingView]]:
    """Everything one scan saw, worst first, block by block: for its report."""
    async for rows in queries.stream_scan_findings(session, organization_id, scan_id, block=_BLOCK):
        yield [FindingView(finding, scan_name, observation) for finding, observation in rows]


async def get_finding(session: AsyncSession, actor: Actor, finding_id: UUID) -> FindingView:
    """Raises NotFound."""
    actor.require(Permission.FINDINGS_READ)
    finding = await require_finding(session, actor, finding_id)
    return (await named_views(session, actor, [(finding, None)]))[0]


async def count_open_by_asset(
    session: AsyncSession, actor: Actor, asset_ids: Sequence[UUID]
) -> dict[UUID, int]:
    """How many unresolved findings each asset has; an asset without any is left out."""
    actor.require(Permission.FINDINGS_READ)
    return await queries.count_by_asset(session, actor.organization_id, asset_ids, UNRESOLVED)


async def clear_assignments(work: UnitOfWork, organization_id: UUID, user_id: UUID) -> None:
    """Nobody works any longer on what was open and theirs: they left the organization."""
    await queries.unassign(
        work.session, organization_id, user_id, statuses=UNRESOLVED, now=utcnow()
    )


async def require_finding(session: AsyncSession, actor: Actor, finding_id: UUID) -> Finding:
    """Raises NotFound."""
    finding = await queries.find_finding(session, actor.organization_id, finding_id)
    if finding is None:
        raise NotFound("finding")
    return finding


async def named_views(
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
