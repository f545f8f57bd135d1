"""SQL of schedules, their assets and their runs."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Role
from services.assets import Asset
from services.organizations import Membership
from services.scans import Scan
from services.schedules.models import RunOutcome, Schedule, ScheduleAsset, ScheduleRun

_IS_ACTIVE = "scans.status in ('pending', 'running')"
"""Written out and not bound: only so does the planner see the partial index."""


async def list_schedules(session: AsyncSession, organization_id: UUID) -> Sequence[Schedule]:
    """All of them, newest first; how many there can be is bounded when they are made."""
    statement = (
        select(Schedule)
        .where(Schedule.organization_id == organization_id)
        .order_by(Schedule.id.desc())
    )
    return (await session.scalars(statement)).all()


async def count_schedules(session: AsyncSession, organization_id: UUID) -> int:
    statement = (
        select(func.count())
        .select_from(Schedule)
        .where(Schedule.organization_id == organization_id)
    )
    return await session.scalar(statement) or 0


async def find_schedule(
    session: AsyncSession, organization_id: UUID, schedule_id: UUID, *, lock: bool = False
) -> Schedule | None:
    """The schedule, or None. ``lock`` takes a row lock and reads it anew."""
    statement = select(Schedule).where(
        Schedule.organization_id == organization_id, Schedule.id == schedule_id
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(statement)


async def claim_schedule(
    session: AsyncSession, organization_id: UUID, schedule_id: UUID
) -> Schedule | None:
    """The schedule under a row lock; None while another worker has it, or when it is gone."""
    return await session.scalar(
        select(Schedule)
        .where(Schedule.organization_id == organization_id, Schedule.id == schedule_id)
        .with_for_update(skip_locked=True)
    )


async def assets_of(
    session: AsyncSession, organization_id: UUID, schedule_ids: Sequence[UUID]
) -> dict[UUID, list[UUID]]:
    """The assets of each schedule in the order given, without the deleted ones."""
    statement = (
        select(ScheduleAsset.schedule_id, ScheduleAsset.asset_id)
        .join(
            Asset,
            (Asset.organization_id == ScheduleAsset.organization_id)
            & (Asset.id == ScheduleAsset.asset_id),
        )
        .where(
            ScheduleAsset.organization_id == organization_id,
            ScheduleAsset.schedule_id.in_(schedule_ids),
            Asset.deleted_at.is_(None),
        )
        .order_by(ScheduleAsset.schedule_id, ScheduleAsset.position)
    )
    found: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for schedule_id, asset_id in (await session.execute(statement)).all():
        found[schedule_id].append(asset_id)
    return found


async def lock_active_assets(
    session: AsyncSession, organization_id: UUID, asset_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of the ids that may be scanned; nobody deletes them until this transaction ends."""
    statement = (
        select(Asset.id)
        .where(
            Asset.organization_id == organization_id,
            Asset.id.in_(asset_ids),
            Asset.deleted_at.is_(None),
            Asset.is_active,
        )
        .order_by(Asset.id)
        .with_for_update(read=True)
    )
    return set((await session.scalars(statement)).all())


async def replace_assets(
    session: AsyncSession, organization_id: UUID, schedule_id: UUID, asset_ids: Sequence[UUID]
) -> None:
    await session.execute(
        delete(ScheduleAsset).where(
            ScheduleAsset.organization_id == organization_id,
            ScheduleAsset.schedule_id == schedule_id,
        )
    )
    rows = [
        {
            "organization_id": organization_id,
            "schedule_id": schedule_id,
            "asset_id": asset_id,
            "position": position,
        }
        for position, asset_id in enumerate(asset_ids)
    ]
    await session.execute(insert(ScheduleAsset), rows)


async def active_scans(
    session: AsyncSession, organization_id: UUID, schedule_id: UUID
) -> Sequence[UUID]:
    """The schedule's scans that have not ended, oldest first."""
    statement = (
        select(Scan.id)
        .where(
            Scan.organization_id == organization_id,
            Scan.schedule_id == schedule_id,
            literal_column(_IS_ACTIVE),
        )
        .order_by(Scan.id)
    )
    return (await session.scalars(statement)).all()


async def due_schedules(
    session: AsyncSession, now: datetime, *, at_most: int
) -> Sequence[tuple[UUID, UUID]]:
    """``(organization, schedule)`` of those with a slot to decide about, longest due first.

    A run that waits for the scan before it counts once that has ended. Reads across
    organizations: only in the scope of a sweep.
    """
    due = select(
        Schedule.organization_id,
        Schedule.id.label("schedule_id"),
        Schedule.next_run_at.label("since"),
    ).where(Schedule.is_active, Schedule.next_run_at <= now)
    queued = select(
        ScheduleRun.organization_id, ScheduleRun.schedule_id, ScheduleRun.slot_at.label("since")
    ).where(
        literal_column("schedule_runs.outcome = 'queued'"),
        ~exists().where(
            Scan.organization_id == ScheduleRun.organization_id,
            Scan.schedule_id == ScheduleRun.schedule_id,
            literal_column(_IS_ACTIVE),
        ),
    )
    both = union_all(due, queued).subquery()
    statement = (
        select(both.c.organization_id, both.c.schedule_id)
        .group_by(both.c.organization_id, both.c.schedule_id)
        .order_by(func.min(both.c.since), both.c.schedule_id)
        .limit(at_most)
    )
    rows = (await session.execute(statement)).all()
    return [(organization_id, schedule_id) for organization_id, schedule_id in rows]


async def find_queued_run(
    session: AsyncSession, organization_id: UUID, schedule_id: UUID
) -> ScheduleRun | None:
    return await session.scalar(
        select(ScheduleRun).where(
            ScheduleRun.organization_id == organization_id,
            ScheduleRun.schedule_id == schedule_id,
            ScheduleRun.outcome == RunOutcome.QUEUED,
        )
    )


async def claim_slot(session: AsyncSession, run: ScheduleRun) -> ScheduleRun | None:
    """The run as a row of this session; None when its slot was claimed before."""
    values = {column.key: getattr(run, column.key) for column in ScheduleRun.__table__.columns}
    return await session.scalar(
        upsert(ScheduleRun)
        .values(values)
        .on_conflict_do_nothing(index_elements=["schedule_id", "slot_at"])
        .returning(ScheduleRun)
    )


async def first_admin(session: AsyncSession, organization_id: UUID) -> UUID | None:
    """The user who has been an admin of the organization for longest."""
    return await session.scalar(
        select(Membership.user_id)
        .where(
            Membership.organization_id == organization_id,
            Membership.role == Role.ADMIN,
            Membership.accepted_at.is_not(None),
        )
        .order_by(Membership.accepted_at, Membership.id)
        .limit(1)
    )
