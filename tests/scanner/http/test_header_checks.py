"""Security headers and telling ones: each outcome of each check."""

import pytest

from services.scanner.http import header_checks as checks
from services.scanner.http.facts import WebFacts
from tests.scanner.http.made_facts import answer, chain, marks, outcome, page, to

TLS = "https://a.test/"
PLAIN = "http://a.test/"
CSP = "Content-Security-Policy: "
META_ANCESTORS = "<meta http-equiv=Content-Security-Policy content=\"frame-ancestors 'none'\">"
XFO = "X-Frame-Options: "
JSON = chain(answer(TLS, "Content-Type: application/json"))
ERROR = chain(answer(TLS, html="<p>", status=500))
ONWARD = chain(to(TLS, "Server: nginx/1.2", url=PLAIN), answer(TLS, "X-Powered-By: PHP/8"))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(), "failed"),
        (page(XFO + "ALLOW-FROM https://b.test"), "failed"),
        (page(CSP + "frame-ancestors *", XFO + "DENY"), "failed"),
        (page(html=META_ANCESTORS), "failed"),
        (page(XFO + "deny"), "passed"),
        (page(XFO + "SAMEORIGIN, SAMEORIGIN"), "passed"),
        (page(CSP + "frame-ancestors 'self'"), "passed"),
        (ERROR, "not_evaluated"),
        (JSON, "not_applicable"),
    ],
)
def test_a_page_must_not_be_framed(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.page_cannot_be_framed, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(), "failed"),
        (JSON, "failed"),
        (page("X-Content-Type-Options: none, nosniff"), "failed"),
        (page("X-Content-Type-Options: NoSniff"), "passed"),
        (ERROR, "not_evaluated"),
        (chain(answer(TLS, status=204)), "not_applicable"),
    ],
)
def test_types_must_not_be_guessed(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.types_are_not_guessed, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(), "failed"),
        (page("Cross-Origin-Opener-Policy: unsafe-none"), "failed"),
        (page("Cross-Origin-Opener-Policy: same-origin; report-to=x"), "passed"),
        (page("Cross-Origin-Resource-Policy: same-site"), "passed"),
        (ERROR, "not_evaluated"),
        (JSON, "not_applicable"),
    ],
)
def test_a_page_must_be_isolated(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.page_is_isolated, facts) == expected


@pytest.mark.parametrize(
    ("facts", "missing", "unsafe"),
    [
        (page(), "failed", "passed"),
        (page("Referrer-Policy: banana"), "failed", "passed"),
        (page("Referrer-Policy: unsafe-url"), "passed", "failed"),
        (page("Referrer-Policy: no-referrer, no-referrer-when-downgrade"), "passed", "failed"),
        (page("Referrer-Policy: unsafe-url, strict-origin, banana"), "passed", "passed"),
        (page("Referrer-Policy: same-origin", "Referrer-Policy: unsafe-url"), "passed", "failed"),
        (page(html="<meta name=referrer content=always>"), "passed", "failed"),
        (page(html="<meta name=Referrer content=no-referrer>"), "passed", "passed"),
        (ERROR, "not_evaluated", "not_evaluated"),
        (JSON, "not_applicable", "not_applicable"),
    ],
)
def test_the_referrer_policy(facts: WebFacts, missing: str, unsafe: str) -> None:
    assert outcome(checks.referrer_policy_is_set, facts) == missing
    assert outcome(checks.referrer_does_not_leak, facts) == unsafe


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(), "failed"),
        (page("Feature-Policy: camera 'none'"), "failed"),
        (page("Permissions-Policy: camera=()"), "passed"),
        (ERROR, "not_evaluated"),
        (JSON, "not_applicable"),
    ],
)
def test_the_permissions_policy(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.permissions_policy_is_set, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page("Server: Apache/2.4.58 (Debian)"), "failed"),
        (page("Server: Microsoft-IIS/10.0"), "failed"),
        (chain(answer(TLS, "Server: nginx/1.18.0", status=404)), "failed"),
        (page("Server: nginx/1.18.0", url=PLAIN), "failed"),
        (page("Server: nginx"), "passed"),
        (page("Server: Apache (Debian/12)"), "passed"),
        (page("Server: ECAcc (dcb/7F84)"), "passed"),
        (page("Server: awselb/2.0"), "passed"),
        (page(), "passed"),
        (chain(answer(TLS, status=503)), "not_evaluated"),
        (ONWARD, "not_applicable"),
    ],
)
def test_the_server_version_must_be_hidden(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.server_version_is_hidden, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page("X-Powered-By: PHP/8.1.2"), "failed"),
        (page("X-AspNet-Version: 4.0.30319"), "failed"),
        (page("X-Generator: Drupal 10 (https://www.drupal.org)"), "failed"),
        (page("X-Powered-By: Express"), "passed"),
        (page("X-Powered-By: W3 Total Cache"), "passed"),
        (page("X-Powered-By: ASP.NET"), "passed"),
        (chain(answer(TLS, status=503)), "not_evaluated"),
        (ONWARD, "passed"),
    ],
)
def test_the_framework_version_must_be_hidden(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.framework_version_is_hidden, facts) == expected


def test_each_telling_header_is_a_problem_of_its_own() -> None:
    facts = page("X-AspNet-Version: 4.0", "X-Powered-By: PHP/8", "X-Powered-By: PHP/7")

    assert marks(checks.framework_version_is_hidden, facts) == ["x-powered-by", "x-aspnet-version"]
