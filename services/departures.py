"""A member leaves: what has to end with the membership, in one transaction."""

from uuid import UUID

from services import api_keys, findings, organizations
from services.actor import Actor
from services.database import UnitOfWork


async def remove_member(work: UnitOfWork, actor: Actor, member_id: UUID) -> None:
    """Remove a member, oneself in any role, or revoke an open invitation.

    Tokens end by themselves: each request asks for the membership. Raises PermissionDenied,
    NotFound, and InvalidRequest for the last admin.
    """
    user_id = await organizations.end_membership(work, actor, member_id)
    if user_id is not None:
        await api_keys.revoke_api_keys_of(work, actor, user_id)
        await findings.clear_assignments(work, actor.organization_id, user_id)
