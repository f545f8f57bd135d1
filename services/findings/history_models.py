"""What happened to a finding, and what people said about it."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.database import Entity


class FindingEventKind(StrEnum):
    """What changed; ``before`` and ``after`` of an event are of this."""

    FIRST_SEEN = "first_seen"
    STATUS = "status"
    SEVERITY = "severity"
    ASSIGNEE = "assignee"
    DUE = "due"
    NOTE = "note"
    ACCEPTANCE = "acceptance"
    """The end of an accepted risk."""
    REVIEW = "review"
    """A false positive that looks different since, or that a person looked at again."""
    NOTICE = "notice"
    """The acceptance ends in so many days."""


def _finding_key() -> ForeignKeyConstraint:
    """The tenant travels in the key: foreign keys do not see row security."""
    return ForeignKeyConstraint(
        ["organization_id", "finding_id"],
        ["findings.organization_id", "findings.id"],
        ondelete="CASCADE",
    )


class FindingEvent(Entity):
    """One step in the life of a finding: who changed what, and why. Appended, never changed."""

    __tablename__ = "finding_events"
    __table_args__ = (
        Index("ix_finding_events_finding", "organization_id", "finding_id"),
        _finding_key(),
    )

    organization_id: Mapped[UUID]
    finding_id: Mapped[UUID]
    kind: Mapped[FindingEventKind]
    actor_id: Mapped[UUID | None]
    """None: the platform itself, from what a scan saw or because a date has come."""
    before: Mapped[str | None]
    after: Mapped[str | None]
    note: Mapped[str | None] = mapped_column(default=None)
    scan_id: Mapped[UUID | None] = mapped_column(default=None)


class FindingComment(Entity):
    """What somebody said about a finding. Never edited: it may be evidence."""

    __tablename__ = "finding_comments"
    __table_args__ = (
        Index("ix_finding_comments_finding", "organization_id", "finding_id", "id"),
        Index("ix_finding_comments_author_id", "author_id"),
        _finding_key(),
    )

    organization_id: Mapped[UUID]
    finding_id: Mapped[UUID]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    """None: their account was erased."""
    text: Mapped[str]
