"""The runs of a cron expression as moments in time, by the clock of a time zone.

croniter steps through the clock's hands alone, without a zone: it gives a time that comes twice
twice, and nothing can be said about how it treats a gap in the next version. What the hands mean
is decided here:

- a time the clock skips in spring is run at the first minute that exists, once;
- a time that comes twice in autumn is run the first time only, except by a schedule of every
  hour, which counts elapsed hours and goes on through both.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter

from services.errors import InvalidInput
from services.schedules.cron_expression import CronExpression, parse_cron

_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
_MACHINES_OWN = frozenset({"localtime", "posixrules", "Factory"})
"""Files among the zones that mean something else on every machine, or nothing."""
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)
_WINDOWS = tuple(timedelta(days=days) for days in (1, 32, 366, 366 * 9))
"""How far back to look for the run before a moment; leap days may be eight years apart."""


def get_zone(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises InvalidInput for an unknown one."""
    if _ZONE_NAME.fullmatch(name) and name not in _MACHINES_OWN:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
            pass
    raise InvalidInput(
        "timezone must be an IANA time zone such as Europe/Rome or UTC", field="timezone"
    )


def next_runs(text: str, zone: str, after: datetime, count: int) -> tuple[datetime, ...]:
    """The first ``count`` runs later than ``after``, ascending, in UTC, whole minutes.

    ``after`` is aware. Raises InvalidCron and InvalidInput.
    """
    return _next_runs(text, zone, after.astimezone(UTC), count)


@lru_cache(maxsize=4096)
def _next_runs(text: str, zone: str, after: datetime, count: int) -> tuple[datetime, ...]:
    return tuple(islice(_runs(parse_cron(text), get_zone(zone), after), count))


def latest_run(text: str, zone: str, *, since: datetime, until: datetime) -> datetime | None:
    """The last run in the closed interval, or None. Costs the same after an outage of a year."""
    expression, place = parse_cron(text), get_zone(zone)
    for window in _WINDOWS:
        start = max(since, until - window)
        runs = _runs(expression, place, start - _INSTANT)
        latest = max(takewhile(lambda run: run <= until, runs), default=None)
        if latest is not None or start == since:
            return latest
    return None


def _runs(expression: CronExpression, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every run later than ``after``, ascending, each once."""
    hands = after.astimezone(zone).replace(tzinfo=None)
    if expression.is_every_hour:
        # On the first pass through a repeated hour, earlier times will come again.
        hands -= _repeated(zone, after)
    clock = croniter(expression.canonical, hands, ret_type=datetime)
    waiting: list[datetime] = []
    previous = after
    while True:
        moments = _moments(clock.get_next(), zone, both=expression.is_every_hour)
        for moment in moments:
            heappush(waiting, moment)
        # Nothing that comes later can be before the first moment of these hands.
        while waiting and waiting[0] <= moments[0]:
            run = heappop(waiting)
            if run > previous:
                previous = run
                yield run


def _repeated(zone: ZoneInfo, moment: datetime) -> timedelta:
    """How far the clock goes back around this moment; zero on all days but one."""
    before, later = ((moment + shift).astimezone(zone).utcoffset() for shift in (-_DAY, _DAY))
    assert before is not None and later is not None  # noqa: S101, PT018 - zones have offsets
    return max(before - later, timedelta())


def _moments(hands: datetime, zone: ZoneInfo, *, both: bool) -> list[datetime]:
    """When the clock shows these hands: once, or twice if ``both`` are asked for and it does.

    Hands that the clock skips are the first minute after the gap.
    """
    first, second = (hands.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first < second:
        return [first, second] if both else [first]
    if first > second:  # a gap: fold 1 reads the hands by the new offset, fold 0 by the old
        return [_end_of_gap(zone, second, first)]
    return [first]


def _end_of_gap(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The moment between the two at which the zone's offset changes, up to the full minute."""
    new = after.astimezone(zone).utcoffset()
    low, high = 0, (after - before) // _MINUTE
    while high - low > 1:
        middle = (low + high) // 2
        if (before + middle * _MINUTE).astimezone(zone).utcoffset() == new:
            high = middle
        else:
            low = middle
    return before + high * _MINUTE
