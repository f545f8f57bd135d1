"""SQL of users and refresh tokens."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.users.models import RefreshToken, User


async def find_user_by_email(session: AsyncSession, email: str) -> User | None:
    return await session.scalar(select(User).where(func.lower(User.email) == email))


async def find_user(session: AsyncSession, user_id: UUID) -> User | None:
    return await session.scalar(select(User).where(User.id == user_id))


async def find_users(session: AsyncSession, user_ids: Collection[UUID]) -> Sequence[User]:
    """Those of the ids there are, in one statement; for none, without any."""
    if not user_ids:
        return []
    return (await session.scalars(select(User).where(User.id.in_(user_ids)))).all()


async def find_refresh_token(session: AsyncSession, token_hash: bytes) -> RefreshToken | None:
    """The token's row, locked until the transaction ends: two tabs come one after the other."""
    statement = select(RefreshToken).where(RefreshToken.token_hash == token_hash)
    return await session.scalar(statement.with_for_update())


async def revoke_family(session: AsyncSession, family_id: UUID, now: datetime) -> None:
    await session.execute(
        update(RefreshToken)
        .where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def end_sessions(
    session: AsyncSession, user_id: UUID, now: datetime, *, but: UUID | None = None
) -> None:
    """Revoke every login of the user, except this family."""
    statement = update(RefreshToken).where(
        RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None)
    )
    if but is not None:
        statement = statement.where(RefreshToken.family_id != but)
    await session.execute(statement.values(revoked_at=now))


async def find_last_link(session: AsyncSession, family_id: UUID) -> RefreshToken | None:
    """The newest token of a login that goes on, locked until the transaction ends."""
    return await session.scalar(
        select(RefreshToken)
        .where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
        .order_by(RefreshToken.issued_at.desc(), RefreshToken.token_hash)
        .limit(1)
        .with_for_update()
    )


async def move_family(
    session: AsyncSession, family_id: UUID, organization_id: UUID, *, live_until: datetime
) -> None:
    """A login goes on in another organization; its present tokens end soon."""
    await session.execute(
        update(RefreshToken)
        .where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
        .values(
            active_organization_id=organization_id,
            expires_at=func.least(RefreshToken.expires_at, live_until),
        )
    )
