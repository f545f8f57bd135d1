"""The queue: arq on Redis, as a doorbell. The row in the database is the truth.

A job carries one id and no data, as JSON: whoever can write to Redis can ring, and no more. Beside
it stands where it comes from, for logs and traces alone.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import msgspec
from arq.connections import ArqRedis, RedisSettings
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.tracing import origin

QUEUE_NAME = "nis2:queue"
HEALTH_KEY = "nis2:health"
"""A worker keeps this alive; ``arq --check`` and readiness look at it."""
_RETRIES = 20


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with which row of which organization."""

    name: str
    organization_id: UUID
    subject_id: UUID
    attempt: int = 0
    """Part of the job's identity: arq refuses an id it still knows, so a retry needs its own."""

    @property
    def id(self) -> str:
        return f"{self.name}:{self.subject_id}:{self.attempt}"


class JobQueue(Protocol):
    async def put(self, job: Job) -> None:
        """Ring the bell. Raises RedisError or OSError when nobody hears it."""
        ...


class ArqQueue:
    """The queue on Redis."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def put(self, job: Job) -> None:
        await self._redis.enqueue_job(
            job.name,
            str(job.organization_id),
            str(job.subject_id),
            _job_id=job.id,
            origin=origin(),
        )


def redis_settings(url: str) -> RedisSettings:
    """Connection settings that outlive a Redis restart of half a minute (JOB-11)."""
    settings = RedisSettings.from_dsn(url)
    settings.retry = Retry(ExponentialBackoff(cap=1.5, base=0.1), _RETRIES)
    settings.retry_on_error = [RedisConnectionError, RedisTimeoutError, OSError]
    settings.retry_on_timeout = True
    return settings


def serialize_job(message: dict[str, Any]) -> bytes:  # Any: arq's own message
    """JSON for arq; an exception as a result becomes its name and message."""
    result = message.get("r")
    if isinstance(result, BaseException):
        described = {"error": type(result).__name__, "message": str(result)[:500]}
        message = {**message, "r": described}
    return msgspec.json.encode(message)


def deserialize_job(data: bytes) -> dict[str, Any]:  # Any: as above
    return msgspec.json.decode(data, type=dict[str, Any])
