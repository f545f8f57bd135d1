"""Schedules through the REST door; when they are due is in ``tests/services/schedules``."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import event, text, update

from services.organizations import Organization
from services.resources import Resources
from tests.members import Member
from tests.rest.schedule_requests import (
    URL,
    create_asset,
    create_schedule,
    list_schedules,
    set_columns,
)


def _time(text_: str) -> datetime:
    return datetime.fromisoformat(text_)


async def test_a_schedule_says_what_it_scans_and_when(client: AsyncClient, admin: Member) -> None:
    first, second = (
        await create_asset(client, admin),
        await create_asset(client, admin, "192.0.2.1"),
    )

    schedule = await create_schedule(
        client,
        admin,
        cron_expression=" 30  2 * * MON-FRI ",
        asset_ids=[second, first, second],
        scan_type="Custom",
        features={"port_scan": False},
        timezone="Europe/Rome",
        overlap="QUEUE",
    )

    assert schedule["name"] == "Nightly"
    assert schedule["cron_expression"] == "30 2 * * MON-FRI"
    assert schedule["config"] == {
        "asset_ids": [second, first],
        "scan_type": "custom",
        "features": {
            "port_scan": False,
            "web_checks": True,
            "dns_checks": True,
            "whois_checks": True,
        },
    }
    assert (schedule["timezone"], schedule["overlap"]) == ("Europe/Rome", "queue")
    assert schedule["is_active"] is True
    assert schedule["created_by"] == str(admin.user_id)
    for field in ("last_run_at", "last_scan_id", "last_outcome", "last_reason", "paused_reason"):
        assert schedule[field] is None
    runs = [_time(run) for run in schedule["next_runs"]]
    assert schedule["next_runs"][0] == schedule["next_run_at"]
    assert len(runs) == 5
    assert datetime.now(UTC) < runs[0] < datetime.now(UTC) + timedelta(days=4)
    assert runs == sorted(set(runs))
    assert await list_schedules(client, admin) == [schedule]


async def test_a_schedule_without_a_zone_takes_the_organizations_and_else_utc(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    assert (await create_schedule(client, admin))["timezone"] == "UTC"

    zones: list[str] = []
    for given in ("America/New_York", "Middle/Earth"):
        async with resources.database.transaction(admin.scope) as work:
            await work.session.execute(
                update(Organization)
                .where(Organization.id == admin.organization_id)
                .values(settings={"timezone": given})
            )
        asset = await create_asset(client, admin, f"{given.partition('/')[0]}.example")
        zones.append((await create_schedule(client, admin, asset_ids=[asset]))["timezone"])

    assert zones == ["America/New_York", "UTC"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": ""}, 422, "validation_failed"),
        ({"name": "x" * 257}, 422, "validation_failed"),
        ({"cron_expression": "*"}, 422, "validation_failed"),
        ({"cron_expression": "0 " * 60}, 422, "validation_failed"),
        ({"cron_expression": "0 0 31 2 *"}, 400, "invalid_cron"),
        ({"cron_expression": "*/5 * * * *"}, 400, "invalid_cron"),
        ({"cron_expression": "0 0 0 * * *"}, 400, "invalid_cron"),
        ({"cron_expression": "whenever it suits"}, 400, "invalid_cron"),
        ({"timezone": "Middle/Earth"}, 422, "validation_failed"),
        ({"timezone": "../../etc/passwd"}, 422, "validation_failed"),
        ({"asset_ids": []}, 422, "validation_failed"),
        ({"asset_ids": ["x"]}, 422, "validation_failed"),
        ({"asset_ids": [str(uuid4())]}, 400, "asset_not_usable"),
        ({"scan_type": "deep"}, 422, "validation_failed"),
        ({"overlap": "pile_up"}, 422, "validation_failed"),
        ({"is_active": None}, 422, "validation_failed"),
        ({"features": {"port_scan": "perhaps"}}, 422, "validation_failed"),
    ],
)
async def test_a_bad_schedule_is_refused_whether_new_or_changed(
    client: AsyncClient, admin: Member, body: dict[str, Any], status: int, code: str
) -> None:
    schedule = await create_schedule(client, admin)
    new = {"name": "n", "cron_expression": "@daily", "asset_ids": schedule["config"]["asset_ids"]}

    created = await client.post(URL, json={**new, **body}, headers=admin.headers)
    changed = await client.patch(f"{URL}/{schedule['id']}", json=body, headers=admin.headers)

    for response in (created, changed):
        assert (response.status_code, response.json()["code"]) == (status, code), response.text
        assert isinstance(response.json()["detail"], str)
    assert await list_schedules(client, admin) == [schedule]


@pytest.mark.parametrize("field", ["name", "cron_expression", "asset_ids", "timezone", "overlap"])
async def test_only_features_may_be_null(client: AsyncClient, admin: Member, field: str) -> None:
    schedule = await create_schedule(client, admin, features={"port_scan": False})
    url = f"{URL}/{schedule['id']}"

    refused = await client.patch(url, json={field: None}, headers=admin.headers)
    cleared = await client.patch(url, json={"features": None}, headers=admin.headers)

    assert refused.status_code == 422
    assert cleared.json()["config"]["features"] is None


async def test_a_change_without_a_known_field_is_refused(
    client: AsyncClient, admin: Member
) -> None:
    schedule = await create_schedule(client, admin)

    for body in ({}, {"cron": "@daily"}):
        response = await client.patch(f"{URL}/{schedule['id']}", json=body, headers=admin.headers)
        assert (response.status_code, response.json()["code"]) == (400, "nothing_to_update")


async def test_a_new_expression_zone_or_scope_counts_at_once(
    client: AsyncClient, admin: Member
) -> None:
    schedule = await create_schedule(client, admin)
    other = await create_asset(client, admin, "other.example")
    url = f"{URL}/{schedule['id']}"

    hourly = await client.patch(url, json={"cron_expression": "@hourly"}, headers=admin.headers)
    moved = await client.patch(
        url,
        json={
            "cron_expression": "0 6 * * *",
            "timezone": "Asia/Kathmandu",
            "asset_ids": [other],
            "name": "Later",
            "features": {"web_checks": False},
        },
        headers=admin.headers,
    )

    assert _time(hourly.json()["next_run_at"]) - datetime.now(UTC) <= timedelta(hours=1)
    body = moved.json()
    assert body["next_run_at"].endswith("T00:15:00.000000Z")  # Kathmandu is at +05:45
    assert body["config"]["asset_ids"] == [other]
    assert (body["name"], body["config"]["features"]["web_checks"]) == ("Later", False)
    assert await list_schedules(client, admin) == [body]


async def test_a_change_of_something_else_does_not_move_a_slot_that_is_due(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    schedule = await create_schedule(client, admin)
    due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
    await set_columns(resources, admin, next_run_at=due)

    response = await client.patch(
        f"{URL}/{schedule['id']}",
        json={"name": "Renamed", "is_active": True, "cron_expression": "30  2 * * *"},
        headers=admin.headers,
    )

    assert _time(response.json()["next_run_at"]) == due
    assert len(response.json()["next_runs"]) == 5


async def test_a_paused_schedule_has_no_next_run_until_it_is_resumed(
    client: AsyncClient, admin: Member
) -> None:
    schedule = await create_schedule(client, admin)
    url = f"{URL}/{schedule['id']}"

    paused = await client.patch(url, json={"is_active": False}, headers=admin.headers)
    resumed = await client.patch(url, json={"is_active": True}, headers=admin.headers)
    born_paused = await create_schedule(
        client, admin, is_active=False, asset_ids=schedule["config"]["asset_ids"]
    )

    for body in (paused.json(), born_paused):
        assert (body["is_active"], body["next_run_at"], body["next_runs"]) == (False, None, [])
    assert resumed.json()["next_run_at"] == schedule["next_run_at"]


async def test_a_stranger_meets_no_foreign_schedule_and_no_foreign_asset(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    """TEN-6, TEN-7."""
    schedule = await create_schedule(client, admin)
    own = await create_schedule(client, stranger)
    answers: list[dict[str, Any]] = []

    for subject in (schedule["id"], str(uuid4())):
        for method, path, body in (
            ("PATCH", "", {"name": "x"}),
            ("DELETE", "", None),
            ("POST", "/run", None),
        ):
            response = await client.request(
                method, f"{URL}/{subject}{path}", json=body, headers=stranger.headers
            )
            assert response.status_code == 404
            answers.append({k: v for k, v in response.json().items() if k != "request_id"})
    planted = await client.patch(
        f"{URL}/{own['id']}",
        json={"asset_ids": schedule["config"]["asset_ids"]},
        headers=stranger.headers,
    )

    assert all(answer == answers[0] for answer in answers)
    assert (planted.status_code, planted.json()["code"]) == (400, "asset_not_usable")
    assert await list_schedules(client, stranger) == [own]


async def test_the_list_is_newest_first_in_a_constant_number_of_statements(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = await create_asset(client, admin)
    statements: list[str] = []

    def count(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    counts: list[int] = []
    names: list[str] = []
    for wanted in (1, 6):
        while len(names) < wanted:
            names.insert(0, f"schedule {len(names)}")
            await create_schedule(client, admin, name=names[0], asset_ids=[asset_id])
        engine = resources.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", count)
        try:
            assert [item["name"] for item in await list_schedules(client, admin)] == names
        finally:
            event.remove(engine, "before_cursor_execute", count)
        counts.append(len(statements))
        statements.clear()

    assert counts[0] == counts[1] <= 6


async def test_an_organization_has_a_limit_of_schedules(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    schedule = await create_schedule(client, admin)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text(
                "insert into schedules select (jsonb_populate_record(s, jsonb_build_object("
                "'id', gen_random_uuid()))).* from schedules s, generate_series(2, 200)"
            )
        )

    response = await client.post(
        URL,
        json={
            "name": "one too many",
            "cron_expression": "@daily",
            "asset_ids": schedule["config"]["asset_ids"],
        },
        headers=admin.headers,
    )

    assert (response.status_code, response.json()["code"]) == (400, "too_many_schedules")
