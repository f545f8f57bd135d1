"""A scan followed by server-sent events."""

from httpx2 import AsyncClient

from services.actor import Role
from services.resources import Resources
from tests.conftest import RunJobs
from tests.listening import server_events
from tests.members import Member, join
from tests.scanners import StubScanner


async def _start(client: AsyncClient, member: Member) -> str:
    asset = await client.post(
        "/api/v1/assets", json={"target_value": "192.0.2.0/29"}, headers=member.headers
    )
    scan = await client.post(
        "/api/v1/scans", json={"asset_ids": [asset.json()["id"]]}, headers=member.headers
    )
    return scan.json()["id"]


async def test_a_scan_is_followed_from_now_to_its_end(
    client: AsyncClient, admin: Member, run_jobs: RunJobs, gateway: str
) -> None:
    scan = await _start(client, admin)

    async with server_events(gateway, f"/api/v1/scans/{scan}/events", admin) as reader:
        first = await reader.next()
        await run_jobs(StubScanner())
        later = await reader.rest()

    assert reader.response.headers["content-type"].startswith("text/event-stream")
    assert first is not None
    assert (first.name, first.data["status"], first.data["progress"]) == ("progress", "pending", 0)
    assert [event.name for event in later[:-1]] == ["progress"] * (len(later) - 1)
    assert (later[-1].name, later[-1].data["status"]) == ("completed", "completed")
    steps = [event.data["progress"] for event in later]
    assert steps == sorted(steps)
    assert steps[-1] == 100


async def test_a_scan_that_has_ended_is_told_at_once(
    client: AsyncClient, admin: Member, gateway: str
) -> None:
    scan = await _start(client, admin)
    await client.post(f"/api/v1/scans/{scan}/cancel", headers=admin.headers)

    async with server_events(gateway, f"/api/v1/scans/{scan}/events", admin) as reader:
        events = await reader.rest()

    assert [(event.name, event.data["status"]) for event in events] == [("completed", "cancelled")]


async def test_a_foreign_scan_has_no_events(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    scan = await _start(client, admin)

    response = await client.get(f"/api/v1/scans/{scan}/events", headers=stranger.headers)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_the_headers_alone_end(client: AsyncClient, admin: Member, gateway: str) -> None:
    scan = await _start(client, admin)

    async with AsyncClient(base_url=gateway, timeout=20) as outside:
        response = await outside.head(f"/api/v1/scans/{scan}/events", headers=admin.headers)

    assert (response.status_code, response.content) == (200, b"")


async def test_events_end_with_the_membership(
    client: AsyncClient, resources: Resources, admin: Member, gateway: str
) -> None:
    """The only admin leaves when somebody else is one."""
    other = await join(client, resources, admin, Role.ADMIN)
    scan = await _start(client, admin)
    members = f"/api/v1/organizations/{admin.organization_id}/members"
    listed = (await client.get(members, headers=admin.headers)).json()
    own = next(each["id"] for each in listed if each["user_id"] == str(other.user_id))

    async with server_events(gateway, f"/api/v1/scans/{scan}/events", other) as reader:
        assert await reader.next() is not None
        response = await client.delete(f"{members}/{own}", headers=admin.headers)
        last = await reader.rest()

    assert response.status_code == 204
    assert [(event.name, event.data["code"]) for event in last] == [("error", "role_changed")]
