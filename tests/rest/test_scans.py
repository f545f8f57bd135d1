"""Scans through the REST door; how they are worked is in ``tests/jobs``."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.members import Member

_UNKNOWN = "0190b1d0-0000-7000-8000-000000000000"


async def _asset(client: AsyncClient, member: Member, target: str = "example.org") -> str:
    response = await client.post(
        "/api/v1/assets", json={"target_value": target}, headers=member.headers
    )
    return response.json()["id"]


async def test_a_scan_is_pending_and_remembers_what_was_asked(
    client: AsyncClient, admin: Member
) -> None:
    asset_id = await _asset(client, admin)

    created = await client.post(
        "/api/v1/scans",
        json={
            "asset_ids": [asset_id, asset_id],
            "scan_type": "CUSTOM",
            "features": {"port_scan": False},
            "scan_timeout": 5,
        },
        headers=admin.headers,
    )
    read = await client.get(f"/api/v1/scans/{created.json()['id']}", headers=admin.headers)

    body = created.json()
    assert created.status_code == 201
    assert body == read.json()
    assert (body["status"], body["progress"], body["total_score"]) == ("pending", 0, None)
    assert body["celery_task_id"] == body["task_id"] is not None
    assert body["config_snapshot"]["domains"] == ["example.org"]
    assert body["config_snapshot"]["features"]["port_scan"] is False
    assert body["name"].startswith("Scan of ")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"asset_ids": []}, 422),
        ({"asset_ids": ["x"]}, 422),
        ({"asset_ids": [_UNKNOWN]}, 400),
        ({"concurrency": 0}, 422),
        ({"scan_timeout": 121}, 422),
        ({"max_hosts": 100_001}, 422),
        ({"scan_type": "deep"}, 422),
        ({"name": ""}, 422),
    ],
)
async def test_a_bad_scan_is_refused(
    client: AsyncClient, admin: Member, body: dict[str, Any], status: int
) -> None:
    if body and "asset_ids" not in body:
        body = {"asset_ids": [await _asset(client, admin)], **body}

    response = await client.post("/api/v1/scans", json=body, headers=admin.headers)

    assert response.status_code == status, response.text
    assert isinstance(response.json()["detail"], str)


async def test_a_scope_larger_than_the_limit_is_refused_and_not_cut(
    client: AsyncClient, admin: Member
) -> None:
    asset_id = await _asset(client, admin, "192.0.2.0/24")

    response = await client.post(
        "/api/v1/scans", json={"asset_ids": [asset_id], "max_hosts": 255}, headers=admin.headers
    )

    assert (response.status_code, response.json()["code"]) == (400, "scope_too_large")


async def test_an_asset_that_is_switched_off_makes_the_scan_400(
    client: AsyncClient, admin: Member
) -> None:
    good, off = await _asset(client, admin), await _asset(client, admin, "off.example")
    await client.patch(f"/api/v1/assets/{off}", json={"is_active": False}, headers=admin.headers)

    response = await client.post(
        "/api/v1/scans", json={"asset_ids": [good, off]}, headers=admin.headers
    )

    assert response.status_code == 400
    assert off in response.json()["detail"]
    assert good not in response.json()["detail"]


async def test_only_a_scan_that_has_not_ended_can_be_cancelled(
    client: AsyncClient, admin: Member
) -> None:
    asset_id = await _asset(client, admin)
    scan = await client.post("/api/v1/scans", json={"asset_ids": [asset_id]}, headers=admin.headers)
    url = f"/api/v1/scans/{scan.json()['id']}/cancel"

    first = await client.post(url, headers=admin.headers)
    second = await client.post(url, headers=admin.headers)

    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert (second.status_code, second.json()["code"]) == (400, "scan_not_active")


async def test_a_list_is_newest_first_and_filtered_by_status(
    client: AsyncClient, admin: Member
) -> None:
    asset_id = await _asset(client, admin)
    ids = [
        (
            await client.post(
                "/api/v1/scans", json={"asset_ids": [asset_id]}, headers=admin.headers
            )
        ).json()["id"]
        for _ in range(3)
    ]
    await client.post(f"/api/v1/scans/{ids[0]}/cancel", headers=admin.headers)

    async def listed(query: str) -> list[str]:
        response = await client.get(f"/api/v1/scans?{query}", headers=admin.headers)
        return [item["id"] for item in response.json()["items"]]

    assert await listed("") == ids[::-1]
    assert await listed("status=Cancelled") == [ids[0]]
    assert await listed("status=cancelled&status=pending") == ids[::-1]


async def test_deleting_is_for_admins_and_final(client: AsyncClient, admin: Member) -> None:
    asset_id = await _asset(client, admin)
    scan = await client.post("/api/v1/scans", json={"asset_ids": [asset_id]}, headers=admin.headers)
    url = f"/api/v1/scans/{scan.json()['id']}"

    statuses = [(await client.delete(url, headers=admin.headers)).status_code for _ in range(2)]

    assert statuses == [204, 404]


async def test_a_report_of_a_scan_that_has_not_completed_is_refused(
    client: AsyncClient, admin: Member
) -> None:
    asset_id = await _asset(client, admin)
    scan = await client.post("/api/v1/scans", json={"asset_ids": [asset_id]}, headers=admin.headers)

    response = await client.post(
        f"/api/v1/reports/generate?scan_id={scan.json()['id']}", headers=admin.headers
    )

    assert (response.status_code, response.json()["code"]) == (400, "scan_not_completed")


@pytest.mark.parametrize("task_id", ["garbage", "0", _UNKNOWN])
async def test_an_unknown_report_is_404_and_not_pending_for_ever(
    client: AsyncClient, admin: Member, task_id: str
) -> None:
    for what in ("status", "download"):
        response = await client.get(f"/api/v1/reports/{what}/{task_id}", headers=admin.headers)
        assert response.status_code == 404
