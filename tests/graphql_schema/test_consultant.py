"""One query over all of a consultant's clients: constant statements, and nothing of others."""

import pytest
from httpx2 import AsyncClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from services.actor import Role
from services.database import Scope, utcnow
from services.findings import Finding
from services.organizations import Membership
from services.resources import Resources
from tests.graphql_schema.asking import ask, problems
from tests.members import Member, register
from tests.seeing import see
from tests.statements import counted

_QUERY = """{ viewer { organizations { name
  latestScan { name status findings(first: 2) { totalCount nodes { message asset { name } } } }
  findings(first: 2) { totalCount pageInfo { hasNextPage } nodes { target scan { name } } } } } }"""


async def _client_of(
    client: AsyncClient, resources: Resources, consultant: Member, number: int
) -> Member:
    """A new organization with three findings, in which the consultant is a viewer."""
    owner = await register(client, f"owner{number}@example.com", organization=f"Client {number:03}")
    await see(resources, owner, problems(3, host=f"h{number}.example.org"), name=f"S{number}")
    async with resources.database.transaction(owner.scope) as work:
        work.session.add(
            Membership(
                organization_id=owner.organization_id,
                user_id=consultant.user_id,
                role=Role.VIEWER,
                accepted_at=utcnow(),
            )
        )
    return owner


async def test_the_statements_are_constant_in_the_number_of_clients(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    await see(resources, admin, problems(3), name="own")
    counts: list[int] = []
    have = 1
    for clients in (1, 10, 40):
        for number in range(have, clients):
            await _client_of(client, resources, admin, number)
        have = clients
        with counted(resources) as seen:
            data = await ask(client, admin, _QUERY)
        counts.append(len(seen))
        assert len(data["viewer"]["organizations"]) == clients

    assert counts == [counts[0]] * 3
    for number, organization in enumerate(data["viewer"]["organizations"]):
        name = f"S{number}" if number else "own"
        assert organization["latestScan"]["name"] == name
        assert organization["latestScan"]["findings"]["totalCount"] == 3
        assert organization["findings"]["totalCount"] == 3
        assert organization["findings"]["pageInfo"] == {"hasNextPage": True}
        assert [node["scan"]["name"] for node in organization["findings"]["nodes"]] == [name] * 2


async def test_nothing_of_a_stranger_and_nothing_after_leaving(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    await see(resources, stranger, problems(3, host="secret.example.net"), name="secret")
    owner = await _client_of(client, resources, admin, 1)

    with_client = await ask(client, admin, _QUERY)
    async with resources.database.transaction(owner.scope) as work:
        await work.session.execute(
            text("delete from memberships where user_id = :user_id"), {"user_id": admin.user_id}
        )
    without = await ask(client, admin, _QUERY)

    names = [each["name"] for each in with_client["viewer"]["organizations"]]
    assert names == ["Acme", "Client 001"]
    assert [each["name"] for each in without["viewer"]["organizations"]] == ["Acme"]
    assert "secret" not in str(with_client)


async def test_row_security_looks_up_the_memberships_itself(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    """TEN-4 across organizations: the statement below asks for no tenant at all."""
    await see(resources, stranger, problems(2))
    owner = await _client_of(client, resources, admin, 1)
    await see(resources, admin, problems(1))
    across = Scope(user_id=admin.user_id, is_across=True)

    async with resources.database.read(across) as session:
        seen = set(await session.scalars(select(Finding.organization_id)))
    async with resources.database.read(Scope(user_id=admin.user_id)) as session:
        without = set(await session.scalars(select(Finding.organization_id)))
    async with resources.database.read(Scope(is_across=True)) as session:
        nobody = set(await session.scalars(select(Finding.organization_id)))

    assert seen == {admin.organization_id, owner.organization_id}
    assert without == nobody == set()


@pytest.mark.parametrize(
    "statement",
    ["update findings set message = 'x'", "delete from findings", "update scans set name = 'x'"],
)
async def test_whoever_reads_across_changes_nothing(
    client: AsyncClient, resources: Resources, admin: Member, statement: str
) -> None:
    owner = await _client_of(client, resources, admin, 1)
    across = Scope(user_id=admin.user_id, is_across=True)

    async with resources.database.transaction(across) as work:
        await work.session.execute(text(statement))
    with pytest.raises(DBAPIError, match="row-level security"):
        async with resources.database.transaction(across) as work:
            await work.session.execute(
                text("insert into observations select * from observations on conflict do nothing")
            )

    async with resources.database.read(owner.scope) as session:
        messages = set(await session.scalars(select(Finding.message)))
    assert messages == {"TLS 1.0"}


async def test_an_invitation_that_waits_opens_nothing(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    await see(resources, stranger, problems(1))
    await client.post(
        f"/api/v1/organizations/{stranger.organization_id}/members",
        json={"email": admin.email},
        headers=stranger.headers,
    )

    data = await ask(client, admin, _QUERY)

    assert [each["name"] for each in data["viewer"]["organizations"]] == ["Acme"]


async def test_one_organization_by_id_tells_the_same(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    owner = await _client_of(client, resources, admin, 1)
    listed = (await ask(client, admin, "{ viewer { organizations(first: 2) { id } } }"))["viewer"]

    data = await ask(
        client,
        admin,
        """query ($id: ID!) { organization(id: $id) { databaseId
          latestScan { name } findings { totalCount nodes { scan { name } } } } }""",
        id=listed["organizations"][1]["id"],
    )

    assert data["organization"]["databaseId"] == str(owner.organization_id)
    assert data["organization"]["latestScan"] == {"name": "S1"}
    assert data["organization"]["findings"]["totalCount"] == 3
