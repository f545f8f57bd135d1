"""Pages of a list, with the bounds both doors keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.errors import InvalidInput, InvalidRequest

Item = TypeVar("Item")

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_DEPTH = 50_000
"""Rows before the page asked for; deeper lists are read by cursor."""
_MAX_PAGE = 2**31


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page, counted from 1. Raises InvalidInput or InvalidRequest when out of bounds."""

    page: int = 1
    page_size: int = DEFAULT_PAGE_SIZE

    def __post_init__(self) -> None:
        if not 1 <= self.page < _MAX_PAGE:
            raise InvalidInput("page must be 1 or more", field="page")
        if not 1 <= self.page_size <= MAX_PAGE_SIZE:
            raise InvalidInput(
                f"page_size must be between 1 and {MAX_PAGE_SIZE}", field="page_size"
            )
        if self.page * self.page_size > MAX_DEPTH:
            raise InvalidRequest(
                f"page * page_size may not pass {MAX_DEPTH}: narrow the filter, or use a cursor",
                code="page_too_deep",
            )

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page and the number of all rows the filter matches."""

    items: Sequence[Item]
    total: int
    request: PageRequest

    @property
    def pages(self) -> int:
        return -(-self.total // self.request.page_size)
