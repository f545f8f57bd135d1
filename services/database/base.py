"""What every table has in common."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, Dialect, Enum, MetaData, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from services.identifiers import uuid7
from services.scanner.check import Severity

Json = dict[str, Any]  # Any: what a JSON document may hold

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def utcnow() -> datetime:
    return datetime.now(UTC)


def as_json(rows: Sequence[Json]) -> str:
    """Many rows as one parameter of a statement, for ``jsonb_to_recordset``."""
    return msgspec.json.encode(rows).decode()


def _values(members: type[StrEnum]) -> list[str]:
    return [member.value for member in members]


class SeverityRank(TypeDecorator[Severity]):
    """A severity stored as its rank, 0 critical to 4 info: sorts and indexes as people expect."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Severity | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy passes it
        return None if value is None else value.rank

    def process_result_value(self, value: int | None, dialect: Dialect) -> Severity | None:  # noqa: ARG002 - as above
        return None if value is None else Severity.of_rank(value)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False, repr=False):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any]]] = {  # Any: SQLAlchemy's own type
        str: Text(),
        datetime: DateTime(timezone=True),
        # Text with CHECK: comparing PostgreSQL's own enums is not leakproof, so under row
        # security an enum filter cannot use an index.
        StrEnum: Enum(
            StrEnum,
            native_enum=False,
            length=32,
            values_callable=_values,
        ),
        Severity: SeverityRank(),
        Json: JSONB(none_as_null=True),
        list[Json]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text()),
    }


class Entity(Base):
    """A row with a key of its own."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid7, init=False)
    created_at: Mapped[datetime] = mapped_column(default_factory=utcnow, init=False)
    updated_at: Mapped[datetime] = mapped_column(
        default_factory=utcnow, onupdate=utcnow, init=False
    )
