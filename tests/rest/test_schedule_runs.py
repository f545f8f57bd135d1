"""Running a schedule by hand, and what is left of one when its parts are deleted."""

from datetime import UTC, datetime, timedelta

from httpx2 import AsyncClient

from services.resources import Resources
from tests.members import Member
from tests.rest.schedule_requests import (
    URL,
    create_asset,
    create_schedule,
    list_schedules,
    set_columns,
)


async def test_run_starts_a_scan_now_also_of_a_paused_schedule_and_moves_nothing(
    client: AsyncClient, admin: Member
) -> None:
    for is_active, target in ((True, "example.org"), (False, "example.net")):
        schedule = await create_schedule(
            client,
            admin,
            is_active=is_active,
            asset_ids=[await create_asset(client, admin, target)],
            scan_type="custom",
            features={"port_scan": False},
        )

        response = await client.post(f"{URL}/{schedule['id']}/run", headers=admin.headers)

        ticket = response.json()
        assert (response.status_code, ticket["status"]) == (202, "queued")
        assert ticket["schedule_id"] == schedule["id"]
        scan = await client.get(f"/api/v1/scans/{ticket['scan_id']}", headers=admin.headers)
        body = scan.json()
        assert (body["status"], body["task_id"]) == ("pending", ticket["task_id"])
        assert (body["schedule_id"], body["scan_type"]) == (schedule["id"], "custom")
        assert body["config_snapshot"]["domains"] == [target]
        assert body["config_snapshot"]["features"]["port_scan"] is False
        assert body["name"].startswith("Nightly 20")
        after = next(s for s in await list_schedules(client, admin) if s["id"] == schedule["id"])
        assert after["next_run_at"] == schedule["next_run_at"]
        assert (after["last_scan_id"], after["last_outcome"]) == (ticket["scan_id"], "started")
        assert after["last_run_at"] is not None


async def test_run_again_within_a_minute_is_429_and_says_when(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    schedule = await create_schedule(client, admin)
    url = f"{URL}/{schedule['id']}/run"

    await client.post(url, headers=admin.headers)
    second = await client.post(url, headers=admin.headers)
    await set_columns(
        resources, admin, last_manual_run_at=datetime.now(UTC) - timedelta(seconds=60)
    )
    third = await client.post(url, headers=admin.headers)

    assert (second.status_code, second.json()["code"]) == (429, "rate_limited")
    assert 50 <= int(second.headers["Retry-After"]) <= 60
    assert third.status_code == 202
    scans = await client.get("/api/v1/scans", headers=admin.headers)
    assert scans.json()["total"] == 2


async def test_run_without_a_usable_asset_is_refused(client: AsyncClient, admin: Member) -> None:
    schedule = await create_schedule(client, admin)
    (asset_id,) = schedule["config"]["asset_ids"]
    await client.patch(
        f"/api/v1/assets/{asset_id}", json={"is_active": False}, headers=admin.headers
    )

    response = await client.post(f"{URL}/{schedule['id']}/run", headers=admin.headers)

    assert (response.status_code, response.json()["code"]) == (400, "no_usable_asset")


async def test_run_leaves_out_what_is_switched_off_and_says_so(
    client: AsyncClient, admin: Member
) -> None:
    off, on = await create_asset(client, admin), await create_asset(client, admin, "on.example")
    schedule = await create_schedule(client, admin, asset_ids=[off, on])
    await client.patch(f"/api/v1/assets/{off}", json={"is_active": False}, headers=admin.headers)

    ticket = await client.post(f"{URL}/{schedule['id']}/run", headers=admin.headers)

    scan = await client.get(f"/api/v1/scans/{ticket.json()['scan_id']}", headers=admin.headers)
    assert scan.json()["config_snapshot"]["domains"] == ["on.example"]
    (after,) = await list_schedules(client, admin)
    assert (after["last_outcome"], after["last_reason"]) == ("started", "some_assets_unusable")


async def test_a_deleted_asset_leaves_its_schedules_and_an_empty_one_is_paused(
    client: AsyncClient, admin: Member
) -> None:
    first, second = (
        await create_asset(client, admin),
        await create_asset(client, admin, "two.example"),
    )
    both = await create_schedule(client, admin, name="both", asset_ids=[first, second])
    await create_schedule(client, admin, name="one", asset_ids=[first])
    await create_schedule(client, admin, name="off", asset_ids=[first], is_active=False)

    await client.delete(f"/api/v1/assets/{first}", headers=admin.headers)

    left = {schedule["name"]: schedule for schedule in await list_schedules(client, admin)}
    assert {name: s["config"]["asset_ids"] for name, s in left.items()} == {
        "both": [second],
        "one": [],
        "off": [],
    }
    assert {name: (s["is_active"], s["paused_reason"]) for name, s in left.items()} == {
        "both": (True, None),
        "one": (False, "no_asset_left"),
        "off": (False, None),
    }
    assert left["both"]["next_run_at"] == both["next_run_at"]
    assert left["one"]["next_run_at"] is None

    url = f"{URL}/{left['one']['id']}"
    refused = await client.patch(url, json={"is_active": True}, headers=admin.headers)
    revived = await client.patch(
        url, json={"is_active": True, "asset_ids": [second]}, headers=admin.headers
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "no_usable_asset")
    assert (revived.json()["is_active"], revived.json()["paused_reason"]) == (True, None)


async def test_a_deleted_schedule_is_gone_and_its_scans_stay(
    client: AsyncClient, admin: Member
) -> None:
    schedule = await create_schedule(client, admin)
    url = f"{URL}/{schedule['id']}"
    ticket = await client.post(f"{url}/run", headers=admin.headers)

    statuses = [(await client.delete(url, headers=admin.headers)).status_code for _ in range(2)]

    assert statuses == [204, 404]
    assert await list_schedules(client, admin) == []
    scan = await client.get(f"/api/v1/scans/{ticket.json()['scan_id']}", headers=admin.headers)
    assert (scan.json()["status"], scan.json()["schedule_id"]) == ("pending", schedule["id"])


async def test_a_deleted_scan_is_no_longer_the_last_one(client: AsyncClient, admin: Member) -> None:
    schedule = await create_schedule(client, admin)
    ticket = await client.post(f"{URL}/{schedule['id']}/run", headers=admin.headers)

    deleted = await client.delete(
        f"/api/v1/scans/{ticket.json()['scan_id']}", headers=admin.headers
    )

    assert deleted.status_code == 204
    (after,) = await list_schedules(client, admin)
    assert (after["last_scan_id"], after["last_outcome"]) == (None, "started")
