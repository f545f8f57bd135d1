"""Every list asks the database the same number of questions, whatever the size of its page."""

import pytest
from httpx2 import AsyncClient

from services.resources import Resources
from services.scanner.check import Verdict
from services.scanner.target import parse_target
from tests.members import Member
from tests.scanners import at
from tests.seeing import see
from tests.statements import counted

_ROWS = 12
_PAGED = ("/assets", "/findings", "/scans", "/scans/{scan}/findings", "/scans/{scan}/results")
_WHOLE = ("/schedules", "/organizations", "/organizations/{organization}/members")


@pytest.fixture
async def scan_id(client: AsyncClient, resources: Resources, admin: Member) -> str:
    """A dozen assets, schedules, scans, and findings of the last scan."""
    last = ""
    for number in range(_ROWS):
        name = f"host{number}.example"
        asset = await client.post(
            "/api/v1/assets", json={"target_value": name}, headers=admin.headers
        )
        await client.post(
            "/api/v1/schedules",
            json={
                "name": name,
                "cron_expression": "0 3 * * *",
                "asset_ids": [asset.json()["id"]],
            },
            headers=admin.headers,
        )
        last = str(
            await see(
                resources,
                admin,
                [
                    at(parse_target(f"{other}.example"), "tls.cert.expired", Verdict.failed("x"))
                    for other in range(_ROWS)
                ],
            )
        )
    return last


@pytest.mark.parametrize("path", _PAGED)
async def test_a_page_of_twelve_costs_what_a_page_of_one_costs(
    client: AsyncClient, resources: Resources, admin: Member, scan_id: str, path: str
) -> None:
    url = f"/api/v1{path.format(scan=scan_id)}"
    costs: list[int] = []
    for size in (1, _ROWS):
        with counted(resources) as statements:
            page = await client.get(f"{url}?page_size={size}", headers=admin.headers)
        assert page.status_code == 200
        costs.append(len(statements))

    assert costs[0] == costs[1] <= 8


async def _cost(client: AsyncClient, resources: Resources, member: Member, path: str) -> int:
    url = f"/api/v1{path.format(organization=member.organization_id)}"
    with counted(resources) as statements:
        answer = await client.get(url, headers=member.headers)
    assert answer.status_code == 200
    return len(statements)


@pytest.mark.usefixtures("scan_id")
@pytest.mark.parametrize("path", _WHOLE)
async def test_a_whole_list_costs_the_same_however_long_it_is(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member, path: str
) -> None:
    """The stranger's lists are empty, or hold themselves alone."""
    assert await _cost(client, resources, admin, path) == await _cost(
        client, resources, stranger, path
    )
