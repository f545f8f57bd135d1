"""API keys of an organization."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, Field

from rest.dependencies import CurrentActor, ReadSession, Work, may
from rest.schemas import AnyCase, Name, Request, Response, UtcTime, errors
from services import api_keys
from services.actor import Permission
from services.api_keys import ApiKey, IssuedKey

router = APIRouter(prefix="/api-keys", tags=["API keys"])
_READ = [Depends(may(Permission.API_KEYS_READ))]
_WRITE = [Depends(may(Permission.API_KEYS_WRITE))]


class ApiKeyCreateRequest(Request):
    name: Name
    scopes: list[Annotated[Permission, AnyCase]] = Field(
        min_length=1,
        max_length=len(Permission),
        description="What it may do, as far as your own role allows it at the time of use.",
        examples=[["findings:read", "scans:read"]],
    )
    expires_at: AwareDatetime | None = Field(
        default=None, description="In 90 days unless given, in 366 at the latest."
    )


class ApiKeyResponse(Response):
    id: UUID
    name: str
    prefix: str = Field(description="How the key begins: to know one from another.")
    scopes: list[str]
    created_by: UUID
    expires_at: UtcTime
    last_used_at: UtcTime | None = Field(description="To the minute.")
    created_at: UtcTime


class IssuedApiKeyResponse(ApiKeyResponse):
    key: str = Field(description="The key, for `Authorization: Bearer …`: here and never again.")

    @classmethod
    def of(cls, issued: IssuedKey) -> Self:
        shown = ApiKeyResponse.model_validate(issued.api_key)
        return cls(**shown.model_dump(), key=issued.secret)


def _shown(api_key: ApiKey) -> ApiKeyResponse:
    return ApiKeyResponse.model_validate(api_key)


@router.get("", dependencies=_READ, responses=errors(401, 403))
async def list_api_keys(session: ReadSession, actor: CurrentActor) -> list[ApiKeyResponse]:
    """The organization's keys, newest first, expired ones too (auditor, admin)."""
    return [_shown(each) for each in await api_keys.list_api_keys(session, actor)]


@router.post("", status_code=201, dependencies=_WRITE, responses=errors(400, 401, 403))
async def create_api_key(
    work: Work, actor: CurrentActor, body: ApiKeyCreateRequest
) -> IssuedApiKeyResponse:
    """A key for a program (admin). It stops working when you leave or your role falls."""
    issued = await api_keys.create_api_key(
        work, actor, name=body.name, scopes=body.scopes, expires_at=body.expires_at
    )
    return IssuedApiKeyResponse.of(issued)


@router.delete(
    "/{api_key_id}", status_code=204, dependencies=_WRITE, responses=errors(401, 403, 404)
)
async def revoke_api_key(work: Work, actor: CurrentActor, api_key_id: UUID) -> None:
    """Revoke a key, at once and for good (admin)."""
    await api_keys.revoke_api_key(work, actor, api_key_id)
