"""Redirects and cleartext passwords: each outcome of each check."""

import pytest

from services.scanner.http import redirect_checks as checks
from services.scanner.http.facts import Ending, WebFacts
from tests.scanner.http.made_facts import answer, chain, leaving, marks, outcome, page, to

PLAIN = "http://a.test/"
TLS = "https://a.test/"
LOGIN = "<form action='/in'><input type=PassWord></form>"

TO_TLS = to(TLS, url=PLAIN)
REFUSED_TLS = chain(TO_TLS, ending=Ending.FAILED, next_url=TLS, reason="no connection")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(url=PLAIN), "failed"),
        (chain(answer(PLAIN, "Content-Type: application/json")), "failed"),
        (chain(to("http://www.a.test/", url=PLAIN), answer("http://www.a.test/")), "failed"),
        (chain(TO_TLS, to(PLAIN, url=TLS), answer(PLAIN + "x")), "failed"),
        (chain(TO_TLS, answer(TLS)), "passed"),
        (REFUSED_TLS, "passed"),
        (chain(TO_TLS, ending=Ending.OFF_SCOPE, next_url="https://b.test/"), "passed"),
        (chain(answer(PLAIN, status=426)), "passed"),
        (chain(TO_TLS, ending=Ending.OFF_SCOPE, next_url="http://b.test/"), "not_evaluated"),
        (chain(answer(PLAIN, status=404)), "not_evaluated"),
        (chain(answer(PLAIN, status=503)), "not_evaluated"),
        (chain(TO_TLS, ending=Ending.BAD_LOCATION, reason="bad"), "not_evaluated"),
        (chain(to("http://a.test:81/", url=PLAIN), answer("http://a.test:81/")), "not_applicable"),
    ],
)
def test_plain_http_must_lead_to_https(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.plain_http_leads_to_https, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (leaving(PLAIN, "https://b.test/"), "failed"),
        (chain(to("https://www.a.test/", url=PLAIN), answer("https://www.a.test/")), "failed"),
        (chain(TO_TLS, leaving(TLS, "https://b.test").final, ending=Ending.LOOP), "passed"),
        (REFUSED_TLS, "passed"),
        (page(url=PLAIN), "not_applicable"),
        (leaving("http://192.0.2.1/", "https://b.test"), "not_applicable"),
    ],
)
def test_the_first_redirect_must_stay_on_the_host(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.first_redirect_stays_on_the_host, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (chain(to(PLAIN, url=TLS), answer(PLAIN)), "failed"),
        (chain(to(PLAIN, url=TLS), ending=Ending.FAILED, next_url="http://www.a.test/"), "failed"),
        (page(url=TLS), "passed"),
        (chain(to("/x", url=TLS), answer(TLS + "x")), "passed"),
        (chain(to(TLS, url=TLS), ending=Ending.OFF_SCOPE, next_url="http://b.test/"), "passed"),
        (chain(to("x", url=TLS), ending=Ending.BAD_LOCATION, reason="bad"), "not_evaluated"),
    ],
)
def test_https_must_not_lead_to_http(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.https_never_redirects_to_http, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (chain(to(PLAIN, url=PLAIN), ending=Ending.LOOP, next_url=PLAIN, reason="again"), "failed"),
        (chain(to(TLS, url=TLS), ending=Ending.TOO_MANY, next_url=TLS, reason="many"), "failed"),
        (page(url=PLAIN), "passed"),
        (chain(TO_TLS, ending=Ending.OFF_SCOPE, next_url="https://b.test"), "passed"),
        (REFUSED_TLS, "not_evaluated"),
        (chain(TO_TLS, to(PLAIN, url=TLS), ending=Ending.LOOP, next_url=PLAIN), "not_applicable"),
    ],
)
def test_redirects_must_end(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.redirects_come_to_an_end, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(html=LOGIN, url=PLAIN), "failed"),
        (chain(answer(PLAIN, html=LOGIN, status=403)), "failed"),
        (chain(answer(PLAIN, 'WWW-Authenticate: Basic realm="x"', status=401)), "failed"),
        (page(html=LOGIN.replace("/in", "http://a.test/in"), url=TLS), "failed"),
        (page(html="<base href='http://a.test/'>" + LOGIN, url=TLS), "failed"),
        (page(html=LOGIN, url=TLS), "passed"),
        (page(html="<!-- " + LOGIN + " -->", url=PLAIN), "passed"),
        (page(html="<form action='http://a.test/'><input name=q></form>", url=TLS), "passed"),
        (chain(TO_TLS, answer(TLS, html=LOGIN)), "passed"),
        (REFUSED_TLS, "passed"),
        (page(html="<p>", url=PLAIN, note="only the first 512 KB were read"), "not_evaluated"),
        (chain(answer(PLAIN, status=500)), "not_evaluated"),
        (chain(to("/in", url=PLAIN), ending=Ending.FAILED, next_url=PLAIN + "in"), "not_evaluated"),
    ],
)
def test_passwords_must_not_travel_in_the_clear(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.no_password_in_the_clear, facts) == expected


def test_kinds_of_cleartext_logins_are_told_apart() -> None:
    check = checks.no_password_in_the_clear

    assert marks(check, page(html=LOGIN * 3, url=PLAIN)) == ["field"]
    assert marks(check, page(html=LOGIN.replace("/in", "http://a.test"), url=TLS)) == ["action"]
