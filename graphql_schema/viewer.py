"""The caller: who they are, where they belong, and what they may do."""

from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from graphql_schema.context import Info
from graphql_schema.ids import Kind, global_id
from graphql_schema.nodes import Node
from graphql_schema.organizations import OrganizationType
from services.actor import Permission, Role
from services.auth import Profile
from services.organizations import OrganizationView
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

    @classmethod
    def of(cls, profile: Profile) -> Self:
        active = profile.active
        return cls(
            user=UserType.of(profile.user),
            memberships=[MembershipType.of(view) for view in profile.memberships],
            organization=OrganizationType.of(active) if active else None,
            role=active.role if active else None,
            permissions=sorted(profile.permissions),
        )


@strawberry.type
class ViewerQuery:
    @strawberry.field(description="The person who is asking.")
    async def me(self, info: Info) -> UserType:
        return UserType.of((await info.context.loaders.profile()).user)

    @strawberry.field(description="The person who is asking, with everything around them.")
    async def viewer(self, info: Info) -> Viewer:
        return Viewer.of(await info.context.loaders.profile())
