"""Counts of findings, maintained by triggers as changes of each day and summed when read.

A statement that changes findings appends what it changed; nobody updates a total, so writers
never wait for each other. ``fold_counts`` sums the changes of a day into one row per key.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Base
from services.findings.models import FindingStatus
from services.scanner.check import Severity


def _indexes(table: str, *columns: str) -> tuple[Index, Index]:
    return (
        Index(f"ix_{table}_day", "organization_id", *columns),
        Index(f"ix_{table}_unfolded", "organization_id", postgresql_where=text("not is_folded")),
    )


class _Count(Base):
    """Findings of deleted assets are in none of these."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, init=False)
    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    day: Mapped[date]
    """In UTC."""
    severity: Mapped[Severity]
    status: Mapped[FindingStatus]
    change: Mapped[int] = mapped_column(BigInteger)
    """By how many the findings of this key became more; summed up to a day: how many there are."""
    appeared: Mapped[int] = mapped_column(BigInteger)
    """Seen for the first time, or back."""
    fixed: Mapped[int] = mapped_column(BigInteger)
    """Resolved, by a scan or a person; an asset that was removed fixes nothing."""
    fixed_late: Mapped[int] = mapped_column(BigInteger)
    """Of these, after their due date."""
    fix_seconds: Mapped[int] = mapped_column(BigInteger)
    """How long all the fixed ones were open together."""
    is_folded: Mapped[bool]


class FindingCount(_Count):
    __tablename__ = "finding_counts"
    __table_args__ = _indexes("finding_counts", "day")

    check_id: Mapped[str]
    """Leads to category, letter and point."""


class AssetFindingCount(_Count):
    __tablename__ = "asset_finding_counts"
    __table_args__ = _indexes("asset_finding_counts", "asset_id", "day")

    asset_id: Mapped[UUID]
    """A plain key: the counts of an asset outlive it."""
