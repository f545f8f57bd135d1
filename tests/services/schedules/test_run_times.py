"""The moments a schedule is due, by the clocks of zones that change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.schedules import InvalidCron, get_zone, latest_run, next_runs
from tests.services.schedules.expressions import Expected, daily_expressions, expressions

# Zones of every kind: none, Europe's and America's rules, half an hour in the southern summer,
# clocks that change at midnight, and one that changed its mind about its standard time.
ZONES = [
    "UTC",
    "Europe/Rome",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Europe/Dublin",
    "Asia/Kathmandu",
]
_CHANGES = [
    datetime(2027, 3, 28, 1, tzinfo=UTC),  # Rome, forward
    datetime(2027, 10, 31, 1, tzinfo=UTC),  # Rome, back
    datetime(2027, 3, 14, 7, tzinfo=UTC),  # New York, forward
    datetime(2027, 11, 7, 6, tzinfo=UTC),  # New York, back
    datetime(2027, 4, 3, 15, tzinfo=UTC),  # Lord Howe, back
    datetime(2027, 10, 2, 15, 30, tzinfo=UTC),  # Lord Howe, forward
]


def _clock(runs: tuple[datetime, ...], zone: str) -> list[str]:
    return [f"{run.astimezone(ZoneInfo(zone)):%d %H:%M%z}" for run in runs]


@pytest.mark.parametrize(
    ("zone", "text", "after", "runs"),
    [
        (
            "Europe/Rome",
            "30 2 * * *",
            datetime(2027, 3, 27, 2, tzinfo=UTC),
            ["28 03:00+0200", "29 02:30+0200", "30 02:30+0200"],
        ),
        (
            "Europe/Rome",
            "*/20 2 * * *",
            datetime(2027, 3, 27, 2, tzinfo=UTC),
            ["28 03:00+0200", "29 02:00+0200", "29 02:20+0200"],
        ),
        (
            "Europe/Rome",
            "0 2,3 * * *",
            datetime(2027, 3, 28, 0, tzinfo=UTC),
            ["28 03:00+0200", "29 02:00+0200", "29 03:00+0200"],
        ),
        (
            "Europe/Rome",
            "30 2 * * *",
            datetime(2027, 10, 30, 2, tzinfo=UTC),
            ["31 02:30+0200", "01 02:30+0100", "02 02:30+0100"],
        ),
        (
            "Europe/Rome",
            "30 2 * * *",
            datetime(2027, 10, 31, 0, 40, tzinfo=UTC),
            ["01 02:30+0100"],
        ),
        (
            "Europe/Rome",
            "*/30 * * * *",
            datetime(2027, 10, 31, 0, 0, tzinfo=UTC),
            ["31 02:30+0200", "31 02:00+0100", "31 02:30+0100", "31 03:00+0100"],
        ),
        (
            "Europe/Rome",
            "@hourly",
            datetime(2027, 3, 28, 0, 0, tzinfo=UTC),
            ["28 03:00+0200", "28 04:00+0200"],
        ),
        (
            "America/New_York",
            "15 2 * * SUN",
            datetime(2027, 3, 7, 12, tzinfo=UTC),
            ["14 03:00-0400", "21 02:15-0400"],
        ),
        (
            "America/New_York",
            "15 1 * * *",
            datetime(2027, 11, 6, 12, tzinfo=UTC),
            ["07 01:15-0400", "08 01:15-0500"],
        ),
        (
            "America/Havana",  # midnight does not exist, and comes twice
            "@daily",
            datetime(2027, 3, 13, 12, tzinfo=UTC),
            ["14 01:00-0400", "15 00:00-0400"],
        ),
        (
            "America/Havana",
            "@daily",
            datetime(2027, 11, 6, 12, tzinfo=UTC),
            ["07 00:00-0400", "08 00:00-0500"],
        ),
        (
            "Australia/Lord_Howe",  # half an hour
            "10 2 * * *",
            datetime(2027, 10, 2, 0, tzinfo=UTC),
            ["03 02:30+1100", "04 02:10+1100"],
        ),
    ],
)
def test_a_clock_that_changes_loses_no_run_and_doubles_none(
    zone: str, text: str, after: datetime, runs: list[str]
) -> None:
    assert _clock(next_runs(text, zone, after, len(runs)), zone) == runs


@given(
    daily_expressions(),
    st.sampled_from(ZONES),
    st.sampled_from(_CHANGES),
    st.integers(-2 * 24 * 60, 2 * 60),
)
@settings(max_examples=100, deadline=None)
def test_runs_around_a_change_are_those_found_by_looking_at_every_minute(
    expected: Expected, zone: str, change: datetime, minutes: int
) -> None:
    start = change + timedelta(minutes=minutes)
    end = start + timedelta(days=3)
    wanted = expected.runs_between(start, end, ZoneInfo(zone))

    runs = next_runs(expected.text, zone, start, len(wanted) + 1)

    assert list(runs[:-1]) == wanted
    assert runs[-1] > end


@given(
    expressions(),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants bare bounds
)
@settings(max_examples=200, deadline=None)
def test_every_run_is_in_its_schedule_and_after_the_one_before(
    expected: Expected, zone: str, after: datetime
) -> None:
    assume(len(expected.text) <= 100)
    try:
        runs = next_runs(expected.text, zone, after, 5)
    except InvalidCron:
        return

    assert len(runs) == 5
    assert [*runs] == sorted({*runs})
    assert all(run > after and run.tzinfo is UTC and run.second == 0 for run in runs)
    place = ZoneInfo(zone)
    for run in runs:
        assert expected.runs_between(run - timedelta(minutes=1), run, place) == [run]
    # Asking again from a run gives the next one: the tick's way through them.
    assert next_runs(expected.text, zone, runs[0], 1)[0] == runs[1]


@given(
    expressions(),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - as above
    st.integers(0, 400 * 24 * 60),
)
@settings(max_examples=100, deadline=None)
def test_the_latest_run_is_the_last_one_that_comes_in_the_interval(
    expected: Expected, zone: str, since: datetime, minutes: int
) -> None:
    assume(len(expected.text) <= 100)
    until = since + timedelta(minutes=minutes)
    try:
        latest = latest_run(expected.text, zone, since=since, until=until)
    except InvalidCron:
        return

    if latest is None:
        assert next_runs(expected.text, zone, since - timedelta(microseconds=1), 1)[0] > until
    else:
        assert since <= latest <= until
        assert next_runs(expected.text, zone, latest, 1)[0] > until


def test_leap_days_are_found_across_the_century() -> None:
    runs = next_runs("0 0 29 2 *", "UTC", datetime(2095, 1, 1, tzinfo=UTC), 2)

    assert [run.year for run in runs] == [2096, 2104]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Europe",
        "Europe/",
        "Europe/Atlantis",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Rome ",
        "europe rome",
        "UTC\0",
        "\udcff",
        "A" * 300,
    ],
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        get_zone(name)

    assert refused.value.field == "timezone"


@pytest.mark.parametrize("name", ["UTC", "Europe/Rome", "America/Argentina/Ushuaia", "Etc/GMT+5"])
def test_an_iana_zone_is_known(name: str) -> None:
    assert get_zone(name).key == name
