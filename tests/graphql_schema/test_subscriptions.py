"""Subscriptions on a running gateway, over both transports."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient
from websockets.exceptions import InvalidStatus

from graphql_schema.ids import parse_global_id
from services.actor import Role
from services.events import SCAN_COMPLETED, Event, EventPublisher
from services.identifiers import uuid7
from services.resources import Resources
from tests.conftest import RunJobs
from tests.graphql_schema.asking import create_asset, problems, start_scan
from tests.listening import PATIENCE_S, Json, Socket, open_socket, server_events
from tests.members import Member, join
from tests.scanners import StubScanner
from tests.seeing import see

_PROGRESS = """subscription ($id: ID!) {
  scanProgress(scanId: $id) { status progress scan { id status } } }"""


async def _collect(socket: Socket, id: str) -> list[Json]:
    """The payloads of an operation until it is complete."""
    found: list[Json] = []
    while (message := await socket.receive())["type"] == "next":
        assert message["id"] == id
        found.append(message["payload"])
    assert message == {"id": id, "type": "complete"}
    return found


async def test_progress_over_a_socket_from_now_to_the_end(
    client: AsyncClient, admin: Member, run_jobs: RunJobs, gateway: str
) -> None:
    scan = await start_scan(client, admin, await create_asset(client, admin, "192.0.2.0/29"))
    async with open_socket(gateway) as socket:
        await socket.begin(admin)
        await socket.subscribe("1", _PROGRESS, id=scan)
        first = (await socket.receive())["payload"]["data"]["scanProgress"]

        await run_jobs(StubScanner())

        later = [payload["data"]["scanProgress"] for payload in await _collect(socket, "1")]

    assert first == {"status": "PENDING", "progress": 0, "scan": {"id": scan, "status": "PENDING"}}
    assert later[-1] == {
        "status": "COMPLETED",
        "progress": 100,
        "scan": {"id": scan, "status": "COMPLETED"},
    }
    steps = [step["progress"] for step in later]
    assert steps == sorted(steps)


async def test_progress_by_server_sent_events(
    client: AsyncClient, admin: Member, run_jobs: RunJobs, gateway: str
) -> None:
    scan = await start_scan(client, admin, await create_asset(client, admin))
    request = {"query": _PROGRESS, "variables": {"id": scan}}
    async with server_events(gateway, "/graphql", admin, json=request) as reader:
        first = await reader.next()
        await run_jobs(StubScanner())
        later = await reader.rest()

    assert first is not None
    assert (first.name, first.data["data"]["scanProgress"]["status"]) == ("next", "PENDING")
    assert later[-2].data["data"]["scanProgress"]["status"] == "COMPLETED"
    assert later[-1].name == "complete"


async def _hears_scans(socket: Socket, resources: Resources, member: Member) -> None:
    """Subscribe to scans that end; a scan that is not there is told until it is heard."""
    await socket.subscribe("scans", "subscription { scanCompleted { id status } }")

    async def tell() -> None:
        ended = Event(member.organization_id, SCAN_COMPLETED, uuid7())
        await EventPublisher(resources.redis).publish(ended)

    heard = await _until_heard(socket, tell)
    assert heard["payload"]["data"] == {"scanCompleted": None}


async def _until_heard(socket: Socket, act: Callable[[], Awaitable[object]]) -> Json:
    """Do it again until the gateway says something: when it begins to listen is not told."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await act()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    return json.loads(await socket.connection.recv())


async def _next_scan(socket: Socket) -> object:
    while True:
        told = (await socket.receive())["payload"]["data"]["scanCompleted"]
        if told is not None:
            return told


def _key(id: str) -> UUID:
    return parse_global_id(id)[1]


async def test_scans_that_end_are_told(
    client: AsyncClient, resources: Resources, admin: Member, gateway: str
) -> None:
    scan = await start_scan(client, admin, await create_asset(client, admin))
    async with open_socket(gateway) as socket:
        await socket.begin(admin)
        await _hears_scans(socket, resources, admin)

        await client.post(f"/api/v1/scans/{_key(scan)}/cancel", headers=admin.headers)

        assert await _next_scan(socket) == {"id": scan, "status": "CANCELLED"}


async def test_findings_that_people_change_are_told(
    client: AsyncClient, resources: Resources, admin: Member, gateway: str
) -> None:
    await see(resources, admin, problems(1))
    finding = (await client.get("/api/v1/findings", headers=admin.headers)).json()["items"][0]["id"]

    async def change() -> None:
        response = await client.patch(
            f"/api/v1/findings/{finding}", json={"status": "acknowledged"}, headers=admin.headers
        )
        assert response.status_code == 200

    async with open_socket(gateway) as socket:
        await socket.begin(admin)
        await socket.subscribe("1", "subscription { findingChanged { databaseId status } }")
        heard = await _until_heard(socket, change)

    assert heard["payload"]["data"] == {
        "findingChanged": {"databaseId": finding, "status": "ACKNOWLEDGED"}
    }


async def test_nothing_of_another_organization_is_told(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member, gateway: str
) -> None:
    foreign = await start_scan(client, admin, await create_asset(client, admin))
    own = await start_scan(client, stranger, await create_asset(client, stranger))
    async with open_socket(gateway) as socket:
        await socket.begin(stranger)
        await socket.subscribe("1", _PROGRESS, id=foreign)
        refused = await socket.receive()
        await _hears_scans(socket, resources, stranger)

        await client.post(f"/api/v1/scans/{_key(foreign)}/cancel", headers=admin.headers)
        # Whoever could write to Redis: the row still has to be the listener's own.
        forged = Event(stranger.organization_id, SCAN_COMPLETED, _key(foreign))
        await EventPublisher(resources.redis).publish(forged)
        await client.post(f"/api/v1/scans/{_key(own)}/cancel", headers=stranger.headers)

        assert await _next_scan(socket) == {"id": own, "status": "CANCELLED"}
    assert refused["payload"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_queries_and_mutations_run_over_a_socket_and_errors_keep_their_codes(
    client: AsyncClient, admin: Member, gateway: str
) -> None:
    async with open_socket(gateway) as socket:
        await socket.begin(admin)
        await socket.subscribe("1", "{ me { email } }")
        answer = await _collect(socket, "1")
        refused: list[object] = []
        for document in ("{", "{ nothing }", "{ " + "me { id } " * 21 + "}"):
            await socket.subscribe("1", document)
            message = await socket.receive()
            assert (message["id"], message["type"]) == ("1", "error")
            refused.append(message["payload"][0]["extensions"]["code"])
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": 1}})
        malformed = await socket.receive()

    assert answer == [{"data": {"me": {"email": admin.email}}}]
    assert refused == ["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED"]
    assert malformed["payload"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_role_that_changes_closes_the_socket(
    client: AsyncClient, resources: Resources, admin: Member, gateway: str
) -> None:
    auditor = await join(client, resources, admin, Role.AUDITOR)
    members = f"/api/v1/organizations/{admin.organization_id}/members"
    listed = (await client.get(members, headers=admin.headers)).json()
    member = next(each["id"] for each in listed if each["user_id"] == str(auditor.user_id))
    async with open_socket(gateway) as socket:
        await socket.begin(auditor)
        await _hears_scans(socket, resources, auditor)

        await client.patch(f"{members}/{member}?role=viewer", headers=admin.headers)

        code, reason = await socket.closed()

    assert code == 4403
    assert "role" in str(reason)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }"}}], 4401),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"Authorization": "Bearer x"}}], 4403),
        ([{"type": "connection_init", "payload": {"Authorization": 1}}], 4403),
        ([{"type": "nonsense"}], 4401),
        (["no object"], 4400),
    ],
)
async def test_a_socket_without_a_token_is_closed(
    gateway: str, messages: list[Any], code: int
) -> None:
    async with open_socket(gateway) as socket:
        for message in messages:
            await socket.send(message)

        assert (await socket.closed())[0] == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "connection_init"}, 4429),
        ({"type": "nonsense"}, 4400),
        ({"type": "subscribe", "payload": {"query": "{ me { id } }"}}, 4400),
        ({"type": "complete"}, 4400),
    ],
)
async def test_a_message_against_the_protocol_closes_the_socket(
    client: AsyncClient, admin: Member, gateway: str, message: dict[str, object], code: int
) -> None:
    async with open_socket(gateway) as socket:
        await socket.begin(admin)
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}

        await socket.send(message)

        assert (await socket.closed())[0] == code


async def test_an_id_in_use_closes_the_socket_and_a_stopped_one_is_free(
    client: AsyncClient, admin: Member, gateway: str
) -> None:
    endless = "subscription { scanCompleted { id } }"
    async with open_socket(gateway) as socket:
        await socket.begin(admin)
        await socket.subscribe("1", endless)
        await socket.send({"id": "1", "type": "complete"})
        await socket.subscribe("1", endless)
        await socket.subscribe("1", endless)

        assert (await socket.closed())[0] == 4409


async def test_at_most_a_hundred_operations_run_on_one_socket(
    client: AsyncClient, admin: Member, gateway: str
) -> None:
    async with open_socket(gateway) as socket:
        await socket.begin(admin)
        for number in range(101):
            await socket.subscribe(str(number), "subscription { scanCompleted { id } }")

        assert (await socket.closed())[0] == 4429


async def test_another_protocol_and_a_foreign_page_are_refused(gateway: str) -> None:
    async with open_socket(gateway, protocol="graphql-ws") as socket:
        assert (await socket.closed())[0] == 4406
    with pytest.raises(InvalidStatus, match="403"):
        async with open_socket(gateway, origin="https://evil.example"):
            pass
    async with open_socket(gateway, origin=gateway) as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}


async def test_a_subscription_by_plain_http_says_how_to_subscribe(
    client: AsyncClient, admin: Member
) -> None:
    response = await client.post(
        "/graphql",
        json={"query": "subscription { scanCompleted { id } }"},
        headers=admin.headers,
    )

    assert response.status_code == 406
    assert "text/event-stream" in response.json()["errors"][0]["message"]


async def test_between_two_events_no_connection_to_the_database_is_held(
    client: AsyncClient, resources: Resources, admin: Member, gateway: str
) -> None:
    scan = await start_scan(client, admin, await create_asset(client, admin))
    async with open_socket(gateway) as socket:
        await socket.begin(admin)
        for number in range(20):
            await socket.subscribe(str(number), _PROGRESS, id=scan)
        seen = {(await socket.receive())["id"] for _ in range(20)}

        async with asyncio.timeout(20):  # a pool of one gateway has fifteen
            await socket.subscribe("query", "{ findings { totalCount } }")
            await _collect(socket, "query")

    assert len(seen) == 20
