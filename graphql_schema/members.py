"""Members of an organization and the invitations among them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from graphql_schema import inputs
from graphql_schema.context import Info
from graphql_schema.ids import Kind, global_id, key_of
from graphql_schema.organizations import OrganizationId, organization_key
from graphql_schema.payloads import Payload, typed_errors
from services import departures, organizations
from services.actor import Role
from services.errors import NotFound
from services.organizations import InvitationTerms, Invited, MemberStatus, MemberView
from services.users import User

_MAX_EMAIL = 320


@strawberry.type(description="A person as other members see them.")
class Person:
    database_id: UUID = strawberry.field(description="What REST calls user_id.")
    full_name: str = strawberry.field(description="How they want to be called.")
    locale: str = strawberry.field(description="Their language, as a BCP 47 tag.")
    avatar_url: str | None = strawberry.field(description="A picture.")
    is_active: bool = strawberry.field(description="Whether they may log in.")

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            database_id=user.id,
            full_name=user.full_name,
            locale=user.locale,
            avatar_url=user.avatar_url,
            is_active=user.is_active,
        )


@strawberry.type(name="Member", description="A place in an organization, or an open invitation.")
class MemberType:
    id: strawberry.ID = strawberry.field(description="Names it among all objects. Opaque.")
    database_id: UUID = strawberry.field(description="What REST calls id.")
    role: Role = strawberry.field(description="What they may do there.")
    status: MemberStatus = strawberry.field(description="Whether they have accepted.")
    email: str | None = strawberry.field(description="For admins and auditors only.")
    user: Person | None = strawberry.field(description="The member; null for an invitation.")
    accepted_at: datetime | None = strawberry.field(description="When they joined.")
    expires_at: datetime | None = strawberry.field(description="When the invitation ends.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, view: MemberView) -> Self:
        return cls(
            id=global_id(Kind.MEMBER, view.id),
            database_id=view.id,
            role=view.role,
            status=view.status,
            email=view.email,
            user=Person.of(view.user) if view.user else None,
            accepted_at=view.accepted_at,
            expires_at=view.expires_at,
            created_at=view.created_at,
        )


@strawberry.type
class MemberQuery:
    @strawberry.field(
        description="Members, oldest first, then open invitations; null for a foreign organization."
    )
    async def members(
        self, info: Info, organization_id: OrganizationId = None
    ) -> list[MemberType] | None:
        try:
            actor = await info.context.actor_in(organization_key(organization_id))
        except NotFound:
            return None
        async with info.context.read_as(actor) as session:
            return [
                MemberType.of(view) for view in await organizations.list_members(session, actor)
            ]


@strawberry.input(description="Whom to invite.")
class InviteMemberInput:
    email: str = strawberry.field(description="Their address; they need no account yet.")
    role: Role = strawberry.field(description="What they may do.", default=Role.VIEWER)
    organization_id: strawberry.ID | None = strawberry.field(
        description="The active organization unless given.", default=None
    )


@strawberry.input(description="Which invitation to renew.")
class ResendInvitationInput:
    id: strawberry.ID = strawberry.field(description="The invitation.")
    organization_id: strawberry.ID | None = strawberry.field(
        description="The active organization unless given.", default=None
    )


@strawberry.input(description="Whose role to change.")
class UpdateMemberRoleInput:
    id: strawberry.ID = strawberry.field(description="The member, or the open invitation.")
    role: Role = strawberry.field(description="Their new role.")
    organization_id: strawberry.ID | None = strawberry.field(
        description="The active organization unless given.", default=None
    )


@strawberry.input(description="Who leaves.")
class RemoveMemberInput:
    id: strawberry.ID = strawberry.field(description="The member, or the open invitation.")
    organization_id: strawberry.ID | None = strawberry.field(
        description="The active organization unless given.", default=None
    )


@strawberry.type(description="What inviteMember and resendInvitation answer.")
class InviteMemberPayload(Payload):
    member: MemberType | None = strawberry.field(description="The invitation.", default=None)
    invite_token: str | None = strawberry.field(
        description="Only here and once, and only where no mail server is set: hand it on.",
        default=None,
    )

    @classmethod
    def of(cls, invited: Invited) -> Self:
        return cls(member=MemberType.of(invited.member), invite_token=invited.token)


@strawberry.type(description="What updateMemberRole answers.")
class UpdateMemberRolePayload(Payload):
    member: MemberType | None = strawberry.field(description="As they are now.", default=None)


@strawberry.type(description="What removeMember answers.")
class RemoveMemberPayload(Payload):
    deleted_member_id: strawberry.ID | None = strawberry.field(
        description="The id that is gone.", default=None
    )


@strawberry.type
class MemberMutation:
    @strawberry.mutation(
        description="Invite somebody by e-mail (admin); they belong to it once they accept."
    )
    @typed_errors
    async def invite_member(
        self,
        info: Info,
        input: Annotated[InviteMemberInput, strawberry.argument(description="Whom.")],
    ) -> InviteMemberPayload:
        context = info.context
        actor = await context.actor_in(organization_key(input.organization_id))
        async with context.write(actor) as work:
            invited = await organizations.invite_member(
                work,
                actor,
                InvitationTerms.of(context.resources.settings),
                email=inputs.text(input.email, "email", at_least=3, at_most=_MAX_EMAIL),
                role=input.role,
            )
        return InviteMemberPayload.of(invited)

    @strawberry.mutation(
        description="Renew an invitation, also an expired one: another token and lifetime (admin)."
    )
    @typed_errors
    async def resend_invitation(
        self,
        info: Info,
        input: Annotated[ResendInvitationInput, strawberry.argument(description="Which.")],
    ) -> InviteMemberPayload:
        context = info.context
        actor = await context.actor_in(organization_key(input.organization_id))
        async with context.write(actor) as work:
            invited = await organizations.resend_invitation(
                work,
                actor,
                InvitationTerms.of(context.resources.settings),
                key_of(Kind.MEMBER, input.id),
            )
        return InviteMemberPayload.of(invited)

    @strawberry.mutation(description="Give a member or an open invitation another role (admin).")
    @typed_errors
    async def update_member_role(
        self,
        info: Info,
        input: Annotated[UpdateMemberRoleInput, strawberry.argument(description="Whose.")],
    ) -> UpdateMemberRolePayload:
        actor = await info.context.actor_in(organization_key(input.organization_id))
        async with info.context.write(actor) as work:
            view = await organizations.change_member_role(
                work, actor, key_of(Kind.MEMBER, input.id), input.role
            )
        return UpdateMemberRolePayload(member=MemberType.of(view))

    @strawberry.mutation(
        description="Remove a member (admin), leave oneself in any role, or revoke an invitation."
    )
    @typed_errors
    async def remove_member(
        self,
        info: Info,
        input: Annotated[RemoveMemberInput, strawberry.argument(description="Who.")],
    ) -> RemoveMemberPayload:
        key = key_of(Kind.MEMBER, input.id)
        actor = await info.context.actor_in(organization_key(input.organization_id))
        async with info.context.write(actor) as work:
            await departures.remove_member(work, actor, key)
        return RemoveMemberPayload(deleted_member_id=global_id(Kind.MEMBER, key))
