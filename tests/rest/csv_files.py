"""CSV files of a test, sent and fetched through the REST door."""

from typing import Any

from httpx2 import AsyncClient, Response

from tests.members import Member

Json = dict[str, Any]  # Any: a JSON object


async def send(
    client: AsyncClient,
    member: Member,
    content: bytes | str,
    *,
    name: str = "assets.csv",
    **options: str,
) -> Response:
    """The answer to an import; the options go as fields of the form."""
    return await client.post(
        "/api/v1/assets/import",
        files={"file": (name, content.encode() if isinstance(content, str) else content)},
        data=options,
        headers=member.headers,
    )


async def imported(
    client: AsyncClient, member: Member, content: bytes | str, **options: str
) -> Json:
    """The report of an import that was taken."""
    response = await send(client, member, content, **options)
    assert response.status_code == 201, response.text
    return response.json()


async def exported(client: AsyncClient, member: Member, query: str = "") -> bytes:
    response = await client.get(f"/api/v1/assets/export?{query}", headers=member.headers)
    assert response.status_code == 200, response.text
    return response.content


async def watched(client: AsyncClient, member: Member) -> list[Json]:
    """All assets of an organization, at most a hundred, oldest first."""
    response = await client.get(
        "/api/v1/assets?page_size=100&sort=created_at", headers=member.headers
    )
    return response.json()["items"]


def counts(report: Json) -> tuple[int, int, int, int]:
    """Created, updated, skipped, failed."""
    return (report["created"], report["updated"], report["skipped"], report["failed"])
