"""Found an organization, change one, join one."""

from typing import Annotated
from uuid import UUID

import strawberry
from pydantic import ValidationError
from strawberry.scalars import JSON

from graphql_schema import inputs
from graphql_schema.context import Info
from graphql_schema.organizations import OrganizationType, organization_key
from graphql_schema.payloads import Payload, typed_errors
from services import auth, organizations
from services.errors import InvalidInput
from services.organizations import OrganizationSettings

_MAX_NAME = 256
_MAX_TOKEN = 4096


@strawberry.input(description="The organization to found.")
class CreateOrganizationInput:
    name: str = strawberry.field(description="1 to 256 characters.")


@strawberry.input(description="What to change; fields that are left out stay as they are.")
class UpdateOrganizationInput:
    id: strawberry.ID | None = strawberry.field(
        description="The active organization unless given.", default=None
    )
    name: strawberry.Maybe[str] = strawberry.field(description="Its new name.", default=None)
    settings: strawberry.Maybe[JSON] = strawberry.field(
        description="An object: each key given replaces the stored one, null unsets it.",
        default=None,
    )


@strawberry.input(description="The invitation, by one of both.")
class AcceptInvitationInput:
    token: str | None = strawberry.field(
        description="Of the mail, or from the admin.", default=None
    )
    invitation_id: UUID | None = strawberry.field(
        description="Of viewer.pendingInvitations, once the address is verified.", default=None
    )


@strawberry.type(description="What createOrganization answers.")
class CreateOrganizationPayload(Payload):
    organization: OrganizationType | None = strawberry.field(
        description="The new organization; switch to it by X-Organization-Id.", default=None
    )


@strawberry.type(description="What updateOrganization answers.")
class UpdateOrganizationPayload(Payload):
    organization: OrganizationType | None = strawberry.field(
        description="The organization as it is now.", default=None
    )


@strawberry.type(description="What acceptInvitation answers.")
class AcceptInvitationPayload(Payload):
    organization: OrganizationType | None = strawberry.field(
        description="The organization joined; switch to it by X-Organization-Id.", default=None
    )


@strawberry.type
class OrganizationMutation:
    @strawberry.mutation(description="Found one more organization, as its admin.")
    @typed_errors
    async def create_organization(
        self,
        info: Info,
        input: Annotated[CreateOrganizationInput, strawberry.argument(description="Which.")],
    ) -> CreateOrganizationPayload:
        context = info.context
        name = inputs.text(input.name, "name", at_least=1, at_most=_MAX_NAME)
        async with context.write() as work:
            view = await auth.found_another_organization(
                work, context.resources.identity, context.caller, name
            )
        return CreateOrganizationPayload(organization=OrganizationType.of(view))

    @strawberry.mutation(description="Change an organization's name or settings (admin).")
    @typed_errors
    async def update_organization(
        self,
        info: Info,
        input: Annotated[UpdateOrganizationInput, strawberry.argument(description="What.")],
    ) -> UpdateOrganizationPayload:
        actor = await info.context.actor_in(organization_key(input.id))
        name = input.name.value if input.name else None
        async with info.context.write(actor) as work:
            view = await organizations.update_organization(
                work,
                actor,
                name=inputs.optional_text(name, "name", at_least=1, at_most=_MAX_NAME),
                settings=_settings(input.settings.value) if input.settings else None,
            )
        return UpdateOrganizationPayload(organization=OrganizationType.of(view))

    @strawberry.mutation(description="Join the organization that invited the caller's address.")
    @typed_errors
    async def accept_invitation(
        self,
        info: Info,
        input: Annotated[AcceptInvitationInput, strawberry.argument(description="Which.")],
    ) -> AcceptInvitationPayload:
        if (input.token is None) == (input.invitation_id is None):
            raise InvalidInput("Give either token or invitationId", field="token")
        token = inputs.optional_text(input.token, "token", at_least=1, at_most=_MAX_TOKEN)
        async with info.context.write() as work:
            view = await organizations.accept_invitation(
                work,
                info.context.caller,
                token=token,
                invitation_id=input.invitation_id,
            )
        return AcceptInvitationPayload(organization=OrganizationType.of(view))


def _settings(value: object) -> OrganizationSettings:
    """Raises InvalidInput naming the first key that does not fit."""
    try:
        return OrganizationSettings.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(["settings", *(str(part) for part in first["loc"])])
        raise InvalidInput(f"{place}: {first['msg']}", field="settings") from None
