"""Organizations of the caller."""

from typing import Any, Self
from uuid import UUID

from fastapi import APIRouter

from rest.dependencies import CurrentCaller, ReadSession
from rest.schemas import Response, UtcTime, errors
from services import organizations
from services.actor import Role
from services.organizations import OrganizationView

router = APIRouter(prefix="/organizations", tags=["Organizations"])


class OrganizationResponse(Response):
    id: UUID
    name: str
    slug: str
    plan: str
    settings: dict[str, Any]  # Any: a JSON object of the organization's own
    max_scans_per_month: int
    created_at: UtcTime
    updated_at: UtcTime
    role: Role
    is_active: bool

    @classmethod
    def of(cls, view: OrganizationView) -> Self:
        organization = view.organization
        return cls(
            id=organization.id,
            name=organization.name,
            slug=organization.slug,
            plan=organization.plan,
            settings=organization.settings,
            max_scans_per_month=organization.max_scans_per_month,
            created_at=organization.created_at,
            updated_at=organization.updated_at,
            role=view.role,
            is_active=organization.is_active,
        )


@router.get("", responses=errors(401))
async def list_organizations(
    session: ReadSession, caller: CurrentCaller
) -> list[OrganizationResponse]:
    """Every organization you belong to, by name."""
    views = await organizations.list_organizations(session, caller.user_id)
    return [OrganizationResponse.of(view) for view in views]


@router.get("/{organization_id}", responses=errors(401, 404))
async def get_organization(
    session: ReadSession, caller: CurrentCaller, organization_id: UUID
) -> OrganizationResponse:
    """One of your organizations."""
    view = await organizations.get_organization(session, caller.user_id, organization_id)
    return OrganizationResponse.of(view)
