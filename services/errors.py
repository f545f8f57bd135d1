"""Everything a service may refuse to do, as a tree of exceptions without HTTP or GraphQL in it.

ServiceError
├── Unauthenticated      nobody, or nobody we can prove
├── PermissionDenied     somebody, but their role may not
├── NotFound             absent, or another organization's: the caller cannot tell which
├── Conflict             a resource that would exist twice
├── InvalidRequest       well-formed, but not acceptable in the present state
├── InvalidInput         does not fit the shape: a bad target, an unknown value
├── TooManyRequests      a limit was reached; try again later
└── Unavailable          a part the platform needs is away

Each carries a stable ``code`` in snake_case; REST answers it as it stands, GraphQL in upper case.
"""

from typing import ClassVar


class ServiceError(Exception):
    """Base of all refusals. The message is written for the user who reads it."""

    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code


class Unauthenticated(ServiceError):
    default_code = "unauthenticated"


class PermissionDenied(ServiceError):
    default_code = "forbidden"


class NotFound(ServiceError):
    """``NotFound("scan")`` reads "Scan not found": the noun is all a caller gives."""

    default_code = "not_found"

    def __init__(self, noun: str, *, code: str | None = None) -> None:
        super().__init__(f"{noun[0].upper()}{noun[1:]} not found", code=code)


class Conflict(ServiceError):
    """``existing_id`` names the row that is already there, where the caller may know it."""

    default_code = "conflict"

    def __init__(
        self, message: str, *, code: str | None = None, existing_id: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.existing_id = existing_id


class InvalidRequest(ServiceError):
    default_code = "invalid_request"


class InvalidInput(ServiceError):
    """``field`` is the input's name as the user typed it."""

    default_code = "validation_failed"

    def __init__(self, message: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class TooManyRequests(ServiceError):
    """``retry_after_s`` is when to try again, in whole seconds."""

    default_code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class Unavailable(ServiceError):
    default_code = "unavailable"
