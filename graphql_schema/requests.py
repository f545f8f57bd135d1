"""From an HTTP request to one GraphQL operation, by the GraphQL-over-HTTP draft.

Whatever is malformed is refused with a status and one error; nothing here may raise anything else.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.requests import Request

from graphql_schema.documents import TrustedDocuments, UntrustedDocument

GRAPHQL_JSON: Final = "application/graphql-response+json"
JSON: Final = "application/json"
MAX_BODY: Final = 262_144
"""Bytes."""


class RefusedRequest(Exception):
    """No operation can be read from the request."""

    def __init__(
        self, status: int, message: str, code: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class OperationRequest:
    query: str
    variables: dict[str, Any]  # Any: JSON values
    operation_name: str | None
    is_read_only: bool
    """Sent by GET: only a query may run."""


async def read_operation(request: Request, documents: TrustedDocuments) -> OperationRequest:
    """Raises RefusedRequest."""
    if request.method == "GET":
        return _from_address(request, documents)
    if request.method != "POST":
        raise RefusedRequest(
            405, "GraphQL is asked by POST or GET", "METHOD_NOT_ALLOWED", {"Allow": "GET, POST"}
        )
    _require_json(request.headers.get("content-type", ""))
    body = await request.body()
    if len(body) > MAX_BODY:
        raise RefusedRequest(413, f"At most {MAX_BODY} bytes", "PAYLOAD_TOO_LARGE")
    return operation_of(_decode(body), documents)


def response_type(accept: str) -> str:
    """The newer media type where the client asks for it, plain JSON for everybody else."""
    weights = dict(_weight(part) for part in accept.lower().split(","))
    wanted = weights.get(GRAPHQL_JSON, 0.0)
    return GRAPHQL_JSON if wanted > 0 and wanted >= weights.get(JSON, 0.0) else JSON


def _weight(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    text = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return name, float(text)
    except ValueError:
        return name, 0.0


def _from_address(request: Request, documents: TrustedDocuments) -> OperationRequest:
    given: dict[str, object] = dict(request.query_params)
    for name in ("variables", "extensions"):
        text = request.query_params.get(name)
        if text is not None:
            given[name] = _decode(text.encode()) if text else None
    return operation_of(given, documents, is_read_only=True)


def _require_json(content_type: str) -> None:
    """A form or a text could be posted by any web page; JSON needs our consent (CORS)."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charset = next((each[8:] for each in parameters if each.startswith("charset=")), "utf-8")
    if media_type != JSON or charset.strip('"') not in {"utf-8", "utf8"}:
        raise RefusedRequest(
            415, "The body must be application/json in UTF-8", "UNSUPPORTED_MEDIA_TYPE"
        )


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad("The body is no valid JSON") from error


def operation_of(
    given: object, documents: TrustedDocuments, *, is_read_only: bool = False
) -> OperationRequest:
    """One operation as a JSON value describes it, whichever transport brought it.

    Raises RefusedRequest.
    """
    if isinstance(given, list):
        raise _bad("One operation at a time: batches are not offered")
    if not isinstance(given, dict):
        raise _bad("The body must be a JSON object")
    fields: dict[str, Any] = given  # pyright: ignore[reportUnknownVariableType] - JSON's keys are texts
    operation_name = fields.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise _bad("operationName must be a text or null")
    for name in ("variables", "extensions"):
        if not isinstance(fields.get(name), dict | None):
            raise _bad(f"{name} must be an object or null")
    return OperationRequest(
        query=_text(fields, documents),
        variables=fields.get("variables") or {},
        operation_name=operation_name or None,
        is_read_only=is_read_only,
    )


def _text(fields: dict[str, Any], documents: TrustedDocuments) -> str:  # Any: JSON values
    """The document, written out or named; both at once are one too many."""
    query, document_id = fields.get("query"), fields.get("documentId")
    try:
        if document_id is not None:
            if not isinstance(document_id, str) or query is not None:
                raise _bad("Give either query or documentId, as a text")
            return documents.text(document_id)
        if not isinstance(query, str) or not query.strip():
            raise _bad("query must be a text with a GraphQL document")
        documents.require(query)
    except UntrustedDocument as error:
        raise _untrusted(error) from None
    return query


def _untrusted(error: UntrustedDocument) -> RefusedRequest:
    if error.is_unknown:
        return RefusedRequest(400, "No document has this id", "PERSISTED_DOCUMENT_NOT_FOUND")
    return RefusedRequest(400, "Only trusted documents run here", "PERSISTED_DOCUMENT_REQUIRED")


def _bad(message: str) -> RefusedRequest:
    return RefusedRequest(400, message, "BAD_REQUEST")
