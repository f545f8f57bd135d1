"""The demo is made of reserved names, and of nothing that a user could not have made."""

from ipaddress import IPv4Network

from httpx2 import AsyncClient

from services import scans
from services.demo import make_demo
from services.queue import QUEUE_NAME
from services.resources import Resources
from tests.jobs.conftest import StartScan
from tests.members import Member

_DOCUMENTATION = [
    IPv4Network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
]


async def test_a_demo_can_be_signed_in_to_and_looked_at(
    client: AsyncClient, resources: Resources
) -> None:
    demo = await make_demo(resources)

    login = await client.post(
        "/api/v1/auth/login", json={"email": demo.email, "password": demo.password}
    )
    headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
    found = (await client.get("/api/v1/scans", headers=headers)).json()["items"]
    page = (await client.get("/api/v1/findings?page_size=100", headers=headers)).json()
    assets = (await client.get("/api/v1/assets", headers=headers)).json()["items"]

    assert [scan["status"] for scan in found] == ["completed"] * 3
    scores = [scan["total_score"] for scan in sorted(found, key=lambda scan: scan["created_at"])]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]
    assert page["total"] == demo.findings
    assert {"open", "resolved", "accepted_risk", "in_progress"} <= {
        finding["status"] for finding in page["items"]
    }
    for asset in assets:
        target = asset["target_value"]
        assert target.endswith("example.org") or any(
            IPv4Network(target).subnet_of(network) for network in _DOCUMENTATION
        )


async def test_scans_of_others_are_left_alone(
    client: AsyncClient, admin: Member, resources: Resources, start_scan: StartScan
) -> None:
    scan_id = await start_scan("example.net")
    await scans.plan_next_scan(
        resources.database, admin.organization_id, batch_size=16, quota=scans.UNLIMITED
    )

    await make_demo(resources)

    scan = (await client.get(f"/api/v1/scans/{scan_id}", headers=admin.headers)).json()
    assert (scan["status"], scan["targets_done"]) == ("running", 0)


async def test_the_workers_of_the_installation_get_nothing_to_do(
    client: AsyncClient, resources: Resources
) -> None:
    await make_demo(resources)

    assert await resources.redis.zcard(QUEUE_NAME) == 0
