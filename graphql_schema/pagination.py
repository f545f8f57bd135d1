"""Relay connections over keyset windows, both ways; the total is counted only when selected."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, TypeAlias, TypeVar

import strawberry

from graphql_schema.cursors import CursorType
from services.errors import InvalidInput
from services.keyset import DEFAULT_SIZE, MAX_SIZE, Position, Slice, Window

Item = TypeVar("Item")
Row = TypeVar("Row")

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many from the start: {DEFAULT_SIZE} by default, at most {MAX_SIZE}."
    ),
]
After: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Only what comes after this cursor.")
]
Last: TypeAlias = Annotated[
    int | None, strawberry.argument(description=f"How many from the end: at most {MAX_SIZE}.")
]
Before: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Only what comes before this cursor.")
]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last item.")


@strawberry.type(name="Edge", description="An item and its place in the list.")
class Edge(Generic[Item]):
    cursor: str = strawberry.field(description="Pass it as after or before. Opaque.")
    node: Item = strawberry.field(description="The item.")


@strawberry.type(name="Connection", description="A page of a list.")
class Connection(Generic[Item]):
    nodes: list[Item] = strawberry.field(description="The items, without their cursors.")
    cursor_at: strawberry.Private[Callable[[int], str]]
    count: strawberry.Private[Callable[[], Awaitable[int]]]
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]

    @strawberry.field(description="The items with their cursors.")
    def edges(self) -> list[Edge[Item]]:
        return [
            Edge(cursor=self.cursor_at(index), node=node) for index, node in enumerate(self.nodes)
        ]

    @strawberry.field(description="Where the page lies in the list.")
    def page_info(self) -> PageInfo:
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=self.cursor_at(0) if self.nodes else None,
            end_cursor=self.cursor_at(len(self.nodes) - 1) if self.nodes else None,
        )

    @strawberry.field(description="How many items the whole list has; counted when selected.")
    async def total_count(self) -> int:
        return await self.count()


def window_of(
    cursors: CursorType,
    *,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Window:
    """Raises InvalidInput for sizes out of bounds, both sizes at once, and foreign cursors."""
    if first is not None and last is not None:
        raise InvalidInput("Give first or last, not both", field="last")
    size = first if first is not None else last
    return Window(
        size=DEFAULT_SIZE if size is None else size,
        after=cursors.parse(after, "after") if after is not None else None,
        before=cursors.parse(before, "before") if before is not None else None,
        is_backward=last is not None,
    )


def connection(
    page: Slice[Row],
    cursors: CursorType,
    *,
    node: Callable[[Row], Item],
    position: Callable[[Row], Position],
    count: Callable[[], Awaitable[int]],
) -> Connection[Item]:
    return Connection(
        nodes=[node(row) for row in page.items],
        cursor_at=lambda index: cursors.dump(position(page.items[index])),
        count=count,
        has_next=page.has_next,
        has_previous=page.has_previous,
    )
