"""Reports: the request, its state, and the file itself, kept beside it in the database."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Base, Entity
from services.database.base import Json
from services.rendering.formats import ReportFormat

PART_BYTES = 1024 * 1024


class ReportStatus(StrEnum):
    PENDING = "pending"
    STARTED = "started"
    SUCCESS = "success"
    FAILURE = "failure"
    EXPIRED = "expired"


class Report(Entity):
    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        Index("ix_reports_scan", "organization_id", "scan_id"),
        Index(
            "ix_reports_active",
            "lease_until",
            postgresql_where=text("status in ('pending', 'started')"),
        ),
        Index(
            "ix_reports_sha256",
            "organization_id",
            "sha256",
            postgresql_where=text("sha256 is not null"),
        ),
        ForeignKeyConstraint(
            ["organization_id", "scan_id"],
            ["scans.organization_id", "scans.id"],
            ondelete="CASCADE",
        ),
    )

    organization_id: Mapped[UUID]
    scan_id: Mapped[UUID]
    created_by: Mapped[UUID | None]
    format: Mapped[ReportFormat]
    options: Mapped[Json]
    """``ReportOptions``: what was asked for, and so a part of what makes two reports the same."""
    status: Mapped[ReportStatus] = mapped_column(default=ReportStatus.PENDING)
    progress: Mapped[int] = mapped_column(default=0)
    """Percent; 100 only when it has ended."""
    attempt: Mapped[int] = mapped_column(default=0)
    """The fencing token, as for batches."""
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    filename: Mapped[str | None] = mapped_column(default=None)
    content_type: Mapped[str | None] = mapped_column(default=None)
    size: Mapped[int | None] = mapped_column(default=None)
    """Bytes."""
    sha256: Mapped[str | None] = mapped_column(default=None)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    error: Mapped[str | None] = mapped_column(default=None)
    error_code: Mapped[str | None] = mapped_column(default=None)


class ReportPart(Base):
    """Some of the bytes of a report, so that any gateway serves what any worker made.

    In parts, so that nobody ever holds a whole file; all but the last are ``PART_BYTES`` long.
    """

    __tablename__ = "report_files"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "report_id"],
            ["reports.organization_id", "reports.id"],
            ondelete="CASCADE",
        ),
    )

    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """Counted from 0."""
    organization_id: Mapped[UUID]
    content: Mapped[bytes] = mapped_column(LargeBinary)
