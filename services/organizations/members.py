"""Who belongs to an organization: the list, roles, and the end of a membership."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission, Role
from services.database import Change, UnitOfWork, utcnow
from services.errors import InvalidRequest, NotFound
from services.events import MEMBERSHIP_CHANGED, Event
from services.organizations import invitation_queries, queries
from services.organizations.models import Invitation, Membership
from services.organizations.service import lock_organization
from services.users import User


class MemberStatus(StrEnum):
    ACTIVE = "active"
    PENDING = "pending"
    """Invited, and has not answered."""
    EXPIRED = "expired"
    """Invited, and answered too late or never: to be invited again."""


@dataclass(frozen=True, slots=True)
class MemberView:
    """A membership, or an invitation that may become one."""

    id: UUID
    role: Role
    status: MemberStatus
    created_at: datetime
    email: str | None
    """None for whoever may not see addresses."""
    user: User | None = None
    accepted_at: datetime | None = None
    expires_at: datetime | None = None

    @classmethod
    def of_membership(cls, membership: Membership, user: User, actor: Actor) -> Self:
        return cls(
            id=membership.id,
            role=membership.role,
            status=MemberStatus.ACTIVE,
            created_at=membership.created_at,
            email=user.email if _sees_emails(actor) else None,
            user=user,
            accepted_at=membership.accepted_at,
        )

    @classmethod
    def of_invitation(cls, invitation: Invitation, actor: Actor) -> Self:
        is_valid = invitation.expires_at > utcnow()
        return cls(
            id=invitation.id,
            role=invitation.role,
            status=MemberStatus.PENDING if is_valid else MemberStatus.EXPIRED,
            created_at=invitation.created_at,
            email=invitation.email if _sees_emails(actor) else None,
            expires_at=invitation.expires_at,
        )


def _sees_emails(actor: Actor) -> bool:
    return actor.may(Permission.MEMBERS_CONTACT)


async def list_members(session: AsyncSession, actor: Actor) -> list[MemberView]:
    """Members, oldest first, then open invitations. Viewers see no e-mail addresses."""
    actor.require(Permission.MEMBERS_READ)
    members = await queries.list_members(session, actor.organization_id)
    invitations = await invitation_queries.list_open_invitations(session, actor.organization_id)
    return [
        *(MemberView.of_membership(membership, user, actor) for membership, user in members),
        *(MemberView.of_invitation(invitation, actor) for invitation in invitations),
    ]


async def change_member_role(
    work: UnitOfWork, actor: Actor, member_id: UUID, role: Role
) -> MemberView:
    """Give a member, or an open invitation, another role. The role they have changes nothing.

    Raises PermissionDenied, NotFound, and InvalidRequest when no admin would be left.
    """
    actor.require(Permission.MEMBERS_WRITE)
    _, actor = await lock_organization(work, actor)
    actor.require(Permission.MEMBERS_WRITE)
    found = await queries.find_member(work.session, actor.organization_id, member_id)
    if found is None:
        return await _change_invited_role(work, actor, member_id, role)
    membership, user = found
    if role is not membership.role:
        if membership.role is Role.ADMIN:
            await _require_other_admin(work.session, actor, membership.user_id)
        membership.role = role
        work.record(actor, "member.role_changed", membership)
        work.announce(Event(actor.organization_id, MEMBERSHIP_CHANGED, membership.user_id))
    return MemberView.of_membership(membership, user, actor)


async def end_membership(work: UnitOfWork, actor: Actor, member_id: UUID) -> UUID | None:
    """Remove a member, oneself in any role, or revoke an open invitation.

    Gives back the user who left; None for an invitation. What else they leave behind is for
    ``services.departures``, which doors call instead of this. Raises as ``change_member_role``.
    """
    _, actor = await lock_organization(work, actor)
    found = await queries.find_member(work.session, actor.organization_id, member_id)
    if found is None or found[0].user_id != actor.user_id:
        actor.require(Permission.MEMBERS_WRITE)
    if found is None:
        invitation = await _open_invitation(work, actor, member_id)
        invitation.revoked_at = utcnow()
        invitation.token_hash = invitation.mail_due_at = None
        work.record(actor, "invitation.revoked", invitation)
        return None
    membership, user = found
    if membership.role is Role.ADMIN:
        await _require_other_admin(work.session, actor, user.id)
    work.record(actor, "member.removed", Change.removed(membership))
    await queries.delete_membership(work.session, actor.organization_id, member_id)
    work.announce(Event(actor.organization_id, MEMBERSHIP_CHANGED, user.id))
    return user.id


async def _change_invited_role(
    work: UnitOfWork, actor: Actor, invitation_id: UUID, role: Role
) -> MemberView:
    invitation = await _open_invitation(work, actor, invitation_id)
    if role is not invitation.role:
        invitation.role = role
        work.record(actor, "invitation.role_changed", invitation)
    return MemberView.of_invitation(invitation, actor)


async def _open_invitation(work: UnitOfWork, actor: Actor, invitation_id: UUID) -> Invitation:
    invitation = await invitation_queries.find_open_invitation(
        work.session, actor.organization_id, invitation_id
    )
    if invitation is None:
        raise NotFound("member")
    return invitation


async def _require_other_admin(session: AsyncSession, actor: Actor, user_id: UUID) -> None:
    """AUTH-9; needs the organization's lock. Nobody counts who is invited or switched off."""
    if not await queries.has_other_admin(session, actor.organization_id, user_id):
        raise InvalidRequest(
            "An organization needs an admin: make somebody else one first", code="last_admin"
        )
