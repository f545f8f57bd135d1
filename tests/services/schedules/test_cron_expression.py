"""The grammar of cron expressions: what it means, and what it refuses with which word."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.schedules import InvalidCron, parse_cron
from tests.services.schedules.expressions import Expected, expressions


@given(expressions())
@settings(max_examples=300, deadline=None)
def test_every_expression_of_the_grammar_means_the_values_of_its_parts(expected: Expected) -> None:
    assume(len(expected.text) <= 100)
    try:
        parsed = parse_cron(expected.text)
    except InvalidCron as error:
        assert "never be due" in error.message  # noqa: PT017 - some days are in no month
        assert min(expected.days) > 28
        return

    assert parsed.minutes == expected.minutes
    assert parsed.hours == expected.hours
    assert parsed.days == expected.days
    assert parsed.months == expected.months
    assert parsed.weekdays == expected.weekdays


@given(st.text(st.sampled_from("0123456789*/,-@ \tMONJAlrh#W?LÀ٣\n")) | st.text())
@settings(max_examples=500, deadline=None)
def test_any_text_is_parsed_or_refused_and_what_is_parsed_stays_itself(text: str) -> None:
    try:
        parsed = parse_cron(text)
    except InvalidCron as error:
        assert error.message.isprintable()  # noqa: PT017 - both ends are fine
    else:
        assert parse_cron(parsed.text) == parsed
        assert set(parsed.canonical) <= set("0123456789,* ")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@weekly", "0 0 * * SUN"),
        ("@monthly", "0 0 1 * *"),
        ("  0\t0  * *   7 ", "0 0 * * 0"),
        ("0 0 * * FRI-SUN", "0 0 * * 0,5,6"),
        ("0 0 * * 5-7/2", "0 0 * * 0,5"),
        ("*/15 1-5/2,3 * jan-Mar *", "0,15,30,45 1,3,5 * 1,2,3 *"),
        ("0 0-23 1-31 1-12 0-6", "0 * * * *"),
    ],
)
def test_two_ways_to_write_one_schedule(text: str, same: str) -> None:
    assert parse_cron(text).canonical == parse_cron(same).canonical


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "five fields"),
        ("0 0 * *", "this one has 4"),
        ("0 0 0 * * *", "this one has 6"),
        ("0 0 0 * * * 2027", "this one has 7"),
        ("0\n0 * * *", "this one has 4"),
        ("0\u00a00 * * *", "this one has 4"),
        ("@reboot", "@hourly"),
        ("@yearly", "@hourly"),
        ("R * * * *", "minute"),
        ("H * * * *", "minute"),
        ("60 * * * *", "minute: 60"),
        ("-1 * * * *", "minute"),
        ("٣ * * * *", "minute"),
        ("0.5 * * * *", "minute"),
        ("59-59/1 * * * *", "minute"),
        ("5-1 * * * *", "minute: the range '5-1' runs backwards"),
        ("0/15 * * * *", "minute"),
        ("*/0 * * * *", "minute: the step"),
        ("*/60 * * * *", "minute: the step"),
        ("0, * * * *", "minute"),
        ("0 24 * * *", "hour: 24"),
        ("0 MON * * *", "hour"),
        ("0 22-2 * * *", "hour: the range"),
        ("0 0 0 * *", "day of month: 0"),
        ("0 0 L * *", "day of month"),
        ("0 0 15W * *", "day of month"),
        ("0 0 ? * *", "day of month"),
        ("0 0 31 2 *", "day of month"),
        ("0 0 30,31 FEB *", "day of month"),
        ("0 0 31 4,6,9,11 *", "day of month"),
        ("0 0 * 13 *", "month: 13"),
        ("0 0 * MON *", "month"),
        ("0 0 * * 8", "weekday: 8"),
        ("0 0 * * MON#1", "weekday"),
        ("0 0 * * SAT-MON", "weekday: the range"),
        ("* * * * *", "minute: two runs would be 1 minutes apart"),
        ("0,14 * * * *", "14 minutes"),
        ("0,50 * * * *", "10 minutes"),
        ("0,50 0,23 * * *", "10 minutes"),
        ("0,50 0,23 28,1 * *", "10 minutes"),
        ("0,50 0,23 31,1 12,1 *", "10 minutes"),
        ("0 " * 5000, "100 characters"),
        ("9" * 90 + " * * * *", "minute"),
    ],
)
def test_a_bad_expression_is_refused_and_the_field_is_named(text: str, word: str) -> None:
    with pytest.raises(InvalidCron) as refused:
        parse_cron(text)

    assert word in refused.value.message
    assert refused.value.code == "invalid_cron"


@pytest.mark.parametrize(
    "text",
    [
        "*/15 * * * *",
        "0 0 29 2 *",
        "0 0 29 FEB MON",
        "0 0 31 2 1",
        "0,50 0,23 * * 1",
        "0,50 0,23 15 * *",
        "0,50 0,23 31,1 11,1 *",
    ],
)
def test_a_rare_or_tight_schedule_that_keeps_the_rules_is_accepted(text: str) -> None:
    assert parse_cron(text).text == text
