"""Global ids: one opaque text names any object, whatever its type.

base64url of a version byte, a type byte and the 16 bytes of the UUID: always 24 characters.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import IntEnum
from uuid import UUID

import strawberry

from services.errors import InvalidInput, NotFound

_VERSION = 1
_LENGTH = 24
_UUID_LENGTH = 36


class Kind(IntEnum):
    """The type byte. A number once given stays: clients keep ids."""

    ORGANIZATION = 1
    USER = 2
    ASSET = 3
    SCAN = 4
    SCAN_RESULT = 5
    FINDING = 6
    REPORT = 7
    SCHEDULE = 8
    MEMBER = 9

    @property
    def noun(self) -> str:
        return self.name.lower().replace("_", " ")


def global_id(kind: Kind, key: UUID) -> strawberry.ID:
    return strawberry.ID(urlsafe_b64encode(bytes((_VERSION, kind)) + key.bytes).decode())


def parse_global_id(text: str) -> tuple[Kind, UUID]:
    """Raises InvalidInput for what this platform never gave out."""
    try:
        data = urlsafe_b64decode(text) if len(text) == _LENGTH else b""
        if data[:1] == bytes((_VERSION,)):
            return Kind(data[1]), UUID(bytes=data[2:])
    except ValueError:  # no base64, no ASCII or no known type
        pass
    raise InvalidInput("This is no id of an object", field="id", code="invalid_id")


def key_of(kind: Kind, text: str) -> UUID:
    """The key behind a global id or a ``databaseId``.

    Raises InvalidInput for a malformed one, NotFound for an object of another type.
    """
    if len(text) == _UUID_LENGTH:
        try:
            return UUID(text)
        except ValueError:
            raise InvalidInput(
                "This is no id of an object", field="id", code="invalid_id"
            ) from None
    found, key = parse_global_id(text)
    if found is not kind:
        raise NotFound(kind.noun)
    return key
