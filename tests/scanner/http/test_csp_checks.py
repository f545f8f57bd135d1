"""The policy of a page: each outcome of each check."""

import pytest

from services.scanner.check import Check
from services.scanner.http import csp_checks as checks
from services.scanner.http.facts import Ending, WebFacts
from tests.scanner.http.made_facts import answer, chain, leaving, outcome, page, to

TLS = "https://a.test/"
CSP = "Content-Security-Policy: "
ONLY = "Content-Security-Policy-Report-Only: default-src 'self'"
META = '<meta http-equiv="content-security-policy" content="{}">'
UNREAD = chain(answer(TLS, "Content-Type: text/html", note="the body cannot be unpacked"))
JSON = chain(answer(TLS, "Content-Type: application/json"))
NOT_FOUND = chain(answer(TLS, html="<p>", status=404))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(), "failed"),
        (page(ONLY), "failed"),
        (page(CSP + " ; "), "failed"),
        (page(html="<!--" + META.format("default-src 'self'") + "-->"), "failed"),
        (page(CSP + "default-src 'self'"), "passed"),
        (page(html=META.format("default-src 'self'")), "passed"),
        (page(url="http://a.test/"), "failed"),
        (NOT_FOUND, "not_evaluated"),
        (chain(to("x", url=TLS), ending=Ending.FAILED, next_url=TLS + "x"), "not_evaluated"),
        (chain(to("http://a.test", url=TLS), answer("http://a.test/", html="x")), "not_evaluated"),
        (JSON, "not_applicable"),
        (chain(answer(TLS, status=204)), "not_applicable"),
        (chain(to(TLS, url="http://a.test/"), answer(TLS, html="x")), "passed"),
        (leaving(TLS, "https://b.test/"), "passed"),
        (chain(to("x", url=TLS + "x"), answer("https://a.test:8443/", html="x")), "passed"),
    ],
)
def test_a_page_must_have_a_policy(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.page_has_a_policy, facts) == expected


def test_an_unread_page_may_have_its_policy_inside() -> None:
    for check in (checks.page_has_a_policy, checks.inline_script_is_blocked):
        assert outcome(check, UNREAD) == "not_evaluated"


def test_the_www_variant_is_judged_as_the_site() -> None:
    facts = chain(to("https://www.a.test/", url=TLS), answer("https://www.a.test/", html="<p>"))

    assert outcome(checks.page_has_a_policy, facts) == "failed"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((CSP + "script-src 'unsafe-inline'",), "failed"),
        ((CSP + "default-src 'unsafe-inline'", CSP + "img-src a"), "failed"),
        ((CSP + "default-src 'unsafe-inline'", CSP + "script-src 'self'"), "passed"),
        ((CSP + "script-src 'unsafe-inline' 'nonce-r4nd0m'",), "passed"),
        ((CSP + "img-src a",), "not_applicable"),
        ((), "not_applicable"),
    ],
)
def test_inline_script_must_be_blocked(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.inline_script_is_blocked, page(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((CSP + "style-src 'unsafe-inline'",), "failed"),
        ((CSP + "default-src 'self' 'unsafe-inline'",), "failed"),
        ((CSP + "style-src 'unsafe-inline' 'nonce-r4nd0m'",), "passed"),
        ((CSP + "style-src 'unsafe-inline'", CSP + "style-src 'self'"), "passed"),
        ((CSP + "style-src 'self'; style-src-attr 'unsafe-inline'",), "failed"),
        ((CSP + "script-src 'unsafe-inline'",), "not_applicable"),
        ((), "not_applicable"),
    ],
)
def test_inline_styles_must_be_blocked(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.inline_style_is_blocked, page(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((CSP + "script-src 'unsafe-eval'",), "failed"),
        ((CSP + "default-src 'unsafe-eval'",), "failed"),
        ((CSP + "script-src 'unsafe-eval', script-src 'self'",), "passed"),
        ((CSP + "script-src 'wasm-unsafe-eval'",), "passed"),
        ((CSP + "frame-ancestors 'none'",), "not_applicable"),
    ],
)
def test_eval_must_be_blocked(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.eval_is_blocked, page(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((CSP + "script-src https:; object-src 'none'",), "failed"),
        ((CSP + "script-src 'self'",), "failed"),
        ((CSP + "frame-ancestors 'none'",), "failed"),
        ((CSP + "default-src 'self'",), "passed"),
        ((CSP + "frame-ancestors 'none'", CSP + "default-src 'self'"), "passed"),
        ((CSP + "script-src 'strict-dynamic' 'nonce-a' https:; object-src 'none'",), "passed"),
        ((), "not_applicable"),
    ],
)
def test_script_sources_must_be_narrow(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.script_sources_are_narrow, page(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((CSP + "script-src 'nonce-a'",), "failed"),
        ((CSP + "script-src 'nonce-a'; base-uri *",), "failed"),
        ((CSP + "script-src 'nonce-a'; base-uri 'self'",), "passed"),
        ((CSP + "script-src 'self'",), "not_applicable"),
        ((), "not_applicable"),
    ],
)
def test_nonces_need_a_limited_base(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.base_is_limited, page(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((ONLY,), "failed"),
        ((ONLY, CSP + "default-src 'self'"), "passed"),
        ((), "not_applicable"),
    ],
)
def test_a_policy_must_be_enforced(lines: tuple[str, ...], expected: str) -> None:
    assert outcome(checks.policy_is_enforced, page(*lines)) == expected


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.info.id)
def test_an_error_answer_is_no_page(check: Check[WebFacts]) -> None:
    assert outcome(check, NOT_FOUND) == "not_evaluated"
    assert outcome(check, JSON) == "not_applicable"
