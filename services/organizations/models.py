"""Organizations, the tenants, and who belongs to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
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


class Invitation(Entity):
    """A place offered to an e-mail address. It becomes a membership when its owner accepts."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "uq_invitations_open",
            "organization_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
        Index("ix_invitations_email", "email"),
        Index("ix_invitations_invited_by", "invited_by"),
        Index(
            "ix_invitations_mail_due",
            "mail_due_at",
            postgresql_where=text("mail_due_at is not null"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    email: Mapped[str]
    """As users have it: trimmed and case-folded, its domain as A-labels."""
    role: Mapped[Role]
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime]
    """When it was made or renewed last."""
    sends: Mapped[int] = mapped_column(default=1)
    """How often within the hour before ``sent_at``."""
    token_hash: Mapped[bytes | None] = mapped_column(unique=True, default=None)
    """SHA-256 of the token. None until the mail goes out: its token is made in that moment."""
    mail_due_at: Mapped[datetime | None] = mapped_column(default=None)
    """When the mail goes out; None once it has, and where no mail server is set."""
    mail_attempt: Mapped[int] = mapped_column(default=0)
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
