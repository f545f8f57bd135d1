"""What tests of schedules ask of the REST door."""

from typing import Any

from httpx2 import AsyncClient
from sqlalchemy import update

from services.resources import Resources
from services.schedules import Schedule
from tests.members import Member

URL = "/api/v1/schedules"


async def create_asset(client: AsyncClient, member: Member, target: str = "example.org") -> str:
    response = await client.post(
        "/api/v1/assets", json={"target_value": target}, headers=member.headers
    )
    return response.json()["id"]


async def create_schedule(
    client: AsyncClient, member: Member, **body: object
) -> dict[str, Any]:  # Any: a JSON object
    """A schedule of each night, of one asset of its own, but for what the body says."""
    if "asset_ids" not in body:
        body["asset_ids"] = [await create_asset(client, member)]
    body = {"name": "Nightly", "cron_expression": "30 2 * * *", **body}
    response = await client.post(URL, json=body, headers=member.headers)
    assert response.status_code == 201, response.text
    return response.json()


async def list_schedules(
    client: AsyncClient, member: Member
) -> list[dict[str, Any]]:  # Any: JSON objects
    response = await client.get(URL, headers=member.headers)
    assert response.status_code == 200
    return response.json()


async def set_columns(resources: Resources, member: Member, **values: object) -> None:
    """Change what only time can change, in every schedule of the member's organization."""
    async with resources.database.transaction(member.scope) as work:
        await work.session.execute(
            update(Schedule)
            .where(Schedule.organization_id == member.organization_id)
            .values(**values)
        )
