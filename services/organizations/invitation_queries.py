"""SQL of invitations."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.organizations.models import Invitation, Organization
from services.users import User

_IS_OPEN: tuple[ColumnElement[bool], ...] = (
    Invitation.accepted_at.is_(None),
    Invitation.revoked_at.is_(None),
)


async def list_open_invitations(
    session: AsyncSession, organization_id: UUID
) -> Sequence[Invitation]:
    """Neither accepted nor revoked, expired ones among them; oldest first."""
    statement = (
        select(Invitation)
        .where(Invitation.organization_id == organization_id, *_IS_OPEN)
        .order_by(Invitation.id)
    )
    return (await session.scalars(statement)).all()


async def find_open_invitation(
    session: AsyncSession, organization_id: UUID, invitation_id: UUID
) -> Invitation | None:
    """Locked until the transaction ends."""
    return await session.scalar(
        select(Invitation)
        .where(
            Invitation.organization_id == organization_id,
            Invitation.id == invitation_id,
            *_IS_OPEN,
        )
        .with_for_update()
    )


async def find_open_invitation_of(
    session: AsyncSession, organization_id: UUID, email: str
) -> Invitation | None:
    return await session.scalar(
        select(Invitation)
        .where(Invitation.organization_id == organization_id, Invitation.email == email, *_IS_OPEN)
        .with_for_update()
    )


async def count_valid(session: AsyncSession, organization_id: UUID, now: datetime) -> int:
    statement = select(func.count()).where(
        Invitation.organization_id == organization_id, Invitation.expires_at > now, *_IS_OPEN
    )
    return await session.scalar(statement) or 0


async def count_sent(session: AsyncSession, organization_id: UUID, since: datetime) -> int:
    """Made or renewed since then, whatever became of them."""
    statement = select(func.coalesce(func.sum(Invitation.sends), 0)).where(
        Invitation.organization_id == organization_id, Invitation.sent_at > since
    )
    return await session.scalar(statement) or 0


async def list_offers(
    session: AsyncSession, user_id: UUID, now: datetime
) -> Sequence[tuple[Invitation, Organization]]:
    """What the user could accept. Row security shows a user the invitations to their address."""
    statement = (
        select(Invitation, Organization)
        .join(Organization, Organization.id == Invitation.organization_id)
        .join(User, func.lower(User.email) == Invitation.email)
        .where(User.id == user_id, Invitation.expires_at > now, *_IS_OPEN)
        .order_by(Invitation.id)
        .limit(100)
    )
    return (await session.execute(statement)).all()


async def find_offer(
    session: AsyncSession,
    user_id: UUID,
    *,
    token_hash: bytes | None = None,
    invitation_id: UUID | None = None,
) -> tuple[Invitation, User] | None:
    """The invitation, only for the user whose address it is made out to."""
    which = (
        Invitation.token_hash == token_hash
        if token_hash is not None
        else Invitation.id == invitation_id
    )
    statement = (
        select(Invitation, User)
        .join(User, func.lower(User.email) == Invitation.email)
        .where(User.id == user_id, which, *_IS_OPEN)
    )
    return (await session.execute(statement)).first()


async def close_as_accepted(
    session: AsyncSession, organization_id: UUID, invitation_id: UUID, now: datetime
) -> bool:
    """Whether it was still to be had: an invitation is accepted once."""
    statement = (
        update(Invitation)
        .where(
            Invitation.organization_id == organization_id,
            Invitation.id == invitation_id,
            Invitation.expires_at > now,
            *_IS_OPEN,
        )
        .values(accepted_at=now, token_hash=None, mail_due_at=None, updated_at=now)
        .returning(Invitation.id)
    )
    return await session.scalar(statement) is not None


async def claim_mail(
    session: AsyncSession,
    organization_id: UUID,
    invitation_id: UUID,
    *,
    token_hash: bytes,
    now: datetime,
    lease_until: datetime,
) -> Invitation | None:
    """The invitation with its new token, ours to send; None when there is nothing to send."""
    statement = (
        update(Invitation)
        .where(
            Invitation.organization_id == organization_id,
            Invitation.id == invitation_id,
            Invitation.mail_due_at <= now,
            Invitation.expires_at > now,
            *_IS_OPEN,
        )
        .values(
            token_hash=token_hash,
            mail_due_at=lease_until,
            mail_attempt=Invitation.mail_attempt + 1,
            updated_at=now,
        )
        .returning(Invitation)
    )
    return await session.scalar(statement)


async def finish_mail(
    session: AsyncSession,
    organization_id: UUID,
    token_hash: bytes,
    *,
    next_try: datetime | None,
    now: datetime,
) -> None:
    """Nothing changes when somebody renewed the invitation meanwhile: it has another token."""
    await session.execute(
        update(Invitation)
        .where(Invitation.organization_id == organization_id, Invitation.token_hash == token_hash)
        .values(mail_due_at=next_try, updated_at=now)
    )


async def list_due_mail(
    session: AsyncSession, *, before: datetime, now: datetime, at_most: int
) -> Sequence[tuple[UUID, UUID, int]]:
    """Organization, invitation and number of the next try; needs a sweep's scope."""
    statement = (
        select(Invitation.organization_id, Invitation.id, Invitation.mail_attempt)
        .where(Invitation.mail_due_at < before, Invitation.expires_at > now, *_IS_OPEN)
        .order_by(Invitation.mail_due_at)
        .limit(at_most)
    )
    return (await session.execute(statement)).all()
