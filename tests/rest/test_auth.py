"""Registration, login, tokens and the profile."""

import asyncio
import base64
import json
from typing import Any

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text

from services.database import Scope
from services.resources import Resources
from tests.members import PASSWORD, Member, register

_BODY = {
    "email": "Grace@Example.COM",
    "password": PASSWORD,
    "full_name": "Grace Hopper",
    "org_name": "Navy",
}


async def _refresh(client: AsyncClient, token: str) -> tuple[int, dict[str, Any]]:  # Any: JSON
    response = await client.post("/api/v1/auth/refresh", json={"refresh_token": token})
    return response.status_code, response.json()


async def test_registering_gives_tokens_a_user_and_an_organization(client: AsyncClient) -> None:
    response = await client.post("/api/v1/auth/register", json=_BODY)

    body = response.json()
    claims = json.loads(base64.urlsafe_b64decode(body["access_token"].split(".")[1] + "=="))
    assert response.status_code == 201
    assert body["token_type"] == "bearer"
    assert body["user"]["email"] == "grace@example.com"
    assert [m["role"] for m in body["user"]["memberships"]] == ["admin"]
    assert claims["org_id"] == body["org_id"] == body["user"]["active_organization_id"]
    assert (claims["type"], claims["role"]) == ("access", "admin")


async def test_an_email_is_taken_whatever_its_case(client: AsyncClient) -> None:
    await client.post("/api/v1/auth/register", json=_BODY)

    again = await client.post("/api/v1/auth/register", json={**_BODY, "email": "grace@example.com"})

    assert again.status_code == 409
    assert again.json()["code"] == "email_taken"


async def test_two_registrations_at_once_end_in_one_user(client: AsyncClient) -> None:
    async with asyncio.TaskGroup() as group:
        both = [
            group.create_task(client.post("/api/v1/auth/register", json=_BODY)) for _ in range(2)
        ]

    assert sorted(task.result().status_code for task in both) == [201, 409]


async def test_two_organizations_may_have_one_name(client: AsyncClient) -> None:
    slugs: set[str] = set()
    for email in ("one@example.com", "two@example.com"):
        response = await client.post("/api/v1/auth/register", json={**_BODY, "email": email})
        slugs.add(response.json()["user"]["memberships"][0]["slug"])

    assert len(slugs) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no-address"),
        ("password", "short"),
        ("password", "x" * 129),
        ("password", "grace@example.com"),
        ("full_name", ""),
        ("org_name", "x" * 257),
        ("email", None),
        ("full_name", "nul\0byte"),
    ],
)
async def test_a_bad_registration_is_422_with_one_sentence(
    client: AsyncClient, field: str, value: str | None
) -> None:
    response = await client.post("/api/v1/auth/register", json={**_BODY, field: value})

    assert response.status_code == 422
    assert isinstance(response.json()["detail"], str)
    assert field in response.json()["detail"]


async def test_login_answers_the_same_for_an_unknown_user_and_a_wrong_password(
    client: AsyncClient, admin: Member
) -> None:
    """AUTH-5."""
    wrong = await client.post(
        "/api/v1/auth/login", json={"email": admin.email, "password": "wrong password"}
    )
    unknown = await client.post(
        "/api/v1/auth/login", json={"email": "nobody@example.com", "password": PASSWORD}
    )

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"] == "Invalid email or password"
    assert wrong.headers["WWW-Authenticate"] == "Bearer"


async def test_login_gives_tokens_that_work(client: AsyncClient, admin: Member) -> None:
    tokens = await client.post(
        "/api/v1/auth/login", json={"email": f" {admin.email.upper()} ", "password": PASSWORD}
    )
    me = await client.get(
        "/api/v1/auth/me", headers={"Authorization": f"Bearer {tokens.json()['access_token']}"}
    )

    assert tokens.status_code == 200
    assert me.json()["email"] == admin.email


async def test_a_user_who_is_switched_off_is_out_at_once(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-3."""
    async with resources.database.transaction(Scope()) as work:
        await work.session.execute(text("update users set is_active = false"))

    me = await client.get("/api/v1/auth/me", headers=admin.headers)
    login = await client.post(
        "/api/v1/auth/login", json={"email": admin.email, "password": PASSWORD}
    )
    refreshed, _ = await _refresh(client, admin.refresh_token)

    assert (me.status_code, login.status_code, refreshed) == (401, 401, 401)


async def test_a_refresh_token_used_twice_at_once_gives_the_same_successor(
    client: AsyncClient, admin: Member
) -> None:
    """AUTH-2: two tabs."""
    async with asyncio.TaskGroup() as group:
        tabs = [group.create_task(_refresh(client, admin.refresh_token)) for _ in range(2)]
    (first_status, first), (second_status, second) = (tab.result() for tab in tabs)

    assert first_status == second_status == 200
    assert first["refresh_token"] == second["refresh_token"] != admin.refresh_token


async def test_a_refresh_token_used_again_later_ends_the_whole_login(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-2: somebody else may hold it."""
    _, rotated = await _refresh(client, admin.refresh_token)
    async with resources.database.transaction(Scope()) as work:
        await work.session.execute(
            text("update refresh_tokens set used_at = used_at - interval '1 minute'")
        )

    status, answer = await _refresh(client, admin.refresh_token)
    successor_status, _ = await _refresh(client, rotated["refresh_token"])

    assert (status, answer["code"]) == (401, "refresh_reused")
    assert successor_status == 401


async def test_logout_ends_the_login_and_may_be_repeated(
    client: AsyncClient, admin: Member
) -> None:
    body = {"refresh_token": admin.refresh_token}
    statuses = [(await client.post("/api/v1/auth/logout", json=body)).status_code for _ in range(2)]
    refreshed, _ = await _refresh(client, admin.refresh_token)

    assert (statuses, refreshed) == ([204, 204], 401)


async def test_the_profile_changes_only_what_was_given(client: AsyncClient, admin: Member) -> None:
    changed = await client.patch(
        "/api/v1/auth/me", json={"locale": "it", "timezone": "Europe/Rome"}, headers=admin.headers
    )

    body = changed.json()
    assert (body["locale"], body["timezone"], body["full_name"]) == (
        "it",
        "Europe/Rome",
        "Ada Lovelace",
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"unknown": 1}, 400),
        ({"locale": "xx"}, 422),
        ({"timezone": "Mars/Olympus"}, 422),
        ({"full_name": None}, 422),
        ({"avatar_url": "javascript:alert(1)"}, 422),
        ({"avatar_url": None}, 200),
    ],
)
async def test_the_profile_refuses_what_it_cannot_be(
    client: AsyncClient, admin: Member, body: dict[str, Any], status: int
) -> None:
    response = await client.patch("/api/v1/auth/me", json=body, headers=admin.headers)

    assert response.status_code == status


async def test_another_organization_is_chosen_by_header_only_by_its_members(
    client: AsyncClient, admin: Member
) -> None:
    """TEN-6."""
    other = await register(client, "other@example.com", organization="Other")

    statuses = [
        (
            await client.get(
                "/api/v1/assets", headers={**admin.headers, "X-Organization-Id": organization}
            )
        ).status_code
        for organization in (
            str(admin.organization_id),
            str(other.organization_id),
            "00000000-0000-7000-8000-000000000000",
            "garbage",
        )
    ]

    assert statuses == [200, 403, 403, 403]
