"""Set-Cookie and the jar, by RFC 6265bis."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.http.cookies import (
    Cookie,
    CookieJar,
    breaks_prefix_rules,
    parse_cookie_date,
    parse_set_cookie,
)
from services.scanner.http.urls import WebUrl

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SITE = WebUrl("https", "shop.example.test", 443)


def cookie(text: str) -> Cookie:
    parsed = parse_set_cookie(text)
    assert parsed is not None
    return parsed[0]


def test_attributes_are_parsed_and_not_searched_for() -> None:
    parsed = cookie("id=secure; Path=/secure; Comment=HttpOnly")

    assert not parsed.is_secure
    assert not parsed.is_http_only
    assert parsed.path == "/secure"


def test_attributes_are_case_insensitive_and_the_last_one_counts() -> None:
    parsed = cookie(
        "id=1; SECURE; httponly=yes; samesite=LAX; Path=/a; path=/b; Domain=.Example.test"
    )

    assert parsed.is_secure
    assert parsed.is_http_only
    assert parsed.same_site == "Lax"
    assert parsed.path == "/b"
    assert parsed.domain == "example.test"


def test_the_value_is_apart_from_the_cookie() -> None:
    parsed = parse_set_cookie('name = "a=b" ; Secure')

    assert parsed is not None
    assert parsed[1] == '"a=b"'
    assert "a=b" not in repr(parsed[0])


@pytest.mark.parametrize("text", ["", "=", " ; Secure", "a=b\x00", "a=" + "v" * 5000])
def test_what_user_agents_ignore(text: str) -> None:
    assert parse_set_cookie(text) is None


def test_a_pair_without_equals_is_a_nameless_cookie() -> None:
    parsed = parse_set_cookie("banana; Secure")

    assert parsed is not None
    assert (parsed[0].name, parsed[1]) == ("", "banana")


@pytest.mark.parametrize(
    ("text", "is_deletion", "is_persistent"),
    [
        ("a=1", False, False),
        ("a=1; Max-Age=60", False, True),
        ("a=1; Max-Age=0", True, True),
        ("a=1; Max-Age=-5", True, True),
        ("a=1; Max-Age=soon", False, False),
        ("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True, True),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", False, True),
        ("a=1; Expires=Fri, 31-Dec-2060 23:59:59 GMT", False, True),
        ("a=1; Max-Age=99999999999999999999", False, True),
    ],
)
def test_lifetimes(text: str, *, is_deletion: bool, is_persistent: bool) -> None:
    parsed = cookie(text)

    assert parsed.is_deletion(NOW) is is_deletion
    assert parsed.is_persistent is is_persistent


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "6 november 1994 8:49:37",
    ],
)
def test_the_dates_servers_write(text: str) -> None:
    assert parse_cookie_date(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "tomorrow", "31 Feb 2026 00:00:00", "1 Jan 2026 25:00:00"])
def test_dates_that_are_none(text: str) -> None:
    assert parse_cookie_date(text) is None


@given(st.text())
def test_no_text_whatever_breaks_the_parser(text: str) -> None:
    parsed = parse_set_cookie(text)
    if parsed is not None:
        CookieJar().accept(*parsed, SITE, NOW)
    parse_cookie_date(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("__Host-a=1; Secure; Path=/", ""),
        ("__Host-a=1; Secure", "has no Path=/"),
        ("__Host-a=1; Secure; Path=/; Domain=example.test", "has a Domain"),
        ("__host-a=1; Path=/", "is not Secure"),
        ("__Secure-a=1; Secure", ""),
        ("__Secure-a=1", "is not Secure"),
        ("a=1", ""),
    ],
)
def test_prefixes(text: str, fault: str) -> None:
    assert breaks_prefix_rules(cookie(text), is_tls=True) == fault


def jar_of(*lines: str, url: WebUrl = SITE) -> CookieJar:
    jar = CookieJar()
    for line in lines:
        parsed = parse_set_cookie(line)
        assert parsed is not None
        jar.accept(*parsed, url, NOW)
    return jar


def test_the_jar_replaces_and_deletes() -> None:
    assert jar_of("a=1", "a=2", "b=1").header_for(SITE) == "a=2; b=1"
    assert jar_of("a=1", "a=; Max-Age=0").header_for(SITE) == ""


def test_the_jar_keeps_hosts_paths_and_plain_http_apart() -> None:
    jar = jar_of("a=1", "b=1; Domain=example.test", "c=1; Path=/deep", "d=1; Secure")

    assert jar.header_for(WebUrl("https", "www.example.test", 443)) == "b=1"
    assert jar.header_for(WebUrl("https", SITE.host, 443, "/deep/er?x")) == "a=1; b=1; c=1; d=1"
    assert jar.header_for(WebUrl("http", SITE.host, 80, "/deeper")) == "a=1; b=1"


def test_the_jar_refuses_what_a_browser_refuses() -> None:
    jar = jar_of("a=1; Domain=other.test", "b=1; Domain=test", "__Host-c=1; Path=/")

    assert jar.header_for(SITE) == ""
    assert jar_of("a=1; Secure", url=WebUrl("http", SITE.host, 80)).header_for(SITE) == ""


def test_the_jar_is_bounded() -> None:
    jar = jar_of(*(f"c{n}=1" for n in range(200)))

    assert len(jar.header_for(SITE).split("; ")) == 50
