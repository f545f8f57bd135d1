"""A backup of a running system, restored into an empty database, answers the same."""

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from services.backup import Backup, BackupError, back_up, restore
from services.migrations.run import migrate
from services.resources import open_resources
from services.scanner.check import CheckResult, Verdict
from services.scanner.target import Target
from services.settings import Settings
from tests.conftest import RunJobs, Servers
from tests.members import Member
from tests.scanners import StubScanner, at

_SAMPLED = 50


def _judge(target: Target) -> list[CheckResult]:
    return [
        at(target, "tls.cert.expired", Verdict.failed("ended yesterday")),
        at(target, "tls.protocol.tls10", Verdict.failed("accepted")),
        at(target, "tls.protocol.tls11", Verdict.passed("refused")),
    ]


async def _post(client: AsyncClient, member: Member, path: str, **body: object) -> str:
    response = await client.post(f"/api/v1{path}", json=body, headers=member.headers)
    assert response.is_success, response.text
    return str(response.json()["id"])


@pytest.fixture
async def filled(
    client: AsyncClient, admin: Member, stranger: Member, run_jobs: RunJobs
) -> AsyncClient:
    """Two organizations with assets, scans, findings, a schedule and a report."""
    for member, network in ((admin, "192.0.2.0/28"), (stranger, "198.51.100.0/30")):
        asset = await _post(client, member, "/assets", target_value=network, name="Net")
        await _post(client, member, "/assets", target_value="example.org", name="Web ü")
        await _post(client, member, "/scans", name="First", asset_ids=[asset])
        scan = await _post(client, member, "/scans", name="Second", asset_ids=[asset])
        await _post(
            client,
            member,
            "/schedules",
            name="Weekly",
            cron_expression="0 3 * * 1",
            asset_ids=[asset],
        )
        await run_jobs(StubScanner(_judge))
        report = await client.post(
            f"/api/v1/reports/generate?scan_id={scan}&format=csv", headers=member.headers
        )
        assert report.is_success, report.text
        await run_jobs(StubScanner(_judge))
    return client


async def _paths(client: AsyncClient, member: Member) -> list[str]:
    """Every address that can be read, with the ids that are really there."""
    paths = ["/auth/me", "/organizations", "/findings/stats"]
    for noun in ("assets", "scans", "findings", "schedules"):
        paths += [f"/{noun}", f"/{noun}?page=2&page_size=1", f"/{noun}?page_size=3"]
        answer = await client.get(f"/api/v1/{noun}?page_size=100", headers=member.headers)
        found: Any = answer.json()  # Any: JSON, a page or a plain list
        rows = cast("list[dict[str, str]]", found if noun == "schedules" else found["items"])
        ids = [row["id"] for row in rows]
        if noun != "schedules":  # they are read by their list alone
            paths += [f"/{noun}/{each}" for each in ids]
        if noun == "scans":
            paths += [f"/scans/{each}/{part}" for each in ids for part in ("findings", "results")]
    return paths


async def _answers(client: AsyncClient, member: Member, paths: list[str]) -> list[tuple[int, str]]:
    answers: list[tuple[int, str]] = []
    for path in paths:
        response = await client.get(f"/api/v1{path}", headers=member.headers)
        answers.append((response.status_code, response.text))
    return answers


@asynccontextmanager
async def _database(servers: Servers) -> AsyncGenerator[Servers]:
    """One more database on the same server, empty."""
    name = f"{servers.database}_{secrets.token_hex(3)}"

    def of(url: str, database: str) -> str:
        return make_url(url).set(database=database).render_as_string(hide_password=False)

    engine = create_async_engine(
        of(servers.owner_url, "postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    async with engine.connect() as connection:
        await connection.execute(text(f"create database {name}"))
        try:
            yield Servers(
                of(servers.owner_url, name), of(servers.application_url, name), servers.redis_url
            )
        finally:
            await connection.execute(text(f"drop database {name} with (force)"))
    await engine.dispose()


@asynccontextmanager
async def _client_of(settings: Settings) -> AsyncGenerator[AsyncClient]:
    async with open_resources(settings) as resources:
        app = create_app(settings, resources)
        async with app.router.lifespan_context(app) as state:

            async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
                scope["state"] = dict(state or {})
                await app(scope, receive, send)

            async with AsyncClient(
                transport=ASGITransport(app=with_state), base_url="http://testserver"
            ) as client:
                yield client


async def _back_up(servers: Servers, file: Path) -> Backup:
    return await asyncio.to_thread(back_up, servers.owner_url, file)


async def test_a_restored_backup_of_a_running_system_answers_the_same(
    filled: AsyncClient,
    admin: Member,
    stranger: Member,
    migrated: Servers,
    settings: Settings,
    tmp_path: Path,
) -> None:
    paths = await _paths(filled, admin)
    sampled = random.Random(7).sample(paths, _SAMPLED)  # noqa: S311 - a sample that is always the same
    before = await _answers(filled, admin, sampled)

    async with asyncio.TaskGroup() as group:
        saved = group.create_task(_back_up(migrated, tmp_path / "nis2.backup"))
        while not saved.done():  # somebody else goes on writing
            await _post(filled, stranger, "/assets", target_value=f"{secrets.token_hex(6)}.example")
    assert saved.result().file.stat().st_mode & 0o077 == 0

    async with _database(migrated) as empty:
        file = saved.result().file
        await asyncio.to_thread(restore, empty.owner_url, empty.application_url, file)
        restored = settings.model_copy(update={"database_url": empty.application_url})
        async with _client_of(restored) as client:
            after = await _answers(client, admin, sampled)

    assert {status for status, _ in before} == {200}
    assert after == before


async def test_a_used_database_is_not_overwritten(
    admin: Member, migrated: Servers, tmp_path: Path
) -> None:
    saved = await _back_up(migrated, tmp_path / "nis2.backup")

    with pytest.raises(BackupError, match="not empty"):
        await asyncio.to_thread(restore, migrated.owner_url, migrated.application_url, saved.file)


async def test_a_database_that_was_only_migrated_takes_a_backup(
    admin: Member, migrated: Servers, tmp_path: Path
) -> None:
    saved = await _back_up(migrated, tmp_path / "nis2.backup")
    async with _database(migrated) as fresh:
        await migrate(fresh.owner_url, fresh.application_url)

        await asyncio.to_thread(restore, fresh.owner_url, fresh.application_url, saved.file)

        engine = create_async_engine(fresh.owner_url, poolclass=NullPool)
        async with engine.connect() as connection:
            emails = (await connection.scalars(text("select email from users"))).all()
            unforced = await connection.scalar(
                text(
                    "select count(*) from information_schema.columns"
                    " join pg_class on relname = table_name and relkind = 'r'"
                    " where table_schema = 'public' and column_name = 'organization_id'"
                    " and not (relrowsecurity and relforcerowsecurity)"
                )
            )
        await engine.dispose()
    assert emails == [admin.email]
    assert unforced == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "there is no file"), (b"hello", "pg_restore"), (b"", "pg_restore")],
)
async def test_what_is_no_backup_is_refused(
    migrated: Servers, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "thing"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(BackupError, match=reason):
        await asyncio.to_thread(restore, migrated.owner_url, migrated.application_url, file)


async def test_a_role_that_cannot_see_all_rows_makes_no_backup(
    migrated: Servers, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="bypassrls"):
        await asyncio.to_thread(back_up, migrated.application_url, tmp_path / "nis2.backup")


async def test_a_server_that_is_away_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot be reached"):
        await asyncio.to_thread(
            back_up, "postgresql://owner:secret@127.0.0.1:1/nis2", tmp_path / "nis2.backup"
        )
