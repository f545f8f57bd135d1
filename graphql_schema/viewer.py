"""The caller: who they are, where they belong, and what they may do."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from graphql_schema import inputs
from graphql_schema.context import Info
from graphql_schema.ids import Kind, global_id
from graphql_schema.nodes import Node
from graphql_schema.organizations import OrganizationType
from graphql_schema.payloads import Payload, typed_errors
from services import auth
from services.actor import Permission, Role
from services.auth import Profile
from services.keyset import MAX_SIZE
from services.organizations import Offer, OrganizationView
from services.users import User


@strawberry.type(name="User", description="A person.")
class UserType(Node):
    database_id: UUID = strawberry.field(description="What REST calls id.")
    email: str = strawberry.field(description="The address they log in with.")
    full_name: str = strawberry.field(description="How they want to be called.")
    locale: str = strawberry.field(description="Their language, as a BCP 47 tag.")
    timezone: str = strawberry.field(description="An IANA time zone.")
    avatar_url: str | None = strawberry.field(description="A picture.")
    email_verified: bool = strawberry.field(description="Whether the address was confirmed.")
    is_active: bool = strawberry.field(description="Whether they may log in.")
    created_at: datetime = strawberry.field(description="When they registered.")

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=global_id(Kind.USER, user.id),
            database_id=user.id,
            email=user.email,
            full_name=user.full_name,
            locale=user.locale,
            timezone=user.timezone,
            avatar_url=user.avatar_url,
            email_verified=user.email_verified,
            is_active=user.is_active,
            created_at=user.created_at,
        )


@strawberry.type(name="Membership", description="A place in an organization.")
class MembershipType:
    organization: OrganizationType = strawberry.field(description="The organization.")
    role: Role = strawberry.field(description="The role in it.")

    @classmethod
    def of(cls, view: OrganizationView) -> Self:
        return cls(organization=OrganizationType.of(view), role=view.role)


@strawberry.type(description="A place that waits for the caller's answer.")
class PendingInvitation:
    invitation_id: UUID = strawberry.field(description="For acceptInvitation.")
    organization_name: str = strawberry.field(description="Who invites.")
    role: Role = strawberry.field(description="The role that is offered.")
    expires_at: datetime = strawberry.field(description="When the offer ends.")

    @classmethod
    def of(cls, offer: Offer) -> Self:
        return cls(
            invitation_id=offer.invitation.id,
            organization_name=offer.organization.name,
            role=offer.invitation.role,
            expires_at=offer.invitation.expires_at,
        )


@strawberry.type(description="The caller and their active organization.")
class Viewer:
    user: UserType = strawberry.field(description="Who is asking.")
    memberships: list[MembershipType] = strawberry.field(
        description="Every organization they belong to, by name."
    )
    organization: OrganizationType | None = strawberry.field(
        description="The active organization: the token's, or the X-Organization-Id header's."
    )
    role: Role | None = strawberry.field(description="The role in the active organization.")
    permissions: list[Permission] = strawberry.field(
        description="What that role allows in the active organization."
    )
    pending_invitations: list[PendingInvitation] = strawberry.field(
        description="Invitations to their address that wait for an answer."
    )

    views: strawberry.Private[list[OrganizationView]]

    @strawberry.field(
        description="Every organization they belong to, by name: all clients of a consultant in one"
        " query. At most 100; page through the root field organizations beyond."
    )
    def organizations(
        self,
        first: Annotated[int, strawberry.argument(description="How many, at most 100.")] = MAX_SIZE,
    ) -> list[OrganizationType]:
        size = inputs.number(first, "first", at_least=0, at_most=MAX_SIZE)
        return [OrganizationType.of(view) for view in self.views[:size]]

    @classmethod
    def of(cls, profile: Profile) -> Self:
        active = profile.active
        return cls(
            user=UserType.of(profile.user),
            memberships=[MembershipType.of(view) for view in profile.memberships],
            organization=OrganizationType.of(active) if active else None,
            role=active.role if active else None,
            permissions=sorted(profile.permissions),
            pending_invitations=[PendingInvitation.of(offer) for offer in profile.offers],
            views=profile.memberships,
        )


@strawberry.type
class ViewerQuery:
    @strawberry.field(description="The person who is asking.")
    async def me(self, info: Info) -> UserType:
        return UserType.of((await info.context.loaders.profile()).user)

    @strawberry.field(description="The person who is asking, with everything around them.")
    async def viewer(self, info: Info) -> Viewer:
        return Viewer.of(await info.context.loaders.profile())


@strawberry.input(description="What to change; fields that are left out stay as they are.")
class UpdateViewerInput:
    full_name: strawberry.Maybe[str] = strawberry.field(
        description="1 to 256 characters.", default=None
    )
    locale: strawberry.Maybe[str] = strawberry.field(
        description="A language of the platform.", default=None
    )
    timezone: strawberry.Maybe[str] = strawberry.field(
        description="An IANA time zone.", default=None
    )
    avatar_url: strawberry.Maybe[str | None] = strawberry.field(
        description="An https address; null for none.", default=None
    )

    def changes(self) -> dict[str, str | None]:
        """Only the fields that were given. Raises InvalidInput."""
        bounds = {"full_name": 256, "locale": 10, "timezone": 64, "avatar_url": 1024}
        return {
            field: inputs.optional_text(maybe.value, field, at_least=1, at_most=at_most)
            for field, at_most in bounds.items()
            if (maybe := getattr(self, field)) is not None
        }


@strawberry.type(description="What updateViewer answers.")
class UpdateViewerPayload(Payload):
    viewer: Viewer | None = strawberry.field(
        description="The caller as they are now.", default=None
    )


@strawberry.type
class ViewerMutation:
    @strawberry.mutation(description="Change the caller's profile.")
    @typed_errors
    async def update_viewer(
        self,
        info: Info,
        input: Annotated[UpdateViewerInput, strawberry.argument(description="What to change.")],
    ) -> UpdateViewerPayload:
        caller = info.context.caller
        async with info.context.write() as work:
            profile = await auth.update_profile(work, caller, input.changes())
        return UpdateViewerPayload(viewer=Viewer.of(profile))
