"""What a transaction tells the audit log: acts with what they changed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Self
from uuid import UUID

import msgspec
from sqlalchemy import inspect

from services.actor import Author
from services.database.base import Entity, Json

_MAX_DOCUMENT = 4096
"""Bytes of JSON in one column that an entry repeats; a larger document is named by its hash."""
_UNRECORDED = frozenset({"id", "organization_id", "created_at", "updated_at", "password_hash"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from."""

    request_id: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What an act was about: the kind of thing, its key, and its values before and after."""

    kind: str
    id: UUID | None = None
    before: Json | None = None
    after: Json | None = None

    @classmethod
    def of(cls, entity: Entity) -> Self:
        """What has changed in the row since it was last written: everything of a new one.

        No bytes: hashes of tokens and sealed secrets are nobody's to read.
        """
        state = inspect(entity)
        before: Json = {}
        after: Json = {}
        is_new = state.transient or state.pending
        for column in state.mapper.column_attrs:
            history = state.attrs[column.key].history
            if column.key in _UNRECORDED or not (is_new or history.has_changes()):
                continue
            old, new = next(iter(history.deleted or ()), None), getattr(entity, column.key)
            if isinstance(old, bytes) or isinstance(new, bytes):
                continue
            after[column.key] = plain(new)
            before[column.key] = plain(old)
        return cls(kind_of(entity), entity.id, None if is_new else before, after)

    @classmethod
    def removed(cls, entity: Entity) -> Self:
        """A row that goes: all it was."""
        before = {
            column.key: plain(value)
            for column in inspect(entity).mapper.column_attrs
            if column.key not in _UNRECORDED
            and not isinstance(value := getattr(entity, column.key), bytes)
        }
        return cls(kind_of(entity), entity.id, before)


def kind_of(entity: Entity) -> str:
    """``PasswordReset`` is a ``password_reset``."""
    name = type(entity).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


@dataclass(frozen=True, slots=True)
class Record:
    """One act, as it will stand in the log."""

    author: Author
    action: str
    change: Change


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds, as JSON that reads back alike
    """A value as JSON that PostgreSQL gives back as it was: no floats, no other number's text."""
    match value:
        case None | bool():
            return value
        case Enum():
            return value.value
        case int() | str():
            return value
        case datetime():
            return value.isoformat()
        case dict() | list() | tuple():
            return _document(value)  # pyright: ignore[reportUnknownArgumentType] - JSON
        case _:
            return str(value)


def _document(value: Any) -> Any:  # noqa: ANN401 - JSON
    text = msgspec.json.encode(value, enc_hook=str)
    if len(text) > _MAX_DOCUMENT:
        return {"sha256": hashlib.sha256(text).hexdigest(), "bytes": len(text)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    return [plain(each) for each in value]
