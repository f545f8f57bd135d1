"""People of a test: registered through the API, put into roles through the database."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from httpx2 import AsyncClient

from services.actor import Actor, Role
from services.database import Scope, utcnow
from services.organizations import Membership
from services.resources import Resources

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Member:
    """A user with tokens, in one organization."""

    user_id: UUID
    organization_id: UUID
    email: str
    access_token: str
    refresh_token: str
    role: Role = Role.ADMIN

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    @property
    def actor(self) -> Actor:
        return Actor(self.user_id, self.organization_id, self.role)

    @property
    def scope(self) -> Scope:
        return Scope(organization_id=self.organization_id, user_id=self.user_id)


def _member(tokens: dict[str, Any], role: Role = Role.ADMIN) -> Member:  # Any: a JSON object
    return Member(
        user_id=UUID(tokens["user"]["id"]),
        organization_id=UUID(tokens["org_id"]),
        email=tokens["user"]["email"],
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        role=role,
    )


async def register(client: AsyncClient, email: str, *, organization: str = "Acme") -> Member:
    response = await client.post(
        "/api/v1/auth/register",
        json={
            "email": email,
            "password": PASSWORD,
            "full_name": "Ada Lovelace",
            "org_name": organization,
        },
    )
    assert response.status_code == 201, response.text
    return _member(response.json())


async def join(client: AsyncClient, resources: Resources, admin: Member, role: Role) -> Member:
    """A new user with this role in the admin's organization, and logged in there."""
    newcomer = await register(client, f"{role.value}@example.com", organization=f"Own {role}")
    async with resources.database.transaction(admin.scope) as work:
        work.session.add(
            Membership(
                organization_id=admin.organization_id,
                user_id=newcomer.user_id,
                role=role,
                accepted_at=utcnow(),
            )
        )
    return Member(
        user_id=newcomer.user_id,
        organization_id=admin.organization_id,
        email=newcomer.email,
        access_token=resources.identity.access_tokens.issue(
            newcomer.user_id, admin.organization_id, role, utcnow()
        ),
        refresh_token=newcomer.refresh_token,
        role=role,
    )
