"""Entity tags, guarded edits and repeated requests."""

import asyncio
from datetime import timedelta

import pytest
from httpx2 import AsyncClient, Response
from sqlalchemy import text, update

from services.database import utcnow
from services.idempotency import IdempotencyKey
from services.resources import Resources
from tests.conftest import RunJobs
from tests.members import Member
from tests.rest.contract_story import Story
from tests.rest.schedule_requests import create_asset, create_schedule


async def _post(
    client: AsyncClient, member: Member, body: dict[str, str], key: str = "first"
) -> Response:
    headers = {**member.headers, "Idempotency-Key": key}
    return await client.post("/api/v1/assets", json=body, headers=headers)


async def _count(resources: Resources, member: Member, table: str) -> int:
    async with resources.database.read(member.scope) as session:
        return await session.scalar(text(f"select count(*) from {table}")) or 0  # noqa: S608 - our own names


async def test_what_a_client_has_is_answered_304_until_it_changes(
    client: AsyncClient, run_jobs: RunJobs
) -> None:
    story = Story(client, run_jobs)
    await story.begin()

    for row in (
        "GET /scans/{scan_id}",
        "GET /assets/{asset_id}",
        "GET /findings/{finding_id}",
        "GET /reports/status/{task_id}",
        "GET /reports/download/{task_id}",
    ):
        url = "/api/v1" + row.removeprefix("GET ").format_map(story.ids)
        first = await client.get(url)
        again = await client.get(url, headers={"If-None-Match": f'"x", W/{first.headers["ETag"]}'})
        other = await client.get(url, headers={"If-None-Match": '"another"'})
        assert first.status_code == other.status_code == 200, row
        assert (again.status_code, again.content) == (304, b""), row
        assert again.headers["ETag"] == first.headers["ETag"] == other.headers["ETag"], row

    url = f"/api/v1/assets/{story.ids['asset_id']}"
    before = await client.get(url)
    await client.patch(url, json={"name": "Another name"})
    after = await client.get(url, headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.json()["name"]) == (200, "Another name")


async def test_an_edit_of_something_that_changed_meanwhile_is_412(
    client: AsyncClient, admin: Member
) -> None:
    url = f"/api/v1/assets/{await create_asset(client, admin)}"
    seen = (await client.get(url, headers=admin.headers)).headers["ETag"]

    first = await client.patch(
        url, json={"name": "First"}, headers={**admin.headers, "If-Match": seen}
    )
    second = await client.patch(
        url, json={"name": "Second"}, headers={**admin.headers, "If-Match": seen}
    )
    third = await client.patch(
        url, json={"name": "Third"}, headers={**admin.headers, "If-Match": first.headers["ETag"]}
    )
    any_ = await client.patch(url, json={"name": "Any"}, headers={**admin.headers, "If-Match": "*"})

    assert [each.status_code for each in (first, second, third, any_)] == [200, 412, 200, 200]
    assert second.json()["code"] == "precondition_failed"


async def test_of_two_guarded_edits_at_once_one_wins(client: AsyncClient, admin: Member) -> None:
    url = f"/api/v1/assets/{await create_asset(client, admin)}"
    seen = (await client.get(url, headers=admin.headers)).headers["ETag"]
    headers = {**admin.headers, "If-Match": seen}

    async with asyncio.TaskGroup() as group:
        edits = [
            group.create_task(client.patch(url, json={"name": name}, headers=headers))
            for name in ("One", "Two", "Three")
        ]

    assert sorted(edit.result().status_code for edit in edits) == [200, 412, 412]


async def test_a_finding_is_guarded_too(client: AsyncClient, run_jobs: RunJobs) -> None:
    story = Story(client, run_jobs)
    await story.begin()
    url = f"/api/v1/findings/{story.ids['finding_id']}"

    stale = await client.patch(url, json={"status": "open"}, headers={"If-Match": '"stale"'})
    tag = (await client.get(url)).headers["ETag"]
    fresh = await client.patch(url, json={"status": "open"}, headers={"If-Match": tag})

    assert (stale.status_code, fresh.status_code) == (412, 200)


async def test_the_same_request_with_the_same_key_does_its_work_once(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    body = {"target_value": "example.org"}

    first = await _post(client, admin, body)
    again = await _post(client, admin, body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await _count(resources, admin, "assets") == 1


async def test_a_key_that_was_used_for_another_request_is_refused(
    client: AsyncClient, admin: Member
) -> None:
    await _post(client, admin, {"target_value": "example.org"})

    other = await _post(client, admin, {"target_value": "example.net"})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_of_many_at_once_one_does_the_work_and_all_get_its_answer(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    body = {"target_value": "example.org"}

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_post(client, admin, body)) for _ in range(6)]

    answers = [task.result() for task in tasks]
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await _count(resources, admin, "assets") == 1


async def test_a_refused_request_leaves_its_key_free(client: AsyncClient, admin: Member) -> None:
    refused = await _post(client, admin, {"target_value": "no target at all"})

    accepted = await _post(client, admin, {"target_value": "example.org"})

    assert (refused.status_code, accepted.status_code) == (422, 201)


async def test_a_key_belongs_to_one_user_in_one_organization(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    body = {"target_value": "example.org"}

    ours = await _post(client, admin, body)
    theirs = await _post(client, stranger, body)

    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json()["id"] != theirs.json()["id"]


async def test_a_day_later_the_key_may_be_used_again(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    await _post(client, admin, {"target_value": "example.org"})
    await _post(client, admin, {"target_value": "example.com"}, key="second")
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            update(IdempotencyKey).values(created_at=utcnow() - timedelta(hours=25))
        )

    later = await _post(client, admin, {"target_value": "example.net"})

    assert later.status_code == 201
    assert await _count(resources, admin, "idempotency_keys") == 1


@pytest.mark.parametrize("key", ["a b", "x" * 256])
async def test_a_key_of_another_shape_is_422(client: AsyncClient, admin: Member, key: str) -> None:
    assert (await _post(client, admin, {"target_value": "example.org"}, key)).status_code == 422


async def test_every_post_that_creates_work_takes_a_key(
    client: AsyncClient, run_jobs: RunJobs
) -> None:
    story = Story(client, run_jobs)
    await story.begin()
    ids = story.ids
    schedule = await create_schedule(client, story.member, asset_ids=[ids["asset_id"]])

    for url, body in (
        ("/scans", {"name": "Once", "asset_ids": [ids["asset_id"]]}),
        (f"/schedules/{schedule['id']}/run", None),
        (f"/reports/generate?scan_id={ids['scan_id']}&format=json", None),
    ):
        first = await client.post(f"/api/v1{url}", json=body, headers={"Idempotency-Key": url})
        again = await client.post(f"/api/v1{url}", json=body, headers={"Idempotency-Key": url})
        assert first.status_code in {201, 202}, (url, first.text)
        assert (again.status_code, again.json()) == (200, first.json()), url
