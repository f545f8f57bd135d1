"""The table of the audit log. The application's role may add to it and read it, and no more."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Base
from services.database.base import Json


class AuditEntry(Base):
    """One act. No foreign keys: the log outlives everything it speaks of."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        UniqueConstraint("organization_id", "sequence"),
        Index("ix_audit_entries_subject", "organization_id", "subject_id"),
        Index("ix_audit_entries_action", "organization_id", "action"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    """Whose log it stands in; the nil UUID for that of the platform."""
    sequence: Mapped[int] = mapped_column(BigInteger)
    """Its number in the organization's chain, from 1 without a gap."""
    at: Mapped[datetime]
    user_id: Mapped[UUID | None]
    """Who did it; None for nobody we know, and for the platform itself."""
    api_key_id: Mapped[UUID | None]
    """The key of theirs that did it in their place."""
    action: Mapped[str]
    """``noun.done``."""
    subject_type: Mapped[str]
    subject_id: Mapped[UUID | None]
    before: Mapped[Json | None]
    after: Mapped[Json | None]
    request_id: Mapped[str | None]
    address: Mapped[str | None]
    """The client's, as the gateway saw it."""
    hash: Mapped[bytes]
    """SHA-256 over the entry before this one and all of the above: see ``chain``."""
