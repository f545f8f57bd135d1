"""API keys of the active organization."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from graphql_schema.context import Info
from graphql_schema.inputs import items, text
from graphql_schema.payloads import Payload, typed_errors
from services import api_keys
from services.actor import Permission
from services.api_keys import ApiKey

_MAX_NAME = 256


@strawberry.type(name="ApiKey", description="What a program holds in place of a password.")
class ApiKeyType:
    database_id: UUID = strawberry.field(description="What REST calls id.")
    name: str = strawberry.field(description="What it is for.")
    prefix: str = strawberry.field(description="How the key begins: to know one from another.")
    scopes: list[Permission] = strawberry.field(
        description="What it may do, as far as its creator's role allows it at the time of use."
    )
    created_by: UUID = strawberry.field(description="The databaseId of its creator.")
    expires_at: datetime = strawberry.field(description="When it stops working.")
    last_used_at: datetime | None = strawberry.field(description="To the minute.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, row: ApiKey) -> Self:
        return cls(
            database_id=row.id,
            name=row.name,
            prefix=row.prefix,
            scopes=sorted(row.permissions),
            created_by=row.created_by,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            created_at=row.created_at,
        )


@strawberry.input(description="A new API key.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="What it is for: 1 to 256 characters.")
    scopes: list[Permission] = strawberry.field(description="What it may do, at least one.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="In 90 days unless given, in 366 at the latest."
    )


@strawberry.type(description="The new key.")
class CreateApiKeyPayload(Payload):
    api_key: ApiKeyType | None = strawberry.field(default=None, description="The key's record.")
    secret: str | None = strawberry.field(
        default=None, description="The key itself: here and never again."
    )


@strawberry.input(description="Which API key to revoke.")
class RevokeApiKeyInput:
    id: UUID = strawberry.field(description="Its databaseId.")


@strawberry.type(description="What became of the key.")
class RevokeApiKeyPayload(Payload):
    revoked_id: UUID | None = strawberry.field(
        default=None, description="The key that works no longer."
    )


@strawberry.type
class ApiKeyQuery:
    @strawberry.field(description="The organization's API keys. For auditors and admins.")
    async def api_keys(self, info: Info) -> list[ApiKeyType]:
        async with info.context.read() as session:
            rows = await api_keys.list_api_keys(session, info.context.actor)
        return [ApiKeyType.of(row) for row in rows]


@strawberry.type
class ApiKeyMutation:
    @strawberry.mutation(description="Make an API key. For admins.")
    @typed_errors
    async def create_api_key(
        self,
        info: Info,
        input: Annotated[CreateApiKeyInput, strawberry.argument(description="What it may do.")],
    ) -> CreateApiKeyPayload:
        async with info.context.write() as work:
            issued = await api_keys.create_api_key(
                work,
                info.context.actor,
                name=text(input.name, "name", at_most=_MAX_NAME, at_least=1),
                scopes=items(input.scopes, "scopes"),
                expires_at=input.expires_at,
            )
        return CreateApiKeyPayload(api_key=ApiKeyType.of(issued.api_key), secret=issued.secret)

    @strawberry.mutation(description="Revoke an API key, at once and for good. For admins.")
    @typed_errors
    async def revoke_api_key(
        self,
        info: Info,
        input: Annotated[RevokeApiKeyInput, strawberry.argument(description="Which.")],
    ) -> RevokeApiKeyPayload:
        async with info.context.write() as work:
            await api_keys.revoke_api_key(work, info.context.actor, input.id)
        return RevokeApiKeyPayload(revoked_id=input.id)
