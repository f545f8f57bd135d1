"""SQL of idempotency keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.idempotency.models import IdempotencyKey

_SWEPT_AT_ONCE = 100


async def insert_key(session: AsyncSession, row: IdempotencyKey, *, expired: datetime) -> bool:
    """Whether the key was free, or older than ``expired``.

    Waits for a transaction that holds the same key.
    """
    values = {
        "organization_id": row.organization_id,
        "user_id": row.user_id,
        "key": row.key,
        "fingerprint": row.fingerprint,
        "answer": None,
        "created_at": row.created_at,
    }
    statement = (
        insert(IdempotencyKey)
        .values(values)
        .on_conflict_do_update(
            index_elements=["organization_id", "user_id", "key"],
            set_={name: values[name] for name in ("fingerprint", "answer", "created_at")},
            where=IdempotencyKey.created_at < expired,
        )
        .returning(IdempotencyKey.key)
    )
    return await session.scalar(statement) is not None


async def find_key(
    session: AsyncSession, organization_id: UUID, *, user_id: UUID, key: str
) -> tuple[str, str | None] | None:
    """Fingerprint and answer."""
    row = await session.execute(
        select(IdempotencyKey.fingerprint, IdempotencyKey.answer).where(
            IdempotencyKey.organization_id == organization_id,
            IdempotencyKey.user_id == user_id,
            IdempotencyKey.key == key,
        )
    )
    found = row.one_or_none()
    return None if found is None else (found.fingerprint, found.answer)


async def set_answer(
    session: AsyncSession, organization_id: UUID, *, user_id: UUID, key: str, answer: str
) -> None:
    await session.execute(
        update(IdempotencyKey)
        .where(
            IdempotencyKey.organization_id == organization_id,
            IdempotencyKey.user_id == user_id,
            IdempotencyKey.key == key,
        )
        .values(answer=answer)
    )


async def delete_expired(session: AsyncSession, organization_id: UUID, expired: datetime) -> None:
    """Some of the keys that are older; those another transaction looks at are left alone."""
    old = (
        select(IdempotencyKey.organization_id, IdempotencyKey.user_id, IdempotencyKey.key)
        .where(
            IdempotencyKey.organization_id == organization_id, IdempotencyKey.created_at < expired
        )
        .limit(_SWEPT_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        delete(IdempotencyKey).where(
            tuple_(IdempotencyKey.organization_id, IdempotencyKey.user_id, IdempotencyKey.key).in_(
                old
            )
        )
    )
