"""Members: the list, roles, the end of a membership, and the last admin."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text

from services.actor import Role
from services.database import Scope
from services.resources import Resources
from tests.members import Member, join

Result = TypeVar("Result")
_WAITING = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)


def _members(member: Member) -> str:
    return f"/api/v1/organizations/{member.organization_id}/members"


async def _list(client: AsyncClient, member: Member) -> list[dict[str, Any]]:  # Any: JSON
    response = await client.get(_members(member), headers=member.headers)
    assert response.status_code == 200, response.text
    return response.json()


async def _membership(client: AsyncClient, admin: Member, user_id: UUID) -> str:
    listed = await _list(client, admin)
    return next(row["id"] for row in listed if row["user_id"] == str(user_id))


async def _change(client: AsyncClient, by: Member, member_id: str, role: Role) -> tuple[int, str]:
    response = await client.patch(
        f"{_members(by)}/{member_id}", params={"role": role.value}, headers=by.headers
    )
    return response.status_code, response.json().get("code", "")


async def _both_waiting_for_one_lock(
    resources: Resources, admin: Member, first: Awaitable[Result], second: Awaitable[Result]
) -> list[Result]:
    """Both run until they wait for the organization's row, and then go on at once."""
    async with (
        asyncio.timeout(10),
        asyncio.TaskGroup() as group,
        resources.database.transaction(admin.scope) as holder,
    ):
        await holder.session.execute(text("select 1 from organizations for update"))
        tasks = [group.create_task(_awaited(one)) for one in (first, second)]
        waiting = 0
        while waiting < len(tasks):
            await asyncio.sleep(0.01)
            # A transaction sees one snapshot of the activity until it lets go of it.
            await holder.session.execute(text("select pg_stat_clear_snapshot()"))
            waiting = await holder.session.scalar(text(_WAITING)) or 0
    return [task.result() for task in tasks]


async def _awaited(one: Awaitable[Result]) -> Result:
    return await one


async def _remove(client: AsyncClient, by: Member, member_id: str) -> int:
    response = await client.delete(f"{_members(by)}/{member_id}", headers=by.headers)
    return response.status_code


@pytest.mark.parametrize("role", list(Role))
async def test_viewers_see_names_and_roles_and_no_addresses(
    client: AsyncClient, resources: Resources, admin: Member, role: Role
) -> None:
    reader = admin if role is Role.ADMIN else await join(client, resources, admin, role)
    await client.post(_members(admin), json={"email": "guest@example.org"}, headers=admin.headers)

    listed = await _list(client, reader)

    assert ("@" in str(listed)) == (role is not Role.VIEWER)
    assert listed[0]["user"]["full_name"] == "Ada Lovelace"
    assert [row["status"] for row in listed][-1] == "pending"


async def test_a_role_changes_by_query_and_by_body_and_at_once(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    viewer = await join(client, resources, admin, Role.VIEWER)
    member_id = await _membership(client, admin, viewer.user_id)

    by_query = await client.patch(
        f"{_members(admin)}/{member_id}?role=AUDITOR", headers=admin.headers
    )
    created = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=viewer.headers
    )
    by_body = await client.patch(
        f"{_members(admin)}/{member_id}", json={"role": "viewer"}, headers=admin.headers
    )
    refused = await client.post(
        "/api/v1/assets", json={"target_value": "example.com"}, headers=viewer.headers
    )

    assert (by_query.json()["role"], created.status_code) == ("auditor", 201)
    assert (by_body.json()["role"], refused.status_code) == ("viewer", 403)


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("?role=auditor", {"role": "auditor"}, 200),
        ("?role=auditor", {"role": "admin"}, 400),
        ("?role=viewer", None, 200),
        ("?role=owner", None, 422),
        ("", {"role": "owner"}, 422),
        ("", {}, 422),
        ("", None, 422),
    ],
)
async def test_a_role_is_taken_from_wherever_it_stands_once(
    client: AsyncClient,
    resources: Resources,
    admin: Member,
    query: str,
    body: dict[str, str] | None,
    status: int,
) -> None:
    viewer = await join(client, resources, admin, Role.VIEWER)
    member_id = await _membership(client, admin, viewer.user_id)

    response = await client.patch(
        f"{_members(admin)}/{member_id}{query}", json=body, headers=admin.headers
    )

    assert response.status_code == status, response.text


async def test_the_last_admin_stays(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """Neither an invited admin nor one who is switched off counts."""
    second = await join(client, resources, admin, Role.AUDITOR)
    second_id = await _membership(client, admin, second.user_id)
    own_id = await _membership(client, admin, admin.user_id)
    await client.post(
        _members(admin),
        json={"email": "guest@example.org", "role": "admin"},
        headers=admin.headers,
    )
    assert (await _change(client, admin, second_id, Role.ADMIN))[0] == 200
    async with resources.database.transaction(Scope()) as work:
        await work.session.execute(
            text("update users set is_active = false where id = :id"), {"id": second.user_id}
        )

    assert await _change(client, admin, own_id, Role.VIEWER) == (400, "last_admin")
    assert await _remove(client, admin, own_id) == 400
    assert (await _change(client, admin, own_id, Role.ADMIN))[0] == 200


async def test_of_two_admins_who_demote_each_other_at_once_one_stays(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-9."""
    second = await join(client, resources, admin, Role.ADMIN)
    first_id = await _membership(client, admin, admin.user_id)
    second_id = await _membership(client, admin, second.user_id)

    answers = await _both_waiting_for_one_lock(
        resources,
        admin,
        _change(client, admin, second_id, Role.VIEWER),
        _change(client, second, first_id, Role.VIEWER),
    )

    assert sorted(answers) == [(200, ""), (403, "forbidden")]
    assert [row["role"] for row in await _list(client, admin)].count("admin") == 1


async def test_of_two_admins_who_step_down_at_once_one_stays(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-9."""
    second = await join(client, resources, admin, Role.ADMIN)
    first_id = await _membership(client, admin, admin.user_id)
    second_id = await _membership(client, admin, second.user_id)

    answers = await _both_waiting_for_one_lock(
        resources,
        admin,
        _change(client, admin, first_id, Role.VIEWER),
        _change(client, second, second_id, Role.VIEWER),
    )

    assert sorted(answers) == [(200, ""), (400, "last_admin")]
    assert [row["role"] for row in await _list(client, admin)].count("admin") == 1


async def test_of_two_admins_who_leave_at_once_one_stays(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    second = await join(client, resources, admin, Role.ADMIN)
    first_id = await _membership(client, admin, admin.user_id)
    second_id = await _membership(client, admin, second.user_id)

    statuses = await _both_waiting_for_one_lock(
        resources, admin, _remove(client, admin, first_id), _remove(client, second, second_id)
    )

    assert sorted(statuses) == [204, 400]
    async with resources.database.read(admin.scope) as session:
        admins = await session.scalar(
            text("select count(*) from memberships where role = 'admin' and organization_id = :id"),
            {"id": admin.organization_id},
        )
    assert admins == 1


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_may_leave_and_is_out_at_once(
    client: AsyncClient, resources: Resources, admin: Member, role: Role
) -> None:
    leaver = await join(client, resources, admin, role)
    own_id = await _membership(client, admin, leaver.user_id)

    assert await _remove(client, leaver, own_id) == 204

    after = await client.get("/api/v1/assets", headers=leaver.headers)
    organization = await client.get(
        f"/api/v1/organizations/{admin.organization_id}", headers=leaver.headers
    )
    switched = await client.post(
        "/api/v1/auth/switch-org",
        json={"organization_id": str(admin.organization_id)},
        headers=leaver.headers,
    )
    assert (after.status_code, organization.status_code, switched.status_code) == (404, 404, 404)


async def test_only_an_admin_removes_others(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    auditor = await join(client, resources, admin, Role.AUDITOR)
    admins_id = await _membership(client, admin, admin.user_id)
    auditors_id = await _membership(client, admin, auditor.user_id)
    strangers_id = await _membership(client, stranger, stranger.user_id)

    assert await _remove(client, auditor, admins_id) == 403
    assert await _remove(client, admin, strangers_id) == 404
    assert await _remove(client, admin, str(uuid4())) == 404
    assert await _remove(client, admin, auditors_id) == 204
    assert await _remove(client, admin, auditors_id) == 404


async def test_a_stranger_reads_and_changes_no_members(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    own_id = await _membership(client, admin, admin.user_id)
    foreign = _members(admin)

    responses = [
        await client.get(foreign, headers=stranger.headers),
        await client.post(foreign, json={}, headers=stranger.headers),
        await client.patch(f"{foreign}/{own_id}?role=viewer", headers=stranger.headers),
        await client.delete(f"{foreign}/{own_id}", headers=stranger.headers),
        await client.patch(
            f"/api/v1/organizations/{admin.organization_id}", json={}, headers=stranger.headers
        ),
    ]

    assert {response.status_code for response in responses} == {404}


async def test_what_was_open_and_theirs_is_nobodys_when_a_member_is_removed(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    leaver = await join(client, resources, admin, Role.AUDITOR)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text(
                "insert into findings (id, organization_id, fingerprint, check_id, category,"
                " host, protocol, discriminator, severity, message, evidence, first_seen_at,"
                " last_seen_at, opened_at, status, assigned_to, occurrences, reopened_count,"
                " created_at, updated_at) select gen_random_uuid(), :organization_id,"
                " sha256((status || assignee)::bytea), 'c', 'c', 'h', 'p', '', 1, 'm', '{}',"
                " now(), now(), now(), status, assignee::uuid, 1, 0, now(), now()"
                " from unnest(array['open', 'in_progress', 'resolved']) as status,"
                " unnest(array[:leaver, :admin]) as assignee"
            ),
            {
                "organization_id": admin.organization_id,
                "leaver": str(leaver.user_id),
                "admin": str(admin.user_id),
            },
        )

    member_id = await _membership(client, admin, leaver.user_id)
    assert await _remove(client, admin, member_id) == 204

    async with resources.database.read(admin.scope) as session:
        left = await session.scalars(
            text("select status from findings where assigned_to = :id"), {"id": leaver.user_id}
        )
        others = await session.scalar(
            text("select count(*) from findings where assigned_to = :id"), {"id": admin.user_id}
        )
    assert (left.all(), others) == (["resolved"], 3)
