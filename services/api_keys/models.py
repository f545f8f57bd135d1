"""The table of API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.actor import Permission
from services.database import Entity


class ApiKey(Entity):
    __tablename__ = "api_keys"
    __table_args__ = (
        Index("ix_api_keys_organization_id", "organization_id", "created_by"),
        Index("ix_api_keys_created_by", "created_by"),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[str]
    """The part people may see, so that they know one key from another."""
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the whole key; the key itself is nowhere."""
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    """To the minute."""
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def permissions(self) -> frozenset[Permission]:
        """The scopes; one that this version no longer knows allows nothing."""
        return frozenset(each for each in Permission if each.value in self.scopes)
