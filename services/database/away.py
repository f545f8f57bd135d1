"""Telling a database that is away, and may be back soon, from one that refused what was asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

log = structlog.get_logger()

Value = TypeVar("Value")

AWAY: Final = (OperationalError, InterfaceError, OSError)
"""OSError: nobody listens, and TimeoutError is one."""
_STATES: Final = ("08", "57P0")
"""SQLSTATE of a connection that failed, and of a server that stops or starts (57P01 to 57P03).

PostgreSQL's appendix A. On connecting, asyncpg's own errors arrive as they are.
"""
_PAUSE_S: Final = 1.0


def is_away(error: BaseException) -> bool:
    """Whether asking again in a moment may succeed, because it was not the question's fault."""
    if isinstance(error, AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return isinstance(state, str) and state.startswith(_STATES)


async def when_back(ask: Callable[[], Awaitable[Value]]) -> Value:
    """What ``ask`` gives, asked again and again while the database is away.

    ``ask`` is one transaction: if only the answer to its commit was lost, it is made twice.
    """
    while True:
        try:
            return await ask()
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("database_away", error=type(error).__name__)
        await asyncio.sleep(_PAUSE_S)
