"""Mutation payloads: the object, and what went wrong as typed errors beside it.

Payloads and not result unions: they survive new error types and carry partial success.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import ParamSpec, Self, TypeVar, get_type_hints

import strawberry

from graphql_schema.errors import code_of
from services.errors import (
    Conflict,
    InvalidInput,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ServiceError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

Parameters = ParamSpec("Parameters")


@strawberry.interface(description="Why a mutation did not do what it was asked.")
class UserError:
    message: str = strawberry.field(description="One sentence for the person.")
    code: str = strawberry.field(
        description="Stable, for programs; REST answers the same code in lower case."
    )
    path: list[str] | None = strawberry.field(
        description="The input field it is about.", default=None
    )

    @classmethod
    def of(cls, error: ServiceError) -> Self:
        return cls(message=error.message, code=code_of(error))


@strawberry.type(description="The input does not fit.")
class ValidationError(UserError):
    @classmethod
    def of(cls, error: ServiceError) -> Self:
        field = error.field if isinstance(error, InvalidInput) else None
        return cls(
            message=error.message,
            code=code_of(error),
            path=["input", _camel_case(field)] if field else None,
        )


@strawberry.type(description="The object is absent, or another organization's.")
class NotFoundError(UserError):
    pass


@strawberry.type(description="It exists already.")
class ConflictError(UserError):
    existing_id: str | None = strawberry.field(
        description="The databaseId of what is there already.", default=None
    )

    @classmethod
    def of(cls, error: ServiceError) -> Self:
        existing = error.existing_id if isinstance(error, Conflict) else None
        return cls(message=error.message, code=code_of(error), existing_id=existing)


@strawberry.type(description="The caller's role may not do this.")
class ForbiddenError(UserError):
    pass


@strawberry.type(description="The present state does not allow it.")
class InvalidStateError(UserError):
    pass


@strawberry.type(description="A limit was reached.")
class RateLimitedError(UserError):
    retry_after_seconds: int = strawberry.field(description="When to try again.", default=0)

    @classmethod
    def of(cls, error: ServiceError) -> Self:
        seconds = error.retry_after_s if isinstance(error, TooManyRequests) else 0
        return cls(message=error.message, code=code_of(error), retry_after_seconds=seconds)


USER_ERRORS: Mapping[type[ServiceError], type[UserError]] = {
    InvalidInput: ValidationError,
    NotFound: NotFoundError,
    Conflict: ConflictError,
    PermissionDenied: ForbiddenError,
    InvalidRequest: InvalidStateError,
    TooManyRequests: RateLimitedError,
}
TOP_LEVEL_ERRORS: tuple[type[ServiceError], ...] = (Unauthenticated, Unavailable)
"""Not about the input: the whole request fails with them."""


@strawberry.type(description="What every mutation answers.")
class Payload:
    errors: list[UserError] = strawberry.field(
        description="Empty when it was done.", default_factory=list[UserError]
    )


Answer = TypeVar("Answer", bound=Payload)


def typed_errors(
    resolver: Callable[Parameters, Awaitable[Answer]],
) -> Callable[Parameters, Awaitable[Answer]]:
    """Answer a service's refusal as the payload's ``errors``; anything else is a top-level error.

    The payload is the resolver's declared return type, made without its object.
    """
    payload: type[Answer] = get_type_hints(resolver)["return"]

    @wraps(resolver)
    async def answer(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        try:
            return await resolver(*args, **kwargs)
        except tuple(USER_ERRORS) as error:
            return payload(errors=[_user_error(error)])

    return answer


def _user_error(error: ServiceError) -> UserError:
    kind = next(USER_ERRORS[kind] for kind in type(error).__mro__ if kind in USER_ERRORS)
    return kind.of(error)


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
