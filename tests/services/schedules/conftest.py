"""A schedule in the database, and the clock in the test's hand."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from services.resources import Resources
from services.schedules import ScheduleRequest, create_schedule
from services.schedules.models import Schedule
from tests.members import Member

MakeSchedule = Callable[..., Awaitable[UUID]]


@pytest.fixture
def make_schedule(client: AsyncClient, resources: Resources, admin: Member) -> MakeSchedule:
    """``make_schedule(first_slot, expression, **columns)``: due first at ``first_slot``."""
    asset_ids: list[UUID] = []

    async def make(first: datetime, expression: str = "@daily", **columns: Any) -> UUID:  # noqa: ANN401 - column values
        if not asset_ids:
            asset = await client.post(
                "/api/v1/assets", json={"target_value": "example.org"}, headers=admin.headers
            )
            asset_ids.append(UUID(asset.json()["id"]))
        request = ScheduleRequest(
            name="Nightly",
            cron_expression=expression,
            asset_ids=asset_ids,
            timezone=columns.pop("timezone", "UTC"),
        )
        async with resources.database.transaction(admin.scope) as work:
            view = await create_schedule(work, admin.actor, request)
            for column, value in {"next_run_at": first, **columns}.items():
                assert hasattr(Schedule, column)
                setattr(view.schedule, column, value)
        return view.schedule.id

    return make
