"""Another password: by the present one, or by a token mailed to the address."""

from datetime import timedelta
from uuid import UUID

import structlog

from services import mail
from services.actor import Author, Caller
from services.auth.identity import Identity
from services.auth.queries import find_home
from services.database import Change, Database, Scope, UnitOfWork, utcnow
from services.errors import InvalidInput, InvalidRequest, Unauthenticated
from services.mail import Letter, MailDelayed, MailRefused, PostOffice
from services.queue import Job
from services.settings import Settings
from services.users import PasswordReset, queries, reset_queries
from services.users.email_address import normalize_email
from services.users.opaque_tokens import digest, new_token
from services.users.passwords import MAX_LENGTH

log = structlog.get_logger()

SEND_PASSWORD_RESET = "send_password_reset"  # noqa: S105 - a job's name
_NO_ORGANIZATION = UUID(int=0)
"""A password belongs to a person, and a job wants an organization."""
_MIN_LENGTH = 8
_MAX_REQUESTS = 3
_REQUESTS_WITHIN = timedelta(minutes=15)
_AT_MOST = 200


def require_password(password: str, email: str) -> None:
    """8 to 128 characters of any kind, and not the e-mail address (ASVS 5.0, V6.2)."""
    if not _MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput(
            f"The password must have {_MIN_LENGTH} to {MAX_LENGTH} characters",
            field="password",
        )
    if password.casefold() == email:
        raise InvalidInput("The password must differ from the e-mail address", field="password")


async def change_password(
    work: UnitOfWork, identity: Identity, caller: Caller, *, current: str, new: str
) -> None:
    """Ends every other login of the user, at once. Raises InvalidRequest, InvalidInput."""
    caller.require_person()
    user = await queries.find_user(work.session, caller.user_id)
    if user is None:
        raise Unauthenticated("The access token is not valid")
    require_password(new, user.email)
    is_right, _ = await identity.passwords.verify(current[: MAX_LENGTH + 1], user.password_hash)
    if not is_right:
        raise InvalidRequest("The current password is wrong", code="wrong_password")
    user.password_hash = await identity.passwords.hash(new)
    now = utcnow()
    await reset_queries.close_requests(work.session, user.email, now)
    await queries.end_sessions(work.session, user.id, now, but=caller.session_id)
    work.record(caller.author, "password.changed", Change("user", user.id))


async def forgot_password(work: UnitOfWork, settings: Settings, email: str) -> None:
    """Ask for a mail with a token. Known and unknown addresses cost and answer the same.

    At most three requests for an address are heard in a quarter of an hour; more are dropped.
    """
    address = normalize_email(email)
    if not settings.sends_mail:
        log.warning("password_reset_not_mailed", reason="no NIS2_SMTP_URL")
        return
    now = utcnow()
    recent = await reset_queries.count_requests(work.session, address, now - _REQUESTS_WITHIN)
    if recent >= _MAX_REQUESTS:
        return
    reset = PasswordReset(
        email=address, expires_at=now + settings.password_reset_lifetime, mail_due_at=now
    )
    work.session.add(reset)
    work.enqueue(Job(SEND_PASSWORD_RESET, _NO_ORGANIZATION, reset.id))


async def reset_password(work: UnitOfWork, identity: Identity, *, token: str, new: str) -> None:
    """Ends every login of the user. Raises InvalidRequest for a token that is not good (any more).

    The hash is computed before the first statement: no connection waits for it.
    """
    require_password(new, "")
    password_hash = await identity.passwords.hash(new)
    now = utcnow()
    email = await reset_queries.use_token(work.session, digest(token), now)
    user = await queries.find_user_by_email(work.session, email) if email else None
    if user is None or not user.is_active:
        raise InvalidRequest(
            "This link has expired or was used already: ask for a new one", code="reset_invalid"
        )
    require_password(new, user.email)
    user.password_hash = password_hash
    user.email_verified = True  # the token came by mail and nowhere else
    await reset_queries.close_requests(work.session, user.email, now)
    await queries.end_sessions(work.session, user.id, now)
    await work.enter(Scope(user_id=user.id))
    author = Author(user.id, await find_home(work.session, user.id))
    work.record(author, "password.reset", Change("user", user.id))


async def send_password_reset(database: Database, post: PostOffice, reset_id: UUID) -> None:
    """Make the token and mail it, if the address is somebody's. Safe to call twice."""
    token, now = new_token(), utcnow()
    async with database.transaction(Scope()) as work:
        reset = await reset_queries.claim_mail(
            work.session,
            reset_id,
            token_hash=digest(token),
            now=now,
            lease_until=now + mail.LEASE,
        )
        user = await queries.find_user_by_email(work.session, reset.email) if reset else None
    if reset is None:
        return
    next_try = None
    if user is not None and user.is_active:
        try:
            await post.send(_letter(post, reset, token))
        except MailRefused as error:
            log.warning("mail_refused", reset_id=str(reset_id), reason=str(error))
        except MailDelayed as error:
            next_try = mail.retry_at(reset.mail_attempt, utcnow())
            log.warning("mail_delayed", reset_id=str(reset_id), reason=str(error))
    async with database.transaction(Scope()) as work:
        await reset_queries.finish_mail(work.session, digest(token), next_try, utcnow())


async def sweep_password_resets(database: Database) -> list[Job]:
    """The mails to try again; requests past their life are deleted."""
    now = utcnow()
    async with database.transaction(Scope()) as work:
        await reset_queries.delete_expired(work.session, now)
        due = await reset_queries.list_due_mail(
            work.session, before=now - mail.QUIET, at_most=_AT_MOST
        )
    return [
        Job(SEND_PASSWORD_RESET, _NO_ORGANIZATION, reset_id, attempt) for reset_id, attempt in due
    ]


def _letter(post: PostOffice, reset: PasswordReset, token: str) -> Letter:
    link = post.link("reset-password", token)
    way = f"open\n\n{link}" if link else f"use this code:\n\n{token}"
    return Letter(
        recipient=reset.email,
        subject="A new password for NIS2 Gateway",
        text=(
            f"Somebody asked for a new password for {reset.email}. To choose one, {way}\n\n"
            f"This works once, until {reset.expires_at:%Y-%m-%d %H:%M} UTC. It was not you? Then"
            " do nothing: your password stays as it is.\n"
        ),
    )
