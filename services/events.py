"""Progress and change events over Redis pub/sub. Subscribers get them, nothing depends on them.

A worker says something once; every gateway hears it over one connection of its own and hands it
to whoever listens there. What was missed while Redis was away is not repeated: a subscriber is
told so by ``LOST`` and looks at the row, which is the truth.
"""

import asyncio
import contextlib
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

if TYPE_CHECKING:  # redis-py is generic in its stubs alone
    from redis.asyncio.client import PubSub

log = structlog.get_logger()

SCAN_PROGRESS: Final = "scan.progress"
SCAN_COMPLETED: Final = "scan.completed"
"""A scan has ended, however it did."""
FINDING_CHANGED: Final = "finding.changed"
MEMBERSHIP_CHANGED: Final = "membership.changed"
"""The subject is the user whose role or membership is another now."""
LOST: Final = "events.lost"
"""Never published: events may have been missed, so whatever is shown is to be read again."""

Message = dict[str, Any]  # Any: redis-py's own message

_PREFIX: Final = "nis2:events:"
_MAX_PENDING: Final = 256
"""Events that wait for one slow subscriber."""
_START_S: Final = 2.0
"""How long a subscriber waits for the connection before it begins without one."""
_SILENCE_S: Final = 15.0
"""After so long without a message the connection is asked whether it still lives."""
_RETRY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed in an organization, told after the commit."""

    organization_id: UUID
    kind: str
    subject_id: UUID
    data: dict[str, Any] = field(default_factory=dict[str, Any])  # Any: a JSON object


def channel(organization_id: UUID) -> str:
    return f"{_PREFIX}{organization_id}"


class EventPublisher:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def publish(self, event: Event) -> None:
        """Raises RedisError or OSError; the caller decides that nobody minds."""
        message = {"kind": event.kind, "id": event.subject_id, **event.data}
        await self._redis.publish(  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
            channel(event.organization_id), msgspec.json.encode(message)
        )


class Subscription:
    """What one listener has not taken yet: of each kind and subject the last event only."""

    def __init__(self, organization_id: UUID) -> None:
        self._organization_id = organization_id
        self._pending: OrderedDict[tuple[str, UUID], Event] = OrderedDict()
        self._has_arrived = asyncio.Event()

    def put(self, event: Event) -> None:
        self._pending.pop((event.kind, event.subject_id), None)
        if len(self._pending) >= _MAX_PENDING:
            self.lose()
        self._pending[event.kind, event.subject_id] = event
        self._has_arrived.set()

    def lose(self) -> None:
        """Forget what waits, and say so."""
        self._pending.clear()
        lost = Event(self._organization_id, LOST, self._organization_id)
        self._pending[LOST, lost.subject_id] = lost
        self._has_arrived.set()

    async def next(self, patience_s: float) -> Event | None:
        """The oldest that waits; None when nothing comes in that time."""
        try:
            async with asyncio.timeout(patience_s):
                await self._has_arrived.wait()
        except TimeoutError:
            return None
        _, event = self._pending.popitem(last=False)
        if not self._pending:
            self._has_arrived.clear()
        return event


class EventHub:
    """The subscribers of this process behind one connection to Redis, opened for the first."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._subscriptions: defaultdict[UUID, set[Subscription]] = defaultdict(set)
        self._is_listening = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def subscribe(self, organization_id: UUID) -> AsyncGenerator[Subscription]:
        """Begins with ``LOST``: read the row once more, now that nothing after it is missed."""
        if self._listener is None:
            self._listener = asyncio.get_running_loop().create_task(self._listen())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_S):
                await self._is_listening.wait()
        subscription = Subscription(organization_id)
        subscription.lose()
        self._subscriptions[organization_id].add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[organization_id].discard(subscription)
            if not self._subscriptions[organization_id]:
                del self._subscriptions[organization_id]

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError) as error:
                log.warning("events_without_redis", error=type(error).__name__)
            finally:
                self._is_listening.clear()
            await asyncio.sleep(_RETRY_S)

    async def _hear(self) -> None:
        """Until the connection breaks. Raises RedisError, OSError."""
        client = Redis.from_url(self._redis_url)  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
        try:
            pubsub: PubSub = client.pubsub()  # pyright: ignore[reportUnknownMemberType] - as above
            async with pubsub:
                await pubsub.psubscribe(f"{_PREFIX}*")  # pyright: ignore[reportUnknownMemberType] - as above
                is_silent = False
                while True:
                    message = cast("Message | None", await pubsub.get_message(timeout=_SILENCE_S))
                    if message is not None:
                        is_silent = False
                        self._take(message)
                    elif is_silent:
                        raise TimeoutError("Redis does not answer")
                    else:
                        is_silent = True
                        await pubsub.ping()  # pyright: ignore[reportUnknownMemberType] - as above
        finally:
            await client.aclose()

    def _take(self, message: Message) -> None:
        if message["type"] == "psubscribe":  # also after redis-py has connected anew by itself
            self._is_listening.set()
            for listeners in self._subscriptions.values():
                for subscription in listeners:
                    subscription.lose()
        if message["type"] != "pmessage":
            return
        event = _parse(message["channel"], message["data"], self._subscriptions)
        if event is not None:
            for subscription in self._subscriptions[event.organization_id]:
                subscription.put(event)


def _parse(
    name: bytes, data: bytes, wanted: "defaultdict[UUID, set[Subscription]]"
) -> Event | None:
    """None where nobody listens, and for what is none of ours."""
    try:
        organization_id = UUID(name.decode().removeprefix(_PREFIX))
        if organization_id not in wanted:
            return None
        fields = msgspec.json.decode(data, type=dict[str, Any])  # Any: a JSON object
        return Event(organization_id, fields.pop("kind"), UUID(fields.pop("id")), fields)
    except (ValueError, KeyError, msgspec.DecodeError):
        return None
