"""Cursors: the position of a row in one ordering, opaque to the client.

base64url of a JSON list: the ordering's code, then the sort values. What comes back from a client
becomes a bind parameter and nothing else.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from services.errors import InvalidInput
from services.keyset import Position
from services.scanner.check import Severity

_LONGEST = 1024


def parse_rank(value: object) -> Severity:
    """A severity from its rank, 0 to 4. Raises ValueError."""
    if isinstance(value, int) and 0 <= value < len(Severity):
        return Severity.of_rank(value)
    raise ValueError("not a rank")


def parse_key(value: object) -> UUID:
    """Raises ValueError."""
    return UUID(str(value))


def parse_number(value: object) -> int:
    """Raises ValueError for what is no 64-bit integer."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    raise ValueError("not a number")


def parse_text(value: object) -> str:
    """Raises ValueError for what PostgreSQL could not hold."""
    if isinstance(value, str) and "\0" not in value:
        return value
    raise ValueError("not a text")


@dataclass(frozen=True, slots=True)
class CursorType:
    """The cursors of one ordering: its code and how each sort value is read back."""

    code: str
    parsers: tuple[Callable[[object], Any], ...]  # Any: each value has the type of its column

    def dump(self, position: Position) -> str:
        values = (value.rank if isinstance(value, Severity) else value for value in position)
        data = msgspec.json.encode([self.code, *values])
        return urlsafe_b64encode(data).decode().rstrip("=")

    def parse(self, cursor: str, field: str) -> Position:
        """Raises InvalidInput for a cursor of another ordering, or of nobody's making."""
        try:
            return self._read(cursor)
        except (ValueError, msgspec.DecodeError, RecursionError):
            raise InvalidInput(
                f"{field} is no cursor of this list", field=field, code="invalid_cursor"
            ) from None

    def _read(self, cursor: str) -> Position:
        if len(cursor) > _LONGEST:
            raise ValueError("too long")
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        code, *values = msgspec.json.decode(data, type=list[Any])  # Any: parsed below
        if code != self.code:
            raise ValueError("another ordering")
        return tuple(parse(value) for parse, value in zip(self.parsers, values, strict=True))
