"""Row security of invitations: the organization, the one invited and the sweep; nobody else."""

from uuid import UUID

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.database import Scope
from services.resources import Resources
from tests.members import Member, register

_GUEST = "guest@example.org"


@pytest.fixture
async def guest(client: AsyncClient, admin: Member) -> Member:
    """Invited by the admin, and in an organization of their own."""
    invited = await client.post(
        f"/api/v1/organizations/{admin.organization_id}/members",
        json={"email": _GUEST},
        headers=admin.headers,
    )
    assert invited.status_code == 201
    return await register(client, _GUEST, organization="Own")


async def _seen(resources: Resources, scope: Scope) -> tuple[int, set[UUID]]:
    """How many invitations, and which organizations."""
    async with resources.database.read(scope) as session:
        count = await session.scalar(text("select count(*) from invitations"))
        organizations = await session.scalars(text("select id from organizations"))
        return count or 0, set(organizations)


async def test_only_the_organization_and_the_one_invited_see_an_invitation(
    resources: Resources, admin: Member, guest: Member, stranger: Member
) -> None:
    both = {admin.organization_id, guest.organization_id}

    assert await _seen(resources, admin.scope) == (1, {admin.organization_id})
    assert await _seen(resources, Scope(user_id=guest.user_id)) == (1, both)
    assert await _seen(resources, stranger.scope) == (0, {stranger.organization_id})
    assert await _seen(resources, Scope()) == (0, set())


async def test_the_one_invited_no_longer_sees_what_was_revoked(
    resources: Resources, admin: Member, guest: Member
) -> None:
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(text("update invitations set revoked_at = now()"))

    assert await _seen(resources, guest.scope) == (0, {guest.organization_id})


async def test_the_one_invited_and_the_sweep_change_nothing(
    resources: Resources, admin: Member, guest: Member
) -> None:
    for scope in (guest.scope, Scope(user_id=guest.user_id), Scope(is_sweep=True)):
        async with resources.database.transaction(scope) as work:
            await work.session.execute(text("update invitations set role = 'admin'"))
            await work.session.execute(text("delete from invitations"))
            await work.session.execute(text("update organizations set name = 'mine'"))

    async with resources.database.read(admin.scope) as session:
        role = await session.scalar(text("select role from invitations"))
        name = await session.scalar(text("select name from organizations"))
    assert (role, name) == ("viewer", "Acme")


async def test_nobody_invites_into_a_foreign_organization(
    resources: Resources, admin: Member, guest: Member
) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with resources.database.transaction(guest.scope) as work:
            await work.session.execute(
                text(
                    "insert into invitations (id, organization_id, email, role, expires_at,"
                    " sent_at, sends, mail_attempt, created_at, updated_at) values"
                    " (gen_random_uuid(), :organization_id, 'eve@example.com', 'admin', now(),"
                    " now(), 1, 0, now(), now())"
                ),
                {"organization_id": admin.organization_id},
            )
