"""A scan to work on."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from tests.members import Member

StartScan = Callable[..., Awaitable[UUID]]


@pytest.fixture
def start_scan(client: AsyncClient, admin: Member) -> StartScan:
    """Create assets for the targets, and a pending scan of them."""
    known: dict[str, str] = {}

    async def start(*targets: str) -> UUID:
        for target in targets:
            if target not in known:
                created = await client.post(
                    "/api/v1/assets", json={"target_value": target}, headers=admin.headers
                )
                assert created.status_code == 201, created.text
                known[target] = created.json()["id"]
        scan = await client.post(
            "/api/v1/scans",
            json={"name": "test", "asset_ids": [known[target] for target in targets]},
            headers=admin.headers,
        )
        assert scan.status_code == 201, scan.text
        return UUID(scan.json()["id"])

    return start
