"""Use cases of organizations: found one, list one's own, look at one, change one."""

import re
import secrets
import unicodedata
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Author, Permission, Role
from services.database import Change, Scope, UnitOfWork, utcnow
from services.errors import InvalidRequest, NotFound
from services.identifiers import uuid7
from services.organizations import queries
from services.organizations.models import Membership, Organization
from services.organizations.settings import OrganizationSettings

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


async def get_actor(session: AsyncSession, user_id: UUID, organization_id: UUID) -> Actor:
    """The user in this organization, whichever is their active one. Raises NotFound."""
    view = await get_organization(session, user_id, organization_id)
    return Actor(user_id, organization_id, view.role)


async def lock_organization(work: UnitOfWork, actor: Actor) -> tuple[Organization, Actor]:
    """The organization's row, locked until the transaction ends, and the actor as of now.

    Whoever changes an organization or its members begins here, so two of them at once come one
    after the other, and the second is judged by what the first left. Raises NotFound.
    """
    organization = await queries.lock_organization(work.session, actor.organization_id)
    if organization is None:
        raise NotFound("organization")
    view = await get_organization(work.session, actor.user_id, actor.organization_id)
    return organization, replace(actor, role=view.role)


async def update_organization(
    work: UnitOfWork,
    actor: Actor,
    *,
    name: str | None = None,
    settings: OrganizationSettings | None = None,
) -> OrganizationView:
    """Change the name, or settings: each key that is given replaces the stored one as a whole.

    Raises PermissionDenied, InvalidRequest when there is nothing to change.
    """
    actor.require(Permission.ORGANIZATION_WRITE)
    if name is None and settings is None:
        raise InvalidRequest("No field to change was given", code="nothing_to_update")
    organization, actor = await lock_organization(work, actor)
    actor.require(Permission.ORGANIZATION_WRITE)
    if name is not None:
        organization.name = name.strip()
    if settings is not None:
        organization.settings = settings.merged_into(organization.settings)
    work.record(actor, "organization.updated", organization)
    return OrganizationView(organization, actor.role)


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
    founder = Author(user_id, organization_id)
    founded = Change("organization", organization_id, after={"name": name, "slug": slug})
    work.record(founder, "organization.created", founded)
    await work.session.flush()  # the row security of the next statement asks for it
    return await get_organization(work.session, user_id, organization_id)


def slug_of(name: str) -> str:
    """A name in lower-case ASCII letters, digits and hyphens; never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64] or "organization"
