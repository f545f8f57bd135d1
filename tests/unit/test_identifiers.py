"""UUIDv7: right bits, and in the order of time."""

import time
from uuid import RFC_4122

from services.identifiers import uuid7


def test_an_id_says_that_it_is_version_7() -> None:
    value = uuid7()

    assert value.version == 7
    assert value.variant == RFC_4122


def test_an_id_holds_the_time_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7().int >> 80
    after = time.time_ns() // 1_000_000

    assert before <= made <= after


def test_ids_are_not_repeated() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000
