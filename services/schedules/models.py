"""A schedule, the assets it scans, and what became of each time it was due."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Base, Entity
from services.database.base import Json
from services.scanner.profile import ScanType

DEFAULT_GRACE_MINUTES = 60


class Overlap(StrEnum):
    """What to do when the schedule's last scan has not ended yet."""

    SKIP = "skip"
    QUEUE = "queue"
    """Start when it ends; one waits, no more."""
    CANCEL_RUNNING = "cancel_running"


class RunOutcome(StrEnum):
    STARTED = "started"
    QUEUED = "queued"
    """Waits for the scan before it; becomes one of the others."""
    SKIPPED = "skipped"
    MISSED = "missed"
    FAILED = "failed"


class RunReason(StrEnum):
    """Why a slot did not start a scan, where no error says it better."""

    NOT_RUNNING = "not_running"
    """No worker was there at the time, and it was too late when one came."""
    STILL_RUNNING = "still_running"
    ALREADY_QUEUED = "already_queued"
    PAUSED = "paused"
    """It waited in the queue when the schedule was paused."""
    NO_USABLE_ASSET = "no_usable_asset"
    SOME_ASSETS_UNUSABLE = "some_assets_unusable"
    """Started, without the assets that are switched off."""


class PauseReason(StrEnum):
    """Why the platform paused a schedule; none when a person did."""

    NO_ASSET_LEFT = "no_asset_left"
    INVALID = "invalid"
    """Its expression or zone is no longer understood, after an upgrade of either's rules."""


class Schedule(Entity):
    """When to scan what. Belongs to the organization and goes on when its creator leaves."""

    __tablename__ = "schedules"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        Index("ix_schedules_due", "next_run_at", postgresql_where=text("is_active")),
        Index("ix_schedules_created_by", "created_by"),
        Index("ix_schedules_last_scan", "organization_id", "last_scan_id"),
        ForeignKeyConstraint(
            ["organization_id", "last_scan_id"],
            ["scans.organization_id", "scans.id"],
            ondelete="SET NULL (last_scan_id)",
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    name: Mapped[str]
    cron_expression: Mapped[str]
    timezone: Mapped[str]
    """IANA name: the clock the expression is read by."""
    scan_type: Mapped[ScanType]
    features: Mapped[Json | None]
    overlap: Mapped[Overlap] = mapped_column(default=Overlap.SKIP)
    grace_minutes: Mapped[int] = mapped_column(default=DEFAULT_GRACE_MINUTES)
    """A slot noticed later than this is missed; it is not made up for."""
    is_active: Mapped[bool] = mapped_column(default=True)
    paused_reason: Mapped[PauseReason | None] = mapped_column(default=None)
    next_run_at: Mapped[datetime | None] = mapped_column(default=None)
    """The next slot to decide about; None while paused."""
    last_run_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it last started a scan, by itself or by hand."""
    last_scan_id: Mapped[UUID | None] = mapped_column(default=None)
    last_outcome: Mapped[RunOutcome | None] = mapped_column(default=None)
    last_reason: Mapped[str | None] = mapped_column(default=None)
    """A ``RunReason``, or the code of the error that kept the scan from starting."""
    last_manual_run_at: Mapped[datetime | None] = mapped_column(default=None)


class ScheduleAsset(Base):
    """One asset of a schedule.

    A trigger of the database (``schedules_lose_asset``) takes a deleted asset out of its schedules
    and pauses the ones left empty: whoever deletes it, and in the same transaction.
    """

    __tablename__ = "schedule_assets"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "schedule_id"],
            ["schedules.organization_id", "schedules.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "asset_id"],
            ["assets.organization_id", "assets.id"],
            ondelete="CASCADE",
        ),
        Index("ix_schedule_assets_asset", "organization_id", "asset_id"),
    )

    schedule_id: Mapped[UUID] = mapped_column(primary_key=True)
    asset_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    position: Mapped[int]
    """Order in which they were given."""


class ScheduleRun(Entity):
    """What became of a slot: a time at which a schedule was due. Each is claimed once."""

    __tablename__ = "schedule_runs"
    __table_args__ = (
        UniqueConstraint("schedule_id", "slot_at"),
        ForeignKeyConstraint(
            ["organization_id", "schedule_id"],
            ["schedules.organization_id", "schedules.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "scan_id"],
            ["scans.organization_id", "scans.id"],
            ondelete="SET NULL (scan_id)",
        ),
        Index("ix_schedule_runs_schedule", "organization_id", "schedule_id"),
        Index("ix_schedule_runs_scan", "organization_id", "scan_id"),
        Index(
            "ix_schedule_runs_queued",
            "schedule_id",
            unique=True,
            postgresql_where=text("outcome = 'queued'"),
        ),
    )

    organization_id: Mapped[UUID]
    schedule_id: Mapped[UUID]
    slot_at: Mapped[datetime]
    last_slot_at: Mapped[datetime]
    """The same as ``slot_at``, or the last of a row of missed slots that one entry stands for."""
    outcome: Mapped[RunOutcome]
    reason: Mapped[str | None]
    scan_id: Mapped[UUID | None]
