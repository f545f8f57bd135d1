"""Strict-Transport-Security, by RFC 6797."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.http.hsts import Hsts, parse_hsts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max-age=31536000", Hsts(31_536_000)),
        ('MAX-AGE="600" ; IncludeSubDomains;', Hsts(600, include_subdomains=True)),
        ("includeSubDomains; preload; max-age=0", Hsts(0, include_subdomains=True, preload=True)),
        ('max-age=1; x="a;b"; unknown=2', Hsts(1)),
        ("max-age = 5", Hsts(5)),
    ],
)
def test_well_formed_headers(text: str, expected: Hsts) -> None:
    assert parse_hsts(text) == expected


@pytest.mark.parametrize(
    ("text", "max_age_s", "fault"),
    [
        ("", None, "max-age is missing"),
        ("includeSubDomains", None, "max-age is missing"),
        ("max-age", None, "no number"),
        ("max-age=-1", None, "no number"),
        ("max-age=1e3", None, "no number"),
        ("max-age=1; max-age=2", 1, "more than once"),
        ("max-age=1, max-age=2", None, "no directive"),
        ("max-age=1; includeSubDomains=true", 1, "takes no value"),
        ("max-age=1; a b", 1, "no directive"),
    ],
)
def test_faults(text: str, max_age_s: int | None, fault: str) -> None:
    parsed = parse_hsts(text)

    assert parsed.max_age_s == max_age_s
    assert any(fault in found for found in parsed.faults)


@given(st.text() | st.from_regex(r"(max-age=[0-9\"]*|includeSubDomains|;|,| )*", fullmatch=True))
def test_no_text_whatever_breaks_the_parser(text: str) -> None:
    parsed = parse_hsts(text)

    assert parsed.max_age_s is None or parsed.max_age_s >= 0


def test_a_number_without_end_is_bounded() -> None:
    assert parse_hsts("max-age=" + "9" * 1000).max_age_s == 10**12
