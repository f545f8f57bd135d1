"""What can be read: shapes, absent and foreign objects, roles, and pages both ways."""

from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from graphql_schema.ids import Kind, global_id, parse_global_id
from services.identifiers import uuid7
from services.resources import Resources
from tests.conftest import RunJobs
from tests.graphql_schema.asking import ask, create_asset, problems, refusal, start_scan
from tests.members import Member
from tests.scanners import StubScanner
from tests.seeing import see


async def test_the_explorers_own_example_runs(client: AsyncClient, admin: Member) -> None:
    data = await ask(
        client,
        admin,
        "{ me { id email fullName } scans(first: 10)"
        " { nodes { id name status progress createdAt } } }",
    )

    assert data["me"]["email"] == admin.email
    assert data["scans"] == {"nodes": []}


async def test_the_viewer_knows_organization_role_and_permissions(
    client: AsyncClient, admin: Member
) -> None:
    data = await ask(
        client,
        admin,
        """{ viewer { user { email } role permissions organization { databaseId name role }
        memberships { role organization { name } } }
        organization { name } organizations { totalCount nodes { slug } edges { cursor } } }""",
    )

    viewer = data["viewer"]
    assert viewer["user"] == {"email": admin.email}
    assert viewer["organization"] == {
        "databaseId": str(admin.organization_id),
        "name": "Acme",
        "role": "ADMIN",
    }
    assert "SCANS_DELETE" in viewer["permissions"]
    assert viewer["memberships"] == [{"role": "ADMIN", "organization": {"name": "Acme"}}]
    assert data["organization"] == {"name": "Acme"}
    assert data["organizations"]["totalCount"] == 1


async def test_a_finished_scan_is_read_with_results_findings_and_their_asset(
    client: AsyncClient, admin: Member, run_jobs: RunJobs
) -> None:
    asset_id = await create_asset(client, admin)
    scan_id = await start_scan(client, admin, asset_id)
    await run_jobs(StubScanner(lambda _target: problems(2)))

    data = await ask(
        client,
        admin,
        """query ($scan: ID!) { scan(id: $scan) {
          status progress totalScore findingCounts { critical high medium low info }
          results { totalCount nodes {
            target status isAlive openPorts checks { checkId outcome } } }
          findings { totalCount nodes { severity status message port evidence
            asset { id openFindingsCount } scan { id } } } } }""",
        scan=scan_id,
    )

    scan = data["scan"]
    assert (scan["status"], scan["progress"]) == ("COMPLETED", 100)
    assert sum(scan["findingCounts"].values()) == 2
    assert scan["results"]["totalCount"] == 1
    result = scan["results"]["nodes"][0]
    assert (result["target"], result["status"], result["openPorts"]) == (
        "example.org",
        "EVALUATED",
        [443],
    )
    assert {check["outcome"] for check in result["checks"]} == {"FAILED"}
    assert scan["findings"]["totalCount"] == 2
    for finding in scan["findings"]["nodes"]:
        assert finding["asset"] == {"id": asset_id, "openFindingsCount": 2}
        assert finding["scan"] == {"id": scan_id}


_LOOK_UPS = {
    Kind.ORGANIZATION: "organization",
    Kind.ASSET: "asset",
    Kind.SCAN: "scan",
    Kind.FINDING: "finding",
    Kind.REPORT: "report",
}


async def _ids(client: AsyncClient, resources: Resources, member: Member) -> dict[Kind, str]:
    """The id of one object of each kind."""
    asset_id = await create_asset(client, member)
    scan_key = await see(resources, member, problems(1), asset_id=parse_global_id(asset_id)[1])
    scan_id = global_id(Kind.SCAN, scan_key)
    data = await ask(
        client,
        member,
        """mutation ($scan: ID!) {
          generateReport(input: {scanId: $scan, format: JSON}) { report { id } } }""",
        scan=scan_id,
    )
    findings = await ask(client, member, "{ findings { nodes { id } } me { id } }")
    return {
        Kind.ORGANIZATION: global_id(Kind.ORGANIZATION, member.organization_id),
        Kind.USER: findings["me"]["id"],
        Kind.ASSET: asset_id,
        Kind.SCAN: scan_id,
        Kind.FINDING: findings["findings"]["nodes"][0]["id"],
        Kind.REPORT: data["generateReport"]["report"]["id"],
    }


async def test_every_look_up_finds_what_is_ones_own_and_nothing_foreign(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    ids = await _ids(client, resources, admin)

    for kind, field in _LOOK_UPS.items():
        query = f"query ($id: ID!) {{ found: {field}(id: $id) {{ id }} }}"
        own = await ask(client, admin, query, id=ids[kind])
        foreign = await ask(client, stranger, query, id=ids[kind])
        absent = await ask(client, stranger, query, id=global_id(kind, uuid7()))
        assert (own["found"]["id"], foreign["found"], absent["found"]) == (ids[kind], None, None)


async def test_nodes_are_found_by_id_and_foreign_ones_are_null(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    ids = await _ids(client, resources, admin)
    query = """query ($ids: [ID!]!, $id: ID!) {
      nodes(ids: $ids) { __typename id } node(id: $id) { id } }"""

    own = await ask(client, admin, query, ids=list(ids.values()), id=ids[Kind.SCAN])
    foreign = await ask(client, stranger, query, ids=list(ids.values()), id=ids[Kind.SCAN])

    assert [node["id"] for node in own["nodes"]] == list(ids.values())
    assert [node["__typename"] for node in own["nodes"]] == [
        "Organization",
        "User",
        "Asset",
        "Scan",
        "Finding",
        "Report",
    ]
    assert own["node"] == {"id": ids[Kind.SCAN]}
    assert foreign == {"nodes": [None] * len(ids), "node": None}


async def test_a_scan_result_is_a_node_of_its_organization_alone(
    client: AsyncClient, admin: Member, stranger: Member, run_jobs: RunJobs
) -> None:
    scan_id = await start_scan(client, admin, await create_asset(client, admin))
    await run_jobs(StubScanner())
    data = await ask(
        client, admin, "query ($id: ID!) { scan(id: $id) { results { nodes { id } } } }", id=scan_id
    )
    result = data["scan"]["results"]["nodes"][0]

    query = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await ask(client, admin, query, id=result["id"]))["node"] == result
    assert (await ask(client, stranger, query, id=result["id"]))["node"] is None


async def test_foreign_ids_in_filters_match_nothing(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    ids = await _ids(client, resources, admin)
    query = """query ($asset: ID!) { findings(filter: {assetId: $asset}) { totalCount nodes { id } }
      findingStats(filter: {assetId: $asset}) { total } }"""

    own = await ask(client, admin, query, asset=ids[Kind.ASSET])
    foreign = await ask(client, stranger, query, asset=ids[Kind.ASSET])

    assert (own["findings"]["totalCount"], own["findingStats"]["total"]) == (1, 1)
    assert foreign == {"findings": {"totalCount": 0, "nodes": []}, "findingStats": {"total": 0}}


@pytest.mark.parametrize("id", ["", "garbage", "AQMBkw", "é" * 24, "!" * 24, "x" * 36])
async def test_what_is_no_id_is_refused_by_code(
    client: AsyncClient, admin: Member, id: str
) -> None:
    for field in ("asset", "node"):
        error = await refusal(
            client, admin, f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=id
        )
        assert error["extensions"]["code"] == "INVALID_ID"


async def test_a_database_id_names_an_object_too(client: AsyncClient, admin: Member) -> None:
    asset_id = await create_asset(client, admin)
    key = str(parse_global_id(asset_id)[1])

    data = await ask(client, admin, "query ($id: ID!) { asset(id: $id) { id databaseId } }", id=key)

    assert data["asset"] == {"id": asset_id, "databaseId": key}


async def test_an_id_of_another_type_finds_nothing(client: AsyncClient, admin: Member) -> None:
    asset_id = await create_asset(client, admin)

    data = await ask(client, admin, "query ($id: ID!) { scan(id: $id) { id } }", id=asset_id)

    assert data == {"scan": None}


async def _walk(
    client: AsyncClient, member: Member, field: str, arguments: str, selection: str
) -> list[Any]:  # Any: JSON values
    """All pages of ``field`` forwards, three items at a time."""
    found: list[Any] = []
    cursor = None
    while True:
        data = await ask(
            client,
            member,
            f"query ($after: String) {{ page: {field}(first: 3, after: $after{arguments})"
            f" {{ nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}",
            after=cursor,
        )
        found += [node[selection] for node in data["page"]["nodes"]]
        cursor = data["page"]["pageInfo"]["endCursor"]
        if not data["page"]["pageInfo"]["hasNextPage"]:
            return found


async def test_pages_forwards_and_backwards_give_each_item_once(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    await see(resources, admin, problems(8))
    forwards = await _walk(client, admin, "findings", "", "port")

    backwards: list[int] = []
    cursor = None
    while True:
        data = await ask(
            client,
            admin,
            """query ($before: String) { findings(last: 3, before: $before) {
              edges { cursor node { port } } pageInfo { hasPreviousPage startCursor } } }""",
            before=cursor,
        )
        edges = data["findings"]["edges"]
        backwards = [edge["node"]["port"] for edge in edges] + backwards
        page = data["findings"]["pageInfo"]
        assert page["startCursor"] == edges[0]["cursor"]
        cursor = page["startCursor"]
        if not page["hasPreviousPage"]:
            break

    assert sorted(forwards) == list(range(1000, 1008))
    assert backwards == forwards


async def test_the_findings_of_a_scan_are_paged_worst_first_both_ways(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    scan = global_id(Kind.SCAN, await see(resources, admin, problems(7)))
    query = """query ($id: ID!, $first: Int, $last: Int, $before: String, $after: String) {
      scan(id: $id) { findings(first: $first, last: $last, before: $before, after: $after) {
        totalCount nodes { port }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""

    whole = (await ask(client, admin, query, id=scan, first=100))["scan"]["findings"]
    head = (await ask(client, admin, query, id=scan, first=4))["scan"]["findings"]
    cursor = head["pageInfo"]["endCursor"]
    tail = (await ask(client, admin, query, id=scan, first=4, after=cursor))["scan"]["findings"]
    end = (await ask(client, admin, query, id=scan, last=3))["scan"]["findings"]
    start = end["pageInfo"]["startCursor"]
    rest = (await ask(client, admin, query, id=scan, last=9, before=start))["scan"]["findings"]

    assert head["nodes"] + tail["nodes"] == whole["nodes"] == rest["nodes"] + end["nodes"]
    assert {each["totalCount"] for each in (whole, head, tail, end, rest)} == {7}
    assert (head["pageInfo"]["hasNextPage"], tail["pageInfo"]["hasNextPage"]) == (True, False)
    assert (end["pageInfo"]["hasPreviousPage"], rest["pageInfo"]["hasPreviousPage"]) == (
        True,
        False,
    )


async def test_assets_and_organizations_are_paged_too(client: AsyncClient, admin: Member) -> None:
    values = [f"host{n}.example.org" for n in range(7)]
    for value in values:
        await create_asset(client, admin, value)

    assert await _walk(client, admin, "assets", "", "targetValue") == values[::-1]
    assert await _walk(client, admin, "organizations", "", "name") == ["Acme"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 101", "VALIDATION_FAILED"),
        ("first: -1", "VALIDATION_FAILED"),
        ("last: 101", "VALIDATION_FAILED"),
        ("first: 1, last: 1", "VALIDATION_FAILED"),
        ('after: "nonsense"', "INVALID_CURSOR"),
        ('after: "é"', "INVALID_CURSOR"),
        ('before: ""', "INVALID_CURSOR"),
        # ["asset", "01930000-0000-7000-8000-000000000000"]: of another list
        (
            'after: "WyJhc3NldCIsIjAxOTMwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCJd"',
            "INVALID_CURSOR",
        ),
    ],
)
async def test_pages_out_of_bounds_and_foreign_cursors_are_refused(
    client: AsyncClient, admin: Member, arguments: str, code: str
) -> None:
    error = await refusal(client, admin, f"{{ findings({arguments}) {{ nodes {{ id }} }} }}")

    assert error["extensions"]["code"] == code
    assert error["path"] == ["findings"]


async def test_filters_narrow_lists_and_counts(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    await see(resources, admin, problems(3))
    query = """query ($filter: FindingFilter) {
      findings(filter: $filter) { totalCount } findingStats(filter: $filter) {
        total bySeverity { severity count } byStatus { status count }
        bySeverityAndStatus { severity status count } } }"""

    matching = await ask(
        client, admin, query, filter={"category": ["TLS"], "status": ["OPEN"], "search": "example"}
    )
    nothing = await ask(client, admin, query, filter={"status": ["RESOLVED"]})

    stats = matching["findingStats"]
    assert (matching["findings"]["totalCount"], stats["total"]) == (3, 3)
    assert sum(row["count"] for row in stats["bySeverity"]) == 3
    assert {"status": "OPEN", "count": 3} in stats["byStatus"]
    assert sum(row["count"] for row in stats["bySeverityAndStatus"]) == 3
    assert (nothing["findings"]["totalCount"], nothing["findingStats"]["total"]) == (0, 0)


async def test_an_asset_shows_its_open_findings_unless_asked_for_others(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = await create_asset(client, admin)
    await see(resources, admin, problems(2), asset_id=parse_global_id(asset_id)[1])
    first = (await ask(client, admin, "{ findings(first: 1) { nodes { id } } }"))["findings"]
    await ask(
        client,
        admin,
        """mutation ($id: ID!) { updateFinding(input: {id: $id, status: RESOLVED}) {
          finding { resolvedAt } errors { message } } }""",
        id=first["nodes"][0]["id"],
    )

    data = await ask(
        client,
        admin,
        """query ($id: ID!) { asset(id: $id) { openFindingsCount
          open: findings { totalCount nodes { status } }
          resolved: findings(filter: {status: [RESOLVED]}) { totalCount nodes { id } } } }""",
        id=asset_id,
    )

    asset = data["asset"]
    assert asset["openFindingsCount"] == asset["open"]["totalCount"] == 1
    assert asset["open"]["nodes"] == [{"status": "OPEN"}]
    assert asset["resolved"] == {"totalCount": 1, "nodes": first["nodes"]}


async def test_the_active_organization_follows_the_header(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    own = await client.post(
        "/graphql",
        json={"query": "{ organization { databaseId } }"},
        headers={**admin.headers, "X-Organization-Id": str(admin.organization_id)},
    )
    foreign = await client.post(
        "/graphql",
        json={"query": "{ organization { databaseId } }"},
        headers={**admin.headers, "X-Organization-Id": str(stranger.organization_id)},
    )

    assert UUID(own.json()["data"]["organization"]["databaseId"]) == admin.organization_id
    assert foreign.status_code == 403
