"""Events: said once by whoever, heard by every listener of that organization and by no other."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from services.events import LOST, Event, EventHub, EventPublisher, Subscription
from services.identifiers import uuid7
from services.resources import Resources
from services.settings import Settings

_PATIENCE_S = 20.0
_HERE, _ELSEWHERE = uuid7(), uuid7()


@pytest.fixture
async def hub(settings: Settings) -> AsyncGenerator[EventHub]:
    hub = EventHub(settings.redis_url)
    yield hub
    await hub.close()


async def test_every_listener_of_the_organization_hears_it_and_nobody_else(
    hub: EventHub, resources: Resources
) -> None:
    publisher = EventPublisher(resources.redis)
    async with (
        hub.subscribe(_HERE) as one,
        hub.subscribe(_HERE) as other,
        hub.subscribe(_ELSEWHERE) as stranger,
    ):
        for each in (one, other, stranger):
            assert (await _next(each)).kind == LOST

        said = Event(_HERE, "scan.progress", uuid7(), {"progress": 5})
        await publisher.publish(said)
        await publisher.publish(Event(_ELSEWHERE, "scan.progress", uuid7()))

        assert await _next(one) == said
        assert await _next(other) == said
        assert (await _next(stranger)).organization_id == _ELSEWHERE
        assert await one.next(0) is None


async def test_a_connection_that_broke_is_made_anew_and_listeners_look_again(
    hub: EventHub, resources: Resources
) -> None:
    publisher = EventPublisher(resources.redis)
    async with hub.subscribe(_HERE) as listener:
        assert (await _next(listener)).kind == LOST

        await resources.redis.execute_command("CLIENT KILL TYPE pubsub")  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py

        assert (await _next(listener)).kind == LOST
        await publisher.publish(Event(_HERE, "scan.completed", uuid7()))
        assert (await _next(listener)).kind == "scan.completed"


async def test_what_is_none_of_ours_is_passed_over(hub: EventHub, resources: Resources) -> None:
    async with hub.subscribe(_HERE) as listener:
        assert (await _next(listener)).kind == LOST
        for name, text in (
            (f"nis2:events:{_HERE}", "no json"),
            (f"nis2:events:{_HERE}", "[]"),
            (f"nis2:events:{_HERE}", '{"kind": "x"}'),
            ("nis2:events:nobody", '{"kind": "x"}'),
        ):
            await resources.redis.publish(name, text)  # pyright: ignore[reportUnknownMemberType] - as above

        said = Event(_HERE, "finding.changed", uuid7())
        await EventPublisher(resources.redis).publish(said)

        assert await _next(listener) == said


async def test_a_slow_listener_keeps_the_last_state_of_each_thing() -> None:
    slow = Subscription(_HERE)
    one, other = uuid7(), uuid7()

    for percent in range(100):
        slow.put(Event(_HERE, "scan.progress", one, {"progress": percent}))
        slow.put(Event(_HERE, "scan.progress", other, {"progress": percent}))

    assert [(await _next(slow)).data for _ in range(2)] == [{"progress": 99}] * 2
    assert await slow.next(0) is None


async def test_what_a_listener_cannot_hold_is_forgotten_and_said_to_be() -> None:
    slow = Subscription(_HERE)

    for _ in range(1000):
        slow.put(Event(_HERE, "finding.changed", uuid7()))

    kinds: list[str] = []
    while (event := await slow.next(0)) is not None:
        kinds.append(event.kind)
    assert kinds[0] == LOST
    assert len(kinds) <= 257


async def _next(subscription: Subscription) -> Event:
    async with asyncio.timeout(_PATIENCE_S):
        event = await subscription.next(_PATIENCE_S)
    assert event is not None
    return event
