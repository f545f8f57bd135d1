"""Use cases of organizations: found one, list one's own, look at one."""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Role
from services.database import Scope, UnitOfWork, utcnow
from services.errors import NotFound
from services.identifiers import uuid7
from services.organizations import queries
from services.organizations.models import Membership, Organization

_SLUG_TRIES = 5


@dataclass(frozen=True, slots=True)
class OrganizationView:
    """An organization as one of its members sees it."""

    organization: Organization
    role: Role


async def list_organizations(session: AsyncSession, user_id: UUID) -> list[OrganizationView]:
    """Every organization the user belongs to, by name; at most 1000."""
    rows = await queries.list_memberships(session, user_id)
    return [OrganizationView(organization, membership.role) for membership, organization in rows]


async def get_organization(
    session: AsyncSession, user_id: UUID, organization_id: UUID
) -> OrganizationView:
    """Raises NotFound for an unknown organization and for a stranger alike."""
    found = await queries.find_membership(session, organization_id, user_id)
    if found is None:
        raise NotFound("organization")
    membership, organization = found
    return OrganizationView(organization, membership.role)


async def found_organization(work: UnitOfWork, user_id: UUID, name: str) -> OrganizationView:
    """A new organization with the user as its admin. The work goes on in its scope."""
    organization_id = uuid7()
    await work.enter(Scope(organization_id=organization_id, user_id=user_id))
    slug = slug_of(name)
    for _ in range(_SLUG_TRIES):
        now = utcnow()
        row: dict[str, object] = {
            "id": organization_id,
            "name": name,
            "slug": slug,
            "plan": "community",
            "settings": {},
            "max_scans_per_month": 0,
            "is_active": True,
            "created_at": now,
            "updated_at": now,
        }
        if await queries.insert_organization(work.session, row):
            break
        slug = f"{slug_of(name)}-{secrets.token_hex(3)}"
    membership = Membership(
        organization_id=organization_id, user_id=user_id, role=Role.ADMIN, accepted_at=utcnow()
    )
    work.session.add(membership)
    await work.session.flush()  # the row security of the next statement asks for it
    return await get_organization(work.session, user_id, organization_id)


def slug_of(name: str) -> str:
    """A name in lower-case ASCII letters, digits and hyphens; never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64] or "organization"
