"""Server-sent events: follow a scan without asking again and again."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from rest.dependencies import CurrentActor, CurrentCaller, SharedResources
from rest.schemas import ErrorResponse, Response, errors
from services import auth, scans
from services.errors import ServiceError
from services.scans import ScanProgress, ScanStatus

router = APIRouter(prefix="/scans", tags=["Scans"])

Steps = AsyncGenerator[ScanProgress]

_ANSWERS: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type
    200: {
        "description": (
            "`event: progress` with a step of the scan for each change and at most ten in a"
            " second, the state of now first; `event: completed` with the last step; `event:"
            " error` when the token or the role ends. A comment every 15 seconds keeps the"
            " connection open. Read it with `fetch`: an `EventSource` cannot send the token, but"
            " sends the session cookie."
        ),
        "content": {
            "text/event-stream": {
                "example": (
                    'event: progress\ndata: {"scan_id":"0198c0de-7a3b-7c1d-9e4f-2b6a5d8c0f11",'
                    '"status":"running","progress":40,"target":"www.example.org","score":null}\n\n'
                )
            }
        },
    },
    # Written out: FastAPI would document them as event streams, too.
    **{
        status: {
            "description": answer["description"],
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}
            },
        }
        for status, answer in errors(401, 404).items()
    },
}


class ScanStepResponse(Response):
    """One step of a scan."""

    scan_id: UUID
    status: ScanStatus
    progress: int
    target: str | None
    score: int | None

    @classmethod
    def of(cls, step: ScanProgress) -> Self:
        return cls.model_validate(step)


async def _steps(
    request: Request,
    resources: SharedResources,
    caller: CurrentCaller,
    actor: CurrentActor,
    scan_id: UUID,
) -> AsyncGenerator[tuple[ScanProgress, Steps]]:
    """The state of now and the steps after it; a scan that is not there is 404, no stream."""
    events = auth.admitted_events(resources.events, caller, request.state.admit)
    steps = scans.watch_scan(resources.database, actor, events, scan_id)
    try:
        yield await anext(steps), steps
    finally:
        await steps.aclose()
        await events.aclose()


@router.get(
    "/{scan_id}/events",
    response_class=EventSourceResponse,
    responses=_ANSWERS,
)
async def watch_scan(
    request: Request, steps: Annotated[tuple[ScanProgress, Steps], Depends(_steps)]
) -> AsyncIterator[ServerSentEvent]:
    """Follow a scan until it has ended, as server-sent events."""
    first, later = steps
    yield _event(first)
    if getattr(request.state, "is_head", False):
        return
    try:
        async for step in later:
            yield _event(step)
    except ServiceError as error:  # the answer has begun: its status cannot say it any more
        yield ServerSentEvent(
            event="error", data=ErrorResponse(detail=error.message, code=error.code)
        )


def _event(step: ScanProgress) -> ServerSentEvent:
    return ServerSentEvent(
        event="completed" if step.is_last else "progress", data=ScanStepResponse.of(step)
    )
