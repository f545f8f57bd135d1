"""A simulated year of the platform: ticks that are late, clocks that differ, hours of downtime."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from services.schedules import next_runs

START = datetime(2027, 1, 1, tzinfo=UTC)
END = datetime(2028, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Outages:
    """When no worker ran at all: half-open intervals, in order."""

    spans: tuple[tuple[datetime, datetime], ...]

    @classmethod
    def random(cls, random: Random, count: int) -> "Outages":
        """From a minute to ten days, more of the short ones; they may overlap."""
        spans: list[tuple[datetime, datetime]] = []
        for _ in range(count):
            begin = START + MINUTE * random.randrange(365 * 24 * 60)
            spans.append((begin, begin + MINUTE * int(10 ** random.uniform(0, 4.16))))
        return cls(tuple(sorted(spans)))

    def over(self, moment: datetime) -> datetime:
        """The moment itself, or the end of the outage it is in."""
        for begin, end in self.spans:
            if begin <= moment < end:
                moment = end
        return moment


def moments_to_tick(next_slots: list[datetime], previous: datetime, skew: timedelta) -> datetime:
    """The next moment at which a tick has something to decide, by the fastest clock."""
    return max(previous + MINUTE, min(next_slots) - skew)


def all_slots(expression: str, zone: str) -> list[datetime]:
    return list(_slots(expression, zone))


def _slots(expression: str, zone: str) -> Iterator[datetime]:
    moment = START
    while True:
        for slot in next_runs(expression, zone, moment, 200):
            if slot > END:
                return
            yield slot
            moment = slot


def slots_covered(slots: list[datetime], entries: list[tuple[datetime, datetime]]) -> list[int]:
    """How often each slot is in one of the entries, which are closed intervals."""
    return [sum(first <= slot <= last for first, last in entries) for slot in slots]
