"""Assets: what an organization watches."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field, StringConstraints

from rest.conventions import REPEATABLE, TAGGED, ConventionRoute, Guard
from rest.dependencies import CurrentActor, Paging, ReadSession, SharedResources, Work, may
from rest.schemas import (
    AnyCase,
    Name,
    PageResponse,
    PatchRequest,
    Request,
    Response,
    Text,
    UtcTime,
    errors,
)
from services import assets
from services.actor import Permission
from services.assets import Asset, AssetChanges, AssetFilter, AssetView, Criticality
from services.errors import InvalidInput
from services.scanner.target import TargetType

router = APIRouter(prefix="/assets", tags=["Assets"], route_class=ConventionRoute)

_WRITE = [Depends(may(Permission.ASSETS_WRITE))]
_NOT_NULL = ("name", "target_type", "target_value", "is_active", "criticality")
TargetValue = Annotated[Text, StringConstraints(min_length=1, max_length=512)]
OwnerEmail = Annotated[
    Text, StringConstraints(max_length=320), Field(description="Whom to ask about it.")
]
Description = Annotated[Text, StringConstraints(max_length=4096)]
Type = Annotated[TargetType, AnyCase]
Level = Annotated[Criticality, AnyCase]


class AssetCreateRequest(Request):
    name: Name | None = Field(default=None, description="The target itself unless given.")
    target_type: Type | None = Field(default=None, description="Detected unless given.")
    target_value: TargetValue
    tags: list[Text] | None = None
    criticality: Level = Criticality.NORMAL
    owner_email: OwnerEmail | None = None
    description: Description | None = None
    is_active: bool = True


class AssetUpdateRequest(PatchRequest):
    name: Name | None = None
    target_type: Type | None = None
    target_value: TargetValue | None = None
    tags: list[Text] | None = None
    criticality: Level | None = None
    owner_email: OwnerEmail | None = None
    description: Description | None = None
    is_active: bool | None = None

    def asset_changes(self) -> AssetChanges:
        """Raises InvalidInput for a null where there must be a value."""
        given = self.changes()
        for field in _NOT_NULL:
            if field in given and given[field] is None:
                raise InvalidInput(f"{field} may not be null", field=field)
        return AssetChanges(
            target_type=given.pop("target_type", None),
            target_value=given.pop("target_value", None),
            values=given,
        )


class AssetResponse(Response):
    id: UUID
    organization_id: UUID
    name: str
    target_type: TargetType
    target_value: str
    pinned_ip: str | None
    tags: list[str]
    is_active: bool
    created_at: UtcTime
    updated_at: UtcTime
    criticality: Criticality
    owner_email: str | None
    description: str | None
    last_scanned_at: UtcTime | None
    open_findings: int

    @classmethod
    def of(cls, view: AssetView) -> Self:
        asset = view.asset
        return cls(
            id=asset.id,
            organization_id=asset.organization_id,
            name=asset.name,
            target_type=asset.target_type,
            target_value=asset.target_value,
            pinned_ip=asset.pinned_ip,
            tags=asset.tags,
            is_active=asset.is_active,
            created_at=asset.created_at,
            updated_at=asset.updated_at,
            criticality=asset.criticality,
            owner_email=asset.owner_email,
            description=asset.description,
            last_scanned_at=asset.last_scanned_at,
            open_findings=view.open_findings,
        )


def _filter(
    q: Annotated[Text | None, Query(max_length=200, description="Part of name or target.")] = None,
    target_type: Annotated[Type | None, Query()] = None,
    tag: Annotated[list[Text] | None, Query(description="Repeatable: all of them.")] = None,
    is_active: Annotated[bool | None, Query()] = None,
    criticality: Annotated[Level | None, Query()] = None,
) -> AssetFilter:
    return AssetFilter(
        search=q,
        target_type=target_type,
        tags=tuple(tag or ()),
        is_active=is_active,
        criticality=criticality,
    )


Filter = Annotated[AssetFilter, Depends(_filter)]


@router.get("", responses=errors(400, 401))
async def list_assets(
    session: ReadSession,
    actor: CurrentActor,
    paging: Paging,
    filter_: Filter,
    sort: Annotated[
        Text | None,
        Query(
            max_length=200,
            description="name, created_at, target_value, criticality; comma-separated,"
            " `-` for descending.",
        ),
    ] = None,
) -> PageResponse[AssetResponse]:
    """Assets, newest first unless sorted."""
    page = await assets.list_assets(session, actor, filter_, paging, sort)
    return PageResponse[AssetResponse].of(page, AssetResponse.of)


@router.post(
    "", status_code=201, dependencies=[*_WRITE, REPEATABLE], responses=errors(401, 403, 409)
)
async def create_asset(
    work: Work, actor: CurrentActor, resources: SharedResources, body: AssetCreateRequest
) -> AssetResponse:
    """Watch a domain, an address or a network.

    Loopback, private, link-local, multicast and metadata addresses are refused with 422 unless
    the operator lists their network in NIS2_SCAN_ALLOWED_NETWORKS.
    """
    view = await assets.create_asset(
        work,
        actor,
        resources.settings.address_policy(),
        name=body.name,
        target_type=body.target_type,
        target_value=body.target_value,
        values=body.model_dump(
            include={"tags", "criticality", "owner_email", "description", "is_active"}
        ),
    )
    return AssetResponse.of(view)


@router.get("/{asset_id}", dependencies=[TAGGED], responses=errors(401, 404))
async def get_asset(session: ReadSession, actor: CurrentActor, asset_id: UUID) -> AssetResponse:
    """One asset."""
    return AssetResponse.of(await assets.get_asset(session, actor, asset_id))


@router.patch("/{asset_id}", dependencies=_WRITE, responses=errors(400, 401, 403, 404, 409))
async def update_asset(
    work: Work,
    actor: CurrentActor,
    resources: SharedResources,
    asset_id: UUID,
    body: AssetUpdateRequest,
    guard: Guard,
) -> AssetResponse:
    """Change an asset; its target only while no scan has used it."""

    async def read() -> AssetResponse:
        return AssetResponse.of(await assets.get_asset(work.session, actor, asset_id))

    await guard.require(work, actor, Asset, asset_id, read)
    policy = resources.settings.address_policy()
    view = await assets.update_asset(work, actor, policy, asset_id, body.asset_changes())
    return AssetResponse.of(view)


@router.delete("/{asset_id}", status_code=204, dependencies=_WRITE, responses=errors(401, 403, 404))
async def delete_asset(work: Work, actor: CurrentActor, asset_id: UUID) -> None:
    """Stop watching an asset; its findings stay as evidence and are resolved."""
    await assets.delete_asset(work, actor, asset_id)
