"""Cookies: each outcome of each check, and which names stand for a session."""

import pytest

from services.scanner.check import Check, Severity
from services.scanner.http import cookie_checks as checks
from services.scanner.http.facts import Ending, WebFacts
from tests.scanner.http.made_facts import answer, chain, marks, outcome, page, to

TLS = "https://a.test/"
SET = "Set-Cookie: "
ALL_CHECKS = (*checks.CHECKS, *checks.TLS_CHECKS)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((SET + "a=1",), "failed"),
        ((SET + "a=secure; Path=/secure",), "failed"),
        ((SET + "a=1; Secure", SET + "b=1"), "failed"),
        ((SET + "a=1; secure",), "passed"),
        ((SET + "a=; Max-Age=0",), "passed"),
        ((), "passed"),
    ],
)
def test_cookies_must_be_secure(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.cookies_are_secure, page(*lines)) == expected


@pytest.mark.parametrize(
    ("name", "hsts", "expected"),
    [
        ("PHPSESSID", "", Severity.MEDIUM),
        ("language", "", Severity.LOW),
        ("PHPSESSID", "max-age=31536000", Severity.LOW),
        ("language", "max-age=31536000", Severity.INFO),
        ("PHPSESSID", "max-age=0", Severity.MEDIUM),
    ],
)
def test_weight_follows_from_name_and_hsts(name: str, hsts: str, expected: Severity) -> None:
    facts = page(f"{SET}{name}=1", *([f"Strict-Transport-Security: {hsts}"] if hsts else []))

    (problem,) = checks.cookies_are_secure.judge(facts).problems

    assert problem.severity is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((SET + "JSESSIONID=1",), "failed"),
        ((SET + "JSESSIONID=1; HttpOnly",), "passed"),
        ((SET + "JSESSIONID=1; Max-Age=60",), "passed"),
        ((SET + "XSRF-TOKEN=1",), "passed"),
        ((SET + "theme=dark",), "passed"),
        ((), "passed"),
    ],
)
def test_session_cookies_must_be_http_only(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.session_cookies_are_http_only, page(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((SET + "sid=1",), "failed"),
        ((SET + "sid=1; SameSite=banana",), "failed"),
        ((SET + "sid=1; SameSite=None",), "failed"),
        ((SET + "sid=1; SameSite=None; Secure",), "passed"),
        ((SET + "sid=1; SameSite=lax",), "passed"),
        ((SET + "theme=dark",), "passed"),
    ],
)
def test_session_cookies_must_be_same_site(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.session_cookies_are_same_site, page(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((SET + "__Host-a=1; Secure",), "failed"),
        ((SET + "__Secure-a=1",), "failed"),
        ((SET + "__Host-a=1; Secure; Path=/",), "passed"),
        ((SET + "a=1",), "passed"),
    ],
)
def test_prefixes_must_be_kept(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.prefixes_keep_their_promise, page(*lines)) == expected


def test_each_cookie_is_a_problem_of_its_own_and_counted_once() -> None:
    facts = chain(to("/x", SET + "a=1", SET + "b=1", url=TLS), answer(TLS + "x", SET + "a=2"))

    assert marks(checks.cookies_are_secure, facts) == ["a", "b"]


def test_a_thousand_cookies_are_twenty_problems() -> None:
    facts = page(*(f"{SET}c{number}=1" for number in range(1000)))

    assert len(marks(checks.cookies_are_secure, facts)) == 20


@pytest.mark.parametrize("check", ALL_CHECKS, ids=lambda check: check.info.id)
def test_what_was_not_seen_proves_nothing(check: Check[WebFacts]) -> None:
    failed_hop = chain(to("/x", url=TLS), ending=Ending.FAILED, next_url=TLS + "x", reason="gone")

    assert outcome(check, chain(answer(TLS, status=502))) == "not_evaluated"
    assert outcome(check, failed_hop) == "not_evaluated"


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.info.id)
def test_on_the_way_to_https_a_fault_is_told_there_and_its_absence_is_a_pass(
    check: Check[WebFacts],
) -> None:
    bad = SET + "__Host-sid=1"
    faulty = chain(to(TLS, bad, url="http://a.test/"), answer(TLS, bad))
    clean = chain(to(TLS, url="http://a.test/"), answer(TLS, bad))

    assert outcome(check, faulty) == "not_applicable"
    assert outcome(check, clean) == "passed"


@pytest.mark.parametrize(
    "name",
    ["PHPSESSID", "JSESSIONID", "ASP.NET_SessionId", "connect.sid", "sid", "laravel_session",
     "authToken", "access-token", "auth", ".AspNetCore.Cookies", "wordpress_logged_in_ab", "jwt"],
)  # fmt: skip
def test_names_of_sessions(name: str) -> None:
    assert checks.is_session_like(name)


@pytest.mark.parametrize(
    "name",
    ["XSRF-TOKEN", "csrftoken", "theme", "_ga", "_hjSession_1", "lang", "author", "inside",
     "cookie_consent", "__cf_bm", "AWSALB", "assessment", ""],
)  # fmt: skip
def test_names_of_other_cookies(name: str) -> None:
    assert not checks.is_session_like(name)
