"""Who listens has to be admitted all the while: a token ends, a role changes, a member leaves."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from time import monotonic
from typing import Final

from services.actor import Caller
from services.errors import NotFound, PermissionDenied
from services.events import MEMBERSHIP_CHANGED, Event, EventHub

Admit = Callable[[], Awaitable[Caller]]
"""Authenticates the same token again, as of now. Raises Unauthenticated, PermissionDenied."""

_RECHECK_S: Final = 15.0
"""A token that ends or is revoked stops the stream after so long at most."""


async def admitted_events(hub: EventHub, caller: Caller, admit: Admit) -> AsyncGenerator[Event]:
    """The events of the caller's organization for as long as they may see them; ``LOST`` first.

    Raises NotFound while they act in no organization, Unauthenticated when their token has ended,
    PermissionDenied when their role or membership is no longer what it was.
    """
    if caller.actor is None:
        raise NotFound("organization", code="no_organization")
    async with hub.subscribe(caller.actor.organization_id) as subscription:
        checked_at = monotonic()
        while True:
            event = await subscription.next(max(0.0, checked_at + _RECHECK_S - monotonic()))
            is_about_them = (
                event is not None
                and event.kind == MEMBERSHIP_CHANGED
                and event.subject_id == caller.user_id
            )
            if event is None or is_about_them or monotonic() >= checked_at + _RECHECK_S:
                await _require_unchanged(caller, admit)
                checked_at = monotonic()
            if event is not None and event.kind != MEMBERSHIP_CHANGED:
                yield event


async def _require_unchanged(caller: Caller, admit: Admit) -> None:
    now = await admit()
    if now.actor != caller.actor:
        raise PermissionDenied(
            "Your role in this organization has changed: connect again", code="role_changed"
        )
