"""Scalars that GraphQL does not have, as REST writes them too."""

from datetime import UTC, datetime
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition


def _serialize(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parse(value: object) -> datetime:
    """Raises GraphQLError for anything but a time with its offset."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise GraphQLError("DateTime must be a text with an offset, like 2026-01-31T12:00:00Z")
    return time


def _parse_key(value: object) -> UUID:
    """Raises GraphQLError."""
    try:
        return UUID(str(value))
    except ValueError:
        raise GraphQLError("UUID must be a text of 32 hexadecimal digits") from None


DATE_TIME: ScalarDefinition = strawberry.scalar(
    name="DateTime",
    description="A time with its offset (RFC 3339); answered in UTC with microseconds.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=_serialize,
    parse_value=_parse,
)

KEY: ScalarDefinition = strawberry.scalar(
    name="UUID",
    description="The key of a row, as REST writes it (RFC 9562).",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
    serialize=str,
    parse_value=_parse_key,
)
