"""Which suites a name gets, and answers of third parties that are kept."""

import asyncio

import pytest

from services.scanner.kept import Kept
from services.scanner.name_scan import suites_of_name
from services.scanner.profile import Features, Profile, ScanType

ALL = {"dns", "mail", "mail transport", "registration"}


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (Profile(ScanType.FULL), ALL),
        (Profile(ScanType.QUICK), {"dns", "mail"}),
        (Profile(ScanType.CUSTOM, Features(whois_checks=False)), ALL - {"registration"}),
        (Profile(ScanType.CUSTOM, Features(dns_checks=False)), {"registration"}),
        (Profile(ScanType.CUSTOM, Features(dns_checks=False, whois_checks=False)), set[str]()),
    ],
)
def test_the_profile_says_what_is_looked_at_by_name(profile: Profile, expected: set[str]) -> None:
    assert {about.suite.name for about in suites_of_name(profile)} == expected


class Counter:
    """Answers with how often it was asked, after a turn of the loop."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        return self.asked


async def test_who_asks_at_the_same_time_gets_the_same_answer() -> None:
    kept, counter = Kept[str, int](10), Counter()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(kept.get("a", counter, lambda _: 60.0)) for _ in range(5)]

    assert {task.result() for task in tasks} == {1}


async def test_an_answer_past_its_time_is_asked_for_again() -> None:
    kept, counter = Kept[str, int](10), Counter()

    answers = [await kept.get("a", counter, lambda _: 0.0) for _ in range(2)]

    assert answers == [1, 2]


async def test_the_least_recently_used_goes_first() -> None:
    kept, counter = Kept[str, int](2), Counter()

    for key in "abac":
        await kept.get(key, counter, lambda _: 60.0)

    assert await kept.get("a", counter, lambda _: 60.0) == 1
    assert await kept.get("b", counter, lambda _: 60.0) == 4


async def test_a_failure_is_not_kept() -> None:
    kept, counter = Kept[str, int](2), Counter()

    async def fail() -> int:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - nothing else could raise it
        await kept.get("a", fail, lambda _: 60.0)

    assert await kept.get("a", counter, lambda _: 60.0) == 1
