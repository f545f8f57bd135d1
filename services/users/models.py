"""Users and their sessions. Not tenant tables: a user may belong to many organizations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Base, Entity


class User(Entity):
    __tablename__ = "users"

    email: Mapped[str]
    """Trimmed and case-folded, its domain as A-labels."""
    password_hash: Mapped[str]
    full_name: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en")
    timezone: Mapped[str] = mapped_column(default="UTC")
    avatar_url: Mapped[str | None] = mapped_column(default=None)
    email_verified: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    last_organization_id: Mapped[UUID | None] = mapped_column(default=None)
    """The organization they worked in last: active again after the next login."""


Index("uq_users_email", func.lower(User.email), unique=True)


class RefreshToken(Base):
    """One link of a chain of rotating refresh tokens (RFC 9700, 4.14.2)."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """SHA-256 of the token; the token itself is nowhere."""
    family_id: Mapped[UUID] = mapped_column(index=True)
    """The login this chain began with; reuse of an old link revokes all of it."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    active_organization_id: Mapped[UUID | None]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    family_expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    successor: Mapped[bytes | None] = mapped_column(default=None)
    """The next token, sealed with a key derived from this one: two tabs get the same."""


class PasswordReset(Entity):
    """Somebody asked for a new password. A row whether or not the address is known.

    The worker looks the user up, so the answer to the request says nothing, not even by its time.
    """

    __tablename__ = "password_resets"
    __table_args__ = (
        Index("ix_password_resets_email", "email"),
        Index("ix_password_resets_expires_at", "expires_at"),
        Index(
            "ix_password_resets_mail_due",
            "mail_due_at",
            postgresql_where=text("mail_due_at is not null"),
        ),
    )

    email: Mapped[str]
    expires_at: Mapped[datetime]
    mail_due_at: Mapped[datetime | None]
    token_hash: Mapped[bytes | None] = mapped_column(unique=True, default=None)
    """SHA-256 of the token, which is made in the moment the mail goes out."""
    mail_attempt: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(default=None)
