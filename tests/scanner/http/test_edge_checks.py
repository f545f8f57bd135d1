"""Who stands in front of a site: by the lines that only an edge writes."""

import pytest

from services.scanner.check import Endpoint
from services.scanner.context import ProbeContext
from services.scanner.http import HTTP_SUITE
from services.scanner.http import edge_checks as checks
from services.scanner.http.facts import WebFacts
from services.scanner.http.probe import probe_web
from tests.scanner.http.conftest import NAME, at
from tests.scanner.http.made_facts import answer, chain, outcome, page, to
from tests.scanner.http.raw_server import always, html, response, serve

TLS = "https://a.test/"


@pytest.mark.parametrize(
    ("facts", "edge", "no_filter"),
    [
        (page("CF-RAY: 8f2-FRA", "Server: cloudflare"), "failed", "passed"),
        (page("X-Amz-Cf-Id: abc"), "failed", "passed"),
        (page("Via: 1.1 abc.cloudfront.net (CloudFront)"), "failed", "passed"),
        (page("X-Served-By: cache-fra-1"), "failed", "passed"),
        (page("X-Served-By: web7"), "passed", "failed"),
        (page("Via: 1.1 varnish"), "passed", "failed"),
        (page(html="<p>cf-ray cloudflare</p>"), "passed", "failed"),
        (page("Set-Cookie: __cfduid=1"), "passed", "failed"),
        (chain(answer(TLS, status=503)), "not_evaluated", "not_evaluated"),
        (chain(answer(TLS, "CF-RAY: 1", status=503)), "failed", "passed"),
        (
            chain(to(TLS, "CF-RAY: 1", url="http://a.test/"), answer(TLS)),
            "not_applicable",
            "passed",
        ),
    ],
)
def test_only_strong_signs_count(facts: WebFacts, edge: str, no_filter: str) -> None:
    assert outcome(checks.no_edge_is_in_front, facts) == edge
    assert outcome(checks.a_filter_shows_itself, facts) == no_filter


async def test_an_edge_is_named_with_the_line_that_shows_it(context: ProbeContext) -> None:
    async with serve(always(html("x", "CF-RAY: 8f2-FRA"))) as server:
        facts = await probe_web(context, at(server.port))

    verdict = checks.no_edge_is_in_front.judge(facts)
    assert verdict.reason == "in front of the site: Cloudflare"
    assert verdict.problems[0].evidence == {"signs": {"Cloudflare": "cf-ray: 8f2-FRA"}}


_EDGE = ("CF-RAY: 8f2-FRA",)
_STRICT = ("Content-Security-Policy: default-src 'self'", "Cross-Origin-Opener-Policy: same-origin")
_LAX = ("Content-Security-Policy: default-src 'self'; style-src 'unsafe-inline'",)
_TROUBLE = response(502)


@pytest.mark.parametrize(
    ("check_id", "passed", "failed"),
    [
        ("http.cdn.detected", html("x"), html("x", *_EDGE)),
        ("http.waf.none", html("x", *_EDGE), html("x")),
        ("http.csp.style_inline", html("x", *_STRICT), html("x", *_LAX)),
        ("http.isolation.missing", html("x", *_STRICT), html("x")),
    ],
)
async def test_each_outcome_over_a_real_socket(
    context: ProbeContext, check_id: str, passed: bytes, failed: bytes
) -> None:
    outcomes: list[str] = []
    for said in (passed, failed, _TROUBLE):
        async with serve(always(said)) as server:
            endpoint = Endpoint(NAME, server.port, "http")
            seen = await HTTP_SUITE.run(context, at(server.port), endpoint)
        outcomes += [r.verdict.outcome for r in seen.results if r.check.id == check_id]

    assert outcomes == ["passed", "failed", "not_evaluated"]
