"""Conventions of single routes: entity tags, guarded edits, requests that may be repeated.

A router that uses them has ``route_class=ConventionRoute``; a route asks by its dependencies:
``TAGGED`` on a GET of one resource, ``REPEATABLE`` on a POST that creates work, and an
``EditGuard`` as a parameter of a PATCH.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from services.actor import Actor, Caller
from services.database import Entity, UnitOfWork, lock_row
from services.idempotency import Attempt, claim_key, keep_answer

Handler = Callable[[Request], Coroutine[Any, Any, Response]]  # Any: FastAPI's own type

_TAG_LENGTH = 32
_CHANGED = "The resource has changed since: read it again and repeat the edit"


def tagged(
    if_none_match: Annotated[
        str | None, Header(description="The ETag you have: 304 without a body while it is current.")
    ] = None,
) -> None:
    """Marks a GET of one resource."""


def repeatable(
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern="^[!-~]+$",
            description=(
                "Any text of your own, new for each piece of work. The same request sent again"
                " within 24 hours gets the first answer, with 200, and does nothing."
            ),
        ),
    ] = None,
) -> None:
    """Marks a POST that creates work."""


TAGGED = Depends(tagged)
REPEATABLE = Depends(repeatable)


class ConventionRoute(APIRoute):
    """A route that keeps what its dependencies promise."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        asked = {each.dependency for each in self.dependencies}
        if repeatable in asked:
            handle = _once(handle)
        if tagged in asked or "PATCH" in (self.methods or ()):
            handle = _with_tag(handle)
        return handle


class Replay(Exception):
    """This request was answered before: its transaction ends here."""

    def __init__(self, answer: str | None) -> None:
        super().__init__("a repeated request")
        self.answer = answer or "null"


def _once(handle: Handler) -> Handler:
    async def handle_once(request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        caller: Caller = request.state.caller
        if not key or caller.actor is None:
            return await handle(request)
        attempt = Attempt(key, await _fingerprint(request))
        request.state.attempt = attempt
        try:
            response = await handle(request)
        except Replay as replay:
            return Response(
                replay.answer,
                media_type="application/json",
                headers={"Idempotency-Replayed": "true"},
            )
        # The transaction of the route is still open: FastAPI commits before it sends.
        await keep_answer(request.state.work, caller.actor, attempt, bytes(response.body).decode())
        return response

    return handle_once


async def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        digest.update(part.encode() + b"\n")
    digest.update(await request.body())
    return digest.hexdigest()


async def begin_once(request: Request, work: UnitOfWork) -> None:
    """Claim the request's key in its transaction, before any work. Raises Replay."""
    attempt: Attempt | None = getattr(request.state, "attempt", None)
    caller: Caller | None = getattr(request.state, "caller", None)
    if attempt is None or caller is None or caller.actor is None:
        return
    first = await claim_key(work, caller.actor, attempt)
    if first is not None:
        raise Replay(first)
    request.state.work = work


def _with_tag(handle: Handler) -> Handler:
    async def handle_tagged(request: Request) -> Response:
        response = await handle(request)
        if response.status_code != 200:  # noqa: PLR2004 - HTTP
            return response
        tag = response.headers.get("etag") or entity_tag(response.body)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        known = _tags(request.headers.get("if-none-match", ""))
        if request.method == "GET" and not {tag, "*"}.isdisjoint(known):
            return Response(status_code=304, headers=headers)
        return response

    return handle_tagged


def entity_tag(body: str | bytes | memoryview) -> str:
    """The ETag of a JSON document: over its data, so that it is the same in any encoding."""
    data = json.loads(bytes(body) if isinstance(body, memoryview) else body)
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(canonical.encode()).hexdigest()[:_TAG_LENGTH]}"'


def _tags(header: str) -> tuple[str, ...]:
    """The tags of a header, without the mark of weak ones: a compressing proxy weakens ours."""
    return tuple(part.strip().removeprefix("W/") for part in header.split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class EditGuard:
    """What ``If-Match`` asks of a PATCH."""

    tags: tuple[str, ...]
    """Empty when the edit is meant whatever the resource looks like."""

    async def require(
        self,
        work: UnitOfWork,
        actor: Actor,
        entity: type[Entity],
        id: UUID,
        read: Callable[[], Awaitable[BaseModel]],
    ) -> None:
        """Lock the row and compare. Raises 412 when it is not what the client has seen."""
        if not self.tags:
            return
        await lock_row(work.session, entity, actor.organization_id, id)
        current = entity_tag((await read()).model_dump_json())
        if {current, "*"}.isdisjoint(self.tags):
            raise HTTPException(412, _CHANGED)


def edit_guard(
    if_match: Annotated[
        str | None, Header(description="The ETag you have seen: 412 when it is no longer current.")
    ] = None,
) -> EditGuard:
    return EditGuard(_tags(if_match or ""))


Guard = Annotated[EditGuard, Depends(edit_guard)]
