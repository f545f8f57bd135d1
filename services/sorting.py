"""The order a caller asks for: ``-severity,first_seen_at``, from a closed list of fields."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from services.errors import InvalidInput

Expression = ColumnElement[Any] | InstrumentedAttribute[Any]  # Any: each has its own type


@dataclass(frozen=True, slots=True)
class SortKey:
    field: str
    is_descending: bool = False


Sort = tuple[SortKey, ...]
"""Most significant first; empty: the list's own order."""


@dataclass(frozen=True, slots=True)
class SortColumn:
    """What a field sorts by."""

    expression: Expression
    is_rank: bool = False
    """The column counts down: rank 0 is the most severe, so ascending severity descends here."""
    is_nullable: bool = False
    """Rows without a value come last, whichever way the list is sorted."""

    def towards(self, *, is_descending: bool) -> ColumnElement[Any]:  # Any: as above
        column = self.expression.desc() if is_descending else self.expression.asc()
        return column.nulls_last() if self.is_nullable else column


def parse_sort(text: str | None, fields: Collection[str]) -> Sort:
    """Fields joined by commas, ``-`` for descending. Raises InvalidInput for any other field."""
    if text is None or not text.strip():
        return ()
    keys = tuple(_key(part.strip(), fields) for part in text.split(","))
    if len({key.field for key in keys}) < len(keys):
        raise InvalidInput("sort names a field twice", field="sort")
    return keys


def order_by(
    sort: Sort,
    columns: Mapping[str, SortColumn],
    *,
    default: Sequence[ColumnElement[Any]],  # Any: as above
    unique: InstrumentedAttribute[Any],  # Any: as above
) -> Sequence[ColumnElement[Any]]:  # Any: as above
    """The order in SQL; ``unique`` breaks ties, the way the last column goes."""
    if not sort:
        return default
    directions = [key.is_descending is not columns[key.field].is_rank for key in sort]
    chosen = [
        columns[key.field].towards(is_descending=is_descending)
        for key, is_descending in zip(sort, directions, strict=True)
    ]
    return [*chosen, unique.desc() if directions[-1] else unique.asc()]


def _key(text: str, fields: Collection[str]) -> SortKey:
    field = text.removeprefix("-")
    if field not in fields:
        raise InvalidInput(f"sort takes {', '.join(sorted(fields))}", field="sort")
    return SortKey(field, is_descending=text.startswith("-"))
