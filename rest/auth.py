"""Register, log in, stay logged in, choose an organization, and the profile."""

from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from fastapi import Response as HttpResponse
from pydantic import Field, StringConstraints

from rest.dependencies import CurrentCaller, ReadSession, SharedResources, Work
from rest.schemas import Name, PatchRequest, Request, Response, Text, Token, UtcTime, errors
from rest.session_cookies import (
    CsrfCookie,
    CsrfHeader,
    RefreshCookie,
    clear_session_cookies,
    require_csrf,
    set_session_cookies,
)
from services import auth
from services.actor import Role
from services.auth import Profile, Session
from services.database import Scope
from services.errors import Unauthenticated
from services.resources import Resources

router = APIRouter(prefix="/auth", tags=["Authentication"])

Email = Annotated[Text, StringConstraints(min_length=3, max_length=320)]
Password = Annotated[Text, StringConstraints(min_length=1, max_length=1024)]


class RegisterRequest(Request):
    email: Email
    password: Annotated[Text, StringConstraints(min_length=8, max_length=128)]
    full_name: Name
    org_name: Name


class LoginRequest(Request):
    email: Email
    password: Password


class RefreshRequest(Request):
    refresh_token: Token | None = Field(default=None, description="By default the cookie's.")


class SwitchOrganizationRequest(Request):
    organization_id: UUID


class ProfileUpdateRequest(PatchRequest):
    full_name: Name | None = None
    locale: Annotated[Text, StringConstraints(max_length=10)] | None = None
    timezone: Annotated[Text, StringConstraints(max_length=64)] | None = None
    avatar_url: Annotated[Text, StringConstraints(max_length=1024)] | None = None


class MembershipResponse(Response):
    organization_id: UUID
    name: str
    slug: str
    role: Role


class OfferResponse(Response):
    """An invitation to the user's address that waits for an answer."""

    id: UUID
    organization_id: UUID
    organization_name: str
    role: Role
    expires_at: UtcTime


class UserResponse(Response):
    id: UUID
    email: str
    full_name: str
    locale: str
    avatar_url: str | None
    email_verified: bool
    is_active: bool
    created_at: UtcTime
    timezone: str
    memberships: list[MembershipResponse]
    active_organization_id: UUID | None
    permissions: list[str] = Field(description="What the role allows in the active organization.")
    pending_invitations: list[OfferResponse]

    @classmethod
    def of(cls, profile: Profile) -> Self:
        user = profile.user
        return cls(
            id=user.id,
            email=user.email,
            full_name=user.full_name,
            locale=user.locale,
            avatar_url=user.avatar_url,
            email_verified=user.email_verified,
            is_active=user.is_active,
            created_at=user.created_at,
            timezone=user.timezone,
            memberships=[
                MembershipResponse(
                    organization_id=view.organization.id,
                    name=view.organization.name,
                    slug=view.organization.slug,
                    role=view.role,
                )
                for view in profile.memberships
            ],
            active_organization_id=profile.active.organization.id if profile.active else None,
            permissions=sorted(permission.value for permission in profile.permissions),
            pending_invitations=[
                OfferResponse(
                    id=offer.invitation.id,
                    organization_id=offer.organization.id,
                    organization_name=offer.organization.name,
                    role=offer.invitation.role,
                    expires_at=offer.invitation.expires_at,
                )
                for offer in profile.offers
            ],
        )


class TokensResponse(Response):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - RFC 6750, no secret
    expires_in: int = Field(description="Seconds the access token lives.")
    org_id: UUID | None
    user: UserResponse
    csrf_token: str = Field(description="For X-CSRF-Token, where cookies carry the session.")

    @classmethod
    def of(cls, session: Session) -> Self:
        user = UserResponse.of(session.profile)
        return cls(
            access_token=session.access_token,
            refresh_token=session.refresh_token,
            expires_in=session.expires_in,
            org_id=user.active_organization_id,
            user=user,
            csrf_token=session.csrf_token,
        )


def _answer(response: HttpResponse, resources: Resources, session: Session) -> TokensResponse:
    set_session_cookies(response, session, resources.settings)
    return TokensResponse.of(session)


def _granted(outcome: Session | Unauthenticated) -> Session:
    """After the commit: what the refused attempt left behind stays. Raises Unauthenticated."""
    if isinstance(outcome, Unauthenticated):
        raise outcome
    return outcome


def _refresh_token(
    body: RefreshRequest | None, cookie: str | None, csrf: tuple[str | None, str | None]
) -> str | None:
    """The body's, else the cookie's, which only our own page may use (403 otherwise)."""
    if body is not None and body.refresh_token is not None:
        return body.refresh_token
    if cookie:
        require_csrf(*csrf)
    return cookie or None


@router.post("/register", status_code=201, responses=errors(403, 409))
async def register(
    work: Work, resources: SharedResources, response: HttpResponse, body: RegisterRequest
) -> TokensResponse:
    """Register a user and found their organization."""
    session = await auth.register(
        work,
        resources.identity,
        email=body.email,
        password=body.password,
        full_name=body.full_name,
        organization_name=body.org_name,
    )
    return _answer(response, resources, session)


@router.post("/login", responses=errors(401))
async def login(
    request: HttpRequest, resources: SharedResources, response: HttpResponse, body: LoginRequest
) -> TokensResponse:
    """Obtain access and refresh tokens."""
    async with resources.database.transaction(Scope(), request.state.origin) as work:
        outcome = await auth.login(
            work, resources.identity, email=body.email, password=body.password
        )
    return _answer(response, resources, _granted(outcome))


@router.post("/refresh", responses=errors(401, 403))
async def refresh(
    request: HttpRequest,
    resources: SharedResources,
    response: HttpResponse,
    body: RefreshRequest | None = None,
    refresh_token: RefreshCookie = None,
    csrf_token: CsrfCookie = None,
    x_csrf_token: CsrfHeader = None,
) -> TokensResponse:
    """Exchange a refresh token, of the body or of the cookie, for a new pair; each works once."""
    token = _refresh_token(body, refresh_token, (csrf_token, x_csrf_token))
    if token is None:
        raise Unauthenticated("A refresh token is needed: log in first", code="refresh_invalid")
    async with resources.database.transaction(Scope(), request.state.origin) as work:
        outcome = await auth.refresh(work, resources.identity, token)
    return _answer(response, resources, _granted(outcome))


@router.post("/logout", status_code=204, responses=errors(403))
async def logout(
    work: Work,
    resources: SharedResources,
    response: HttpResponse,
    body: RefreshRequest | None = None,
    refresh_token: RefreshCookie = None,
    csrf_token: CsrfCookie = None,
    x_csrf_token: CsrfHeader = None,
) -> None:
    """End the login this refresh token belongs to and clear the cookies; safe to repeat."""
    token = _refresh_token(body, refresh_token, (csrf_token, x_csrf_token))
    if token is not None:
        await auth.logout(work, token)
    clear_session_cookies(response, resources.settings)


@router.post("/switch-org", responses=errors(401, 404))
async def switch_organization(
    work: Work,
    resources: SharedResources,
    response: HttpResponse,
    caller: CurrentCaller,
    body: SwitchOrganizationRequest,
) -> TokensResponse:
    """New tokens for another of your organizations; use both from now on."""
    session = await auth.switch_organization(work, resources.identity, caller, body.organization_id)
    return _answer(response, resources, session)


@router.get("/me", responses=errors(401))
async def get_me(session: ReadSession, caller: CurrentCaller) -> UserResponse:
    """The current user with memberships and permissions."""
    profile = await auth.get_profile(session, caller.user_id, caller.organization_id)
    return UserResponse.of(profile)


@router.patch("/me", responses=errors(400, 401))
async def update_me(work: Work, caller: CurrentCaller, body: ProfileUpdateRequest) -> UserResponse:
    """Change the profile: any of full_name, locale, timezone, avatar_url."""
    profile = await auth.update_profile(work, caller, body.changes())
    return UserResponse.of(profile)
