"""Keys that clients gave, with what they were answered."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Base, utcnow


class IdempotencyKey(Base):
    """One request of one user in one organization. Good for a day, then it may be used again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        Index("ix_idempotency_keys_age", "organization_id", "created_at"),
        Index("ix_idempotency_keys_user_id", "user_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    """SHA-256 over method, path, query and body of the request, in hexadecimal."""
    answer: Mapped[str | None] = mapped_column(default=None)
    """The JSON of the first answer; null only inside the transaction that makes it."""
    created_at: Mapped[datetime] = mapped_column(default_factory=utcnow)
