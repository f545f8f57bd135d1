"""When a schedule is due, as people write it: five cron fields or one of four names.

croniter accepts more than anybody means: seconds and years, random minutes (``R``), hashes (``H``),
reversed ranges that wrap, and ``59-59/1`` as "every minute". So the grammar is our own and strict,
and what croniter gets to step through is rendered from the values alone: digits, commas, stars.

Grammar of a field: a list of ``*``, ``*/n``, ``a``, ``a-b`` or ``a-b/n``, commas between; months
and weekdays also by their English names of three letters. 0 and 7 are both Sunday. Day of month and
weekday both restricted: either is enough (POSIX crontab). A field that lists every value it
could is the same as ``*``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from services.errors import InvalidRequest

MAX_LENGTH = 100
MIN_INTERVAL = timedelta(minutes=15)

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_HOURS_OF_A_DAY = 24
_SUNDAY = 7
"""Its second number, and its only one at the end of a range: ``FRI-SUN`` is 5-7."""
# re.ASCII everywhere: croniter and cron know no other digits and no other blanks.
_PART = re.compile(
    r"(?P<star>\*)(?:/(?P<every>[0-9]{1,4}))?"
    r"|(?P<first>[a-z]{3}|[0-9]{1,4})(?:-(?P<last>[a-z]{3}|[0-9]{1,4})(?:/(?P<step>[0-9]{1,4}))?)?",
    re.ASCII,
)
_BLANKS = re.compile(r"[ \t]+", re.ASCII)
# Leap day included, and the pairs 28 Feb-1 Mar and 29 Feb-1 Mar: all a date pattern can meet.
_FIRST_DAY, _DAYS = date(2027, 12, 31), 4 * 366


class InvalidCron(InvalidRequest):
    """The expression is no schedule we keep; the message names the field."""

    default_code = "invalid_cron"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    """The first one stands for ``lowest``."""

    @property
    def everything(self) -> frozenset[int]:
        return frozenset(range(self.lowest, self.highest + 1))


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("weekday", 0, 6, _WEEKDAYS)
_FIELDS = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


@dataclass(frozen=True, slots=True)
class CronExpression:
    """The values of each field, parsed."""

    text: str
    """As it was written, blanks tidied."""
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 Sunday to 6 Saturday."""

    @property
    def is_every_hour(self) -> bool:
        """Such a schedule counts elapsed hours; any other one means hours of the clock."""
        return len(self.hours) == _HOURS_OF_A_DAY

    @property
    def canonical(self) -> str:
        """The same schedule in digits, commas and stars alone: what croniter steps through."""
        values = (self.minutes, self.hours, self.days, self.months, self.weekdays)
        return " ".join(
            "*" if given == field.everything else ",".join(map(str, sorted(given)))
            for field, given in zip(_FIELDS, values, strict=True)
        )

    def falls_on(self, day: date) -> bool:
        """Whether it is due at any time of that day."""
        if day.month not in self.months:
            return False
        by_date = day.day in self.days
        by_weekday = day.isoweekday() % 7 in self.weekdays
        if self.days != _DAY.everything and self.weekdays != _WEEKDAY.everything:
            return by_date or by_weekday
        return by_date and by_weekday


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> CronExpression:
    """The expression's meaning.

    Raises InvalidCron, naming the field, for anything outside the grammar, for a date that never
    comes (31 February) and for more than one run in 15 minutes.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidCron(f"A cron expression has at most {MAX_LENGTH} characters")
    tidy = _BLANKS.sub(" ", text.strip(" \t"))
    if tidy.startswith("@") and tidy.lower() not in _ALIASES:
        raise InvalidCron(f"Unknown name {_quoted(tidy)}: the names are {', '.join(_ALIASES)}")
    parts = _ALIASES.get(tidy.lower(), tidy).split(" ")
    if len(parts) != len(_FIELDS):
        raise InvalidCron(
            "A cron expression has five fields (minute, hour, day of month, month, weekday);"
            f" this one has {len(parts) if tidy else 0}"
        )
    values = [_parse_field(field, part) for field, part in zip(_FIELDS, parts, strict=True)]
    expression = CronExpression(tidy, *values)
    _require_due(expression)
    return expression


def _parse_field(field: _Field, text: str) -> frozenset[int]:
    return frozenset(
        value for part in text.split(",") for value in _parse_part(field, part.lower())
    )


def _parse_part(field: _Field, part: str) -> Iterator[int]:
    match = _PART.fullmatch(part)
    if match is None:
        raise InvalidCron(
            f"{field.name}: {_quoted(part)} is not a value, a range (a-b), a step (*/n or a-b/n)"
            " or *"
        )
    if match["star"]:
        step = _step(field, part, match["every"])
        return iter(range(field.lowest, field.highest + 1, step))
    first = _value(field, match["first"])
    if match["last"] is None:
        return iter((_folded(field, first),))
    last = _value(field, match["last"])
    if field is _WEEKDAY and match["last"] == "sun" and first > last:
        last = _SUNDAY
    if first > last:
        raise InvalidCron(f"{field.name}: the range {_quoted(part)} runs backwards")
    if first == last and match["step"]:
        raise InvalidCron(
            f"{field.name}: {_quoted(part)} is a range of one value, which has no steps"
        )
    step = _step(field, part, match["step"])
    return (_folded(field, value) for value in range(first, last + 1, step))


def _value(field: _Field, word: str) -> int:
    if word.isdigit():
        value = int(word)
        highest = _SUNDAY if field is _WEEKDAY else field.highest
        if field.lowest <= value <= highest:
            return value
        raise InvalidCron(f"{field.name}: {value} is not between {field.lowest} and {highest}")
    if word in field.names:
        return field.names.index(word) + field.lowest
    known = f": the names are {', '.join(field.names)}" if field.names else " and has no names"
    raise InvalidCron(f"{field.name}: {_quoted(word)} is not a number{known}")


def _folded(field: _Field, value: int) -> int:
    return 0 if field is _WEEKDAY and value == _SUNDAY else value


def _step(field: _Field, part: str, step: str | None) -> int:
    if step is None:
        return 1
    if not 1 <= int(step) <= field.highest:
        raise InvalidCron(
            f"{field.name}: the step of {_quoted(part)} is not between 1 and {field.highest}"
        )
    return int(step)


def _require_due(expression: CronExpression) -> None:
    """Raises InvalidCron for a schedule that is never due, or too often."""
    days = [_FIRST_DAY + timedelta(days=number) for number in range(_DAYS)]
    due = [expression.falls_on(day) for day in days]
    if not any(due):
        raise InvalidCron("day of month: no such day in the month given, it would never be due")
    minutes = [
        60 * hour + minute
        for hour in sorted(expression.hours)
        for minute in sorted(expression.minutes)
    ]
    intervals = [later - earlier for earlier, later in pairwise(minutes)]
    if any(both for both in map(all, pairwise(due))):
        intervals.append(24 * 60 + minutes[0] - minutes[-1])
    limit = MIN_INTERVAL // timedelta(minutes=1)
    if intervals and min(intervals) < limit:
        raise InvalidCron(
            f"minute: two runs would be {min(intervals)} minutes apart, and {limit} are the least"
        )


def _quoted(text: str) -> str:
    """A part of the input for the message: short, and printable."""
    return ascii(text[:20])
