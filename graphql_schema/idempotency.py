"""Mutations that may be sent again: ``idempotencyKey`` keeps what ``Idempotency-Key`` keeps.

Both doors share one store, in which GraphQL keeps the key of the object that was made.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from services.actor import Actor
from services.database import UnitOfWork
from services.errors import InvalidInput
from services.idempotency import Attempt, claim_key, keep_answer

KEY_DESCRIPTION = (
    "Any text of the client's own, new for each piece of work: the same mutation sent again within"
    " 24 hours gives the same object and does nothing."
)
_KEY = re.compile(r"[!-~]{1,255}")


class RepeatableInput(Protocol):
    idempotency_key: str | None


Made = TypeVar("Made")


async def once(
    work: UnitOfWork,
    actor: Actor,
    input: RepeatableInput,
    *,
    make: Callable[[], Awaitable[Made]],
    find: Callable[[UUID], Awaitable[Made]],
    key: Callable[[Made], UUID],
) -> Made:
    """What ``make`` makes; for a mutation that was sent before, what it made then.

    Raises InvalidInput when the key stands for something else, and what ``find`` raises when the
    object is gone.
    """
    given = input.idempotency_key
    if given is None:
        return await make()
    if not _KEY.fullmatch(given):
        raise InvalidInput(
            "idempotency_key must have 1 to 255 printable ASCII characters", field="idempotency_key"
        )
    attempt = Attempt(given, hashlib.sha256(repr(input).encode()).hexdigest())
    first = await claim_key(work, actor, attempt)
    if first is not None:
        return await find(msgspec.json.decode(first, type=UUID))
    made = await make()
    await keep_answer(work, actor, attempt, msgspec.json.encode(key(made)).decode())
    return made
