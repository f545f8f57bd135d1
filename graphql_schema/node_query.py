"""``node`` and ``nodes``: any object by its global id."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated
from uuid import UUID

import strawberry

from graphql_schema import inputs
from graphql_schema.assets import AssetType
from graphql_schema.context import Context, Info
from graphql_schema.findings import FindingType
from graphql_schema.ids import Kind, parse_global_id
from graphql_schema.nodes import Node
from graphql_schema.organizations import OrganizationType
from graphql_schema.reports import ReportType
from graphql_schema.scan_results import ScanResultType
from graphql_schema.scans import ScanType
from graphql_schema.schedules import find_schedule
from graphql_schema.viewer import UserType


async def _organization(context: Context, key: UUID) -> Node | None:
    views = await context.loaders.organizations()
    found = next((view for view in views if view.organization.id == key), None)
    return OrganizationType.of(found) if found else None


async def _user(context: Context, key: UUID) -> Node | None:
    """Nobody but the caller."""
    if key != context.caller.user_id:
        return None
    return UserType.of((await context.loaders.profile()).user)


async def _asset(context: Context, key: UUID) -> Node | None:
    view = await context.loaders.asset.load(key)
    return AssetType.of(view) if view else None


async def _scan(context: Context, key: UUID) -> Node | None:
    row = await context.loaders.scan.load(key)
    return ScanType.of(row) if row else None


async def _scan_result(context: Context, key: UUID) -> Node | None:
    row = await context.loaders.scan_result.load(key)
    return ScanResultType.of(row) if row else None


async def _finding(context: Context, key: UUID) -> Node | None:
    view = await context.loaders.finding.load(key)
    return FindingType.of(view) if view else None


async def _report(context: Context, key: UUID) -> Node | None:
    row = await context.loaders.report.load(key)
    return ReportType.of(row) if row else None


async def _schedule(context: Context, key: UUID) -> Node | None:
    return await find_schedule(context, key)


_FIND: Mapping[Kind, Callable[[Context, UUID], Awaitable[Node | None]]] = {
    Kind.ORGANIZATION: _organization,
    Kind.USER: _user,
    Kind.ASSET: _asset,
    Kind.SCAN: _scan,
    Kind.SCAN_RESULT: _scan_result,
    Kind.FINDING: _finding,
    Kind.REPORT: _report,
    Kind.SCHEDULE: _schedule,
}


async def _find(context: Context, kind: Kind, key: UUID) -> Node | None:
    find = _FIND.get(kind)  # none for a member: they are listed, not looked up
    return await find(context, key) if find else None


@strawberry.type
class NodeQuery:
    @strawberry.field(description="Any object by its id; null for an unknown or foreign one.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Node | None:
        kind, key = parse_global_id(id)
        return await _find(info.context, kind, key)

    @strawberry.field(description="Many objects by their ids, in the order asked for.")
    def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")],
    ) -> list[Node | None]:
        # Awaitables in a list: graphql-core awaits them together, so the loaders batch them.
        return [  # pyright: ignore[reportReturnType] - awaitables, as said above
            _find(info.context, kind, key)
            for kind, key in map(parse_global_id, inputs.items(ids, "ids"))
        ]
