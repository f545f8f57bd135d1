"""Invitations without a mail server: the admin gets the token once and hands it on."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from services.actor import Role
from services.database import utcnow
from services.organizations import Invitation
from services.resources import Resources
from tests.members import Member, join, register

_GUEST = "guest@example.org"


def _members(member: Member) -> str:
    return f"/api/v1/organizations/{member.organization_id}/members"


async def _invite(client: AsyncClient, admin: Member, email: str, **more: str) -> Response:
    return await client.post(_members(admin), json={"email": email, **more}, headers=admin.headers)


async def _invited(
    client: AsyncClient, admin: Member, email: str, **more: str
) -> dict[str, Any]:  # Any: JSON
    response = await _invite(client, admin, email, **more)
    assert response.status_code == 201, response.text
    return response.json()


async def _accept(client: AsyncClient, guest: Member, **body: str) -> Response:
    return await client.post("/api/v1/invitations/accept", json=body, headers=guest.headers)


async def _expire(resources: Resources, admin: Member) -> None:
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text("update invitations set expires_at = now() - interval '1 second'")
        )


async def test_the_answer_is_the_same_for_a_known_and_an_unknown_address(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    known = await _invited(client, admin, stranger.email)
    unknown = await _invited(client, admin, _GUEST)

    own = {"id", "email", "created_at", "expires_at", "invite_token"}
    assert known.keys() == unknown.keys()
    assert {k: v for k, v in known.items() if k not in own} == {
        k: v for k, v in unknown.items() if k not in own
    }
    assert (known["status"], known["role"], known["user_id"]) == ("pending", "viewer", None)
    assert len(known["invite_token"]) >= 43


async def test_a_token_makes_a_member_once_and_at_once(client: AsyncClient, admin: Member) -> None:
    invited = await _invited(client, admin, f" {_GUEST.upper()} ", role="Auditor")
    guest = await register(client, _GUEST, organization="Own")

    accepted = await _accept(client, guest, token=invited["invite_token"])
    again = await _accept(client, guest, token=invited["invite_token"])
    there = {**guest.headers, "X-Organization-Id": str(admin.organization_id)}
    created = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=there
    )
    listed = (await client.get(_members(admin), headers=admin.headers)).json()

    assert (accepted.status_code, accepted.json()["role"]) == (200, "auditor")
    assert accepted.json()["id"] == str(admin.organization_id)
    assert (again.status_code, created.status_code) == (404, 201)
    assert [(row["status"], row["user_id"]) for row in listed] == [
        ("active", str(admin.user_id)),
        ("active", str(guest.user_id)),
    ]


async def test_a_token_accepted_twice_at_once_makes_one_member(
    client: AsyncClient, admin: Member
) -> None:
    invited = await _invited(client, admin, _GUEST)
    guest = await register(client, _GUEST, organization="Own")

    async with asyncio.TaskGroup() as group:
        both = [
            group.create_task(_accept(client, guest, token=invited["invite_token"]))
            for _ in range(2)
        ]

    assert sorted(task.result().status_code for task in both) == [200, 404]


async def test_a_token_is_worth_nothing_to_anybody_else(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    """AUTH-8."""
    invited = await _invited(client, admin, _GUEST)

    stolen = await _accept(client, stranger, token=invited["invite_token"])
    by_id = await _accept(client, stranger, invitation_id=invited["id"])
    unknown = await _accept(client, stranger, token="x" * 43)

    answers = [{**r.json(), "request_id": ""} for r in (stolen, by_id, unknown)]
    assert {r.status_code for r in (stolen, by_id, unknown)} == {404}
    assert answers[0] == answers[1] == answers[2]


async def test_only_a_hash_of_the_token_is_stored(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    invited = await _invited(client, admin, _GUEST)

    async with resources.database.read(admin.scope) as session:
        row = str((await session.execute(text("select i.*::text from invitations i"))).scalar())
    listed = (await client.get(_members(admin), headers=admin.headers)).text

    assert invited["invite_token"] not in row
    assert invited["invite_token"] not in listed


async def test_an_open_invitation_is_offered_after_login_and_by_id_to_a_proven_address(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """Anybody may register with anybody's address: unproven, it opens nothing."""
    invited = await _invited(client, admin, _GUEST)
    guest = await register(client, _GUEST, organization="Own")

    me = (await client.get("/api/v1/auth/me", headers=guest.headers)).json()
    unproven = await _accept(client, guest, invitation_id=invited["id"])
    async with resources.database.transaction(guest.scope) as work:
        await work.session.execute(text("update users set email_verified = true"))
    proven = await _accept(client, guest, invitation_id=invited["id"])
    after = (await client.get("/api/v1/auth/me", headers=guest.headers)).json()

    assert me["pending_invitations"] == [
        {
            "id": invited["id"],
            "organization_id": str(admin.organization_id),
            "organization_name": "Acme",
            "role": "viewer",
            "expires_at": invited["expires_at"],
        }
    ]
    assert [m["name"] for m in me["memberships"]] == ["Own"]
    assert (unproven.status_code, unproven.json()["code"]) == (403, "email_not_verified")
    assert proven.status_code == 200
    assert after["pending_invitations"] == []
    assert [m["name"] for m in after["memberships"]] == ["Acme", "Own"]


async def test_an_expired_invitation_cannot_be_accepted_and_can_be_renewed(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    invited = await _invited(client, admin, _GUEST)
    guest = await register(client, _GUEST, organization="Own")
    await _expire(resources, admin)

    late = await _accept(client, guest, token=invited["invite_token"])
    listed = (await client.get(_members(admin), headers=admin.headers)).json()
    me = (await client.get("/api/v1/auth/me", headers=guest.headers)).json()
    renewed = await client.post(f"{_members(admin)}/{invited['id']}/resend", headers=admin.headers)
    with_old = await _accept(client, guest, token=invited["invite_token"])
    with_new = await _accept(client, guest, token=renewed.json()["invite_token"])

    assert (late.status_code, late.json()["code"]) == (400, "invitation_expired")
    assert (listed[1]["status"], me["pending_invitations"]) == ("expired", [])
    assert (renewed.status_code, renewed.json()["status"]) == (200, "pending")
    assert (with_old.status_code, with_new.status_code) == (404, 200)


async def test_an_expired_address_can_be_invited_anew(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    first = await _invited(client, admin, _GUEST)
    await _expire(resources, admin)

    second = await _invited(client, admin, _GUEST)
    listed = (await client.get(_members(admin), headers=admin.headers)).json()

    assert second["id"] != first["id"]
    assert [row["id"] for row in listed[1:]] == [second["id"]]


async def test_a_revoked_invitation_is_over(client: AsyncClient, admin: Member) -> None:
    invited = await _invited(client, admin, _GUEST)
    guest = await register(client, _GUEST, organization="Own")
    url = f"{_members(admin)}/{invited['id']}"

    revoked = await client.delete(url, headers=admin.headers)
    again = await client.delete(url, headers=admin.headers)
    resent = await client.post(f"{url}/resend", headers=admin.headers)
    accepted = await _accept(client, guest, token=invited["invite_token"])
    anew = await _invite(client, admin, _GUEST)

    assert [r.status_code for r in (revoked, again, resent, accepted, anew)] == [
        204,
        404,
        404,
        404,
        201,
    ]


async def test_the_role_of_an_open_invitation_can_be_changed(
    client: AsyncClient, admin: Member
) -> None:
    invited = await _invited(client, admin, _GUEST)
    guest = await register(client, _GUEST, organization="Own")

    changed = await client.patch(
        f"{_members(admin)}/{invited['id']}?role=admin", headers=admin.headers
    )
    accepted = await _accept(client, guest, token=invited["invite_token"])

    assert (changed.json()["role"], changed.json()["status"]) == ("admin", "pending")
    assert accepted.json()["role"] == "admin"


async def test_nobody_is_invited_twice(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    member = await join(client, resources, admin, Role.VIEWER)
    await _invited(client, admin, _GUEST)

    answers = [
        await _invite(client, admin, email)
        for email in (admin.email, member.email.upper(), _GUEST, "Guest@EXAMPLE.org")
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [
        (409, "already_member"),
        (409, "already_member"),
        (409, "already_invited"),
        (409, "already_invited"),
    ]


async def test_one_address_invited_twice_at_once_has_one_invitation(
    client: AsyncClient, admin: Member
) -> None:
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(_invite(client, admin, _GUEST)) for _ in range(2)]

    assert sorted(task.result().status_code for task in both) == [201, 409]


@pytest.mark.parametrize(
    "body", [{}, {"email": "nobody"}, {"email": _GUEST, "role": "owner"}, {"email": None}]
)
async def test_a_bad_invitation_is_422(
    client: AsyncClient, admin: Member, body: dict[str, Any]
) -> None:
    response = await client.post(_members(admin), json=body, headers=admin.headers)

    assert response.status_code == 422
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("body", [{}, {"token": "x", "invitation_id": str(uuid4())}])
async def test_an_acceptance_names_one_invitation(
    client: AsyncClient, admin: Member, body: dict[str, str]
) -> None:
    assert (await _accept(client, admin, **body)).status_code == 422


async def test_twenty_invitations_go_out_in_an_hour(client: AsyncClient, admin: Member) -> None:
    """Renewing counts like inviting; revoking gives nothing back."""
    first = await _invited(client, admin, _GUEST)
    for _ in range(18):
        await client.post(f"{_members(admin)}/{first['id']}/resend", headers=admin.headers)
    await _invited(client, admin, "second@example.org")
    await client.delete(f"{_members(admin)}/{first['id']}", headers=admin.headers)

    refused = await _invite(client, admin, "third@example.org")

    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0


async def test_fifty_invitations_may_be_open_at_once(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    yesterday = utcnow() - timedelta(days=1)
    async with resources.database.transaction(admin.scope) as work:
        work.session.add_all(
            Invitation(
                organization_id=admin.organization_id,
                email=f"guest{number}@example.org",
                role=Role.VIEWER,
                invited_by=admin.user_id,
                expires_at=yesterday + timedelta(days=7),
                sent_at=yesterday,
            )
            for number in range(50)
        )

    refused = await _invite(client, admin, _GUEST)

    assert (refused.status_code, refused.json()["code"]) == (400, "too_many_invitations")
