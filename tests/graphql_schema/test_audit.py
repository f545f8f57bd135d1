"""The audit log over GraphQL: the same entries as REST, in windows by their number."""

from httpx2 import AsyncClient

from services.actor import Role
from services.resources import Resources
from tests.graphql_schema.asking import ask, create_asset, refusal
from tests.members import Member, join

_PAGE = """query ($first: Int, $after: String, $filter: AuditFilterInput) {
  auditLog(first: $first, after: $after, filter: $filter) { totalCount
    nodes { databaseId sequence action userId userName subjectType subjectId before after
            requestId address hash at }
    pageInfo { hasNextPage endCursor } } }"""


async def test_the_log_is_the_one_of_rest(client: AsyncClient, admin: Member) -> None:
    asset = await create_asset(client, admin)

    log = (await ask(client, admin, _PAGE))["auditLog"]
    rest = (await client.get("/api/v1/audit-log", headers=admin.headers)).json()["items"]

    assert log["totalCount"] == len(rest) == 3
    assert [node["hash"] for node in log["nodes"]] == [entry["hash"] for entry in rest]
    created = log["nodes"][0]
    assert (created["action"], created["userId"]) == ("asset.created", str(admin.user_id))
    assert created["after"] == rest[0]["after"]
    assert created["requestId"] == rest[0]["request_id"]
    assert asset


async def test_pages_follow_each_other_and_a_filter_holds(
    client: AsyncClient, admin: Member
) -> None:
    first = (await ask(client, admin, _PAGE, first=1))["auditLog"]
    rest = (await ask(client, admin, _PAGE, after=first["pageInfo"]["endCursor"]))["auditLog"]
    filtered = await ask(client, admin, _PAGE, filter={"actions": ["user.registered"]})

    assert [node["sequence"] for node in first["nodes"] + rest["nodes"]] == [2, 1]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert [node["action"] for node in filtered["auditLog"]["nodes"]] == ["user.registered"]


async def test_a_viewer_may_not_read_it(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    viewer = await join(client, resources, admin, Role.VIEWER)

    error = await refusal(client, viewer, _PAGE)

    assert error["extensions"]["code"] == "FORBIDDEN"
