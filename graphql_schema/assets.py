"""Assets: what an organization watches."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry

from graphql_schema import inputs
from graphql_schema.context import Info
from graphql_schema.cursors import CursorType, parse_key
from graphql_schema.findings import (
    WORST_FIRST,
    Filter,
    FindingType,
    by_severity,
    finding_filter,
)
from graphql_schema.idempotency import KEY_DESCRIPTION, once
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
from graphql_schema.payloads import Payload, typed_errors
from services import assets
from services.assets import AssetChanges, AssetFilter, AssetView, Criticality
from services.assets.connection import count_assets, slice_assets
from services.errors import NotFound
from services.findings import UNRESOLVED
from services.findings.connection import ParentWindow
from services.keyset import Position, Slice
from services.scanner.target import TargetType

_CURSORS = CursorType("asset", (parse_key,))
_MAX_NAME = 256
_MAX_TARGET = 512
_MAX_DESCRIPTION = 4096


@strawberry.input(name="AssetFilter", description="Which assets: all of the given conditions hold.")
class AssetFilterInput:
    search: str | None = strawberry.field(
        description="A part of the name or the target; at most 200 characters.", default=None
    )
    target_type: TargetType | None = strawberry.field(description="Of this type.", default=None)
    tags: list[str] | None = strawberry.field(description="With all of these tags.", default=None)
    is_active: bool | None = strawberry.field(
        description="Switched on, or switched off.", default=None
    )


@strawberry.type(name="Asset", description="A domain, an address or a network.")
class AssetType(Node):
    database_id: UUID = strawberry.field(description="What REST calls id.")
    name: str = strawberry.field(description="What people call it.")
    target_type: TargetType = strawberry.field(description="What it is.")
    target_value: str = strawberry.field(description="The name, address or network, canonical.")
    pinned_ip: str | None = strawberry.field(description="Scan this address and ask no DNS.")
    tags: list[str] = strawberry.field(description="Labels of the organization's own.")
    criticality: Criticality = strawberry.field(description="How much depends on it.")
    description: str | None = strawberry.field(description="Anything worth knowing.")
    is_active: bool = strawberry.field(description="Whether scans may use it.")
    last_scanned_at: datetime | None = strawberry.field(description="When a scan last saw it.")
    open_findings_count: int = strawberry.field(description="How many findings are unresolved.")
    created_at: datetime = strawberry.field(description="When it was added.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

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
        loaders = info.context.nested
        window = window_of(WORST_FIRST, first=first, after=after, last=last, before=before)
        chosen = finding_filter(filter, statuses=UNRESOLVED)
        key = self.database_id

        async def count() -> int:
            return await loaders.finding_count_of_asset(chosen).load(key) or 0

        page = await loaders.findings_of_asset(ParentWindow(window, chosen)).load(key)
        return connection(
            page or Slice(()),
            WORST_FIRST,
            node=FindingType.of,
            position=by_severity,
            count=count,
        )

    @classmethod
    def of(cls, view: AssetView) -> Self:
        row = view.asset
        return cls(
            id=global_id(Kind.ASSET, row.id),
            database_id=row.id,
            name=row.name,
            target_type=row.target_type,
            target_value=row.target_value,
            pinned_ip=row.pinned_ip,
            tags=row.tags,
            criticality=row.criticality,
            description=row.description,
            is_active=row.is_active,
            last_scanned_at=row.last_scanned_at,
            open_findings_count=view.open_findings,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


@strawberry.type
class AssetQuery:
    @strawberry.field(description="One asset; null for an unknown or foreign one.")
    async def asset(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> AssetType | None:
        try:
            view = await info.context.loaders.asset.load(key_of(Kind.ASSET, id))
        except NotFound:
            return None
        return AssetType.of(view) if view else None

    @strawberry.field(description="Assets of the active organization, newest first.")
    async def assets(
        self,
        info: Info,
        filter: Annotated[
            AssetFilterInput | None,
            strawberry.argument(description="Which assets; all unless given."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AssetType]:
        context = info.context
        window = window_of(_CURSORS, first=first, after=after, last=last, before=before)
        chosen = _filter(filter or AssetFilterInput())

        async def count() -> int:
            async with context.read() as session:
                return await count_assets(session, context.actor, chosen)

        async with context.read() as session:
            page = await slice_assets(session, context.actor, chosen, window)
        return connection(page, _CURSORS, node=AssetType.of, position=_position, count=count)


@strawberry.input(description="What to watch.")
class CreateAssetInput:
    target_value: str = strawberry.field(
        description="A domain, an address or a network; made canonical."
    )
    target_type: TargetType | None = strawberry.field(
        description="Detected unless given.", default=None
    )
    name: str | None = strawberry.field(description="The target unless given.", default=None)
    tags: list[str] | None = strawberry.field(description="At most 50.", default=None)
    criticality: Criticality = strawberry.field(
        description="How much depends on it.", default=Criticality.NORMAL
    )
    description: str | None = strawberry.field(
        description="Anything worth knowing; at most 4096 characters.", default=None
    )
    is_active: bool = strawberry.field(description="Whether scans may use it.", default=True)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.input(description="What to change; fields that are left out stay as they are.")
class UpdateAssetInput:
    id: strawberry.ID = strawberry.field(description="The asset.")
    target_value: strawberry.Maybe[str] = strawberry.field(
        description="Only while no scan has used it.", default=None
    )
    target_type: strawberry.Maybe[TargetType] = strawberry.field(
        description="Only while no scan has used it.", default=None
    )
    name: strawberry.Maybe[str] = strawberry.field(description="Its new name.", default=None)
    tags: strawberry.Maybe[list[str]] = strawberry.field(
        description="All of its tags, at most 50.", default=None
    )
    criticality: strawberry.Maybe[Criticality] = strawberry.field(
        description="How much depends on it.", default=None
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 4096 characters; null clears it.", default=None
    )
    is_active: strawberry.Maybe[bool] = strawberry.field(
        description="Whether scans may use it.", default=None
    )

    def changes(self) -> AssetChanges:
        """Only the fields that were given. Raises InvalidInput."""
        columns = ("name", "tags", "criticality", "description", "is_active")
        given = {
            column: maybe.value
            for column in columns
            if (maybe := getattr(self, column)) is not None
        }
        return AssetChanges(
            target_type=self.target_type.value if self.target_type else None,
            target_value=_target(self.target_value.value) if self.target_value else None,
            values=_bounded(given),
        )


@strawberry.input(description="Which asset to stop watching.")
class DeleteAssetInput:
    id: strawberry.ID = strawberry.field(description="The asset.")


@strawberry.type(description="What createAsset answers.")
class CreateAssetPayload(Payload):
    asset: AssetType | None = strawberry.field(description="The new asset.", default=None)


@strawberry.type(description="What updateAsset answers.")
class UpdateAssetPayload(Payload):
    asset: AssetType | None = strawberry.field(description="The asset as it is now.", default=None)


@strawberry.type(description="What deleteAsset answers.")
class DeleteAssetPayload(Payload):
    deleted_asset_id: strawberry.ID | None = strawberry.field(
        description="The id that is gone.", default=None
    )


@strawberry.type
class AssetMutation:
    @strawberry.mutation(description="Watch a domain, an address or a network.")
    @typed_errors
    async def create_asset(
        self,
        info: Info,
        input: Annotated[CreateAssetInput, strawberry.argument(description="What to watch.")],
    ) -> CreateAssetPayload:
        values = {
            "tags": input.tags,
            "criticality": input.criticality,
            "description": input.description,
            "is_active": input.is_active,
        }
        actor = info.context.actor
        async with info.context.write() as work:
            view = await once(
                work,
                actor,
                input,
                make=lambda: assets.create_asset(
                    work,
                    actor,
                    info.context.resources.settings.address_policy(),
                    name=inputs.optional_text(input.name, "name", at_least=1, at_most=_MAX_NAME),
                    target_type=input.target_type,
                    target_value=_target(input.target_value),
                    values=_bounded(values),
                ),
                find=lambda key: assets.get_asset(work.session, actor, key),
                key=lambda view: view.asset.id,
            )
        return CreateAssetPayload(asset=AssetType.of(view))

    @strawberry.mutation(description="Change an asset.")
    @typed_errors
    async def update_asset(
        self,
        info: Info,
        input: Annotated[UpdateAssetInput, strawberry.argument(description="What to change.")],
    ) -> UpdateAssetPayload:
        async with info.context.write() as work:
            view = await assets.update_asset(
                work,
                info.context.actor,
                info.context.resources.settings.address_policy(),
                key_of(Kind.ASSET, input.id),
                input.changes(),
            )
        return UpdateAssetPayload(asset=AssetType.of(view))

    @strawberry.mutation(
        description="Stop watching an asset; its findings stay as evidence and are resolved."
    )
    @typed_errors
    async def delete_asset(
        self,
        info: Info,
        input: Annotated[DeleteAssetInput, strawberry.argument(description="Which asset.")],
    ) -> DeleteAssetPayload:
        key = key_of(Kind.ASSET, input.id)
        async with info.context.write() as work:
            await assets.delete_asset(work, info.context.actor, key)
        return DeleteAssetPayload(deleted_asset_id=global_id(Kind.ASSET, key))


def _position(view: AssetView) -> Position:
    return (view.asset.id,)


def _filter(given: AssetFilterInput) -> AssetFilter:
    return AssetFilter(
        search=inputs.optional_text(given.search, "search", at_most=inputs.MAX_SEARCH),
        target_type=given.target_type,
        tags=inputs.texts(given.tags, "tags"),
        is_active=given.is_active,
    )


def _target(value: str) -> str:
    return inputs.text(value, "target_value", at_least=1, at_most=_MAX_TARGET)


def _bounded(values: dict[str, Any]) -> dict[str, Any]:  # Any: column values
    """The same bounds as REST's schemas. Raises InvalidInput."""
    checked = dict(values)
    if "name" in checked:
        checked["name"] = inputs.text(checked["name"], "name", at_least=1, at_most=_MAX_NAME)
    if "tags" in checked:
        checked["tags"] = list(inputs.texts(checked["tags"], "tags"))
    if checked.get("description") is not None:
        inputs.text(checked["description"], "description", at_most=_MAX_DESCRIPTION)
    return checked
