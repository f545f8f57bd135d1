"""Invitations: nobody is put into an organization without their consent.

The token is 256 bits, good once, and good only for the user with the address it was made out to.
With a mail server set, it is made in the moment the mail goes out (``invitation_mail``); without
one, the admin gets it once and hands it on.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Author, Caller, Permission, Role
from services.database import Change, Scope, UnitOfWork, utcnow
from services.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    TooManyRequests,
)
from services.identifiers import uuid7
from services.organizations import invitation_queries, queries
from services.organizations.invitation_mail import SEND_INVITATION
from services.organizations.members import MemberView
from services.organizations.models import Invitation, Organization
from services.organizations.service import OrganizationView, get_organization, lock_organization
from services.queue import Job
from services.settings import Settings
from services.users.email_address import normalize_email
from services.users.opaque_tokens import digest, new_token

log = structlog.get_logger()

MAX_OPEN = 50
MAX_PER_HOUR = 20
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class InvitationTerms:
    """How this installation invites."""

    lifetime: timedelta
    by_mail: bool
    is_limited: bool

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            lifetime=settings.invitation_lifetime,
            by_mail=settings.sends_mail,
            is_limited=settings.rate_limits == "on",
        )


@dataclass(frozen=True, slots=True)
class Invited:
    """The invitation, and its token where the admin has to hand it on."""

    member: MemberView
    token: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """An invitation as the one who is invited sees it."""

    invitation: Invitation
    organization: Organization


async def invite_member(
    work: UnitOfWork, actor: Actor, terms: InvitationTerms, *, email: str, role: Role
) -> Invited:
    """Offer a place. The answer is the same whether or not the address has an account.

    Raises PermissionDenied, InvalidInput for no address, Conflict for a member or somebody who
    is invited already, InvalidRequest and TooManyRequests at the limits.
    """
    actor.require(Permission.MEMBERS_WRITE)
    address = normalize_email(email)
    _, actor = await lock_organization(work, actor)
    actor.require(Permission.MEMBERS_WRITE)
    if await queries.has_member_with_email(work.session, actor.organization_id, address):
        raise Conflict("This person is a member already", code="already_member")
    now = utcnow()
    earlier = await invitation_queries.find_open_invitation_of(
        work.session, actor.organization_id, address
    )
    if earlier is not None:
        if earlier.expires_at > now:
            raise Conflict(
                "This person is invited already",
                code="already_invited",
                existing_id=str(earlier.id),
            )
        earlier.revoked_at = now
        earlier.token_hash = earlier.mail_due_at = None
        await work.session.flush()  # one open invitation per address: the index says so
    await _require_room(work.session, actor, terms)
    invitation = Invitation(
        organization_id=actor.organization_id,
        email=address,
        role=role,
        invited_by=actor.user_id,
        expires_at=now + terms.lifetime,
        sent_at=now,
    )
    work.session.add(invitation)
    work.record(actor, "member.invited", invitation)
    return _dispatch(work, actor, terms, invitation)


async def resend_invitation(
    work: UnitOfWork, actor: Actor, terms: InvitationTerms, invitation_id: UUID
) -> Invited:
    """A new token for another lifetime, also when it had expired; the old one is worth nothing.

    Raises PermissionDenied, NotFound, TooManyRequests.
    """
    actor.require(Permission.MEMBERS_WRITE)
    _, actor = await lock_organization(work, actor)
    actor.require(Permission.MEMBERS_WRITE)
    invitation = await invitation_queries.find_open_invitation(
        work.session, actor.organization_id, invitation_id
    )
    if invitation is None:
        raise NotFound("invitation")
    now = utcnow()
    await _require_room(work.session, actor, terms, is_new=invitation.expires_at <= now)
    invitation.sends = invitation.sends + 1 if invitation.sent_at > now - _HOUR else 1
    invitation.sent_at = now
    invitation.expires_at = now + terms.lifetime
    work.record(actor, "invitation.resent", invitation)
    return _dispatch(work, actor, terms, invitation)


async def list_offers(session: AsyncSession, user_id: UUID) -> list[Offer]:
    """The organizations that wait for the user's answer."""
    rows = await invitation_queries.list_offers(session, user_id, utcnow())
    return [Offer(invitation, organization) for invitation, organization in rows]


async def accept_invitation(
    work: UnitOfWork,
    caller: Caller,
    *,
    token: str | None = None,
    invitation_id: UUID | None = None,
) -> OrganizationView:
    """Become a member: by the token, or by the id for an address that is proven.

    Anybody may register with anybody's address, so an address alone opens nothing. Raises
    NotFound for whatever is not the user's to accept, InvalidRequest when it has expired.
    """
    caller.require_person()
    user_id = caller.user_id
    found = await invitation_queries.find_offer(
        work.session,
        user_id,
        token_hash=digest(token) if token is not None else None,
        invitation_id=invitation_id,
    )
    if found is None:
        raise NotFound("invitation")
    invitation, user = found
    if token is None and not user.email_verified:
        raise PermissionDenied(
            "Accept it with the token of the invitation: your e-mail address is not verified yet",
            code="email_not_verified",
        )
    now = utcnow()
    if invitation.expires_at <= now:
        raise InvalidRequest(
            "The invitation has expired: ask for a new one", code="invitation_expired"
        )
    organization_id = invitation.organization_id
    await work.enter(Scope(organization_id=organization_id, user_id=user_id))
    if not await invitation_queries.close_as_accepted(
        work.session, organization_id, invitation.id, now
    ):
        raise NotFound("invitation")
    if invitation.mail_attempt > 0:
        user.email_verified = True  # the token came by mail and nowhere else
    membership_id = uuid7()
    joined = Change("membership", membership_id, after={"role": invitation.role.value})
    work.record(Author(user_id, organization_id), "member.joined", joined)
    await queries.insert_membership(
        work.session,
        {
            "id": membership_id,
            "organization_id": organization_id,
            "user_id": user_id,
            "role": invitation.role,
            "accepted_at": now,
            "created_at": now,
            "updated_at": now,
        },
    )
    return await get_organization(work.session, user_id, organization_id)


async def _require_room(
    session: AsyncSession, actor: Actor, terms: InvitationTerms, *, is_new: bool = True
) -> None:
    if not terms.is_limited:
        return
    now = utcnow()
    if is_new and await invitation_queries.count_valid(session, actor.organization_id, now) >= (
        MAX_OPEN
    ):
        raise InvalidRequest(
            f"At most {MAX_OPEN} invitations may be open at once", code="too_many_invitations"
        )
    sent = await invitation_queries.count_sent(session, actor.organization_id, now - _HOUR)
    if sent >= MAX_PER_HOUR:
        raise TooManyRequests(
            f"At most {MAX_PER_HOUR} invitations may be sent in an hour",
            retry_after_s=int(_HOUR.total_seconds()),
        )


def _dispatch(
    work: UnitOfWork, actor: Actor, terms: InvitationTerms, invitation: Invitation
) -> Invited:
    invitation.mail_attempt = 0
    if terms.by_mail:
        invitation.token_hash = None
        invitation.mail_due_at = utcnow()
        work.enqueue(Job(SEND_INVITATION, invitation.organization_id, invitation.id))
        return Invited(MemberView.of_invitation(invitation, actor), None)
    token = new_token()
    invitation.token_hash = digest(token)
    invitation.mail_due_at = None
    log.info("invitation_not_mailed", invitation_id=str(invitation.id), reason="no NIS2_SMTP_URL")
    return Invited(MemberView.of_invitation(invitation, actor), token)
