"""The pages of the APIs, from our own origin: Swagger UI, ReDoc, GraphiQL and a landing page.

They work without internet and under a policy that allows no inline script and no foreign host
(``graphql.md`` section 5). The files are in `gateway.assets`. An asset asked for with the hash of
its content (as the pages do) may be kept for ever; without it, it is checked again each time.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from html import escape
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

_ASSETS: Final = Path(__file__).parent / "assets"
_STATIC: Final = _ASSETS / "static"
_HASH_LENGTH: Final = 16
_REFERENCE: Final = re.compile(r'(?<=")/assets/([\w./-]+)(?=")')
_TEXT_TYPES: Final = frozenset({"text/css", "text/javascript", "text/plain", "image/svg+xml"})

# The two style elements that ReDoc's styled-components and its scroll bar write into the page.
_REDOC_STYLES: Final = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
)


def _policy(*style_hashes: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            " ".join(("style-src 'self'", *style_hashes)),
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


_PAGE_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Asset:
    path: Path
    digest: str
    """First hexadecimal digits of the SHA-256 of the content."""
    media_type: str


def page_routes(*, openapi_url: str = "/openapi.json", enabled: bool = True) -> list[BaseRoute]:
    """Routes of ``/``, ``/docs``, ``/redoc`` and ``/assets/…``; none when switched off.

    ``/graphql`` is not among them: it shares its path with the endpoint, which asks `wants_page`
    and answers with `graphiql_page`.
    """
    if not enabled:
        return []

    def landing(request: Request) -> Response:
        return _page(request, "index.html", openapi_url)

    def docs(request: Request) -> Response:
        return _page(request, "docs.html", openapi_url)

    def redoc(request: Request) -> Response:
        return _page(request, "redoc.html", openapi_url, policy=_policy(*_REDOC_STYLES))

    return [
        Route("/", landing, name="landing", include_in_schema=False),
        Route("/docs", docs, name="docs", include_in_schema=False),
        Route("/redoc", redoc, name="redoc", include_in_schema=False),
        Route("/assets/{path:path}", _asset, name="assets", include_in_schema=False),
    ]


def wants_page(request: Request) -> bool:
    """True when a browser opens ``/graphql``, False when a client sends it a query.

    A page is asked for by GET or HEAD without a query in the address, by an Accept header that
    names ``text/html`` and prefers it to every JSON type (RFC 9110, section 12.5.1).
    """
    if request.method not in {"GET", "HEAD"}:
        return False
    if not request.query_params.keys().isdisjoint({"query", "documentId", "extensions"}):
        return False
    weights = _accepted(request.headers.get("accept", ""))
    json = ("application/json", "application/graphql-response+json")
    html = weights.get("text/html", 0.0)
    return html > 0 and html >= max(weights.get(name, 0.0) for name in json)


def graphiql_page(request: Request) -> Response:
    """The explorer; it signs in through the REST API and sends its queries to this same path."""
    return _page(request, "graphql.html")


def _page(
    request: Request, name: str, openapi_url: str = "", *, policy: str | None = None
) -> Response:
    content = _rendered(name).replace("{{openapi_url}}", escape(openapi_url)).encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]}"'
    headers = {**_PAGE_HEADERS, "ETag": etag}
    if policy is not None:
        headers["Content-Security-Policy"] = policy
    if _is_known(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="text/html", headers=headers)


@cache
def _rendered(name: str) -> str:
    """The page with the hash of each asset in its address, so that a new one is fetched anew."""

    def with_hash(reference: re.Match[str]) -> str:
        return f"{reference[0]}?v={_assets()[reference[1]].digest}"

    return _REFERENCE.sub(with_hash, (_ASSETS / name).read_text(encoding="utf-8"))


def _asset(request: Request) -> Response:
    # Looked up, never joined to a directory: what is not in the table cannot be reached.
    asset = _assets().get(request.path_params["path"])
    if asset is None:
        raise HTTPException(404, "Not found")
    etag = f'"{asset.digest}"'
    is_pinned = request.query_params.get("v") == asset.digest
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if is_pinned else "no-cache",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if _is_known(request, etag):
        return Response(status_code=304, headers=headers)
    return FileResponse(asset.path, media_type=asset.media_type, headers=headers)


@cache
def _assets() -> dict[str, _Asset]:
    """All files a browser may fetch, by their path below ``/assets/``."""
    return {
        path.relative_to(_STATIC).as_posix(): _Asset(
            path=path,
            digest=hashlib.sha256(path.read_bytes()).hexdigest()[:_HASH_LENGTH],
            media_type=_media_type(path),
        )
        for path in sorted(_STATIC.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _media_type(path: Path) -> str:
    # Not from the machine's own tables: some still call a script application/javascript.
    known = {".js": "text/javascript", ".svg": "image/svg+xml", ".css": "text/css"}
    media_type = known.get(path.suffix) or guess_type(path.name)[0] or "application/octet-stream"
    return f"{media_type}; charset=utf-8" if media_type in _TEXT_TYPES else media_type


def _is_known(request: Request, etag: str) -> bool:
    """Whether the client already has this content (weak comparison, RFC 9110 section 13.1.2)."""
    sent = request.headers.get("if-none-match", "")
    return etag in {tag.strip().removeprefix("W/") for tag in sent.split(",")}


def _accepted(header: str) -> dict[str, float]:
    """Media ranges of an Accept header with their weights; a malformed weight counts as zero."""
    weights: dict[str, float] = {}
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        weights[name] = float(weight) if re.fullmatch(r"[01](\.\d{0,3})?", weight) else 0.0
    return weights
