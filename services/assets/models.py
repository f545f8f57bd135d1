"""What an organization watches."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Entity
from services.scanner.target import TargetType


class Criticality(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class Asset(Entity):
    """A domain, an address or a network. Deleting is soft: its findings are evidence."""

    __tablename__ = "assets"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        Index(
            "uq_assets_target",
            "organization_id",
            "target_type",
            "target_value",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    name: Mapped[str]
    target_type: Mapped[TargetType]
    target_value: Mapped[str]
    pinned_ip: Mapped[str | None] = mapped_column(default=None)
    tags: Mapped[list[str]] = mapped_column(default_factory=list)
    criticality: Mapped[Criticality] = mapped_column(default=Criticality.NORMAL)
    owner_email: Mapped[str | None] = mapped_column(default=None)
    """Whom to ask about it: anybody's address, not a member's."""
    description: Mapped[str | None] = mapped_column(default=None)
    is_active: Mapped[bool] = mapped_column(default=True)
    last_scanned_at: Mapped[datetime | None] = mapped_column(default=None)
    deleted_at: Mapped[datetime | None] = mapped_column(default=None)
