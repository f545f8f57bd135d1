"""No address and no header fields larger than any honest client's: 414 and 431."""

from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_TARGET_BYTES: Final = 8192
MAX_HEADER_BYTES: Final = 32_768
MAX_FIELDS: Final = 100


class HeaderLimitMiddleware:
    """The HTTP server has parsed them by now; nothing behind this reads or stores more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, detail, code = refusal
        response = JSONResponse({"detail": detail, "code": code}, status, {"Connection": "close"})
        await response(scope, receive, send)


def _refusal(scope: Scope) -> tuple[int, str, str] | None:
    fields: list[tuple[bytes, bytes]] = scope["headers"]
    target_bytes = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if target_bytes > MAX_TARGET_BYTES:
        return 414, f"The address is too long (at most {MAX_TARGET_BYTES} bytes)", "uri_too_long"
    header_bytes = sum(len(name) + len(value) for name, value in fields)
    if header_bytes > MAX_HEADER_BYTES or len(fields) > MAX_FIELDS:
        detail = f"Too many header fields (at most {MAX_FIELDS} and {MAX_HEADER_BYTES} bytes)"
        return 431, detail, "headers_too_large"
    return None
