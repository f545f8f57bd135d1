"""A scan, the batches it is worked in, its targets, and what each target answered."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Base, Entity
from services.database.base import Json
from services.scanner.profile import ScanType
from services.scanner.result import TargetStatus
from services.scanner.target import TargetType


class ScanStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (ScanStatus.PENDING, ScanStatus.RUNNING)


class ScanWait(StrEnum):
    """What keeps a scan from going on, when it is nobody's fault."""

    RUNNING_SCANS = "running_scans"
    """As many scans of its organization run as may at once."""
    ADDRESS = "address"
    """Another scan is at the address of one of its targets, of whatever organization."""


class BatchStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"


def _scan_key() -> ForeignKeyConstraint:
    """The tenant travels in the key: foreign keys do not see row security."""
    return ForeignKeyConstraint(
        ["organization_id", "scan_id"], ["scans.organization_id", "scans.id"], ondelete="CASCADE"
    )


class Scan(Entity):
    __tablename__ = "scans"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        Index(
            "ix_scans_active",
            "status",
            "updated_at",
            postgresql_where=text("status in ('pending', 'running')"),
        ),
        Index(
            "ix_scans_waiting",
            "organization_id",
            "id",
            postgresql_where=text("status in ('pending', 'running')"),
        ),
        Index("ix_scans_created_by", "created_by"),
        Index("ix_scans_completed", "organization_id", "completed_at"),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    name: Mapped[str]
    scan_type: Mapped[ScanType]
    config_snapshot: Mapped[Json]
    deadline_at: Mapped[datetime]
    """Past this the scan fails, whatever its workers say (JOB-7)."""
    status: Mapped[ScanStatus] = mapped_column(default=ScanStatus.PENDING)
    schedule_id: Mapped[UUID | None] = mapped_column(default=None)
    is_scheduled: Mapped[bool] = mapped_column(default=False)
    """Started by the clock: scans that a person started go first."""
    waits_for: Mapped[ScanWait | None] = mapped_column(default=None)
    served_at: Mapped[datetime | None] = mapped_column(default=None)
    """When a worker last began a batch of it: organizations take turns by it."""
    task_id: Mapped[str | None] = mapped_column(default=None)
    attempt: Mapped[int] = mapped_column(default=0)
    """Times its planning was started; part of the job's id."""
    targets_total: Mapped[int] = mapped_column(default=0)
    targets_done: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    completed_at: Mapped[datetime | None] = mapped_column(default=None)
    total_score: Mapped[int | None] = mapped_column(default=None)
    score_exact: Mapped[float | None] = mapped_column(default=None)
    score_lower: Mapped[int | None] = mapped_column(default=None)
    grade: Mapped[str | None] = mapped_column(default=None)
    scoring_version: Mapped[str | None] = mapped_column(default=None)
    catalog_version: Mapped[str | None] = mapped_column(default=None)
    hosts_scanned: Mapped[int] = mapped_column(default=0)
    hosts_alive: Mapped[int] = mapped_column(default=0)
    findings_critical: Mapped[int] = mapped_column(default=0)
    findings_high: Mapped[int] = mapped_column(default=0)
    findings_medium: Mapped[int] = mapped_column(default=0)
    findings_low: Mapped[int] = mapped_column(default=0)
    findings_info: Mapped[int] = mapped_column(default=0)
    partial: Mapped[bool] = mapped_column(default=False)
    compliance_matrix: Mapped[Json | None] = mapped_column(default=None)
    assessment: Mapped[Json | None] = mapped_column(default=None)
    """Coverage, top losses and hosts by grade: what must be shown beside a score."""
    executive_summary: Mapped[str | None] = mapped_column(default=None)
    error_message: Mapped[str | None] = mapped_column(default=None)
    error_code: Mapped[str | None] = mapped_column(default=None)

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def progress(self) -> int:
        """Percent of targets done; 100 only when the scan has completed."""
        if self.status is ScanStatus.COMPLETED:
            return 100
        if not self.targets_total:
            return 0
        return min(99, 100 * self.targets_done // self.targets_total)

    @property
    def duration_seconds(self) -> float | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return round((self.completed_at - self.started_at).total_seconds(), 3)


class ScanBatch(Entity):
    """Some targets of a scan, worked by one worker at a time under a lease."""

    __tablename__ = "scan_batches"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("scan_id", "number"),
        Index(
            "ix_scan_batches_waiting",
            "scan_id",
            "number",
            postgresql_where=text("status = 'pending' and queued_at is null"),
        ),
        Index(
            "ix_scan_batches_open",
            "scan_id",
            "number",
            postgresql_where=text("status in ('pending', 'running')"),
        ),
        Index("ix_scan_batches_running", "scan_id", postgresql_where=text("status = 'running'")),
        Index(
            "ix_scan_batches_due",
            "lease_until",
            postgresql_where=text("status in ('pending', 'running')"),
        ),
        _scan_key(),
    )

    organization_id: Mapped[UUID]
    scan_id: Mapped[UUID]
    number: Mapped[int]
    status: Mapped[BatchStatus] = mapped_column(default=BatchStatus.PENDING)
    attempt: Mapped[int] = mapped_column(default=0)
    """The fencing token: a worker whose attempt is not this one has lost the batch (JOB-3)."""
    lost_workers: Mapped[int] = mapped_column(default=0)
    """Workers that died at it since one of its targets was last finished."""
    queued_at: Mapped[datetime | None] = mapped_column(default=None)
    """None: it waits until an earlier batch of its scan is done."""
    lease_owner: Mapped[str | None] = mapped_column(default=None)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)


class ScanTarget(Entity):
    """One host in the scope of a scan, as planned."""

    __tablename__ = "scan_targets"
    __table_args__ = (
        UniqueConstraint("scan_id", "target_value"),
        Index("ix_scan_targets_batch", "organization_id", "batch_id"),
        Index("ix_scan_targets_asset", "organization_id", "asset_id"),
        _scan_key(),
        ForeignKeyConstraint(
            ["organization_id", "batch_id"],
            ["scan_batches.organization_id", "scan_batches.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "asset_id"], ["assets.organization_id", "assets.id"]
        ),
    )

    organization_id: Mapped[UUID]
    scan_id: Mapped[UUID]
    batch_id: Mapped[UUID]
    asset_id: Mapped[UUID | None]
    target_type: Mapped[TargetType]
    target_value: Mapped[str]


class AddressTurn(Base):
    """An address that one target of a batch is being probed at; see ``turns``."""

    __tablename__ = "address_turns"
    __table_args__ = (
        Index("ix_address_turns_address", "address"),
        Index("ix_address_turns_batch", "organization_id", "batch_id"),
        ForeignKeyConstraint(
            ["organization_id", "batch_id"],
            ["scan_batches.organization_id", "scan_batches.id"],
            ondelete="CASCADE",
        ),
    )

    scan_target_id: Mapped[UUID] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    batch_id: Mapped[UUID]
    attempt: Mapped[int]
    """Of the batch when the turn was taken: it ends with that lease."""


class ScanResult(Entity):
    """What one target answered. Written once, never changed."""

    __tablename__ = "scan_results"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("scan_id", "target"),
        _scan_key(),
    )

    organization_id: Mapped[UUID]
    scan_id: Mapped[UUID]
    target: Mapped[str]
    ip: Mapped[str | None]
    status: Mapped[TargetStatus]
    reason: Mapped[str]
    is_alive: Mapped[bool]
    open_ports: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    services: Mapped[list[Json] | None]
    http_info: Mapped[Json | None]
    tls_info: Mapped[Json | None]
    dns_info: Mapped[Json | None]
    mail_info: Mapped[Json | None]
    ssh_info: Mapped[Json | None]
    whois_info: Mapped[Json | None]
    secrets_found: Mapped[list[Json] | None]
    """Type, place, keyed hash and the first characters; never the secret (SEC-1)."""
    checks: Mapped[list[Json]]
    """``{id, host, port, protocol, outcome, reason, applicable, severity}`` of every check."""
    errors: Mapped[list[str]]
    duration_ms: Mapped[int]
