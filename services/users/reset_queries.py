"""SQL of requests for a new password."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.users.models import PasswordReset


async def count_requests(session: AsyncSession, email: str, since: datetime) -> int:
    statement = select(func.count()).where(
        PasswordReset.email == email, PasswordReset.created_at > since
    )
    return await session.scalar(statement) or 0


async def use_token(session: AsyncSession, token_hash: bytes, now: datetime) -> str | None:
    """The address the token was mailed to; None for one that is unknown, expired or used."""
    return await session.scalar(
        update(PasswordReset)
        .where(
            PasswordReset.token_hash == token_hash,
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > now,
        )
        .values(used_at=now, mail_due_at=None, updated_at=now)
        .returning(PasswordReset.email)
    )


async def close_requests(session: AsyncSession, email: str, now: datetime) -> None:
    """No other token of this address is good any more."""
    await session.execute(
        update(PasswordReset)
        .where(PasswordReset.email == email, PasswordReset.used_at.is_(None))
        .values(used_at=now, mail_due_at=None, updated_at=now)
    )


async def claim_mail(
    session: AsyncSession,
    reset_id: UUID,
    *,
    token_hash: bytes,
    now: datetime,
    lease_until: datetime,
) -> PasswordReset | None:
    """The request with its new token, ours to send; None when there is nothing to send."""
    return await session.scalar(
        update(PasswordReset)
        .where(
            PasswordReset.id == reset_id,
            PasswordReset.mail_due_at <= now,
            PasswordReset.expires_at > now,
            PasswordReset.used_at.is_(None),
        )
        .values(
            token_hash=token_hash,
            mail_due_at=lease_until,
            mail_attempt=PasswordReset.mail_attempt + 1,
            updated_at=now,
        )
        .returning(PasswordReset)
    )


async def finish_mail(
    session: AsyncSession, token_hash: bytes, next_try: datetime | None, now: datetime
) -> None:
    await session.execute(
        update(PasswordReset)
        .where(PasswordReset.token_hash == token_hash, PasswordReset.used_at.is_(None))
        .values(mail_due_at=next_try, updated_at=now)
    )


async def list_due_mail(
    session: AsyncSession, *, before: datetime, at_most: int
) -> Sequence[tuple[UUID, int]]:
    statement = (
        select(PasswordReset.id, PasswordReset.mail_attempt)
        .where(PasswordReset.mail_due_at < before)
        .order_by(PasswordReset.mail_due_at)
        .limit(at_most)
    )
    return (await session.execute(statement)).all()


async def delete_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(PasswordReset).where(PasswordReset.expires_at <= now))
