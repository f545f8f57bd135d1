"""Windows into ordered lists by key: a deep page costs what the first one costs.

A position is the sort values of one row, the last of them unique. Rows are read in the order of
the columns, all ascending or all descending, one more than asked for: its presence says whether
the list goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, TypeVarTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, func, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.selectable import TableValuedAlias

from services.errors import InvalidInput

Item = TypeVar("Item")
Columns = TypeVarTuple("Columns")

DEFAULT_SIZE = 25
MAX_SIZE = 100

Position = tuple[Any, ...]  # Any: each value has the type of its column


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list. Raises InvalidInput when out of bounds."""

    size: int = DEFAULT_SIZE
    after: Position | None = None
    before: Position | None = None
    is_backward: bool = False
    """Count from the end: the last ``size`` rows before ``before``."""

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            field = "last" if self.is_backward else "first"
            raise InvalidInput(f"{field} must be between 0 and {MAX_SIZE}", field=field)


@dataclass(frozen=True, slots=True)
class Slice(Generic[Item]):
    """The rows of a window, in the order of the list whichever way it was read."""

    items: Sequence[Item]
    has_previous: bool = False
    has_next: bool = False


@dataclass(frozen=True, slots=True)
class Ordering:
    """The total order of a list: columns with an index behind them, the last one unique."""

    columns: tuple[InstrumentedAttribute[Any], ...]  # Any: each has its own type
    is_descending: bool = False

    def window(self, statement: Select[*Columns], window: Window) -> Select[*Columns]:
        """The statement cut to the window and one row more, nearest row first."""
        if window.after is not None:
            statement = statement.where(
                self._beyond(window.after, is_descending=self.is_descending)
            )
        if window.before is not None:
            statement = statement.where(
                self._beyond(window.before, is_descending=not self.is_descending)
            )
        return statement.order_by(*self.direction(window)).limit(window.size + 1)

    def direction(self, window: Window) -> tuple[ColumnElement[Any], ...]:  # Any: as above
        """The way rows are read: from the end of the list for a backward window."""
        is_descending = self.is_descending is not window.is_backward
        return tuple(column.desc() if is_descending else column.asc() for column in self.columns)

    def _beyond(self, position: Position, *, is_descending: bool) -> ColumnElement[bool]:
        """A row comparison: one index condition, unlike the OR of ANDs it stands for."""
        columns = tuple_(*self.columns)
        values = tuple_(
            *(
                literal(value, column.type)
                for column, value in zip(self.columns, position, strict=True)
            )
        )
        return columns < values if is_descending else columns > values


def each(parent_ids: Sequence[UUID]) -> TableValuedAlias:
    """One row per parent, for a LATERAL window of each: ``column`` is its id."""
    values = func.unnest(literal(list(parent_ids), ARRAY(Uuid())))
    return values.alias("parent", joins_implicitly=True)


def cut(rows: Sequence[Item], window: Window) -> Slice[Item]:
    """What a statement of ``Ordering.window`` gave, put in order, and what lies beyond it."""
    items = list(rows[: window.size])
    has_more = len(rows) > window.size
    if window.is_backward:
        items.reverse()
        return Slice(items, has_previous=has_more, has_next=window.before is not None)
    return Slice(items, has_previous=window.after is not None, has_next=has_more)
