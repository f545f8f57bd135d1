"""The OpenAPI document: what routes say of themselves, and what every request gets besides."""

from collections.abc import Iterator
from copy import deepcopy
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

Json = dict[str, Any]  # Any: an OpenAPI document is JSON

DESCRIPTION: Final = """
An exposure scanner and compliance gateway for NIS2: it watches domains, addresses and networks
from outside, files what it finds mapped to Article 21(2), follows each finding through its life,
and reports.

Log in with `POST /api/v1/auth/login` and send the access token as `Authorization: Bearer …`
(here: *Authorize*). The same use cases are offered by [GraphQL](/graphql).

**Errors** are `{"detail": "one sentence", "code": "stable_word", "request_id": "…"}`; 422 adds
`errors` with the place of each mistake. **Lists** take `page` and `page_size` (1 to 100).
**Polling** is cheap with `If-None-Match` and the `ETag` of the last answer; an edit with `If-Match`
never overwrites what you have not seen. **A repeated POST** with the same `Idempotency-Key` does
its work once. **Limits** stand in `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`
(seconds).
"""
TAGS: Final[list[Json]] = [
    {"name": "Authentication", "description": "Register, log in, stay logged in, and the profile."},
    {"name": "Scans", "description": "Start a scan, follow it, read and compare what it saw."},
    {"name": "Findings", "description": "Problems of the organization, each once, with its life."},
    {"name": "Compliance", "description": "How you stand on Article 21(2), and what you attest."},
    {"name": "Assets", "description": "The domains, addresses and networks that are watched."},
    {"name": "Schedules", "description": "Scans by a cron expression in a time zone."},
    {"name": "Reports", "description": "Documents of a completed scan, made by workers."},
    {"name": "Organizations", "description": "Your organizations, their settings and members."},
    {"name": "API keys", "description": "What programs of the organization hold."},
    {"name": "Audit log", "description": "Who did what, for good."},
    {"name": "Health", "description": "Whether the process lives and its servers answer."},
]
SERVERS: Final[list[Json]] = [{"url": "/", "description": "This installation"}]

_ERROR: Final = {"$ref": "#/components/schemas/ErrorResponse"}
_REQUEST_ID: Final = "0198c0de-7a3b-7c1d-9e4f-2b6a5d8c0f11"
_EXAMPLES: Final[dict[int, tuple[str, str]]] = {
    400: ("The scan has already ended", "invalid_request"),
    401: ("A bearer token is needed: log in first", "unauthenticated"),
    403: ("The viewer role may not do this (scans:run)", "forbidden"),
    404: ("Scan not found", "not_found"),
    409: ("This target is an asset already", "conflict"),
    412: (
        "The resource has changed since: read it again and repeat the edit",
        "precondition_failed",
    ),
    413: ("The body is too large (at most 1048576 bytes)", "payload_too_large"),
    415: ("The body must be application/json", "unsupported"),
    416: ("The range lies beyond the end of the file", "range_not_satisfiable"),
    422: ("name: String should have at least 1 character", "validation_failed"),
    429: ("Too many requests: try again in 12 s", "rate_limited"),
    431: ("Too many header fields (at most 100 and 32768 bytes)", "headers_too_large"),
    500: ("Internal error", "internal"),
    503: ("The database is away: try again in a moment", "database_away"),
}
_MEANINGS: Final = {
    401: "Missing or invalid token",
    412: "The resource is no longer what If-Match names",
    413: "The body is too large",
    429: "Too many requests; try again after Retry-After",
    431: "The header fields are too large",
    500: "A mistake of ours, written into the log under request_id",
    503: "The database is away for a moment",
}
_HEADERS: Final[Json] = {
    "X-Request-Id": {
        "description": "The id you sent, or one made for this request; it stands in the log.",
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {
        "description": "Requests allowed in a minute; absent while limits are off.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Remaining": {
        "description": "Requests left in this minute.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit-Reset": {
        "description": "Seconds until the count begins anew.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {
        "description": "For If-None-Match and If-Match.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750).",
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "true: this request was sent before, and this is its first answer.",
        "schema": {"type": "string"},
    },
}


class DocumentedApp(FastAPI):
    """FastAPI with a document that is true for every route and every middleware."""

    def openapi(self) -> Json:
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title,
                version=self.version,
                description=self.description,
                contact=self.contact,
                license_info=self.license_info,
                routes=self.routes,
                tags=TAGS,
                servers=SERVERS,
            )
            self.openapi_schema = complete(document)
        return self.openapi_schema


def complete(document: Json) -> Json:
    """A copy with what routes cannot know: security, common errors, headers, examples."""
    document = deepcopy(document)
    document["components"]["headers"] = deepcopy(_HEADERS)
    for path, operation in _operations(document):
        _describe(operation)
        for parameter in operation.get("parameters", ()):
            _forbid_null(parameter["schema"])
        operation.setdefault("security", [])
        _add_common_errors(path, operation)
        _add_conventions(operation)
        for status, response in operation["responses"].items():
            _complete_response(path, int(status), response)
    return document


def _operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def _describe(operation: Json) -> None:
    """The first sentence of the description is the summary."""
    first = operation.get("description", "").partition("\n\n")[0].replace("\n", " ")
    if first:
        operation["summary"] = first.partition(". ")[0].removesuffix(".")


def _forbid_null(schema: Json) -> None:
    """An optional parameter is absent: an address or a header has no null."""
    kinds: list[Json] = schema.get("anyOf", [])
    real = [kind for kind in kinds if kind != {"type": "null"}]
    if len(real) < len(kinds):
        del schema["anyOf"]
        schema.update(real[0] if len(real) == 1 else {"anyOf": real})


def _add_common_errors(path: str, operation: Json) -> None:
    responses: Json = operation["responses"]
    statuses = {431}
    if not path.startswith("/api/v1/health"):
        statuses |= {429, 500, 503}
    if operation["security"]:
        statuses.add(401)
    if "requestBody" in operation:
        statuses.add(413)
    if _takes_header(operation, "if-match"):
        statuses.add(412)
    for status in sorted(statuses):
        responses.setdefault(
            str(status),
            {
                "description": _MEANINGS[status],
                "content": {"application/json": {"schema": dict(_ERROR)}},
            },
        )


def _add_conventions(operation: Json) -> None:
    """What the header parameters of a route mean for its answers."""
    responses: Json = operation["responses"]
    if _takes_header(operation, "if-none-match"):
        responses["304"] = {"description": "What you have is current"}
        responses["200"].setdefault("headers", {})["ETag"] = _header("ETag")
    if _takes_header(operation, "if-match"):
        responses["200"].setdefault("headers", {})["ETag"] = _header("ETag")
    if _takes_header(operation, "idempotency-key"):
        created = responses.get("201") or responses.get("202") or responses["200"]
        replayed = {
            **deepcopy(created),
            "description": "The first answer to this Idempotency-Key, again",
        }
        replayed["headers"] = {"Idempotency-Replayed": _header("Idempotency-Replayed")}
        responses["200"] = replayed


def _takes_header(operation: Json, name: str) -> bool:
    return any(
        parameter.get("in") == "header" and parameter["name"].lower() == name
        for parameter in operation.get("parameters", ())
    )


def _header(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _complete_response(path: str, status: int, response: Json) -> None:
    headers: Json = response.setdefault("headers", {})
    headers["X-Request-Id"] = _header("X-Request-Id")
    if not path.startswith("/api/v1/health"):
        for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"):
            headers[name] = _header(name)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = _header("Retry-After")
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _header("WWW-Authenticate")
    stream = response.get("content", {}).get("text/event-stream", {})
    stream.pop("itemSchema", None)  # a word of OpenAPI 3.2, and the document is of 3.1
    content = response.get("content", {}).get("application/json", {})
    if content.get("schema") == _ERROR and status in _EXAMPLES:
        detail, code = _EXAMPLES[status]
        content["example"] = {"detail": detail, "code": code, "request_id": _REQUEST_ID}
