"""Random cron expressions together with the values they must mean."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

Part = tuple[str, frozenset[int]]
_MONTHS: list[str] = [
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
]
_WEEKDAYS: list[str] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


@dataclass(frozen=True, slots=True)
class Expected:
    """An expression and its meaning, put together from its parts and never parsed."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def is_shown(self, clock: datetime) -> bool:
        """Whether the hands, without regard to zones, are at a time of the expression."""
        by_day = clock.day in self.days
        by_weekday = clock.isoweekday() % 7 in self.weekdays
        both_given = len(self.days) < 31 and len(self.weekdays) < 7
        return (
            clock.minute in self.minutes
            and clock.hour in self.hours
            and clock.month in self.months
            and ((by_day or by_weekday) if both_given else (by_day and by_weekday))
        )

    def runs_between(self, start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
        """The runs after ``start`` and up to ``end``, found by looking at every single minute."""
        found: list[datetime] = []
        moment = start
        while (moment := moment + timedelta(minutes=1)) <= end:
            clock = moment.astimezone(zone)
            counts = clock.fold == 0 or len(self.hours) == 24
            if (counts and self.is_shown(clock)) or self._was_skipped(moment, zone):
                found.append(moment)
        return found

    def _was_skipped(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether a time of the expression was in the gap that ends at this moment."""
        clock = moment.astimezone(zone).replace(tzinfo=None)
        before = (moment - timedelta(minutes=1)).astimezone(zone).replace(tzinfo=None)
        skipped = (clock - before) // timedelta(minutes=1)
        return any(self.is_shown(before + timedelta(minutes=n)) for n in range(1, skipped))


def _number(value: int, names: list[str], lowest: int) -> st.SearchStrategy[str]:
    words = [str(value)]
    if names:
        name = names[value - lowest]
        words += [name, name.lower(), name.title()]
    return st.sampled_from(words)


@st.composite
def _parts(draw: st.DrawFn, lowest: int, highest: int, names: list[str]) -> Part:
    kind = draw(st.sampled_from(["*", "*/n", "a", "a-b", "a-b/n"]))
    step = draw(st.integers(2, highest)) if kind.endswith("/n") else 1
    if kind.startswith("*"):
        text = "*" if step == 1 else f"*/{step}"
        return text, frozenset(range(lowest, highest + 1, step))
    first = draw(st.integers(lowest, highest - 1))
    text = draw(_number(first, names, lowest))
    if kind == "a":
        return text, frozenset({first})
    last = draw(st.integers(first + 1, highest))
    text = f"{text}-{draw(_number(last, names, lowest))}"
    return text if step == 1 else f"{text}/{step}", frozenset(range(first, last + 1, step))


def _fields(lowest: int, highest: int, names: list[str]) -> st.SearchStrategy[Part]:
    lists = st.lists(_parts(lowest, highest, names), min_size=1, max_size=3)
    return lists.map(
        lambda parts: (
            ",".join(text for text, _ in parts),
            frozenset[int]().union(*(values for _, values in parts)),
        )
    )


_MINUTES = st.sets(st.sampled_from([0, 15, 30, 45]), min_size=1).map(
    lambda values: (",".join(map(str, sorted(values))), frozenset(values))
) | st.integers(0, 59).map(lambda value: (str(value), frozenset({value})))


@st.composite
def expressions(draw: st.DrawFn) -> Expected:
    """Any expression of the grammar that is due at most every 15 minutes."""
    fields = [
        draw(_MINUTES),
        draw(_fields(0, 23, [])),
        draw(_fields(1, 31, [])),
        draw(_fields(1, 12, _MONTHS)),
        draw(_fields(0, 6, _WEEKDAYS)),
    ]
    return Expected(" ".join(text for text, _ in fields), *(values for _, values in fields))


@st.composite
def daily_expressions(draw: st.DrawFn) -> Expected:
    """Those that are due every day: the ones a change of the clock can meet."""
    minutes, hours = draw(_MINUTES), draw(_fields(0, 23, []))
    every = frozenset(range(1, 32)), frozenset(range(1, 13)), frozenset(range(7))
    return Expected(f"{minutes[0]} {hours[0]} * * *", minutes[1], hours[1], *every)
