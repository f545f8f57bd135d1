"""Every list shows each item once, and costs the same number of statements, at any page size."""

import pytest
from httpx2 import AsyncClient

from services.resources import Resources
from services.scanner.check import CheckResult, Verdict
from services.scanner.target import Target
from tests.conftest import RunJobs
from tests.members import Member
from tests.scanners import StubScanner, at
from tests.seeing import see
from tests.statements import counted

_ROWS = 12
_PAGED = ("/assets", "/findings", "/scans", "/scans/{scan}/findings", "/scans/{scan}/results")
_WHOLE = ("/schedules", "/organizations", "/organizations/{organization}/members")


def _expired(target: Target) -> list[CheckResult]:
    return [at(target, "tls.cert.expired", Verdict.failed("ended yesterday"))]


@pytest.fixture
async def scan_id(
    client: AsyncClient, resources: Resources, admin: Member, run_jobs: RunJobs
) -> str:
    """A dozen assets, schedules and scans; the last scan has a dozen results and findings."""
    assets: list[str] = []
    for number in range(_ROWS):
        asset = await client.post(
            "/api/v1/assets", json={"target_value": f"{number}.example"}, headers=admin.headers
        )
        assets.append(asset.json()["id"])
        schedule = {
            "name": f"schedule {number}",
            "cron_expression": "0 3 * * *",
            "asset_ids": assets[-1:],
        }
        await client.post("/api/v1/schedules", json=schedule, headers=admin.headers)
    for _ in range(_ROWS - 1):
        await see(resources, admin, [])
    scan = await client.post("/api/v1/scans", json={"asset_ids": assets}, headers=admin.headers)
    await run_jobs(StubScanner(_expired))
    return scan.json()["id"]


async def _walk(client: AsyncClient, member: Member, url: str, size: int) -> list[str]:
    """The ids of all pages, and one page past the end."""
    ids: list[str] = []
    for page in range(1, -(-_ROWS // size) + 2):
        answer = await client.get(f"{url}&page={page}&page_size={size}", headers=member.headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["total"] == _ROWS
        ids += [item["id"] for item in answer.json()["items"]]
    return ids


@pytest.mark.parametrize("path", _PAGED)
async def test_any_page_size_shows_each_item_once_in_the_same_order(
    client: AsyncClient, admin: Member, scan_id: str, path: str
) -> None:
    """IN-7: all findings of a scan have one time and one severity, so neither makes the order."""
    url = f"/api/v1{path.format(scan=scan_id)}?"
    everything = await _walk(client, admin, url, _ROWS)

    assert len(set(everything)) == _ROWS
    for size in range(1, _ROWS + 2):
        assert await _walk(client, admin, url, size) == everything


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
