"""Findings, the problems of an organization across scans, and observations, what one scan saw."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Base, Entity
from services.database.base import Json
from services.scanner.check import Severity


class FindingStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    ACCEPTED_RISK = "accepted_risk"
    FALSE_POSITIVE = "false_positive"


UNRESOLVED = (FindingStatus.OPEN, FindingStatus.ACKNOWLEDGED, FindingStatus.IN_PROGRESS)


class Resolution(StrEnum):
    """Why a finding counts as resolved."""

    FIXED_VERIFIED = "fixed_verified"
    """A scan looked at the same endpoint again, and it was gone."""
    ASSET_REMOVED = "asset_removed"
    """Its asset is watched no longer: nothing was fixed."""
    MANUAL = "manual"
    """A person said so."""


class Finding(Entity):
    """One problem of one organization: identity, life cycle and the last state seen."""

    __tablename__ = "findings"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        Index("uq_findings_fingerprint", "organization_id", "fingerprint", unique=True),
        # Small and deduplicated: every filtered total is an index-only scan of this one.
        Index("ix_findings_totals", "organization_id", "severity", "status", "category"),
        Index("ix_findings_worst", "organization_id", "severity", "id"),
        Index("ix_findings_last_scan", "organization_id", "last_scan_id"),
        Index("ix_findings_asset", "organization_id", "asset_id"),
        Index("ix_findings_endpoint", "organization_id", "host", "port", "protocol"),
        Index(
            "ix_findings_assigned_to",
            "organization_id",
            "assigned_to",
            postgresql_where=text("assigned_to is not null"),
        ),
        Index(
            "ix_findings_accepted_until",
            "accepted_until",
            postgresql_where=text("status = 'accepted_risk'"),
        ),
        Index(
            "ix_findings_due",
            "organization_id",
            "due_at",
            postgresql_where=text(
                "status in ('open', 'acknowledged', 'in_progress') and not is_retired"
            ),
        ),
        Index(
            "ix_findings_accepted_by",
            "accepted_by",
            postgresql_where=text("accepted_by is not null"),
        ),
        CheckConstraint("severity between 0 and 4", name="severity"),
        CheckConstraint("length(fingerprint) = 32", name="fingerprint"),
        ForeignKeyConstraint(
            ["organization_id", "asset_id"], ["assets.organization_id", "assets.id"]
        ),
        {
            "postgresql_with": {
                "fillfactor": "85",
                "autovacuum_vacuum_scale_factor": "0.01",
                "autovacuum_vacuum_insert_scale_factor": "0.02",
            }
        },
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of check, endpoint and discriminator: never of a message, severity or date."""
    check_id: Mapped[str]
    category: Mapped[str]
    asset_id: Mapped[UUID | None]
    host: Mapped[str]
    port: Mapped[int | None]
    protocol: Mapped[str]
    discriminator: Mapped[str]
    severity: Mapped[Severity]
    message: Mapped[str]
    evidence: Mapped[Json]
    first_seen_at: Mapped[datetime]
    """Never rewritten: Article 21(4) of the Directive makes it a date with consequences."""
    last_seen_at: Mapped[datetime]
    last_scan_id: Mapped[UUID | None]
    """The scan that saw it last."""
    opened_at: Mapped[datetime]
    """First seen, or seen again after it was resolved: when the clock of its due date started."""
    status: Mapped[FindingStatus] = mapped_column(default=FindingStatus.OPEN)
    assigned_to: Mapped[UUID | None] = mapped_column(default=None)
    resolution: Mapped[Resolution | None] = mapped_column(default=None)
    resolved_at: Mapped[datetime | None] = mapped_column(default=None)
    resolution_note: Mapped[str | None] = mapped_column(default=None)
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    is_due_fixed: Mapped[bool] = mapped_column(default=False)
    """A person set the due date; otherwise it follows severity and the organization's days."""
    accepted_until: Mapped[datetime | None] = mapped_column(default=None)
    accepted_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), default=None
    )
    acceptance_notice: Mapped[int | None] = mapped_column(default=None)
    """Days before the end of the acceptance that the last notice spoke of."""
    needs_review: Mapped[bool] = mapped_column(default=False)
    """Called a false positive, and it looks different since."""
    is_retired: Mapped[bool] = mapped_column(default=False)
    """Its asset was deleted: evidence still, but in no count."""
    occurrences: Mapped[int] = mapped_column(default=1)
    """Scans in which it was seen."""
    reopened_count: Mapped[int] = mapped_column(default=0)


class Observation(Base):
    """What one scan saw of one finding, at that time. Immutable."""

    __tablename__ = "observations"
    __table_args__ = (
        PrimaryKeyConstraint("scan_id", "finding_id"),
        Index("ix_observations_rank", "scan_id", "severity", "finding_id"),
        Index("ix_observations_finding", "organization_id", "finding_id"),
        ForeignKeyConstraint(
            ["organization_id", "scan_id"],
            ["scans.organization_id", "scans.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "finding_id"],
            ["findings.organization_id", "findings.id"],
            ondelete="CASCADE",
        ),
    )

    organization_id: Mapped[UUID]
    scan_id: Mapped[UUID]
    finding_id: Mapped[UUID]
    scan_result_id: Mapped[UUID | None]
    severity: Mapped[Severity]
    message: Mapped[str]
    evidence: Mapped[Json]
    seen_at: Mapped[datetime]
