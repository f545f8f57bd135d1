"""Organizations of the caller: list, look at, change, found, and accept an invitation to one."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, model_validator

from rest.dependencies import (
    CurrentCaller,
    PathActor,
    PathWork,
    ReadSession,
    SharedResources,
    Work,
    may_there,
)
from rest.schemas import Name, PatchRequest, Request, Response, Token, UtcTime, errors
from services import auth, organizations
from services.actor import Permission, Role
from services.organizations import OrganizationSettings, OrganizationView

router = APIRouter(tags=["Organizations"])


class OrganizationCreateRequest(Request):
    name: Name


class OrganizationUpdateRequest(PatchRequest):
    name: Name | None = None
    settings: OrganizationSettings | None = Field(
        default=None,
        description="Each key given replaces the stored one; null unsets it; an unknown key is"
        " refused.",
    )

    @model_validator(mode="after")
    def _no_null(self) -> Self:
        for field in self.model_fields_set:
            if getattr(self, field) is None:
                raise ValueError(f"{field} may not be null")
        return self


class InvitationAcceptRequest(Request):
    token: Token | None = Field(default=None, description="Of the mail, or from the admin.")
    invitation_id: UUID | None = Field(
        default=None,
        description="Of pending_invitations; instead of the token, once the address is verified.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.token is None) == (self.invitation_id is None):
            raise ValueError("give either token or invitation_id")
        return self


class OrganizationResponse(Response):
    id: UUID
    name: str
    slug: str
    plan: str
    settings: OrganizationSettings
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
            settings=OrganizationSettings.model_validate(organization.settings),
            max_scans_per_month=organization.max_scans_per_month,
            created_at=organization.created_at,
            updated_at=organization.updated_at,
            role=view.role,
            is_active=organization.is_active,
        )


@router.get("/organizations", responses=errors(401))
async def list_organizations(
    session: ReadSession, caller: CurrentCaller
) -> list[OrganizationResponse]:
    """Every organization you belong to, by name."""
    views = await organizations.list_organizations(session, caller.user_id)
    return [OrganizationResponse.of(view) for view in views]


@router.post("/organizations", status_code=201, responses=errors(401, 403))
async def create_organization(
    work: Work, resources: SharedResources, caller: CurrentCaller, body: OrganizationCreateRequest
) -> OrganizationResponse:
    """Found one more organization, as its admin; switch to it with `/auth/switch-org`."""
    view = await auth.found_another_organization(work, resources.identity, caller, body.name)
    return OrganizationResponse.of(view)


@router.get("/organizations/{organization_id}", responses=errors(401, 404))
async def get_organization(
    session: ReadSession, caller: CurrentCaller, organization_id: UUID
) -> OrganizationResponse:
    """One of your organizations."""
    view = await organizations.get_organization(session, caller.user_id, organization_id)
    return OrganizationResponse.of(view)


@router.patch(
    "/organizations/{organization_id}",  # noqa: FAST003 - PathActor takes it
    responses=errors(400, 401, 403, 404),
    dependencies=[Depends(may_there(Permission.ORGANIZATION_WRITE))],
)
async def update_organization(
    work: PathWork, actor: PathActor, body: OrganizationUpdateRequest
) -> OrganizationResponse:
    """Change the name or settings (admin)."""
    view = await organizations.update_organization(
        work, actor, name=body.name, settings=body.settings
    )
    return OrganizationResponse.of(view)


@router.post("/invitations/accept", responses=errors(400, 401, 403, 404))
async def accept_invitation(
    work: Work, caller: CurrentCaller, body: InvitationAcceptRequest
) -> OrganizationResponse:
    """Join the organization that invited your address; switch to it with `/auth/switch-org`."""
    view = await organizations.accept_invitation(
        work, caller, token=body.token, invitation_id=body.invitation_id
    )
    return OrganizationResponse.of(view)
