"""Members of an organization, and the invitations among them."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field, StringConstraints

from rest.dependencies import PathActor, PathReadSession, PathWork, SharedResources, may_there
from rest.schemas import AnyCase, Request, Response, Text, UtcTime, errors
from services import departures, organizations
from services.actor import Permission, Role
from services.errors import InvalidInput, InvalidRequest
from services.organizations import InvitationTerms, Invited, MemberStatus, MemberView

router = APIRouter(prefix="/organizations/{organization_id}/members", tags=["Organizations"])
_ADMIN = [Depends(may_there(Permission.MEMBERS_WRITE))]


class MemberInviteRequest(Request):
    email: Annotated[Text, StringConstraints(min_length=3, max_length=320)]
    role: Annotated[Role, AnyCase] = Role.VIEWER


class MemberUpdateRequest(Request):
    role: Annotated[Role, AnyCase] | None = None


class MemberUserResponse(Response):
    id: UUID
    email: str | None = Field(description="For admins and auditors only.")
    full_name: str
    locale: str
    avatar_url: str | None
    email_verified: bool
    is_active: bool
    created_at: UtcTime


class MemberResponse(Response):
    id: UUID = Field(description="Of the membership, or of the invitation.")
    user_id: UUID | None = Field(description="None for an invitation, known address or not.")
    role: Role
    status: MemberStatus
    email: str | None = Field(description="For admins and auditors only.")
    user: MemberUserResponse | None
    accepted_at: UtcTime | None
    expires_at: UtcTime | None
    created_at: UtcTime

    @classmethod
    def of(cls, member: MemberView) -> Self:
        return cls(
            id=member.id,
            user_id=member.user.id if member.user else None,
            role=member.role,
            status=member.status,
            email=member.email,
            user=_user(member),
            accepted_at=member.accepted_at,
            expires_at=member.expires_at,
            created_at=member.created_at,
        )


class InvitedResponse(MemberResponse):
    invite_token: str | None = Field(
        default=None,
        description="Only here and only once, and only where no mail server is set: hand it on.",
    )

    @classmethod
    def of_invited(cls, invited: Invited) -> Self:
        response = cls.of(invited.member)
        response.invite_token = invited.token
        return response


def _user(member: MemberView) -> MemberUserResponse | None:
    if member.user is None:
        return None
    return MemberUserResponse(
        id=member.user.id,
        email=member.email,
        full_name=member.user.full_name,
        locale=member.user.locale,
        avatar_url=member.user.avatar_url,
        email_verified=member.user.email_verified,
        is_active=member.user.is_active,
        created_at=member.user.created_at,
    )


@router.get("", responses=errors(401, 404))
async def list_members(session: PathReadSession, actor: PathActor) -> list[MemberResponse]:
    """Members, oldest first, then open invitations."""
    return [
        MemberResponse.of(member) for member in await organizations.list_members(session, actor)
    ]


@router.post(
    "", status_code=201, responses=errors(400, 401, 403, 404, 409, 429), dependencies=_ADMIN
)
async def invite_member(
    work: PathWork, resources: SharedResources, actor: PathActor, body: MemberInviteRequest
) -> InvitedResponse:
    """Invite somebody by e-mail (admin); they belong to the organization once they accept."""
    invited = await organizations.invite_member(
        work,
        actor,
        InvitationTerms.of(resources.settings),
        email=body.email,
        role=body.role,
    )
    return InvitedResponse.of_invited(invited)


@router.post("/{member_id}/resend", responses=errors(400, 401, 403, 404, 429), dependencies=_ADMIN)
async def resend_invitation(
    work: PathWork, resources: SharedResources, actor: PathActor, member_id: UUID
) -> InvitedResponse:
    """Renew an invitation, also an expired one: another token, another lifetime (admin)."""
    invited = await organizations.resend_invitation(
        work, actor, InvitationTerms.of(resources.settings), member_id
    )
    return InvitedResponse.of_invited(invited)


@router.patch("/{member_id}", responses=errors(400, 401, 403, 404), dependencies=_ADMIN)
async def update_member(
    work: PathWork,
    actor: PathActor,
    member_id: UUID,
    role: Annotated[Role | None, AnyCase, Query(description="Or as JSON.")] = None,
    body: MemberUpdateRequest | None = None,
) -> MemberResponse:
    """Change the role of a member or of an open invitation (admin)."""
    in_body = body.role if body else None
    if role is not None and in_body is not None and role is not in_body:
        raise InvalidRequest(
            f"The query says {role} and the body {in_body}", code="contradictory_role"
        )
    wanted = role or in_body
    if wanted is None:
        raise InvalidInput("role is needed, as a query parameter or as JSON", field="role")
    member = await organizations.change_member_role(work, actor, member_id, wanted)
    return MemberResponse.of(member)


@router.delete("/{member_id}", status_code=204, responses=errors(400, 401, 403, 404))
async def remove_member(work: PathWork, actor: PathActor, member_id: UUID) -> None:
    """Remove a member, or leave yourself in any role; revokes an open invitation."""
    await departures.remove_member(work, actor, member_id)
