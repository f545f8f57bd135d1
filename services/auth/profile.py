"""The user as they see themselves: who, where, and what they may."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations
from services.actor import GRANTS, Caller, Permission
from services.database import UnitOfWork
from services.errors import InvalidInput, InvalidRequest, Unauthenticated
from services.organizations import Offer, OrganizationView
from services.users import User, queries
from services.users.preferences import LOCALES, is_locale, is_timezone


@dataclass(frozen=True, slots=True)
class Profile:
    """A user with everything a front end needs to draw its first screen."""

    user: User
    memberships: list[OrganizationView]
    active: OrganizationView | None
    offers: list[Offer]
    """Invitations that wait for an answer."""

    @property
    def permissions(self) -> frozenset[Permission]:
        return GRANTS[self.active.role] if self.active else frozenset()


async def get_profile(
    session: AsyncSession, user_id: UUID, active_organization_id: UUID | None
) -> Profile:
    """The user with memberships, and permissions in the active organization."""
    user = await queries.find_user(session, user_id)
    if user is None:
        raise Unauthenticated("The access token is not valid")
    return await load_profile(session, user, active_organization_id)


async def update_profile(
    work: UnitOfWork, caller: Caller, changes: dict[str, str | None]
) -> Profile:
    """Change ``full_name``, ``locale``, ``timezone`` or ``avatar_url``; None clears the last."""
    caller.require_person()
    if not changes:
        raise InvalidRequest("No field to change was given", code="nothing_to_update")
    profile = await get_profile(work.session, caller.user_id, caller.organization_id)
    for field, value in changes.items():
        _require_profile_value(field, value)
        setattr(profile.user, field, value)
    work.record(caller.author, "profile.updated", profile.user)
    return profile


async def load_profile(session: AsyncSession, user: User, active_id: UUID | None) -> Profile:
    """The active organization is the one asked for while the user belongs to it, else the first."""
    memberships = await organizations.list_organizations(session, user.id)
    active = next((view for view in memberships if view.organization.id == active_id), None)
    offers = await organizations.list_offers(session, user.id)
    return Profile(user, memberships, active or (memberships[0] if memberships else None), offers)


def _require_profile_value(field: str, value: str | None) -> None:
    if field == "avatar_url":
        if value is not None and not value.startswith("https://"):
            raise InvalidInput("avatar_url must be an https address", field=field)
        return
    if value is None:
        raise InvalidInput(f"{field} may not be null", field=field)
    if field == "locale" and not is_locale(value):
        raise InvalidInput(f"locale must be one of {', '.join(LOCALES)}", field=field)
    if field == "timezone" and not is_timezone(value):
        raise InvalidInput(f"{value!r} is no IANA time zone", field=field)
