"""What is maintained is what a recount of the rows gives, whatever happened and whoever raced."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services import findings
from services.errors import ServiceError
from services.findings import FindingFilter
from services.resources import Resources
from tests.members import Member
from tests.services.findings.laboratory import Laboratory

_settings = settings(
    deadline=None,
    derandomize=True,
    # Each example has an organization of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# A date is no part of the counts: this filter makes the same numbers by counting rows.
_EVERYTHING = FindingFilter(first_seen_from=datetime(2000, 1, 1, tzinfo=UTC))
_operations = st.lists(st.integers(0, 8), min_size=1, max_size=15)


@settings(_settings, max_examples=15)
@given(st.integers(0, 2**32), _operations)
async def test_counts_equal_a_recount_after_any_sequence(
    resources: Resources, admin: Member, seed: int, operations: list[int]
) -> None:
    laboratory = await Laboratory.found(resources, admin, seed)

    await laboratory.scan()
    for number in operations:
        await laboratory.operations()[number]()
        assert await laboratory.maintained() == await laboratory.counted()
    async with resources.database.read(laboratory.member.scope) as session:
        kept = await findings.finding_stats(session, laboratory.actor, FindingFilter())
        counted = await findings.finding_stats(session, laboratory.actor, _EVERYTHING)
    assert kept == counted


@settings(_settings, max_examples=8)
@given(st.integers(0, 2**32), st.lists(_operations, min_size=2, max_size=4))
async def test_counts_equal_a_recount_after_sequences_at_once(
    resources: Resources, admin: Member, seed: int, sequences: list[list[int]]
) -> None:
    laboratory = await Laboratory.found(resources, admin, seed)
    await laboratory.scan()
    await laboratory.scan()

    async def act(numbers: list[int]) -> None:
        for number in numbers:
            with suppress(ServiceError):  # somebody else was faster: an asset is there, or gone
                await laboratory.operations()[number]()

    async with asyncio.TaskGroup() as group:
        for numbers in sequences:
            group.create_task(act(numbers))

    assert await laboratory.maintained() == await laboratory.counted()
