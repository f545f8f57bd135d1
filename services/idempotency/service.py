"""Claim a key, keep the answer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.actor import Actor
from services.database import UnitOfWork, utcnow
from services.errors import InvalidInput
from services.idempotency import queries
from services.idempotency.models import IdempotencyKey

LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that carries a key."""

    key: str
    fingerprint: str
    """The same for the same request, and for no other."""


async def claim_key(work: UnitOfWork, actor: Actor, attempt: Attempt) -> str | None:
    """The answer this request got before; None when it is the first, and may do its work.

    Raises InvalidInput when the key stands for another request.
    """
    now = utcnow()
    expired = now - LIFETIME
    row = IdempotencyKey(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        key=attempt.key,
        fingerprint=attempt.fingerprint,
        created_at=now,
    )
    if await queries.insert_key(work.session, row, expired=expired):
        await queries.delete_expired(work.session, actor.organization_id, expired)
        return None
    found = await queries.find_key(
        work.session, actor.organization_id, user_id=actor.user_id, key=attempt.key
    )
    if found is None or found[0] != attempt.fingerprint:
        raise InvalidInput(
            "This Idempotency-Key was used for another request: make a new one",
            code="idempotency_key_reused",
        )
    return found[1]


async def keep_answer(work: UnitOfWork, actor: Actor, attempt: Attempt, answer: str) -> None:
    """Remember what the first request was answered; in the transaction that did its work."""
    await queries.set_answer(
        work.session, actor.organization_id, user_id=actor.user_id, key=attempt.key, answer=answer
    )
