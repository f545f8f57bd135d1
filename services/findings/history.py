"""Use cases of a finding's past: its history and its comments."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission
from services.database import UnitOfWork
from services.errors import InvalidInput
from services.events import Event
from services.findings import history_queries
from services.findings.history_models import FindingComment, FindingEvent
from services.findings.service import require_finding
from services.keyset import Slice, Window, cut
from services.pagination import Page, PageRequest

MAX_COMMENT_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class EventView:
    event: FindingEvent
    actor_name: str | None
    """None: the platform itself, or somebody whose account was erased."""


@dataclass(frozen=True, slots=True)
class CommentView:
    comment: FindingComment
    author_name: str | None


async def list_finding_history(
    session: AsyncSession, actor: Actor, finding_id: UUID, page: PageRequest
) -> Page[EventView]:
    """Who changed what, newest first. Raises NotFound."""
    actor.require(Permission.FINDINGS_READ)
    await require_finding(session, actor, finding_id)
    rows, total = await history_queries.list_events(
        session, actor.organization_id, finding_id, page
    )
    return Page([EventView(event, name) for event, name in rows], total, page)


async def slice_finding_history(
    session: AsyncSession, actor: Actor, finding_id: UUID, window: Window
) -> Slice[EventView]:
    """As ``list_finding_history``, by key."""
    actor.require(Permission.FINDINGS_READ)
    await require_finding(session, actor, finding_id)
    rows = await history_queries.slice_events(session, actor.organization_id, finding_id, window)
    return cut([EventView(event, name) for event, name in rows], window)


async def count_finding_history(session: AsyncSession, actor: Actor, finding_id: UUID) -> int:
    actor.require(Permission.FINDINGS_READ)
    return await history_queries.count_events(session, actor.organization_id, finding_id)


async def list_finding_comments(
    session: AsyncSession, actor: Actor, finding_id: UUID, page: PageRequest
) -> Page[CommentView]:
    """Oldest first. Raises NotFound."""
    actor.require(Permission.FINDINGS_READ)
    await require_finding(session, actor, finding_id)
    rows, total = await history_queries.list_comments(
        session, actor.organization_id, finding_id, page
    )
    return Page([CommentView(comment, name) for comment, name in rows], total, page)


async def slice_finding_comments(
    session: AsyncSession, actor: Actor, finding_id: UUID, window: Window
) -> Slice[CommentView]:
    """As ``list_finding_comments``, by key."""
    actor.require(Permission.FINDINGS_READ)
    await require_finding(session, actor, finding_id)
    rows = await history_queries.slice_comments(session, actor.organization_id, finding_id, window)
    return cut([CommentView(comment, name) for comment, name in rows], window)


async def count_finding_comments(session: AsyncSession, actor: Actor, finding_id: UUID) -> int:
    actor.require(Permission.FINDINGS_READ)
    return await history_queries.count_comments(session, actor.organization_id, finding_id)


async def comment_on_finding(
    work: UnitOfWork, actor: Actor, finding_id: UUID, text: str
) -> CommentView:
    """Say something; it stays. Raises NotFound, InvalidInput for an empty or endless text."""
    actor.require(Permission.FINDINGS_WRITE)
    text = text.strip()
    if not 1 <= len(text) <= MAX_COMMENT_LENGTH:
        raise InvalidInput(f"text has 1 to {MAX_COMMENT_LENGTH} characters", field="text")
    await require_finding(work.session, actor, finding_id)
    comment = FindingComment(
        organization_id=actor.organization_id,
        finding_id=finding_id,
        author_id=actor.user_id,
        text=text,
    )
    work.session.add(comment)
    await work.session.flush()
    work.announce(Event(actor.organization_id, "finding.changed", finding_id))
    return CommentView(comment, await history_queries.name_of(work.session, actor.user_id))
