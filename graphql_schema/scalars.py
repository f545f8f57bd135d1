"""Scalars that GraphQL does not have, as REST writes them too."""

from datetime import UTC, datetime

import strawberry
from strawberry.types.scalar import ScalarDefinition


def _serialize(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parse(value: object) -> datetime:
    """Raises ValueError for anything but a time with its offset."""
    if not isinstance(value, str):
        raise ValueError("must be a text like 2026-01-31T12:00:00Z")  # noqa: TRY004 - what Strawberry turns into a coercion error
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("must have an offset, as in 2026-01-31T12:00:00Z")
    return time


DATE_TIME: ScalarDefinition = strawberry.scalar(
    name="DateTime",
    description="A time with its offset (RFC 3339); answered in UTC with microseconds.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=_serialize,
    parse_value=_parse,
)
