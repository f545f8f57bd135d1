"""Reading SPF records: vectors after RFC 7208, and anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.mail.spf_record import expand, is_spf, parse_spf


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=spf1", True),
        ("v=spf1 -all", True),
        ("V=SPF1 -all", True),
        ("v=spf10 -all", False),
        ("v=spf1-all", False),
        (" v=spf1 -all", False),
        ("v=spf2.0/pra -all", False),
        ("spf1", False),
        ("", False),
    ],
)
def test_the_version_is_a_whole_word(text: str, *, expected: bool) -> None:
    assert is_spf(text) is expected


@pytest.mark.parametrize(
    "terms",
    [
        "",
        "-all",
        "  ip4:192.0.2.0/24   -all ",
        "a mx ptr -all",
        "a/24 mx/24 a//64 a/24//64 -all",
        "a:mail.example.com/24//64 -all",
        "ip6:2001:db8::/32 ip6:::1 -all",
        "ip4:192.0.2.1/32 ip4:192.0.2.77/24 -all",
        "exists:%{i}._spf.%{d2} -all",
        "exists:%{ir}.%{v}._spf.%{d} -all",
        "include:_spf.example.com. ~all",
        "INCLUDE:Example.COM ?ALL",
        "redirect=_spf.example.com",
        "redirect=%{d}.example.com",
        "-all exp=explain._spf.%{d}",
        "unknown=anything/at:all -all",
        "exists:%{l1r-}.%{d} -all",
        "mx:under_score.example.com -all",
    ],
)
def test_what_the_standard_allows_is_read_without_error(terms: str) -> None:
    assert parse_spf(f"v=spf1 {terms}").errors == ()


@pytest.mark.parametrize(
    "terms",
    [
        "ipv4:192.0.2.1 -all",
        "ip4:192.0.2.1/33 -all",
        "ip4:192.0.2 -all",
        "ip4:2001:db8:: -all",
        "ip6:192.0.2.1 -all",
        "ip4:192.0.2.0/255.255.255.0 -all",
        "ip4=192.0.2.1 ip4 -all",
        "a/33 -all",
        "a//129 -all",
        "a/ -all",
        "a: -all",
        "include -all",
        "include: -all",
        "include:localhost -all",
        "include:exa..mple.com -all",
        "include:example.123 -all",
        "exists:%{z}.example.com -all",
        "exists:%(i).example.com -all",
        "all.",
        "-all:example.com",
        "--all",
        "mx,a -all",
        "-all; more",
        "ip4:192.0.2.1-all",
        "redirect=",
        "redirect=a.example.com redirect=b.example.com",
        "a\tmx -all",
        "a:bücher.example -all",
    ],
)
def test_what_the_standard_forbids_is_an_error(terms: str) -> None:
    assert parse_spf(f"v=spf1 {terms}").errors


def test_mechanisms_after_all_are_read_by_nobody() -> None:
    record = parse_spf("v=spf1 a ~all mx include:example.com exp=e.example.com")

    assert [term.name for term in record.mechanisms] == ["a", "all"]
    assert record.ignored == ("mx", "include:example.com")
    assert record.all_qualifier == "~"


def test_all_makes_redirect_void() -> None:
    assert parse_spf("v=spf1 redirect=example.com -all").redirect is None
    assert parse_spf("v=spf1 redirect=example.com").redirect is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_spf.%{d}", "_spf.mail.example.com"),
        ("%{d2}", "example.com"),
        ("%{dr}", "com.example.mail"),
        ("%{d1r}.x.y", "mail.x.y"),
        ("a%%b.example", "a%b.example"),
        ("%{i}.example.com", None),
        ("%{l}.%{d}", None),
    ],
)
def test_macros_of_the_domain_are_filled_in(text: str, expected: str | None) -> None:
    assert expand(text, "mail.example.com") == expected


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    record = parse_spf(f"v=spf1 {text}")

    assert record.text.startswith("v=spf1")
    expand(text, "example.com")


_PARTS = [
    "a",
    "mx",
    "ptr",
    "+all",
    "-all",
    "ip4:",
    "192.0.2.1",
    "/",
    "//",
    "24",
    "include:",
    "%{",
    "d",
    "}",
    "=",
    "redirect",
    "exp",
    "exists:",
    "example.com",
    ".",
    "%%",
    "ip6:",
    "::",
    "999",
]
_TERMS = st.lists(st.sampled_from([*_PARTS, " "]), max_size=20)


@given(_TERMS)
def test_no_mixture_of_terms_breaks_the_reader(parts: list[str]) -> None:
    record = parse_spf("v=spf1 " + "".join(parts))

    assert all(term.name for term in record.mechanisms)
    assert record.all_qualifier in {None, "+", "-", "~", "?"}
