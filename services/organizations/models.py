"""Organizations, the tenants, and who belongs to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.actor import Role
from services.database import Entity
from services.database.base import Json


class Organization(Entity):
    __tablename__ = "organizations"

    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    plan: Mapped[str] = mapped_column(default="community")
    settings: Mapped[Json] = mapped_column(default_factory=dict)
    max_scans_per_month: Mapped[int] = mapped_column(default=0)
    """0: no limit."""
    is_active: Mapped[bool] = mapped_column(default=True)


class Membership(Entity):
    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        Index("ix_memberships_user_id", "user_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role]
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
