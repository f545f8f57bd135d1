"""Progress and change events over Redis pub/sub. Subscribers get them, nothing depends on them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

if TYPE_CHECKING:  # redis-py is generic in its stubs alone
    from redis.asyncio import Redis


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed in an organization, told after the commit."""

    organization_id: UUID
    kind: str
    """``scan.progress``, ``scan.completed``, ``report.progress`` or ``finding.changed``."""
    subject_id: UUID
    data: dict[str, Any] = field(default_factory=dict[str, Any])  # Any: a JSON object


def channel(organization_id: UUID) -> str:
    return f"nis2:events:{organization_id}"


class EventPublisher:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def publish(self, event: Event) -> None:
        """Raises RedisError or OSError; the caller decides that nobody minds."""
        message = {"kind": event.kind, "id": event.subject_id, **event.data}
        await self._redis.publish(  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
            channel(event.organization_id), msgspec.json.encode(message)
        )
