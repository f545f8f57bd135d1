"""Whether the parts the platform needs are there; every answer within a second."""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.migrations.run import current_revision, head_revision
from services.queue import HEALTH_KEY
from services.resources import Resources

_LIMIT_S = 0.8


class PartStatus(StrEnum):
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Readiness:
    database: PartStatus
    redis: PartStatus
    migrations: PartStatus
    worker: PartStatus
    """Error: no worker gave a sign of life lately. Degraded, but the gateway can serve."""

    @property
    def is_ready(self) -> bool:
        return self.database is PartStatus.OK and self.redis is PartStatus.OK

    @property
    def is_degraded(self) -> bool:
        return PartStatus.ERROR in {self.database, self.redis, self.migrations, self.worker}


class ReadinessProbe:
    """Asks at most once a second, however often it is asked."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._last: Readiness | None = None
        self._asked_at = 0.0
        self._lock = asyncio.Lock()

    async def check(self) -> Readiness:
        async with self._lock:
            if self._last is None or time.monotonic() - self._asked_at >= 1.0:
                self._last = await self._ask()
                self._asked_at = time.monotonic()
            return self._last

    async def _ask(self) -> Readiness:
        async with asyncio.TaskGroup() as group:
            database = group.create_task(self._database())
            redis = group.create_task(self._redis())
        is_up, is_migrated = database.result()
        answers, has_worker = redis.result()
        return Readiness(
            _status(is_up), _status(answers), _status(is_migrated), _status(has_worker)
        )

    async def _database(self) -> tuple[bool, bool]:
        try:
            async with (
                asyncio.timeout(_LIMIT_S),
                self._resources.database.engine.connect() as connection,
            ):
                await connection.execute(text("select 1"))
                revision = await connection.run_sync(current_revision)
        except (SQLAlchemyError, OSError, TimeoutError):
            return False, False
        return True, revision == head_revision()

    async def _redis(self) -> tuple[bool, bool]:
        try:
            async with asyncio.timeout(_LIMIT_S):
                return True, bool(await self._resources.redis.exists(HEALTH_KEY))
        except (RedisError, OSError, TimeoutError):
            return False, False


def _status(is_fine: bool) -> PartStatus:  # noqa: FBT001 - the one thing it translates
    return PartStatus.OK if is_fine else PartStatus.ERROR
