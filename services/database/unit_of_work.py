"""Transactions: one per request, mutation or job step, opened at the door.

A service that takes a ``UnitOfWork`` may write; one that takes a session only reads. What it did
goes into the audit log with the same commit; jobs and events go out after it, and a rollback
forgets all of them.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, SessionTransaction

from services.actor import Actor, Author
from services.database.base import Entity
from services.database.recording import Change, Origin, Record
from services.events import Event
from services.metrics import SCANS_ENDED
from services.queue import Job

log = structlog.get_logger()

_NOWHERE = Origin()
_SET_SCOPE = text(
    "select set_config('app.org_id', :organization_id, true),"
    " set_config('app.user_id', :user_id, true), set_config('app.sweep', :sweep, true),"
    " set_config('app.across', :across, true)"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What row security lets a transaction see. Without any of them it sees no tenant's row."""

    organization_id: UUID | None = None
    user_id: UUID | None = None
    """Lets a user see their own memberships and organizations."""
    is_sweep: bool = False
    """Lets a worker read which scans, batches and reports of any organization are due."""
    is_across: bool = False
    """Lets a user read in all of their organizations; row security looks up which those are."""

    def as_settings(self) -> dict[str, str]:
        return {
            "organization_id": str(self.organization_id or ""),
            "user_id": str(self.user_id or ""),
            "sweep": "on" if self.is_sweep else "",
            "across": "on" if self.is_across else "",
        }


class _ScopedSession(Session):
    """Sets the scope at the start of every transaction: a commit ends the setting, too."""


@event.listens_for(_ScopedSession, "after_begin")
def _set_scope(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction] - SQLAlchemy calls it
    scope: Scope = session.info["scope"]
    connection.execute(_SET_SCOPE, scope.as_settings())


class UnitOfWork:
    """One transaction, and what to tell the world once it has committed."""

    def __init__(self, session: AsyncSession, origin: Origin) -> None:
        self.session = session
        self.origin = origin
        self.records: list[Record] = []
        self.jobs: list[Job] = []
        self.events: list[Event] = []

    def enqueue(self, job: Job) -> None:
        """Queue ``job`` after the commit; a rollback forgets it."""
        self.jobs.append(job)

    def announce(self, event: Event) -> None:
        self.events.append(event)

    def record(self, author: Actor | Author, action: str, subject: Entity | Change) -> None:
        """Put an act into the audit log of the author's organization, with this commit.

        A row is recorded with what has changed in it since it was last written, if anything has:
        call this before the next statement. ``action`` is ``noun.done``.
        """
        change = subject if isinstance(subject, Change) else Change.of(subject)
        if change.after != {}:
            by = author.author if isinstance(author, Actor) else author
            self.records.append(Record(by, action, change))

    @property
    def scope(self) -> Scope:
        return self.session.info["scope"]

    async def enter(self, scope: Scope) -> None:
        """Go on in another scope: an organization that this transaction creates or joins."""
        self.session.info["scope"] = scope
        await self.session.execute(_SET_SCOPE, scope.as_settings())


class Database:
    """The pool, and the two ways to use it."""

    def __init__(
        self,
        engine: AsyncEngine,
        put: Callable[[Job], Awaitable[None]],
        publish: Callable[[Event], Awaitable[None]],
        append: Callable[[UnitOfWork], Awaitable[None]],
    ) -> None:
        """``append`` writes what a transaction recorded, as the last thing before its commit."""
        self.engine = engine
        self._put = put
        self._publish = publish
        self._append = append
        self._sessions = async_sessionmaker(
            engine, expire_on_commit=False, sync_session_class=_ScopedSession
        )

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncGenerator[AsyncSession]:
        """A session for reading; whatever it changed is rolled back."""
        async with self._sessions(info={"scope": scope}) as session:
            yield session

    @asynccontextmanager
    async def transaction(
        self, scope: Scope, origin: Origin = _NOWHERE
    ) -> AsyncGenerator[UnitOfWork]:
        """Commit on leaving, then queue the jobs; roll back on any exception."""
        async with self._sessions(info={"scope": scope}) as session, session.begin():
            work = UnitOfWork(session, origin)
            yield work
            if work.records:
                await self._append(work)
        await self._tell(work)

    async def _tell(self, work: UnitOfWork) -> None:
        """The rows are there: whatever Redis misses now, the sweep will queue."""
        for event_ in work.events:
            if event_.kind == "scan.completed":
                SCANS_ENDED.labels(str(event_.data["status"])).inc()
        try:
            for job in work.jobs:
                await self._put(job)
            for event_ in work.events:
                await self._publish(event_)
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=str(error), jobs=[job.id for job in work.jobs])
