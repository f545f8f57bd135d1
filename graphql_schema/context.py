"""What one operation shares: who asks, one read session behind a gate, and the data loaders."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TypeAlias
from uuid import UUID

import strawberry
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from graphql_schema.loaders import Loaders
from services.actor import Actor, Caller, Readers
from services.auth import Admit, admitted_events
from services.database import Origin, Scope, UnitOfWork
from services.errors import NotFound, Unavailable
from services.events import Event
from services.organizations import get_actor
from services.resources import Resources

_NOWHERE = Origin()
_READ_ONLY = text(
    "select set_config('transaction_read_only', 'on', true),"
    " set_config('statement_timeout', '5s', true)"
)


class Context:
    """One per operation, never per socket. Close it when the operation has ended."""

    def __init__(
        self,
        resources: Resources,
        caller: Caller,
        *,
        origin: Origin = _NOWHERE,
        admit: Admit | None = None,
        wants_cost: bool = False,
    ) -> None:
        """``admit`` authenticates the caller again: needed to subscribe."""
        self.resources = resources
        self.caller = caller
        self.origin = origin
        self._admit = admit
        self.wants_cost = wants_cost
        self.loaders = Loaders(self.read, self)
        self._gate = asyncio.Lock()
        self._opened = AsyncExitStack()
        self._session: AsyncSession | None = None
        self._is_closed = False
        self._across: Loaders | None = None
        self._patience: asyncio.Timeout | None = None

    @property
    def request_id(self) -> str | None:
        return self.origin.request_id

    @property
    def nested(self) -> Loaders:
        """Those that can load what belongs to any object of this operation."""
        return self._across or self.loaders

    async def across(self) -> Loaders:
        """Loaders in all of the caller's organizations at once, whichever is active.

        They read through a session of their own, in which row security looks up itself which
        organizations those are; everything else of the operation stays in one.
        """
        if self.caller.api_key_id is not None:  # a key reads in its own organization alone
            return self.loaders
        views = await self.loaders.organizations()
        if self._across is None:  # only now: sibling fields have waited for the same views
            actors = (Actor(self.caller.user_id, view.organization.id, view.role) for view in views)
            self._across = Loaders(self._read_across, self, Readers(tuple(actors)))
        return self._across

    @property
    def actor(self) -> Actor:
        """The caller in their organization. Raises NotFound while they act in none."""
        if self.caller.actor is None:
            raise NotFound("organization", code="no_organization")
        return self.caller.actor

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        """The operation's session, for one user at a time.

        Sibling fields resolve at once and a session is not made for that: on a cold pool nine of
        ten such fields would fail. A failed statement costs its own field and no other.
        """
        async with self._gate:
            if self._is_closed:  # a field that outlived its operation: nobody reads its answer
                raise Unavailable("The operation has ended", code="operation_ended")
            try:
                yield await self._read_session()
            except DBAPIError:
                await self._release()
                raise

    @asynccontextmanager
    async def _read_across(self) -> AsyncGenerator[AsyncSession]:
        async with self._gate:
            if self._is_closed:
                raise Unavailable("The operation has ended", code="operation_ended")
            scope = Scope(user_id=self.caller.user_id, is_across=True)
            async with self.resources.database.read(scope) as session:
                await session.execute(_READ_ONLY)
                yield session

    @asynccontextmanager
    async def write(self, actor: Actor | None = None) -> AsyncGenerator[UnitOfWork]:
        """A transaction of its own for one mutation; what was read before is forgotten.

        In the active organization, unless ``actor`` acts in another one.
        """
        await self.release()
        async with self.resources.database.transaction(self._scope_of(actor), self.origin) as work:
            yield work

    @asynccontextmanager
    async def read_as(self, actor: Actor) -> AsyncGenerator[AsyncSession]:
        """A session in the actor's organization: the operation's own where that is the active."""
        if actor == self.caller.actor:
            async with self.read() as session:
                yield session
            return
        async with self.resources.database.read(self._scope_of(actor)) as session:
            await session.execute(_READ_ONLY)
            yield session

    async def actor_in(self, organization_id: UUID | None) -> Actor:
        """The caller in one of their organizations, the active one for None. Raises NotFound."""
        if organization_id is None or organization_id == self.caller.organization_id:
            return self.actor
        if self.caller.person_id is None:  # an API key acts in its own and nowhere else
            raise NotFound("organization")
        scope = Scope(organization_id=organization_id, user_id=self.caller.user_id)
        async with self.resources.database.read(scope) as session:
            return await get_actor(session, self.caller.user_id, organization_id)

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[AsyncGenerator[Event]]:
        """What happens in the active organization, for as long as the caller may see it."""
        if self._admit is None:
            raise Unavailable("Subscriptions are not offered here", code="no_subscriptions")
        events = admitted_events(self.resources.events, self.caller, self._admit)
        async with aclosing(events):
            yield events

    async def release(self) -> None:
        """Between two results of a subscription: no session is held, nothing read is kept."""
        async with self._gate:
            await self._release()
        self.loaders = Loaders(self.read, self)
        self._across = None

    @asynccontextmanager
    async def limited(self, seconds: float) -> AsyncGenerator[None]:
        """The operation, or its first result, comes in this time. Raises TimeoutError."""
        async with asyncio.timeout(seconds) as self._patience:
            yield
        self._patience = None

    def wait_for_ever(self) -> None:
        """The operation turned out to be a subscription: its first result may take its time."""
        if self._patience is not None:
            self._patience.reschedule(None)

    async def close(self) -> None:
        """Give the session back, after whoever still uses it."""
        async with self._gate:
            self._is_closed = True
            await self._release()

    async def _read_session(self) -> AsyncSession:
        if self._session is None:
            self._session = await self._opened.enter_async_context(
                self.resources.database.read(self._scope_of())
            )
            await self._session.execute(_READ_ONLY)
        return self._session

    async def _release(self) -> None:
        self._session = None
        await self._opened.aclose()

    def _scope_of(self, actor: Actor | None = None) -> Scope:
        actor = actor or self.caller.actor
        return Scope(
            organization_id=actor.organization_id if actor else None,
            user_id=self.caller.person_id,
        )


Info: TypeAlias = strawberry.Info[Context, None]
