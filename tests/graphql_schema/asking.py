"""Asking the GraphQL door, and counting what the database is asked for it."""

from typing import Any

from httpx2 import AsyncClient, Response

from services.scanner.check import CheckResult, Verdict
from services.scanner.target import parse_target
from tests.members import Member
from tests.scanners import at

Answer = dict[str, Any]  # Any: a JSON object


async def post(
    client: AsyncClient,
    member: Member,
    query: str,
    headers: dict[str, str] | None = None,
    **variables: Any,  # noqa: ANN401 - JSON values
) -> Response:
    return await client.post(
        "/graphql",
        json={"query": query, "variables": variables},
        headers={**member.headers, **(headers or {})},
    )


async def ask(
    client: AsyncClient,
    member: Member,
    query: str,
    **variables: Any,  # noqa: ANN401 - JSON values
) -> Answer:
    """The data of an answer without errors."""
    body = (await post(client, member, query, **variables)).json()
    assert "errors" not in body, body["errors"]
    return body["data"]


async def refusal(
    client: AsyncClient,
    member: Member,
    query: str,
    **variables: Any,  # noqa: ANN401 - JSON values
) -> Answer:
    """The first top-level error: its message, path and extensions."""
    body = (await post(client, member, query, **variables)).json()
    return body["errors"][0]


def problems(count: int, *, host: str = "example.org", first_port: int = 1000) -> list[CheckResult]:
    """That many problems of one check, each at a port of its own."""
    target = parse_target(host)
    return [
        at(target, "tls.protocol.tls10", Verdict.failed("TLS 1.0"), port=first_port + n)
        for n in range(count)
    ]


async def create_asset(client: AsyncClient, member: Member, value: str = "example.org") -> str:
    """The id of a new asset."""
    data = await ask(
        client,
        member,
        """mutation ($value: String!) { createAsset(input: {targetValue: $value}) {
          asset { id } errors { message } } }""",
        value=value,
    )
    return data["createAsset"]["asset"]["id"]


async def start_scan(client: AsyncClient, member: Member, *asset_ids: str) -> str:
    """The id of a new scan of these assets."""
    data = await ask(
        client,
        member,
        """mutation ($assets: [ID!]!) { createScan(input: {assetIds: $assets, name: "First"}) {
          scan { id status name } errors { message } } }""",
        assets=list(asset_ids),
    )
    return data["createScan"]["scan"]["id"]
