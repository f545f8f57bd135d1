"""What every request gets, whichever route it asks for."""

import pytest
from httpx2 import AsyncClient

from tests.members import Member


async def test_liveness_is_exactly_what_the_contract_says(client: AsyncClient) -> None:
    response = await client.get("/api/v1/health")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_readiness_names_its_parts(client: AsyncClient) -> None:
    response = await client.get("/api/v1/health/ready")

    assert response.status_code == 200
    assert response.json() == {
        "status": "degraded",
        "checks": {"database": "ok", "redis": "ok", "migrations": "ok", "worker": "error"},
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/nowhere", 404),
        ("PUT", "/api/v1/assets", 405),
        ("DELETE", "/api/v1/health", 405),
    ],
)
async def test_every_error_is_json_with_a_sentence(
    client: AsyncClient, admin: Member, method: str, path: str, status: int
) -> None:
    """IN-1."""
    response = await client.request(method, path, headers=admin.headers)

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert isinstance(response.json()["detail"], str)


async def test_a_405_names_every_method_of_the_path(client: AsyncClient, admin: Member) -> None:
    response = await client.put("/api/v1/assets", headers=admin.headers)

    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"1e999",
        b'{"email": NaN}',
        b'{"email": Infinity, "password": 1e999}',
        b'{"email": "\xff"}',
        b'{"email": "\\ud800", "password": "12345678"}',
        b'{"email": ' + b"1" * 5000 + b"}",
        b"[" * 100_000,
    ],
)
async def test_a_malformed_body_is_422_and_never_500(client: AsyncClient, body: bytes) -> None:
    """IN-1, IN-4: NaN, lone surrogates and endless numbers too."""
    response = await client.post(
        "/api/v1/auth/login", content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code in {400, 401, 422}, response.text
    assert isinstance(response.json()["detail"], str)


async def test_a_body_that_is_too_large_is_413(client: AsyncClient) -> None:
    response = await client.post(
        "/api/v1/auth/login",
        content=b"x" * 1_100_000,
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 413
    assert isinstance(response.json()["detail"], str)


async def test_an_id_of_the_request_comes_back(client: AsyncClient) -> None:
    given = await client.get("/api/v1/health", headers={"X-Request-Id": "my-id.1"})
    made = await client.get("/api/v1/health", headers={"X-Request-Id": "not an id\t"})

    assert given.headers["X-Request-Id"] == "my-id.1"
    assert len(made.headers["X-Request-Id"]) == 36


async def test_operation_ids_are_unique_and_readable(client: AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    ids = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]

    assert len(ids) == len(set(ids))
    assert "create_scan" in ids
