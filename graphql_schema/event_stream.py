"""GraphQL over server-sent events, in the distinct connections mode of the graphql-sse protocol.

One operation, one response: ``next`` for each result, then ``complete``. A comment now and then
keeps proxies from closing what is only quiet.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from starlette.types import Message, Receive, Scope, Send

MEDIA_TYPE: Final = "text/event-stream"
_KEEP_ALIVE_S: Final = 12.0


class EventStream:
    """The ASGI response. The results are JSON documents; they are closed however it ends."""

    def __init__(self, results: AsyncGenerator[bytes]) -> None:
        self._results = results

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._write(send))
                leaving = group.create_task(_until_gone(receive))
                others = (leaving, group.create_task(_keep_alive(send)))
                await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
                for task in (writing, *others):
                    task.cancel()
        finally:
            await self._results.aclose()

    async def _write(self, send: Send) -> None:
        async for result in self._results:
            await send(_body(b"event: next\ndata: " + result + b"\n\n"))
        await send(_body(b"event: complete\ndata:\n\n"))
        await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _keep_alive(send: Send) -> None:
    while True:
        await asyncio.sleep(_KEEP_ALIVE_S)
        await send(_body(b":\n\n"))


def _body(chunk: bytes) -> Message:
    return {"type": "http.response.body", "body": chunk, "more_body": True}
