"""No field that takes an id, or leads to another object, shows another organization's.

Once as a stranger asks, and once with the tenant filter of the services aimed at the victim, as if
it were forgotten: then row security alone stands between the two.
"""

from typing import Any

import pytest
from httpx2 import AsyncClient

from graphql_schema.context import Context
from graphql_schema.ids import Kind, global_id
from graphql_schema.schema import create_schema
from services.actor import Actor, Caller, Role
from services.database import Scope
from services.resources import Resources
from tests.graphql_schema.asking import create_asset, problems, start_scan
from tests.members import Member
from tests.seeing import see

_SCHEMA = create_schema()
_BY_ID = """query ($asset: ID!, $scan: ID!, $finding: ID!, $organization: ID!, $ids: [ID!]!) {
  asset(id: $asset) { id findings { totalCount } }
  scan(id: $scan) { id findings { nodes { id } } results { nodes { id } } }
  finding(id: $finding) { id asset { id } scan { id } }
  organization(id: $organization) { id latestScan { id } findings { totalCount } }
  members(organizationId: $organization) { id }
  node(id: $asset) { id }
  nodes(ids: $ids) { id }
}"""
_LISTS = """{ assets { totalCount nodes { id } } scans { totalCount nodes { id } }
  findings { totalCount nodes { id asset { id } scan { id } } } schedules { id }
  findingStats { total } viewer { organizations { name latestScan { id }
  findings { totalCount nodes { message } } } } }"""
_CHANGES = {
    "updateFinding": ("{id: $finding, status: RESOLVED}", "finding { id }"),
    "bulkUpdateFindings": ("{ids: [$finding], status: RESOLVED}", "updatedCount"),
    "updateAsset": ('{id: $asset, name: "mine"}', "asset { id }"),
    "deleteAsset": ("{id: $asset}", "deletedAssetId"),
    "createScan": ("{assetIds: [$asset]}", "scan { id }"),
    "cancelScan": ("{id: $scan}", "scan { id }"),
    "deleteScan": ("{id: $scan}", "deletedScanId"),
    "generateReport": ("{scanId: $scan}", "report { id }"),
    "updateOrganization": ('{id: $organization, name: "mine"}', "organization { id }"),
}


class _Careless(Context):
    """The services are told the victim's organization; the database is told the caller's own."""

    own: Scope

    def _scope_of(self, actor: Actor | None = None) -> Scope:
        return self.own


async def _world(client: AsyncClient, resources: Resources, victim: Member) -> dict[str, str]:
    asset = await create_asset(client, victim)
    await see(resources, victim, problems(2))
    scan = await start_scan(client, victim, asset)
    listed = await client.get("/api/v1/findings", headers=victim.headers)
    return {
        "asset": asset,
        "scan": scan,
        "finding": listed.json()["items"][0]["id"],
        "organization": global_id(Kind.ORGANIZATION, victim.organization_id),
    }


def _context(resources: Resources, victim: Member, stranger: Member, *, careless: bool) -> Context:
    if not careless:
        return Context(
            resources, Caller(stranger.user_id, stranger.organization_id, stranger.actor)
        )
    aimed = Actor(stranger.user_id, victim.organization_id, Role.ADMIN)
    context = _Careless(resources, Caller(stranger.user_id, victim.organization_id, aimed))
    context.own = stranger.scope
    return context


async def _run(context: Context, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    result = await _SCHEMA.execute(document, variables, context)
    await context.close()
    assert result.data is not None, result.errors
    return result.data


@pytest.mark.parametrize("careless", [False, True])
async def test_no_id_of_another_organization_leads_anywhere(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member, *, careless: bool
) -> None:
    world = await _world(client, resources, admin)
    context = _context(resources, admin, stranger, careless=careless)

    data = await _run(
        context, _BY_ID, {**world, "ids": [world["asset"], world["scan"], world["organization"]]}
    )

    found = {name: value for name, value in data.items() if value not in (None, [])}
    assert found == {"nodes": [None, None, None]}


@pytest.mark.parametrize("careless", [False, True])
async def test_no_list_shows_anything_of_another_organization(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member, *, careless: bool
) -> None:
    await _world(client, resources, admin)

    data = await _run(_context(resources, admin, stranger, careless=careless), _LISTS, {})

    assert [data[name]["totalCount"] for name in ("assets", "scans", "findings")] == [0, 0, 0]
    assert data["schedules"] == []
    assert data["findingStats"] == {"total": 0}
    assert [each["name"] for each in data["viewer"]["organizations"]] == ["Elsewhere"]
    assert data["viewer"]["organizations"][0]["findings"]["totalCount"] == 0


@pytest.mark.parametrize("mutation", _CHANGES)
@pytest.mark.parametrize("careless", [False, True])
async def test_nothing_of_another_organization_can_be_changed(
    client: AsyncClient,
    resources: Resources,
    admin: Member,
    stranger: Member,
    *,
    mutation: str,
    careless: bool,
) -> None:
    world = await _world(client, resources, admin)
    given, chosen = _CHANGES[mutation]
    names = [name for name in world if f"${name}" in given]
    declared = ", ".join(f"${name}: ID!" for name in names)
    document = (
        f"mutation ({declared}) {{ {mutation}(input: {given}) {{ {chosen} errors {{ code }} }} }}"
    )
    context = _context(resources, admin, stranger, careless=careless)

    data = await _run(context, document, {name: world[name] for name in names})

    answer = data[mutation]
    assert answer["errors"] or answer == {"updatedCount": 0, "errors": []}
    assert [value for name, value in answer.items() if name != "errors"] in ([None], [0])
