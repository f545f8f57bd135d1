"""No body may be larger, or take longer, than the gateway is willing to read (IN-2)."""

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.assets import MAX_FILE_BYTES

_DEADLINE_S = 20.0
_FRAMING_BYTES = 64 * 1024
"""What a form puts around its file: boundaries, part headers, the other fields."""
_LARGER = {"/api/v1/assets/import": MAX_FILE_BYTES + _FRAMING_BYTES}
"""Paths whose bodies may be larger than the rest."""


class _TooLarge(Exception):
    pass


class BodyLimitMiddleware:
    """Counts bytes as they arrive: what a client says in Content-Length is only a hint."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = _LARGER.get(scope.get("path", ""), self._max_bytes)
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(_DEADLINE_S):
                messages = await _read(receive, limit)
        except _TooLarge:
            response = _refusal(413, f"The body is too large (at most {limit} bytes)")
            await response(scope, receive, send)
            return
        except TimeoutError:
            response = _refusal(408, "The body did not arrive in time")
            await response(scope, receive, send)
            return
        arrived = iter(messages)

        async def replay() -> Message:
            message = next(arrived, None)
            return message if message is not None else await receive()

        await self._app(scope, replay, send)


async def _read(receive: Receive, limit: int) -> list[Message]:
    """The whole body, at most ``limit`` bytes of it in memory."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > limit:
            raise _TooLarge
        if message["type"] != "http.request" or not message.get("more_body", False):
            return messages


def _refusal(status: int, detail: str) -> JSONResponse:
    code = "payload_too_large" if status == 413 else "request_timeout"  # noqa: PLR2004 - HTTP
    return JSONResponse({"detail": detail, "code": code}, status, {"Connection": "close"})
