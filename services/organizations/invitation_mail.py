"""Sends invitations. The invitation is its own outbox: ``mail_due_at`` says when.

The token is made here, while the mail goes out, and is nowhere else.
"""

from uuid import UUID

import structlog

from services import mail
from services.database import Database, Scope, utcnow
from services.mail import Letter, MailDelayed, MailRefused, PostOffice
from services.organizations import invitation_queries, queries
from services.organizations.models import Invitation
from services.queue import Job
from services.users.opaque_tokens import digest, new_token

log = structlog.get_logger()

SEND_INVITATION = "send_invitation"
_AT_MOST = 200


async def send_invitation(
    database: Database, post: PostOffice, organization_id: UUID, invitation_id: UUID
) -> None:
    """Make the token and mail it; do nothing when that is done. Safe to call twice.

    Each try has a new token, so a mail that arrived although the server's answer got lost is
    followed by one that works.
    """
    scope = Scope(organization_id=organization_id)
    token, now = new_token(), utcnow()
    async with database.transaction(scope) as work:
        invitation = await invitation_queries.claim_mail(
            work.session,
            organization_id,
            invitation_id,
            token_hash=digest(token),
            now=now,
            lease_until=now + mail.LEASE,
        )
        name = await queries.organization_name(work.session, organization_id)
    if invitation is None:
        return
    next_try = None
    try:
        await post.send(_letter(post, invitation, name, token))
    except MailRefused as error:
        log.warning("mail_refused", invitation_id=str(invitation_id), reason=str(error))
    except MailDelayed as error:
        next_try = mail.retry_at(invitation.mail_attempt, utcnow())
        log.warning("mail_delayed", invitation_id=str(invitation_id), reason=str(error))
    async with database.transaction(scope) as work:
        await invitation_queries.finish_mail(
            work.session, organization_id, digest(token), next_try=next_try, now=utcnow()
        )


async def sweep_invitations(database: Database) -> list[Job]:
    """The mails to try again."""
    now = utcnow()
    async with database.read(Scope(is_sweep=True)) as session:
        due = await invitation_queries.list_due_mail(
            session, before=now - mail.QUIET, now=now, at_most=_AT_MOST
        )
    return [
        Job(SEND_INVITATION, organization_id, invitation_id, attempt)
        for organization_id, invitation_id, attempt in due
    ]


def _letter(post: PostOffice, invitation: Invitation, name: str, token: str) -> Letter:
    organization = mail.one_line(name)
    link = post.link("accept-invitation", token)
    way = f"open\n\n{link}" if link else f"give this code:\n\n{token}"
    until = f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC"
    return Letter(
        recipient=invitation.email,
        subject=f"Invitation to {organization} on NIS2 Gateway",
        text=(
            f"You are invited to join {organization} on NIS2 Gateway as {invitation.role}.\n\n"
            f"To accept, sign in as {invitation.email} and {way}\n\n"
            f"This works once, until {until}. If you did not expect it, do nothing: without you,"
            " nothing happens.\n"
        ),
    )
