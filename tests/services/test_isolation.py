"""Tenant isolation twice: the query asks for its tenant, and row security holds without it."""

from uuid import UUID

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.assets import Asset
from services.database import Scope
from services.resources import Resources, StartRefused, open_resources
from services.scanner.target import TargetType
from services.settings import Settings
from services.tables import METADATA
from tests.conftest import Servers
from tests.members import Member

# Not tenant tables: a person belongs to many organizations.
_GLOBAL = {"users", "refresh_tokens", "password_resets"}


async def _create_asset(client: AsyncClient, member: Member) -> UUID:
    response = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=member.headers
    )
    assert response.status_code == 201
    return UUID(response.json()["id"])


async def test_row_security_alone_hides_other_tenants_rows(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    """TEN-4: a query that forgets its tenant sees nothing foreign."""
    await _create_asset(client, admin)

    async with resources.database.read(stranger.scope) as session:
        foreign = await session.scalar(text("select count(*) from assets"))
    async with resources.database.read(admin.scope) as session:
        own = await session.scalar(text("select count(*) from assets"))

    assert (foreign, own) == (0, 1)


async def test_without_a_tenant_there_are_no_rows_and_no_error(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """TEN-3, also on a connection that had a tenant before: the setting then reads as ''."""
    await _create_asset(client, admin)

    for table in METADATA.tables.keys() - _GLOBAL:
        async with resources.database.read(Scope()) as session:
            assert await session.scalar(text(f"select count(*) from {table}")) == 0  # noqa: S608 - our own names


async def test_every_table_of_a_tenant_has_a_forced_policy(resources: Resources) -> None:
    """TEN-2."""
    async with resources.database.read(Scope()) as session:
        rows = await session.execute(
            text(
                "select relname, relrowsecurity and relforcerowsecurity, (select count(*)"
                " from pg_policies where tablename = relname and policyname = 'tenant'"
                " and qual is not null and with_check is not null) from pg_class"
                " where relkind = 'r' and relnamespace = 'public'::regnamespace"
            )
        )
        state = {name: (forced, policies) for name, forced, policies in rows}

    guarded = METADATA.tables.keys() - _GLOBAL
    assert {name for name in guarded if state[name] != (True, 1)} == set()


def test_every_key_between_tenant_tables_carries_the_tenant() -> None:
    """TEN-5: foreign keys do not see row security."""
    for table in METADATA.sorted_tables:
        if "organization_id" not in table.columns:
            continue
        for key in table.foreign_key_constraints:
            target = key.referred_table
            if "organization_id" in target.columns:
                assert "organization_id" in key.column_keys, f"{table.name} -> {target.name}"


async def test_a_row_cannot_be_written_for_another_tenant(
    resources: Resources, admin: Member, stranger: Member
) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with resources.database.transaction(stranger.scope) as work:
            work.session.add(
                Asset(
                    organization_id=admin.organization_id,
                    name="planted",
                    target_type=TargetType.DOMAIN,
                    target_value="example.net",
                )
            )


async def test_a_row_cannot_point_at_another_tenants_row(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    asset_id = await _create_asset(client, admin)

    with pytest.raises(IntegrityError):
        async with resources.database.transaction(stranger.scope) as work:
            await work.session.execute(
                text(
                    "insert into findings (id, organization_id, fingerprint, check_id, category,"
                    " asset_id, host, protocol, discriminator, severity, message, evidence,"
                    " first_seen_at, last_seen_at, status, occurrences, reopened_count,"
                    " created_at, updated_at) values (gen_random_uuid(), :organization_id,"
                    " sha256('x'), 'c', 'c', :asset_id, 'h', 'p', '', 1, 'm', '{}', now(), now(),"
                    " 'open', 1, 0, now(), now())"
                ),
                {"organization_id": stranger.organization_id, "asset_id": asset_id},
            )


async def test_a_sweep_reads_due_rows_and_changes_none(resources: Resources) -> None:
    with pytest.raises(DBAPIError):
        async with resources.database.transaction(Scope(is_sweep=True)) as work:
            await work.session.execute(
                text(
                    "insert into scans (id, organization_id, name, scan_type, config_snapshot,"
                    " deadline_at, status, attempt, targets_total, targets_done, hosts_scanned,"
                    " hosts_alive, findings_critical, findings_high, findings_medium,"
                    " findings_low, findings_info, partial, created_at, updated_at) values"
                    " (gen_random_uuid(), gen_random_uuid(), 'n', 'full', '{}', now(), 'pending',"
                    " 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, now(), now())"
                )
            )


async def test_a_role_that_could_pass_row_security_is_refused_at_the_start(
    migrated: Servers, settings: Settings
) -> None:
    """TEN-1, SEC-2."""
    unsafe = settings.model_copy(update={"database_url": migrated.owner_url})

    with pytest.raises(StartRefused, match="row security"):
        async with open_resources(unsafe):
            pass


async def test_a_database_without_tables_is_refused_at_the_start(
    servers: Servers, settings: Settings
) -> None:
    empty = settings.model_copy(
        update={"database_url": servers.owner_url.replace(f"/{servers.database}", "/postgres")}
    )

    with pytest.raises(StartRefused, match="nis2 migrate"):
        async with open_resources(empty):
            pass


async def test_an_unreachable_server_is_named_at_the_start(settings: Settings) -> None:
    nowhere = settings.model_copy(
        update={"database_url": "postgresql+asyncpg://nobody@127.0.0.1:9/nis2"}
    )

    with pytest.raises(StartRefused, match="NIS2_DATABASE_URL"):
        async with open_resources(nowhere):
            pass


async def test_the_application_owns_nothing(migrated: Servers) -> None:
    engine = create_async_engine(migrated.application_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="owner"):
                await connection.execute(text("alter table assets disable row level security"))
    finally:
        await engine.dispose()
