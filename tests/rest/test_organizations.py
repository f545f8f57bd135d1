"""Organizations: found another, switch to it, change one."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from services.database import Scope
from services.resources import Resources
from tests.members import Member


async def _refresh(client: AsyncClient, token: str) -> Response:
    return await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def _patch(
    client: AsyncClient, admin: Member, body: dict[str, Any]
) -> tuple[int, Any]:  # Any: JSON
    response = await client.patch(
        f"/api/v1/organizations/{admin.organization_id}", json=body, headers=admin.headers
    )
    return response.status_code, response.json()


def _set(settings: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    return {key: value for key, value in settings.items() if value is not None}


async def test_settings_are_merged_key_by_key(client: AsyncClient, admin: Member) -> None:
    await _patch(
        client,
        admin,
        {"settings": {"timezone": "Europe/Rome", "sla_days": {"critical": 3, "high": 14}}},
    )
    status, changed = await _patch(
        client,
        admin,
        {"name": " Acme SpA ", "settings": {"sla_days": {"critical": 1}, "locale": "it"}},
    )
    _, unset = await _patch(client, admin, {"settings": {"timezone": None}})

    assert (status, changed["name"]) == (200, "Acme SpA")
    assert changed["settings"]["timezone"] == "Europe/Rome"
    assert _set(changed["settings"]["sla_days"]) == {"critical": 1}
    assert unset["settings"]["timezone"] is None
    assert unset["settings"]["locale"] == "it"


async def test_settings_changed_at_once_are_both_kept(client: AsyncClient, admin: Member) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_patch(client, admin, {"settings": {"timezone": "Europe/Rome"}}))
        group.create_task(_patch(client, admin, {"settings": {"retention_days": 400}}))

    organization = await client.get(
        f"/api/v1/organizations/{admin.organization_id}", headers=admin.headers
    )

    assert _set(organization.json()["settings"]) == {
        "timezone": "Europe/Rome",
        "retention_days": 400,
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"unknown": 1}, 400),
        ({"name": None}, 422),
        ({"name": "  "}, 422),
        ({"settings": None}, 422),
        ({"settings": {"timezonee": "Europe/Rome"}}, 422),
        ({"settings": {"timezone": "Mars/Olympus"}}, 422),
        ({"settings": {"locale": "xx"}}, 422),
        ({"settings": {"sla_days": {"critical": 0}}}, 422),
        ({"settings": {"sla_days": {"severe": 1}}}, 422),
        ({"settings": {"branding": {"primary_color": "red"}}}, 422),
        ({"settings": {"branding": {"footer": "nul\0byte"}}}, 422),
        ({"settings": {"branding": {"primary_color": "#00aaff"}}}, 200),
    ],
)
async def test_an_organization_refuses_what_it_cannot_be(
    client: AsyncClient, admin: Member, body: dict[str, Any], status: int
) -> None:
    answered, answer = await _patch(client, admin, body)

    assert answered == status
    assert status == 200 or isinstance(answer["detail"], str)


async def test_a_user_founds_another_organization_and_switches_to_it(
    client: AsyncClient, admin: Member
) -> None:
    founded = await client.post(
        "/api/v1/organizations", json={"name": "Client"}, headers=admin.headers
    )
    switched = await client.post(
        "/api/v1/auth/switch-org",
        json={"organization_id": founded.json()["id"]},
        headers=admin.headers,
    )
    tokens = switched.json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    asset = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=headers
    )
    refreshed = await client.post(
        "/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}
    )
    login = await client.post(
        "/api/v1/auth/login",
        json={"email": admin.email, "password": "correct horse battery staple"},
    )

    assert (founded.status_code, founded.json()["role"]) == (201, "admin")
    assert switched.status_code == 200
    assert asset.json()["organization_id"] == founded.json()["id"]
    assert refreshed.json()["org_id"] == login.json()["org_id"] == founded.json()["id"]


async def test_the_refresh_token_held_before_switching_follows_for_ten_seconds(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """The answer to the switch may have been lost; later, only the new one is good."""
    founded = await client.post(
        "/api/v1/organizations", json={"name": "Client"}, headers=admin.headers
    )
    organization_id = founded.json()["id"]
    switched = await client.post(
        "/api/v1/auth/switch-org",
        json={"organization_id": organization_id},
        headers=admin.headers,
    )

    soon = await _refresh(client, admin.refresh_token)
    async with resources.database.transaction(Scope()) as work:
        await work.session.execute(
            text("update refresh_tokens set expires_at = expires_at - interval '11 seconds'")
        )
    late = await _refresh(client, admin.refresh_token)
    new = await _refresh(client, switched.json()["refresh_token"])

    assert (soon.status_code, soon.json()["org_id"]) == (200, organization_id)
    assert late.status_code == 401
    assert (new.status_code, new.json()["org_id"]) == (200, organization_id)


async def test_nobody_switches_to_a_foreign_organization(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    answers = [
        await client.post(
            "/api/v1/auth/switch-org", json={"organization_id": wanted}, headers=admin.headers
        )
        for wanted in (str(stranger.organization_id), "00000000-0000-7000-8000-000000000000")
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
