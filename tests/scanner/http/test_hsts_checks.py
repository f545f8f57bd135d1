"""HSTS: each outcome of each check."""

import pytest

from services.scanner.http import hsts_checks as checks
from services.scanner.http.facts import WebFacts
from tests.scanner.http.made_facts import answer, chain, outcome, page, to

TLS = "https://a.test/"
HSTS = "Strict-Transport-Security: "
YEAR = HSTS + "max-age=31536000"
TO_WWW = "https://www.a.test/"
ADDRESS = page(YEAR, url="https://192.0.2.1/")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(), "failed"),
        (page(HSTS + "max-age=0"), "failed"),
        (page(HSTS + "includeSubDomains"), "failed"),
        (page(HSTS + "max-age=abc"), "failed"),
        (chain(answer(TLS, status=404)), "failed"),
        (chain(to(TO_WWW, url=TLS), answer(TO_WWW, YEAR)), "failed"),
        (chain(to("/x", YEAR, url=TLS), answer(TLS + "x", HSTS + "max-age=0")), "failed"),
        (page(YEAR), "passed"),
        (page(HSTS + 'max-age="31536000"'), "passed"),
        (page(YEAR, HSTS + "max-age=0"), "passed"),
        (chain(answer(TLS, YEAR, status=503)), "passed"),
        (chain(to(TO_WWW, YEAR, url=TLS), answer(TO_WWW)), "passed"),
        (chain(to("/x", url=TLS), answer(TLS + "x", YEAR)), "passed"),
        (page(HSTS + "max-age=1; max-age=2"), "not_evaluated"),
        (chain(answer(TLS, status=502)), "not_evaluated"),
        (chain(answer(TLS, status=421)), "not_evaluated"),
        (page(url="https://192.0.2.1/"), "not_applicable"),
    ],
)
def test_hsts_must_be_sent(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.hsts_is_sent, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(HSTS + "max-age=15767999"), "failed"),
        (page(HSTS + "max-age=15768000"), "passed"),
        (page(HSTS + "max-age=0"), "not_applicable"),
        (page(), "not_applicable"),
        (ADDRESS, "not_applicable"),
    ],
)
def test_hsts_must_last(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.hsts_lasts_six_months, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(YEAR, YEAR), "failed"),
        (page(HSTS + "max-age=1; max-age=1"), "failed"),
        (page(HSTS + "preload"), "failed"),
        (page(YEAR + ";"), "passed"),
        (page(HSTS + "max-age=0"), "passed"),
        (page(), "not_applicable"),
        (ADDRESS, "not_applicable"),
    ],
)
def test_hsts_must_be_well_formed(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.hsts_is_well_formed, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(YEAR), "failed"),
        (page(YEAR + "; INCLUDESUBDOMAINS"), "passed"),
        (page(), "not_applicable"),
        (ADDRESS, "not_applicable"),
    ],
)
def test_hsts_should_cover_subdomains(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.hsts_covers_subdomains, facts) == expected


def test_a_header_over_plain_http_does_not_count() -> None:
    facts = chain(to("http://a.test/", url=TLS), answer("http://a.test/", YEAR))

    assert outcome(checks.hsts_is_sent, facts) == "failed"
