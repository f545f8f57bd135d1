"""What routes ask for: the caller, a session or a transaction in their scope, a page."""

from collections.abc import AsyncGenerator, Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from rest.conventions import begin_once
from services import organizations
from services.actor import Actor, Caller, Permission
from services.database import Scope, UnitOfWork
from services.errors import NotFound
from services.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageRequest
from services.resources import Resources


def get_resources(request: Request) -> Resources:
    return request.state.resources


_BEARER = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    description="The access token that register, login and refresh answer, or an API key.",
    auto_error=False,
)


def get_caller(
    request: Request,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None,
) -> Caller:
    """Whoever the authentication let in; it lets nobody else reach a guarded route."""
    return request.state.caller


def get_actor(caller: Annotated[Caller, Depends(get_caller)]) -> Actor:
    """The caller in their organization. Raises NotFound while they act in none."""
    if caller.actor is None:
        raise NotFound("organization", code="no_organization")
    return caller.actor


def may(permission: Permission) -> Callable[[Actor], None]:
    """Refuse before the body is judged: a viewer's rubbish is 403, not 422 (AUTH-10).

    The service asks again; this only puts the answers in the right order.
    """

    def check(actor: Annotated[Actor, Depends(get_actor)]) -> None:
        actor.require(permission)

    return check


SharedResources = Annotated[Resources, Depends(get_resources)]
CurrentCaller = Annotated[Caller, Depends(get_caller)]
CurrentActor = Annotated[Actor, Depends(get_actor)]


async def get_path_actor(
    resources: SharedResources, caller: CurrentCaller, organization_id: UUID
) -> Actor:
    """The caller in the organization of the path, whichever is active. Raises NotFound."""
    if caller.actor is not None and caller.actor.organization_id == organization_id:
        return caller.actor
    if caller.person_id is None:  # an API key acts in its own organization and nowhere else
        raise NotFound("organization")
    scope = Scope(organization_id=organization_id, user_id=caller.user_id)
    async with resources.database.read(scope) as session:
        return await organizations.get_actor(session, caller.user_id, organization_id)


def may_there(permission: Permission) -> Callable[[Actor], None]:
    """As ``may``, in the organization of the path."""

    def check(actor: Annotated[Actor, Depends(get_path_actor)]) -> None:
        actor.require(permission)

    return check


PathActor = Annotated[Actor, Depends(get_path_actor)]


def _scope(request: Request) -> Scope:
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        return Scope()
    return Scope(organization_id=caller.organization_id, user_id=caller.person_id)


async def _read(request: Request, resources: SharedResources) -> AsyncGenerator[AsyncSession]:
    async with resources.database.read(_scope(request)) as session:
        yield session


async def _transaction(request: Request, resources: SharedResources) -> AsyncGenerator[UnitOfWork]:
    async with resources.database.transaction(_scope(request), request.state.origin) as work:
        await begin_once(request, work)
        yield work


async def _path_read(actor: PathActor, resources: SharedResources) -> AsyncGenerator[AsyncSession]:
    async with resources.database.read(_scope_of(actor)) as session:
        yield session


async def _path_work(
    request: Request, actor: PathActor, resources: SharedResources
) -> AsyncGenerator[UnitOfWork]:
    async with resources.database.transaction(_scope_of(actor), request.state.origin) as work:
        yield work


def _scope_of(actor: Actor) -> Scope:
    return Scope(organization_id=actor.organization_id, user_id=actor.person_id)


# scope="function": FastAPI would otherwise send the response before the commit.
ReadSession = Annotated[AsyncSession, Depends(_read, scope="function")]
Work = Annotated[UnitOfWork, Depends(_transaction, scope="function")]
# In the organization of the path.
PathReadSession = Annotated[AsyncSession, Depends(_path_read, scope="function")]
PathWork = Annotated[UnitOfWork, Depends(_path_work, scope="function")]


def get_page(
    page: Annotated[int, Query(ge=1, lt=2**31, description="Counted from 1.")] = 1,
    page_size: Annotated[
        int | None, Query(ge=1, le=MAX_PAGE_SIZE, description="Items on a page; 20 by default.")
    ] = None,
    limit: Annotated[
        int | None, Query(ge=1, le=MAX_PAGE_SIZE, description="Another name for page_size.")
    ] = None,
) -> PageRequest:
    return PageRequest(page=page, page_size=page_size or limit or DEFAULT_PAGE_SIZE)


Paging = Annotated[PageRequest, Depends(get_page)]
