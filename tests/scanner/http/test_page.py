"""Reading HTML and URLs that strangers wrote."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.http.page import MAX_PAGE_CHARACTERS, read_page
from services.scanner.http.urls import (
    WebUrl,
    is_same_site,
    parse_url,
    registrable_domain,
    resolve_location,
)

URL = "https://a.test/dir/page"
BASE = parse_url(URL)


def test_the_first_title_is_the_title() -> None:
    assert read_page("<title> A &amp;\n B </title><svg><title>icon</title>", URL).title == "A & B"


def test_references_are_made_absolute() -> None:
    page = read_page("<img src=x.png><img src='\\\\b.test\\y'><iframe src='/z'></iframe>", URL)

    assert [load.url for load in page.loads] == [
        "https://a.test/dir/x.png",
        "https://b.test/y",
        "https://a.test/z",
    ]


def test_only_the_first_base_counts() -> None:
    page = read_page("<base href=/one/><base href=/two/><img src=x>", URL)

    assert [load.url for load in page.loads] == ["https://a.test/one/x"]


def test_a_form_without_action_goes_to_the_page_itself() -> None:
    page = read_page("<form><input type=password></form><input type=password>", URL)

    assert [form.action for form in page.password_forms] == [URL]
    assert page.has_password_field


def test_a_button_of_a_form_may_send_it_elsewhere() -> None:
    html = "<form action=/in><input type=password formaction=http://b.test/></form>"

    assert read_page(html, URL).password_forms[1].action == "http://b.test/"


def test_a_page_beyond_the_bound_is_not_whole() -> None:
    assert read_page("<p>" * 10, URL).is_whole
    assert not read_page("x" * (MAX_PAGE_CHARACTERS + 1), URL).is_whole
    assert not read_page("<img src=x>" + "<img src=y >" * 10_000, URL, is_whole=False).is_whole


def test_a_thousand_resources_are_bounded_and_said_to_be() -> None:
    page = read_page("".join(f"<img src={n}>" for n in range(1000)), URL)

    assert len(page.loads) == 500
    assert not page.is_whole


@given(st.text() | st.from_regex(r"(<[!/?]?[a-z]{0,8}( [a-z]+=?[\"']?)*>?|-->|\]\]>)*"))
def test_no_text_whatever_breaks_the_reader(html: str) -> None:
    assert read_page(html, URL).is_whole in {True, False}


@pytest.mark.parametrize(
    "piece", ["<", "<!--", "<!", "<a ", "</", "<![CDATA[", "<script>", "</script ", "&#", '<a b="']
)
def test_hostile_repetition_takes_no_quadratic_time(piece: str) -> None:
    started = time.process_time()

    read_page(piece * (MAX_PAGE_CHARACTERS // len(piece)), URL)

    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/x", "https://a.test/x"),
        ("x?y=z#f", "https://a.test/dir/x?y=z"),
        ("//b.test", "https://b.test/"),
        ("\\\\b.test\\x", "https://b.test/x"),
        ("HTTP://B.Test:80/a b", "http://b.test/a%20b"),
        ("https://münchen.test/ä", "https://xn--mnchen-3ya.test/%C3%A4"),
        ("https://a.test.:8443/", "https://a.test:8443/"),
        ("http://[2001:db8::1]:81/", "http://[2001:db8::1]:81/"),
        ("?q=http://b.test\\c", "https://a.test/dir/page?q=http://b.test%5Cc"),
        ("\thttps://b.test/\n", "https://b.test/"),
    ],
)
def test_locations_are_read_as_browsers_read_them(location: str, expected: str) -> None:
    assert str(resolve_location(BASE, location)) == expected


@pytest.mark.parametrize(
    "location",
    [
        "javascript:alert(1)",
        "ftp://a.test/",
        "http:///x",
        "http://u@a.test/",
        "http://:p@a.test/",
        "http://a.test:0/",
        "http://a.test:99999/",
        "http://[::1",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://a..test/",
        "http://a%2etest/",
        "http://[fe80::1%25eth0]/",
        "/" + "x" * 9000,
    ],
)
def test_locations_that_must_not_be_requested(location: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        resolve_location(BASE, location)


@given(st.text())
def test_a_location_is_a_clean_url_or_a_value_error(location: str) -> None:
    try:
        url = resolve_location(BASE, location)
    except ValueError:
        return
    text = str(url)
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text


def test_the_www_variant_is_the_same_site() -> None:
    assert is_same_site("a.test", "www.a.test")
    assert is_same_site("www.a.test", "a.test")
    assert not is_same_site("a.test", "b.a.test")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a.test", "a.test"),
        ("x.y.a.test", "a.test"),
        ("shop.example.co.uk", "example.co.uk"),
        ("me.github.io", "me.github.io"),
        ("192.0.2.1", "192.0.2.1"),
        ("localhost", "localhost"),
    ],
)
def test_registrable_domains(host: str, expected: str) -> None:
    assert registrable_domain(host) == expected


def test_default_ports_are_left_out_of_text() -> None:
    assert str(WebUrl("https", "a.test", 443)) == "https://a.test/"
    assert str(WebUrl("https", "a.test", 80)) == "https://a.test:80/"
