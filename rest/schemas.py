"""What requests and responses have in common."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)

from services.pagination import Page

Item = TypeVar("Item")
Row = TypeVar("Row")


def _clean(text: str) -> str:
    """PostgreSQL refuses NUL and lone surrogates: a client's mistake, not a 500 (IN-3)."""
    if "\0" in text:
        raise ValueError("must not contain NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


def sent_within(length: int) -> BeforeValidator:
    """The bound of a text as it is sent: blanks that are stripped count, as the schema says."""

    def check(value: object) -> object:
        if isinstance(value, str) and len(value) > length:
            raise ValueError(f"must have at most {length} characters")
        return value

    return BeforeValidator(check)


Text = Annotated[str, AfterValidator(_clean)]
# Constraints first: behind a validator they would count the blanks that they strip.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=256),
    AfterValidator(_clean),
    sent_within(256),
]

Token = Annotated[Text, StringConstraints(min_length=1, max_length=2048)]
"""A secret that we gave out."""


def any_case(value: object) -> object:
    """Enum values are accepted in any case and answered in lower case."""
    return value.lower() if isinstance(value, str) else value


AnyCase = BeforeValidator(any_case)


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


UtcTime = Annotated[datetime, PlainSerializer(_utc, return_type=str, when_used="json")]


class Request(BaseModel):
    """A JSON body. Unknown fields are ignored, as the contract's clients expect."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)


class PatchRequest(Request):
    def changes(self) -> dict[str, Any]:  # Any: values of the fields that were given
        """Only what the body named: an absent field is left alone, a null one is null."""
        return {field: getattr(self, field) for field in self.model_fields_set}


class Response(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PageResponse(Response, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    total: int
    page: int
    page_size: int
    pages: int

    @classmethod
    def of(cls, page: Page[Row], translate: Callable[[Row], Item]) -> Self:
        return cls(
            items=[translate(row) for row in page.items],
            total=page.total,
            page=page.request.page,
            page_size=page.request.page_size,
            pages=page.pages,
        )


class ErrorItem(BaseModel):
    """One field that does not fit."""

    loc: list[str] = []
    msg: str
    type: str


class ErrorResponse(BaseModel):
    """Every error: ``detail`` is always one sentence for a person."""

    detail: str
    code: str
    errors: list[ErrorItem] | None = None
    request_id: str | None = None


_MEANINGS = {
    400: "Well-formed, but not acceptable in the present state",
    401: "Missing or invalid token",
    403: "The role may not do this",
    404: "Not found, or another organization's",
    409: "This resource exists already",
    413: "The body is too large",
    415: "Another media type is needed",
    422: "The request does not fit the schema",
    429: "Too many requests: try again after Retry-After",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:  # Any: FastAPI's own type
    """The error answers of a route, for the OpenAPI document."""
    return {
        status: {"model": ErrorResponse, "description": _MEANINGS[status]}
        for status in (*statuses, 422)
    }
