"""Attestations: appended, withdrawn, never changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Entity


class Attestation(Entity):
    """A person says that something a scan cannot see is in place, and where the evidence is."""

    __tablename__ = "attestations"
    __table_args__ = (
        Index(
            "ix_attestations_subject",
            "organization_id",
            "subject",
            "id",
            postgresql_where=text("withdrawn_at is null"),
        ),
        Index("ix_attestations_attested_by", "attested_by"),
        Index("ix_attestations_withdrawn_by", "withdrawn_by"),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    subject: Mapped[str]
    """A letter, as ``a``, or a point, as ``1.1``."""
    statement: Mapped[str]
    evidence_url: Mapped[str | None]
    valid_until: Mapped[datetime | None]
    """None: until it is withdrawn or replaced."""
    attested_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), default=None
    )
