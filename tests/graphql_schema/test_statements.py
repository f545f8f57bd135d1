"""The number of SQL statements depends on the query and never on the number of rows."""

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from graphql_schema.context import Context
from graphql_schema.ids import parse_global_id
from services.actor import Caller
from services.errors import Unavailable
from services.resources import Resources
from tests.graphql_schema.asking import ask, create_asset, problems
from tests.members import Member
from tests.seeing import see
from tests.statements import counted

_QUERIES = {
    "findings with asset and scan": "{ findings { nodes { id asset { name } scan { name } } } }",
    "scans with a page of findings each": """{ scans { nodes { id
        findings(first: 5) { totalCount nodes { id asset { name } } }
        results(first: 5) { totalCount nodes { target } } } } }""",
    "assets with their open findings": """{ assets { totalCount nodes { openFindingsCount
        findings(first: 3) { totalCount nodes { title scan { name } } } } } }""",
    "everything at once": """{ me { email } viewer { role } organizations { nodes { name } }
        findingStats { total } findings { totalCount nodes { asset { id } } }
        scans { nodes { findings { nodes { id } } } } }""",
}


async def _fill(client: AsyncClient, resources: Resources, member: Member, hosts: range) -> None:
    """An asset, a scan of it and two findings for each number."""
    for n in hosts:
        host = f"host{n}.example.org"
        asset_id = await create_asset(client, member, host)
        await see(resources, member, problems(2, host=host), asset_id=parse_global_id(asset_id)[1])


async def _count(client: AsyncClient, resources: Resources, member: Member, query: str) -> int:
    with counted(resources) as seen:
        await ask(client, member, query)
    return len(seen)


@pytest.mark.parametrize("name", _QUERIES)
async def test_statements_are_constant_in_the_number_of_rows(
    client: AsyncClient, resources: Resources, admin: Member, name: str
) -> None:
    await _fill(client, resources, admin, range(1))
    for_one = await _count(client, resources, admin, _QUERIES[name])
    await _fill(client, resources, admin, range(1, 12))
    for_many = await _count(client, resources, admin, _QUERIES[name])

    assert for_many == for_one


async def test_a_list_costs_the_authentication_the_scope_and_itself(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    await see(resources, admin, problems(3))

    with counted(resources) as seen:
        await ask(client, admin, "{ findings { nodes { id } } }")

    assert [each.split()[0].lower() for each in seen.texts] == ["select"] * 5
    assert sum("set_config" in each for each in seen.texts) == 3
    assert sum("FROM findings" in each for each in seen.texts) == 1


async def test_the_total_is_counted_only_when_selected(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    without = await _count(client, resources, admin, "{ findings { nodes { id } } }")
    with_total = await _count(client, resources, admin, "{ findings { totalCount } }")

    assert with_total == without + 1


async def test_siblings_on_a_cold_pool_all_succeed(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """Ten fields of one session at once: without the gate nine of them fail."""
    await see(resources, admin, problems(2))
    fields = " ".join(f"f{n}: findings {{ totalCount nodes {{ id }} }}" for n in range(10))
    await resources.database.engine.dispose()

    data = await ask(client, admin, f"{{ {fields} }}")

    assert [data[f"f{n}"]["totalCount"] for n in range(10)] == [2] * 10


async def test_a_failed_statement_costs_its_own_field_and_no_other(
    resources: Resources, admin: Member
) -> None:
    context = _context(resources, admin)

    with pytest.raises(DBAPIError):
        async with context.read() as session:
            await session.execute(text("select 1 / 0"))
    async with context.read() as session:
        answer = await session.scalar(text("select 1"))
    await context.close()

    assert answer == 1


async def test_reading_is_read_only_and_bounded(resources: Resources, admin: Member) -> None:
    context = _context(resources, admin)

    async with context.read() as session:
        read_only = await session.scalar(text("show transaction_read_only"))
        limit = await session.scalar(text("show statement_timeout"))
    await context.close()

    assert (read_only, limit) == ("on", "5s")


async def test_a_field_that_outlives_its_operation_opens_nothing(
    resources: Resources, admin: Member
) -> None:
    context = _context(resources, admin)
    await context.close()

    with pytest.raises(Unavailable):
        async with context.read():
            pass


def _context(resources: Resources, member: Member) -> Context:
    return Context(resources, Caller(member.user_id, member.organization_id, member.actor))
