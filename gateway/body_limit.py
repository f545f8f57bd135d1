"""No body may be larger, or take longer, than the gateway is willing to read (IN-2)."""

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DEADLINE_S = 20.0


class _TooLarge(Exception):
    pass


class BodyLimitMiddleware:
    """Counts bytes as they arrive: what a client says in Content-Length is only a hint."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(_DEADLINE_S):
                messages = await self._read(receive)
        except _TooLarge:
            await self._refuse(scope, receive, send, 413, "The body is too large")
            return
        except TimeoutError:
            await self._refuse(scope, receive, send, 408, "The body did not arrive in time")
            return
        arrived = iter(messages)

        async def replay() -> Message:
            message = next(arrived, None)
            return message if message is not None else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> list[Message]:
        """The whole body, at most ``max_bytes`` of it in memory."""
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._max_bytes:
                raise _TooLarge
            if message["type"] != "http.request" or not message.get("more_body", False):
                return messages

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, status: int, detail: str
    ) -> None:
        code = "payload_too_large" if status == 413 else "request_timeout"  # noqa: PLR2004 - HTTP
        response = JSONResponse(
            {"detail": f"{detail} (at most {self._max_bytes} bytes)", "code": code},
            status,
            {"Connection": "close"},
        )
        await response(scope, receive, send)
