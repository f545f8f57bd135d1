"""GraphQL over HTTP: methods, media types, statuses, and bodies that are none."""

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send

from graphql_schema.app import GraphqlOptions, graphql_app
from services.actor import Caller
from services.resources import Resources
from tests.members import Member

_NEWER = "application/graphql-response+json"
_QUERY = b'{"query": "{ me { id } }"}'


async def _post(
    client: AsyncClient,
    member: Member,
    body: bytes,
    *,
    accept: str = "*/*",
    content_type: str = "application/json",
) -> tuple[int, str, dict[str, object]]:
    response = await client.post(
        "/graphql",
        content=body,
        headers={**member.headers, "Accept": accept, "Content-Type": content_type},
    )
    return response.status_code, response.headers["content-type"], response.json()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"1",
        b'"x"',
        b"true",
        b"[]",
        b"[1, 2]",
        b'[{"query": "{ me { id } }"}]',
        b"{}",
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": ""}',
        b'{"query": "  "}',
        b'{"query": "{ me { id } }", "variables": 1}',
        b'{"query": "{ me { id } }", "variables": []}',
        b'{"query": "{ me { id } }", "operationName": 1}',
        b'{"query": "{ me { id } }", "extensions": "x"}',
        b'{"query": "{ me { id } }"',
        b'{"query": "\xff\xfe"}',
        b'{"query": "\\ud800"}',
        b"\x00",
        b'{"query": "{ me { id } }", "variables": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
        b"[" * 200_000,
        b'{"a":' * 40_000,
    ],
)
async def test_a_malformed_body_is_a_400_with_an_error(
    client: AsyncClient, admin: Member, body: bytes
) -> None:
    status, media_type, answer = await _post(client, admin, body)

    assert (status, media_type) == (400, "application/json")
    assert "data" not in answer
    assert answer["errors"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/json", "application/json"),
        (_NEWER, f"{_NEWER}; charset=utf-8"),
        (f"{_NEWER}, application/json;q=0.9", f"{_NEWER}; charset=utf-8"),
        (f"{_NEWER};q=0.5, application/json", "application/json"),
        (f"{_NEWER};q=0, */*", "application/json"),
        (f"{_NEWER};q=x", "application/json"),
    ],
)
async def test_the_media_type_is_the_one_asked_for(
    client: AsyncClient, admin: Member, accept: str, expected: str
) -> None:
    status, media_type, answer = await _post(client, admin, _QUERY, accept=accept)

    assert (status, media_type) == (200, expected)
    assert "errors" not in answer


@pytest.mark.parametrize(
    "query",
    ["{", "{ nothing }", "query ($a: Int!) { scans(first: $a) { nodes { id } } }"],
)
async def test_a_request_at_fault_is_400_for_the_newer_media_type_only(
    client: AsyncClient, admin: Member, query: str
) -> None:
    body = b'{"query": "' + query.encode() + b'"}'

    older = await _post(client, admin, body)
    newer = await _post(client, admin, body, accept=_NEWER)

    assert (older[0], newer[0]) == (200, 400)
    assert "data" not in older[2]
    assert older[2] == newer[2]


async def test_a_field_at_fault_is_200_with_data(client: AsyncClient, admin: Member) -> None:
    status, _, answer = await _post(
        client, admin, b'{"query": "{ asset(id: \\"x\\") { id } me { email } }"}', accept=_NEWER
    )

    assert status == 200
    assert answer["data"] == {"asset": None, "me": {"email": admin.email}}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
    ],
)
async def test_any_other_content_type_is_415(
    client: AsyncClient, admin: Member, content_type: str
) -> None:
    status, _, answer = await _post(client, admin, _QUERY, content_type=content_type)

    assert status == 415
    assert answer["errors"]


async def test_a_body_beyond_the_limit_is_413(client: AsyncClient, admin: Member) -> None:
    status, _, _ = await _post(client, admin, b'{"query": "' + b" " * 300_000 + b'"}')

    assert status == 413


async def test_a_query_may_come_by_get_and_a_mutation_may_not(
    client: AsyncClient, admin: Member
) -> None:
    async def get(**parameters: str) -> tuple[int, str | None]:
        response = await client.get("/graphql", params=parameters, headers=admin.headers)
        return response.status_code, response.headers.get("allow")

    query = "query Me($with: Boolean!) { me { id @include(if: $with) } }"
    assert await get(query=query, variables='{"with": true}', operationName="Me") == (200, None)
    assert await get(query='mutation { deleteScan(input: {id: "x"}) { deletedScanId } }') == (
        405,
        "POST",
    )
    assert await get(query=query, variables="[") == (400, None)
    assert await get(variables="{}") == (400, None)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_405(client: AsyncClient, admin: Member, method: str) -> None:
    response = await client.request(method, "/graphql", headers=admin.headers)

    assert response.status_code == 405


async def test_a_stranger_is_401_before_the_body_is_read(client: AsyncClient) -> None:
    response = await client.post("/graphql", content=b"{" * 100_000)
    by_get = await client.get("/graphql", params={"query": "{ me { id } }"})

    assert (response.status_code, by_get.status_code) == (401, 401)
    assert response.headers["www-authenticate"] == by_get.headers["www-authenticate"] == "Bearer"


async def test_an_operation_of_an_unknown_name_is_400(client: AsyncClient, admin: Member) -> None:
    status, _, _ = await _post(
        client, admin, b'{"query": "query A { me { id } }", "operationName": "B"}'
    )

    assert status == 400


async def test_a_subscription_is_refused(client: AsyncClient, admin: Member) -> None:
    _, _, answer = await _post(client, admin, b'{"query": "subscription { x }"}', accept=_NEWER)

    assert answer["errors"]


async def test_an_operation_past_its_time_is_504_and_gives_its_session_back(
    resources: Resources, admin: Member
) -> None:
    """The table is locked by somebody else for longer than the operation may wait."""
    app = graphql_app(GraphqlOptions(time_limit_s=0.2))

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        caller = Caller(admin.user_id, admin.organization_id, admin.actor)
        await app({**scope, "state": {"resources": resources, "caller": caller}}, receive, send)

    async with (
        AsyncClient(transport=ASGITransport(app=with_state), base_url="http://test") as client,
        resources.database.transaction(admin.scope) as work,
    ):
        await (await work.session.connection()).exec_driver_sql(
            "lock table assets in access exclusive mode"
        )
        response = await client.post("/graphql", json={"query": "{ assets { totalCount } }"})

    assert response.status_code == 504
    assert response.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert "Checked out connections: 0" in resources.database.engine.pool.status()
