"""Findings by key and by parent: what a graph of objects asks for, many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Permission, Reader
from services.findings.filtering import FindingFilter, matching
from services.findings.models import Finding, Observation
from services.findings.views import FindingView
from services.keyset import Ordering, Slice, Window, cut, each

NEWEST_FIRST = Ordering((Finding.id,), is_descending=True)
"""Keys are time-ordered. Positions are ``(id,)``."""
WORST_FIRST = Ordering((Finding.severity, Finding.id))
"""Positions are ``(severity, id)``."""
LEAST_FIRST = Ordering((Finding.severity, Finding.id), is_descending=True)
"""Positions as of the one before."""
OLDEST_FIRST = Ordering((Finding.id,))
WORST_SEEN_FIRST = Ordering((Observation.severity, Observation.finding_id))
"""The order of one scan's findings, by the severity that scan saw."""


@dataclass(frozen=True, slots=True)
class ParentWindow:
    """The same window into the same filtered list of each parent: what one loader batches."""

    window: Window
    filter: FindingFilter


async def slice_findings(
    session: AsyncSession,
    reader: Reader,
    filter_: FindingFilter,
    window: Window,
    ordering: Ordering = NEWEST_FIRST,
) -> Slice[FindingView]:
    """Newest first unless ordered."""
    reader.require(Permission.FINDINGS_READ)
    statement = select(Finding).where(*_of(reader, filter_))
    rows = (await session.scalars(ordering.window(statement, window))).all()
    return cut([FindingView(finding, None) for finding in rows], window)


async def count_findings(session: AsyncSession, reader: Reader, filter_: FindingFilter) -> int:
    reader.require(Permission.FINDINGS_READ)
    statement = select(func.count()).select_from(Finding).where(*_of(reader, filter_))
    return await session.scalar(statement) or 0


async def findings_by_id(
    session: AsyncSession, reader: Reader, finding_ids: Sequence[UUID]
) -> dict[UUID, FindingView]:
    """Those of the ids that are findings of this organization."""
    reader.require(Permission.FINDINGS_READ)
    rows = await session.scalars(
        select(Finding).where(
            Finding.organization_id.in_(reader.organization_ids), Finding.id.in_(finding_ids)
        )
    )
    return {finding.id: FindingView(finding, None) for finding in rows}


async def slice_scan_findings(
    session: AsyncSession, reader: Reader, scan_ids: Sequence[UUID], asked: ParentWindow
) -> dict[UUID, Slice[FindingView]]:
    """What each scan saw, worst first: a page of every scan in one statement."""
    reader.require(Permission.FINDINGS_READ)
    parents = each(scan_ids)
    window = WORST_SEEN_FIRST.window(
        select(Observation.finding_id)
        .join(Finding, Finding.id == Observation.finding_id)
        .where(*_seen(reader, asked.filter), Observation.scan_id == parents.column),
        asked.window,
    )
    page = window.correlate(parents).lateral("page")
    statement = (
        select(Finding, Observation)
        .select_from(parents)
        .join(page, true())
        .join(
            Observation,
            Observation.organization_id.in_(reader.organization_ids)
            & (Observation.scan_id == parents.column)
            & (Observation.finding_id == page.c.finding_id),
        )
        .join(
            Finding,
            (Finding.organization_id == Observation.organization_id)
            & (Finding.id == page.c.finding_id),
        )
        .order_by(*WORST_SEEN_FIRST.direction(asked.window))
    )
    pages: dict[UUID, list[FindingView]] = {scan_id: [] for scan_id in scan_ids}
    for finding, observation in await session.execute(statement):
        pages[observation.scan_id].append(FindingView(finding, None, observation))
    return {scan_id: cut(views, asked.window) for scan_id, views in pages.items()}


async def count_scan_findings(
    session: AsyncSession, reader: Reader, scan_ids: Sequence[UUID], filter_: FindingFilter
) -> dict[UUID, int]:
    """How many findings each scan saw; a scan without any is left out."""
    reader.require(Permission.FINDINGS_READ)
    statement = (
        select(Observation.scan_id, func.count())
        .join(Finding, Finding.id == Observation.finding_id)
        .where(*_seen(reader, filter_), Observation.scan_id.in_(scan_ids))
        .group_by(Observation.scan_id)
    )
    return dict((await session.execute(statement)).all())


async def slice_asset_findings(
    session: AsyncSession, reader: Reader, asset_ids: Sequence[UUID], asked: ParentWindow
) -> dict[UUID, Slice[FindingView]]:
    """The findings of each asset, worst first: a page of every asset in one statement."""
    reader.require(Permission.FINDINGS_READ)
    parents = each(asset_ids)
    window = WORST_FIRST.window(
        select(Finding.id).where(
            *_of(reader, asked.filter),
            Finding.asset_id == parents.column,
        ),
        asked.window,
    )
    page = window.correlate(parents).lateral("page")
    statement = (
        select(Finding)
        .select_from(parents)
        .join(page, true())
        .join(
            Finding,
            Finding.organization_id.in_(reader.organization_ids) & (Finding.id == page.c.id),
        )
        .order_by(*WORST_FIRST.direction(asked.window))
    )
    pages: dict[UUID, list[FindingView]] = {asset_id: [] for asset_id in asset_ids}
    for finding in await session.scalars(statement):
        if finding.asset_id is not None:
            pages[finding.asset_id].append(FindingView(finding, None))
    return {asset_id: cut(views, asked.window) for asset_id, views in pages.items()}


async def count_asset_findings(
    session: AsyncSession, reader: Reader, asset_ids: Sequence[UUID], filter_: FindingFilter
) -> dict[UUID, int]:
    """How many findings each asset has; an asset without any is left out."""
    reader.require(Permission.FINDINGS_READ)
    statement = (
        select(Finding.asset_id, func.count())
        .where(*_of(reader, filter_), Finding.asset_id.in_(asset_ids))
        .group_by(Finding.asset_id)
    )
    rows = await session.execute(statement)
    return {asset_id: count for asset_id, count in rows if asset_id is not None}


async def slice_organization_findings(
    session: AsyncSession, reader: Reader, organization_ids: Sequence[UUID], asked: ParentWindow
) -> dict[UUID, Slice[FindingView]]:
    """The findings of each organization, worst first: a page of each in one statement.

    Of those organizations that the reader reads in.
    """
    reader.require(Permission.FINDINGS_READ)
    wanted = [each_id for each_id in organization_ids if each_id in reader.organization_ids]
    parents = each(wanted)
    window = WORST_FIRST.window(
        select(Finding.id).where(
            Finding.organization_id == parents.column, *matching(asked.filter)
        ),
        asked.window,
    )
    page = window.correlate(parents).lateral("page")
    statement = (
        select(Finding)
        .select_from(parents)
        .join(page, true())
        .join(Finding, (Finding.organization_id == parents.column) & (Finding.id == page.c.id))
        .order_by(*WORST_FIRST.direction(asked.window))
    )
    pages: dict[UUID, list[FindingView]] = {each_id: [] for each_id in wanted}
    for finding in await session.scalars(statement):
        pages[finding.organization_id].append(FindingView(finding, None))
    return {each_id: cut(views, asked.window) for each_id, views in pages.items()}


async def count_organization_findings(
    session: AsyncSession, reader: Reader, organization_ids: Sequence[UUID], filter_: FindingFilter
) -> dict[UUID, int]:
    """How many findings each organization has; one without any is left out."""
    reader.require(Permission.FINDINGS_READ)
    statement = (
        select(Finding.organization_id, func.count())
        .where(*_of(reader, filter_), Finding.organization_id.in_(organization_ids))
        .group_by(Finding.organization_id)
    )
    return dict((await session.execute(statement)).all())


def _of(reader: Reader, filter_: FindingFilter) -> list[ColumnElement[bool]]:
    return [Finding.organization_id.in_(reader.organization_ids), *matching(filter_)]


def _seen(reader: Reader, filter_: FindingFilter) -> list[ColumnElement[bool]]:
    """As the scan saw it: its severity decides, the other fields are the finding's own."""
    conditions = [
        Observation.organization_id.in_(reader.organization_ids),
        Finding.organization_id == Observation.organization_id,
    ]
    if filter_.severities:
        conditions.append(Observation.severity.in_(filter_.severities))
    return [*conditions, *matching(replace(filter_, severities=()))]
