"""Organizations of the caller."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from graphql_schema.context import Info
from graphql_schema.cursors import CursorType, parse_key, parse_text
from graphql_schema.findings import (
    WORST_FIRST,
    Filter,
    FindingType,
    by_severity,
    finding_filter,
)
from graphql_schema.ids import Kind, global_id, key_of
from graphql_schema.nodes import Node
from graphql_schema.pagination import (
    After,
    Before,
    Connection,
    First,
    Last,
    connection,
    window_of,
)
from graphql_schema.scans import ScanType
from services.actor import Role
from services.errors import NotFound
from services.findings import UNRESOLVED
from services.findings.connection import ParentWindow
from services.keyset import Position, Slice, Window, cut
from services.organizations import OrganizationView

_CURSORS = CursorType("organization", (parse_text, parse_key))


@strawberry.type(name="Organization", description="A tenant: nothing of it is seen by another.")
class OrganizationType(Node):
    database_id: UUID = strawberry.field(description="What REST calls id.")
    name: str = strawberry.field(description="Its name.")
    slug: str = strawberry.field(description="Its name in an address: unique, ASCII.")
    plan: str = strawberry.field(description="What it is subscribed to.")
    settings: JSON = strawberry.field(description="Its own settings, an object.")
    max_scans_per_month: int = strawberry.field(description="0: no limit.")
    is_active: bool = strawberry.field(description="Whether it may be worked in.")
    role: Role = strawberry.field(description="The caller's role in it.")
    created_at: datetime = strawberry.field(description="When it was founded.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(description="Its newest scan; null before the first.")
    async def latest_scan(self, info: Info) -> ScanType | None:
        loaders = await info.context.across()
        row = await loaders.latest_scan.load(self.database_id)
        return ScanType.of(row) if row else None

    @strawberry.field(
        description="Its findings, worst first; the unresolved ones unless the filter names states."
    )
    async def findings(
        self,
        info: Info,
        filter: Filter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[FindingType]:
        loaders = await info.context.across()
        window = window_of(WORST_FIRST, first=first, after=after, last=last, before=before)
        chosen = finding_filter(filter, statuses=UNRESOLVED)
        key = self.database_id

        async def count() -> int:
            return await loaders.finding_count_of_organization(chosen).load(key) or 0

        page = await loaders.findings_of_organization(ParentWindow(window, chosen)).load(key)
        return connection(
            page or Slice(()),
            WORST_FIRST,
            node=FindingType.of,
            position=by_severity,
            count=count,
        )

    @classmethod
    def of(cls, view: OrganizationView) -> Self:
        row = view.organization
        return cls(
            id=global_id(Kind.ORGANIZATION, row.id),
            database_id=row.id,
            name=row.name,
            slug=row.slug,
            plan=row.plan,
            settings=JSON(row.settings),
            max_scans_per_month=row.max_scans_per_month,
            is_active=row.is_active,
            role=view.role,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


OrganizationId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="The active organization unless given."),
]


def organization_key(id: str | None) -> UUID | None:
    """None for the active one. Raises InvalidInput, and NotFound for the id of something else."""
    return key_of(Kind.ORGANIZATION, id) if id else None


@strawberry.type
class OrganizationQuery:
    @strawberry.field(description="One of the caller's organizations; null for any other.")
    async def organization(self, info: Info, id: OrganizationId = None) -> OrganizationType | None:
        try:
            key = organization_key(id) or info.context.caller.organization_id
        except NotFound:
            return None
        views = await info.context.loaders.organizations()
        found = next((view for view in views if view.organization.id == key), None)
        return OrganizationType.of(found) if found else None

    @strawberry.field(description="Every organization the caller belongs to, by name.")
    async def organizations(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[OrganizationType]:
        window = window_of(_CURSORS, first=first, after=after, last=last, before=before)
        views = await info.context.loaders.organizations()

        async def count() -> int:
            return len(views)

        return connection(
            _slice(views, window),
            _CURSORS,
            node=OrganizationType.of,
            position=_position,
            count=count,
        )


def _position(view: OrganizationView) -> Position:
    return (view.organization.name, view.organization.id)


def _slice(views: list[OrganizationView], window: Window) -> Slice[OrganizationView]:
    """A person's organizations come all at once: the window is cut here."""
    rows = [
        view
        for view in sorted(views, key=_position)
        if (window.after is None or _position(view) > window.after)
        and (window.before is None or _position(view) < window.before)
    ]
    return cut(rows[::-1] if window.is_backward else rows, window)
