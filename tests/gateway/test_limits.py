"""What the gateway answers before any route is asked: limits, CORS, HEAD and OPTIONS."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from arq.connections import ArqRedis
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from services.audit import append_entries
from services.database import Database
from services.events import EventPublisher
from services.queue import ArqQueue
from services.resources import Resources
from services.settings import Settings
from tests.members import Member

_ORIGIN = "https://app.example.org"
_LOGIN = {"email": "nobody@example.org", "password": "wrong password"}


@asynccontextmanager
async def _gateway(
    settings: Settings, resources: Resources, *, address: str = "192.0.2.7"
) -> AsyncGenerator[AsyncClient]:
    """A gateway with settings of its own, asked from an address."""
    app = create_app(settings, resources)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = dict(state or {})
            await app(scope, receive, send)

        transport = ASGITransport(app=with_state, client=(address, 50_000))
        async with AsyncClient(transport=transport, base_url="http://testserver") as client:
            yield client


@pytest.fixture
def narrow(settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "rate_limit_per_user": 5,
            "rate_limit_per_address": 8,
            "rate_limit_sign_in": 3,
            "cors_origins": (_ORIGIN,),
        }
    )


async def test_a_user_who_asks_too_often_is_told_when_to_come_back(
    narrow: Settings, resources: Resources, admin: Member
) -> None:
    async with _gateway(narrow, resources) as client:
        answers = [await client.get("/api/v1/auth/me", headers=admin.headers) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    remaining = [answer.headers["RateLimit-Remaining"] for answer in answers]
    assert remaining == ["4", "3", "2", "1", "0", "0"]
    refused = answers[-1]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Limit"] == "5"
    assert (refused.json()["code"], type(refused.json()["detail"])) == ("rate_limited", str)


async def test_an_address_is_counted_also_when_its_token_is_wrong(
    narrow: Settings, resources: Resources
) -> None:
    headers = {"Authorization": "Bearer wrong"}
    async with _gateway(narrow, resources) as client:
        statuses = [
            (await client.get("/api/v1/scans", headers=headers)).status_code for _ in range(9)
        ]
    async with _gateway(narrow, resources, address="192.0.2.8") as neighbour:
        other = await neighbour.get("/api/v1/scans", headers=headers)

    assert statuses == [401] * 8 + [429]
    assert other.status_code == 401


async def test_one_household_of_ipv6_counts_as_one(narrow: Settings, resources: Resources) -> None:
    statuses: list[int] = []
    for number in range(1, 6):
        async with _gateway(narrow, resources, address=f"2001:db8::{number}") as client:
            statuses.append((await client.post("/api/v1/auth/login", json=_LOGIN)).status_code)

    assert statuses == [401] * 3 + [429] * 2


async def test_liveness_is_never_refused(narrow: Settings, resources: Resources) -> None:
    async with _gateway(narrow, resources) as client:
        statuses = {(await client.get("/api/v1/health")).status_code for _ in range(20)}

    assert statuses == {200}


async def test_limits_can_be_switched_off(narrow: Settings, resources: Resources) -> None:
    off = narrow.model_copy(update={"rate_limits": "off"})
    async with _gateway(off, resources) as client:
        answers = [await client.post("/api/v1/auth/login", json=_LOGIN) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {401}
    assert "RateLimit-Limit" not in answers[0].headers


async def test_without_redis_requests_pass_but_sign_in_is_counted_here(
    narrow: Settings, resources: Resources, admin: Member
) -> None:
    """Nobody listens on port 1 of loopback."""
    away = ArqRedis(host="127.0.0.1", port=1)
    async with _gateway(narrow, replace(resources, redis=away)) as client:
        reading = [await client.get("/api/v1/auth/me", headers=admin.headers) for _ in range(12)]
        signing_in = [await client.post("/api/v1/auth/login", json=_LOGIN) for _ in range(4)]
    await away.aclose()

    assert {answer.status_code for answer in reading} == {200}
    assert [answer.status_code for answer in signing_in] == [401, 401, 401, 429]


async def test_a_listed_origin_may_call_and_sees_our_headers(
    narrow: Settings, resources: Resources
) -> None:
    async with _gateway(narrow, resources) as client:
        preflight = await client.options(
            "/api/v1/scans",
            headers={
                "Origin": _ORIGIN,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,idempotency-key",
            },
        )
        refused = await client.get("/api/v1/scans", headers={"Origin": _ORIGIN})

    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == _ORIGIN
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == _ORIGIN
    exposed = refused.headers["Access-Control-Expose-Headers"]
    assert {"ETag", "Retry-After", "X-Request-Id"} <= set(exposed.split(", "))


async def test_another_origin_is_refused_in_json(narrow: Settings, resources: Resources) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with _gateway(narrow, resources) as client:
        preflight = await client.options("/api/v1/scans", headers=headers)
        simple = await client.get("/api/v1/health", headers={"Origin": "https://evil.example"})

    assert preflight.status_code == 400
    assert isinstance(preflight.json()["detail"], str)
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert "Access-Control-Allow-Origin" not in simple.headers


async def test_head_is_get_without_a_body(client: AsyncClient, admin: Member) -> None:
    for path in ("/api/v1/health", "/api/v1/assets", "/api/v1/auth/me", "/docs", "/"):
        get = await client.get(path, headers=admin.headers)
        head = await client.head(path, headers=admin.headers)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["Content-Length"] == get.headers["Content-Length"], path
        assert head.headers["Content-Type"] == get.headers["Content-Type"], path


async def test_options_names_the_methods_of_a_path(client: AsyncClient) -> None:
    response = await client.options("/api/v1/assets")

    assert response.status_code == 204
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/health?" + "a" * 9000, {}, 414),
        ("/api/v1/health", {"X-Long": "a" * 40_000}, 431),
        ("/api/v1/health", {f"X-{number}": "a" for number in range(120)}, 431),
    ],
)
async def test_an_address_or_a_header_that_is_too_long_is_refused(
    client: AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    response = await client.get(path, headers=headers)

    assert response.status_code == status
    assert isinstance(response.json()["detail"], str)


async def test_a_database_that_is_away_is_503_with_the_id_of_the_request(
    settings: Settings, resources: Resources, admin: Member
) -> None:
    """Nobody listens on port 1 of loopback; the token is read before the database is asked."""
    nowhere = f"postgresql+asyncpg://nobody:{secrets.token_hex(4)}@127.0.0.1:1/none"
    async with _broken(resources, nowhere) as broken, _gateway(settings, broken) as client:
        response = await client.get("/api/v1/assets", headers=admin.headers)

    assert (response.status_code, response.json()["code"]) == (503, "database_away")
    assert response.json()["request_id"] == response.headers["X-Request-Id"]


@asynccontextmanager
async def _broken(resources: Resources, url: str) -> AsyncGenerator[Resources]:
    engine = create_async_engine(url)
    redis = resources.redis
    database = Database(engine, ArqQueue(redis).put, EventPublisher(redis).publish, append_entries)
    yield replace(resources, database=database)
    await engine.dispose()
