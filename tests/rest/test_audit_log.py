"""The audit log over REST: every act with its author, what it changed, and where it came from."""

import asyncio
import csv
import inspect
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services import audit
from services.actor import Author, Role
from services.audit import PLATFORM, ChainHead, Verdict, verify_chains
from services.database import Change, Scope
from services.resources import Resources
from services.settings import Settings
from tests.conftest import RunJobs, Servers
from tests.members import PASSWORD, Member, join
from tests.rest.contract_story import Story

Entry = dict[str, Any]  # Any: a JSON object


async def _log(client: AsyncClient, member: Member, query: str = "") -> list[Entry]:
    response = await client.get(f"/api/v1/audit-log{query}", headers=member.headers)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def _actions(client: AsyncClient, member: Member) -> list[str]:
    """Oldest first, without the registration that every test begins with."""
    actions = [entry["action"] for entry in await _log(client, member, "?page_size=100")][::-1]
    assert actions[:2] == ["organization.created", "user.registered"]
    return actions[2:]


async def _verdicts(
    resources: Resources, known: dict[Any, ChainHead] | None = None
) -> list[Verdict]:
    return [verdict async for verdict in verify_chains(resources.database, known or {})]


async def test_an_entry_says_who_did_what_when_from_where(
    client: AsyncClient, admin: Member
) -> None:
    """LOG of every change: actor, before and after, request id."""
    made = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=admin.headers
    )
    asset = made.json()["id"]
    await client.patch(
        f"/api/v1/assets/{asset}",
        json={"name": "Shop", "criticality": "high"},
        headers={**admin.headers, "X-Request-Id": "change-7"},
    )

    changed, created = await _log(client, admin, f"?subject_id={asset}")

    assert (created["action"], created["before"]) == ("asset.created", None)
    assert created["after"]["target_value"] == "example.org"
    assert created["request_id"] == made.headers["X-Request-Id"]
    assert changed["action"] == "asset.updated"
    assert changed["before"] == {"name": "example.org", "criticality": "normal"}
    assert changed["after"] == {"name": "Shop", "criticality": "high"}
    assert (changed["request_id"], changed["address"]) == ("change-7", "127.0.0.1")
    assert changed["user"]["email"] == admin.email
    assert (changed["subject_type"], changed["subject_id"]) == ("asset", asset)


async def test_what_changes_nothing_leaves_no_entry(client: AsyncClient, admin: Member) -> None:
    made = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=admin.headers
    )
    same = {"name": "example.org"}

    response = await client.patch(
        f"/api/v1/assets/{made.json()['id']}", json=same, headers=admin.headers
    )

    assert response.status_code == 200
    assert await _actions(client, admin) == ["asset.created"]


async def test_a_refused_act_leaves_no_entry(client: AsyncClient, admin: Member) -> None:
    for _ in range(2):
        await client.post(
            "/api/v1/assets", json={"target_value": "example.org"}, headers=admin.headers
        )

    assert await _actions(client, admin) == ["asset.created"]


async def test_logins_that_work_and_that_fail_are_recorded(
    client: AsyncClient, admin: Member
) -> None:
    """AUTH-11."""
    for password in ("wrong password", PASSWORD):
        await client.post("/api/v1/auth/login", json={"email": admin.email, "password": password})

    failed, succeeded = (await _log(client, admin))[1::-1]

    assert (failed["action"], failed["subject_id"]) == ("login.failed", str(admin.user_id))
    assert succeeded["action"] == "login.succeeded"
    assert failed["user"]["id"] == succeeded["user"]["id"] == str(admin.user_id)


async def test_a_login_to_no_account_stands_in_the_log_of_the_platform(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """No organization hears of it, and no organization's own log is longer for it."""
    await client.post(
        "/api/v1/auth/login", json={"email": "nobody@example.com", "password": PASSWORD}
    )

    heads = {verdict.organization_id: verdict.head for verdict in await _verdicts(resources)}

    assert await _actions(client, admin) == []
    assert heads[PLATFORM].sequence == 1


async def test_a_refresh_token_used_again_is_recorded_with_the_end_of_its_family(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-11: the refusal does not undo what it records."""
    body = {"refresh_token": admin.refresh_token}
    await client.post("/api/v1/auth/refresh", json=body)
    async with resources.database.transaction(Scope()) as work:
        await work.session.execute(
            text("update refresh_tokens set used_at = used_at - interval '1 minute'")
        )

    reused = await client.post("/api/v1/auth/refresh", json=body)

    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")
    async with resources.database.read(admin.scope) as session:
        actions = await session.scalars(text("select action from audit_entries order by sequence"))
        assert actions.all()[-1] == "session.refresh_reused"


async def test_people_who_come_rise_and_go_are_recorded(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-11."""
    viewer = await join(client, resources, admin, Role.VIEWER)
    members = f"/api/v1/organizations/{admin.organization_id}/members"
    listed = (await client.get(members, headers=admin.headers)).json()
    member_id = next(each["id"] for each in listed if each["user_id"] == str(viewer.user_id))

    await client.patch(f"{members}/{member_id}", json={"role": "auditor"}, headers=admin.headers)
    await client.patch(f"{members}/{member_id}", json={"role": "auditor"}, headers=admin.headers)
    await client.delete(f"{members}/{member_id}", headers=admin.headers)

    removed, changed = (await _log(client, admin))[:2]
    assert (changed["action"], changed["before"], changed["after"]) == (
        "member.role_changed",
        {"role": "viewer"},
        {"role": "auditor"},
    )
    assert (removed["action"], removed["before"]["role"]) == ("member.removed", "auditor")
    assert await _actions(client, admin) == ["member.role_changed", "member.removed"]


async def test_no_secret_stands_in_the_log(client: AsyncClient, admin: Member) -> None:
    """LOG-1."""
    await client.post(
        "/api/v1/auth/change-password",
        json={"current_password": PASSWORD, "new_password": "another long password"},
        headers=admin.headers,
    )
    invited = await client.post(
        f"/api/v1/organizations/{admin.organization_id}/members",
        json={"email": "new@example.com"},
        headers=admin.headers,
    )

    whole = json.dumps(await _log(client, admin))

    assert invited.json()["invite_token"] not in whole
    for secret in (PASSWORD, "another long password", "argon2", "hash_"):
        assert secret not in whole


async def test_the_log_is_filtered_and_paged(client: AsyncClient, admin: Member) -> None:
    for number in range(3):
        await client.post(
            "/api/v1/assets", json={"target_value": f"s{number}.example"}, headers=admin.headers
        )

    page = await client.get(
        "/api/v1/audit-log?action=asset.created&page=2&page_size=2", headers=admin.headers
    )
    times = [entry["at"] for entry in await _log(client, admin)]
    since = await _log(client, admin, f"?since={times[1]}")
    until = await _log(client, admin, f"?until={times[1]}")

    assert page.json()["total"] == 3
    assert [entry["after"]["target_value"] for entry in page.json()["items"]] == ["s0.example"]
    assert [entry["at"] for entry in since] == times[:2]
    assert [entry["at"] for entry in until] == times[2:]


async def test_an_export_is_itself_recorded_and_holds_everything(
    client: AsyncClient, admin: Member
) -> None:
    """AUTH-11, IN-9."""
    await client.post(
        "/api/v1/assets",
        json={"target_value": "example.org", "name": "=1+1"},
        headers=admin.headers,
    )

    lines = await client.get("/api/v1/audit-log/export", headers=admin.headers)
    table = await client.get("/api/v1/audit-log/export?format=csv", headers=admin.headers)

    entries = [json.loads(line) for line in lines.text.splitlines()]
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert [entry["sequence"] for entry in entries] == [1, 2, 3, 4]
    assert entries[-1]["action"] == "audit_log.exported"
    assert [row["hash"] for row in rows[:4]] == [entry["hash"] for entry in entries]
    assert (rows[-1]["action"], len(rows)) == ("audit_log.exported", 5)
    assert "attachment" in table.headers["Content-Disposition"]


async def test_an_export_of_many_entries_is_whole(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    async with resources.database.transaction(admin.scope) as work:
        for number in range(1200):
            work.record(admin.actor, "thing.done", Change("thing", after={"number": number}))

    lines = await client.get("/api/v1/audit-log/export", headers=admin.headers)

    entries = [json.loads(line) for line in lines.text.splitlines()]
    assert [entry["sequence"] for entry in entries] == list(range(1, 1204))


async def test_another_organization_sees_none_of_it(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    """TEN-4."""
    own = await _log(client, admin, f"?user_id={admin.user_id}")

    foreign = await _log(client, stranger, f"?user_id={admin.user_id}")

    assert (len(own), foreign) == (2, [])


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entries set action = 'x'",
        "delete from audit_entries",
        "truncate audit_entries",
    ],
)
async def test_the_application_can_only_add(
    resources: Resources, admin: Member, statement: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with resources.database.transaction(admin.scope) as work:
            await work.session.execute(text(statement))


async def test_even_the_owner_does_not_change_an_entry_by_mistake(
    migrated: Servers, admin: Member
) -> None:
    engine = create_async_engine(migrated.owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="append-only"):
                await connection.execute(text("delete from audit_entries"))
    finally:
        await engine.dispose()


async def test_acts_at_once_make_one_chain(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    async def act(number: int) -> None:
        async with resources.database.transaction(admin.scope) as work:
            work.record(admin.actor, "thing.done", Change("thing", after={"number": number}))
            work.record(Author(), "platform.done", Change("thing", after={"number": number}))

    async with asyncio.TaskGroup() as group:
        for number in range(12):
            group.create_task(act(number))

    verdicts = {verdict.organization_id: verdict for verdict in await _verdicts(resources)}
    assert {verdict.problem for verdict in verdicts.values()} == {None}
    assert verdicts[admin.organization_id].head.sequence == 14
    assert verdicts[PLATFORM].head.sequence == 12


async def _meddle(migrated: Servers, statement: str) -> None:
    """As somebody who owns the database and hides what they did."""
    engine = create_async_engine(migrated.owner_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("alter table audit_entries disable trigger append_only"))
            await connection.execute(text(statement))
            await connection.execute(text("alter table audit_entries enable trigger append_only"))
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("statement", "problem", "whole"),
    [
        ("update audit_entries set action = 'nothing.done' where sequence = 2", "was changed", 1),
        ("update audit_entries set after = '{}' where sequence = 1", "was changed", 0),
        ("update audit_entries set at = at + interval '1 us' where sequence = 3", "changed", 2),
        ("delete from audit_entries where sequence = 2", "2 to 2 are missing", 1),
        ("delete from audit_entries where sequence > 2", "the log ends at entry 2", 2),
    ],
)
async def test_whoever_meddles_is_found_out(
    client: AsyncClient,
    resources: Resources,
    migrated: Servers,
    admin: Member,
    statement: str,
    problem: str,
    whole: int,
) -> None:
    await client.post("/api/v1/assets", json={"target_value": "example.org"}, headers=admin.headers)
    before = await _verdicts(resources)
    assert [verdict.problem for verdict in before] == [None]

    await _meddle(migrated, statement)

    [after] = await _verdicts(resources, {each.organization_id: each.head for each in before})
    assert after.problem is not None
    assert problem in after.problem
    assert after.head.sequence == whole


async def test_a_chain_forged_anew_does_not_match_the_head_that_was_kept(
    resources: Resources, admin: Member, migrated: Servers
) -> None:
    """Whoever owns the database can forge a whole chain: only a head kept elsewhere tells."""
    [kept] = await _verdicts(resources)
    await _meddle(migrated, "delete from audit_entries")
    async with resources.database.transaction(admin.scope) as work:
        for _ in range(kept.head.sequence):
            work.record(admin.actor, "thing.done", Change("thing"))

    [alone] = await _verdicts(resources)
    [compared] = await _verdicts(resources, {kept.organization_id: kept.head})

    assert alone.problem is None
    assert compared.problem is not None
    assert "not the one that was there before" in compared.problem


def test_every_service_function_of_the_log_asks_who_is_calling() -> None:
    actorless = {"append_entries", "verify_chains"}
    for name in audit.__all__:
        function = getattr(audit, name)
        if inspect.isfunction(function) and name not in actorless:
            assert "actor" in inspect.signature(function).parameters, name


async def test_work_on_scans_schedules_findings_and_reports_is_recorded(
    client: AsyncClient, resources: Resources, run_jobs: RunJobs
) -> None:
    """The whole documented platform, used once."""
    story = Story(client, run_jobs)
    await story.tell()

    async with resources.database.read(story.member.scope) as session:
        found = set(
            (await session.scalars(text("select distinct action from audit_entries"))).all()
        )

    assert found >= {
        "asset.created",
        "asset.updated",
        "asset.deleted",
        "assets.imported",
        "finding.updated",
        "member.invited",
        "organization.updated",
        "report.downloaded",
        "report.requested",
        "scan.cancelled",
        "scan.created",
        "scan.deleted",
        "schedule.created",
        "schedule.deleted",
        "schedule.updated",
    }
    assert {verdict.problem for verdict in await _verdicts(resources)} == {None}


async def test_the_command_says_whether_the_log_is_whole(
    client: AsyncClient, settings: Settings, admin: Member, migrated: Servers, tmp_path: Path
) -> None:
    """``nis2 audit verify``, as a process of its own."""
    heads = tmp_path / "heads.json"
    environment = {
        "PATH": os.defpath,
        "NIS2_DATABASE_URL": settings.database_url,
        "NIS2_REDIS_URL": settings.redis_url,
        "NIS2_SECRET_KEY": settings.secret_key.get_secret_value(),
    }

    async def verify(*options: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.cli",
            "audit",
            "verify",
            *options,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    whole = await verify("--save", str(heads))
    await _meddle(migrated, "delete from audit_entries where sequence = 2")
    alone = await verify()
    compared = await verify("--heads", str(heads))

    assert whole == (0, f"{admin.organization_id}: whole, 2 entries\n1 logs are whole\n")
    assert alone[0] == 0
    assert compared[0] == 1
    assert "the log ends at entry 1, and entry 2 was there before" in compared[1]
