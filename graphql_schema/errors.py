"""Every error as a client reads it: a sentence, a stable code, and nothing of the inside.

The codes are those of the services in upper case; REST answers the same ones in lower case.
"""

from collections.abc import Sequence
from typing import Any

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from sqlalchemy.exc import DBAPIError

from services.database import is_away
from services.errors import Conflict, InvalidInput, ServiceError, TooManyRequests, Unavailable

log = structlog.get_logger()

LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
_MAX_ERRORS = 20
_MAX_LENGTH = 500
_QUERY_CANCELED = "57014"  # PostgreSQL's SQLSTATE after statement_timeout

Extensions = dict[str, Any]  # Any: a JSON object


def code_of(error: ServiceError) -> str:
    return error.code.upper()


def coded(errors: Sequence[GraphQLError], request_id: str | None) -> list[GraphQLError]:
    """What the client gets. The unexpected is logged in full and answered as "Internal error"."""
    return [_coded(error, request_id) for error in errors[:_MAX_ERRORS]]


def _coded(error: GraphQLError, request_id: str | None) -> GraphQLError:
    cause = _cause(error)
    refusal = _refusal(cause) if cause is not None else None
    if refusal is not None:
        return _rewritten(error, refusal.message, _extensions(refusal))
    if isinstance(cause, RecursionError):
        return _rewritten(error, "The document is nested too deeply", {"code": LIMIT_EXCEEDED})
    if cause is not None:
        log.error("unexpected_error", exc_info=cause, path=error.path)
        extensions: Extensions = {"code": "INTERNAL"}
        if request_id:
            extensions["requestId"] = request_id
        return _rewritten(error, "Internal error", extensions)
    # Coercion repeats the client's whole input in its message.
    message = error.message[:_MAX_LENGTH]
    return _rewritten(error, message, error.extensions or {"code": _client_code(error)})


def _cause(error: GraphQLError) -> Exception | None:
    """The exception a resolver raised; None for what graphql-core says about the request."""
    cause: Exception | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _refusal(cause: Exception) -> ServiceError | None:
    if isinstance(cause, ServiceError):
        return cause
    if isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", "") == _QUERY_CANCELED:
        return Unavailable("This took too long: narrow the filter or ask for less", code="timeout")
    if is_away(cause):
        log.error("database_away", error=type(cause).__name__)
        return Unavailable("The database is away: try again in a moment", code="database_away")
    return None


def _extensions(error: ServiceError) -> Extensions:
    extensions: Extensions = {"code": code_of(error)}
    if isinstance(error, InvalidInput) and error.field:
        extensions["field"] = error.field
    if isinstance(error, Conflict) and error.existing_id:
        extensions["existingId"] = error.existing_id
    if isinstance(error, TooManyRequests):
        extensions["retryAfterSeconds"] = error.retry_after_s
    return extensions


def _client_code(error: GraphQLError) -> str:
    if not isinstance(error, GraphQLSyntaxError):
        return BAD_USER_INPUT
    return LIMIT_EXCEEDED if "more than" in error.message else PARSE_FAILED


def _rewritten(error: GraphQLError, message: str, extensions: Extensions) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
