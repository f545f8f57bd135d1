"""SQL of the maintained counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.findings.count_models import AssetFindingCount, FindingCount
from services.findings.filtering import FindingFilter, filter_conditions, is_overdue
from services.findings.models import UNRESOLVED, Finding, FindingStatus
from services.scanner.check import Severity

_KEYS = {"finding_counts": "check_id", "asset_finding_counts": "asset_id"}
_SUMS = ("change", "appeared", "fixed", "fixed_late", "fix_seconds")


@dataclass(frozen=True, slots=True)
class CountRow:
    check_id: str
    severity: Severity
    status: FindingStatus
    count: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """What one day changed; the day before the first one asked for stands for all before."""

    day: date
    severity: Severity
    status: FindingStatus
    change: int
    appeared: int
    fixed: int
    fixed_late: int
    fix_seconds: int


async def read_counts(
    session: AsyncSession, organization_id: UUID, filter_: FindingFilter
) -> list[CountRow]:
    """From what is maintained. Severity and status are filtered here, the check is not."""
    conditions: list[ColumnElement[bool]] = [FindingCount.organization_id == organization_id]
    if filter_.severities:
        conditions.append(FindingCount.severity.in_(filter_.severities))
    if filter_.statuses:
        conditions.append(FindingCount.status.in_(filter_.statuses))
    key = (FindingCount.check_id, FindingCount.severity, FindingCount.status)
    count = func.sum(FindingCount.change)
    rows = await session.execute(
        select(*key, count).where(*conditions).group_by(*key).having(count != 0)
    )
    return [CountRow(*row[:3], int(row[3])) for row in rows]


async def count_now(
    session: AsyncSession, organization_id: UUID, filter_: FindingFilter
) -> list[CountRow]:
    """Counted from the findings themselves, deleted assets left out."""
    key = (Finding.check_id, Finding.severity, Finding.status)
    rows = await session.execute(
        select(*key, func.count())
        .where(*filter_conditions(organization_id, filter_), ~Finding.is_retired)
        .group_by(*key)
    )
    return [CountRow(*row) for row in rows]


async def count_overdue(
    session: AsyncSession, organization_id: UUID, filter_: FindingFilter
) -> dict[Severity, int]:
    """Time alone makes a finding overdue: counted, over the index of those that are."""
    statement = (
        select(Finding.severity, func.count())
        .where(*filter_conditions(organization_id, filter_), is_overdue())
        .group_by(Finding.severity)
    )
    rows = await session.execute(statement)
    return dict(rows.all())


async def worst_assets(
    session: AsyncSession, organization_id: UUID, filter_: FindingFilter, *, at_most: int
) -> dict[UUID, int]:
    """The assets with most unresolved findings, most first; maintained unless the filter is finer.

    Severity is the only part of a filter that is counted by asset; a status asked for does not
    change what unresolved means.
    """
    is_maintained = filter_ == FindingFilter(
        severities=filter_.severities, statuses=filter_.statuses
    )
    if is_maintained:
        asset_id, count = AssetFindingCount.asset_id, func.sum(AssetFindingCount.change)
        conditions: list[ColumnElement[bool]] = [
            AssetFindingCount.organization_id == organization_id,
            AssetFindingCount.status.in_(UNRESOLVED),
        ]
        if filter_.severities:
            conditions.append(AssetFindingCount.severity.in_(filter_.severities))
        statement = select(asset_id, count).where(*conditions)
    else:
        asset_id, count = Finding.asset_id, func.count()
        statement = select(asset_id, count).where(
            *filter_conditions(organization_id, filter_),
            Finding.status.in_(UNRESOLVED),
            Finding.asset_id.is_not(None),
            ~Finding.is_retired,
        )
    rows = await session.execute(
        statement.group_by(asset_id)
        .having(count > 0)
        .order_by(count.desc(), asset_id)
        .limit(at_most)
    )
    return {key: int(number) for key, number in rows}


async def read_days(
    session: AsyncSession,
    organization_id: UUID,
    *,
    first: date,
    last: date,
    asset_id: UUID | None = None,
    check_ids: Sequence[str] | None = None,
) -> list[DayRow]:
    """Changes of each day, of the organization, of an asset or of some checks."""
    table = FindingCount if asset_id is None else AssetFindingCount
    before = literal(first - timedelta(days=1), Date)
    day = cast(func.greatest(table.day, before), Date)
    statement = select(
        day,
        table.severity,
        table.status,
        func.sum(table.change),
        func.sum(table.appeared),
        func.sum(table.fixed),
        func.sum(table.fixed_late),
        func.sum(table.fix_seconds),
    ).where(table.organization_id == organization_id, table.day <= last)
    if asset_id is not None:
        statement = statement.where(AssetFindingCount.asset_id == asset_id)
    if check_ids is not None:
        statement = statement.where(FindingCount.check_id.in_(check_ids))
    rows = await session.execute(statement.group_by(day, table.severity, table.status))
    return [DayRow(*row[:3], *map(int, row[3:])) for row in rows]


async def list_unfolded(session: AsyncSession, *, at_least: int, at_most: int) -> Sequence[UUID]:
    """Organizations with so many changes that no fold has summed."""
    rows = await session.scalars(_UNFOLDED, {"least": at_least, "most": at_most})
    return rows.all()


async def fold(session: AsyncSession, organization_id: UUID) -> None:
    """Sum the days that have unfolded changes. A reader sees the rows before or the sums after.

    One fold of an organization at a time: two would wait for each other's rows.
    """
    await session.execute(_ONE_FOLD, {"organization_id": str(organization_id)})
    for statement in _FOLDS:
        await session.execute(statement, {"organization_id": organization_id})


_ONE_FOLD = text("select pg_advisory_xact_lock(hashtextextended('fold ' || :organization_id, 0))")
_UNFOLDED = text(
    """
select organization_id
  from (select organization_id from finding_counts where not is_folded
         union all
        select organization_id from asset_finding_counts where not is_folded) unfolded
 group by organization_id having count(*) >= :least limit :most
    """
)
_FOLDS = tuple(
    text(
        f"""
with taken as (
  delete from {table}
   where organization_id = :organization_id
     and day in (select day from {table}
                  where organization_id = :organization_id and not is_folded)
  returning *
)
insert into {table} (organization_id, day, {key}, severity, status, {", ".join(_SUMS)}, is_folded)
select organization_id, day, {key}, severity, status,
       {", ".join(f"sum({name})" for name in _SUMS)}, true
  from taken
 group by organization_id, day, {key}, severity, status
having {" or ".join(f"sum({name}) <> 0" for name in _SUMS)}
        """  # noqa: S608 - names of ours, no input
    )
    for table, key in _KEYS.items()
)
