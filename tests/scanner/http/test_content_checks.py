"""What a page loads: each outcome of each check."""

import pytest

from services.scanner.check import Check
from services.scanner.http import content_checks as checks
from services.scanner.http.facts import WebFacts
from tests.scanner.http.made_facts import answer, chain, marks, outcome, page

TLS = "https://a.test/"
UPGRADE = "Content-Security-Policy: upgrade-insecure-requests"
SEAL = "sha384-" + "A" * 64
CUT = "only the first 512 KB were read"
JSON = chain(answer(TLS, "Content-Type: application/json"))
ERROR = chain(answer(TLS, html="<p>", status=404))


@pytest.mark.parametrize(
    ("html", "active", "passive"),
    [
        ("<script src=http://a.test/x.js></script>", "failed", "passed"),
        ("<link rel='preload stylesheet' href=http://a.test/x.css>", "failed", "passed"),
        ("<iframe src=http://b.test></iframe>", "failed", "passed"),
        ("<object data=http://b.test/x>", "failed", "passed"),
        ("<base href=http://a.test/><script src=x.js></script>", "failed", "passed"),
        ("<img src='HTTP://a.test/x.png'>", "passed", "failed"),
        ("<img srcset='/a 1x, http://a.test/b 2x'>", "passed", "failed"),
        ("<video poster=//a.test/p src=http://a.test/v></video>", "passed", "failed"),
        ("<a href=http://b.test>b</a>", "passed", "passed"),
        ("<link rel=canonical href=http://a.test/>", "passed", "passed"),
        ("<!-- <script src=http://a.test/x.js></script> -->", "passed", "passed"),
        ("<template><img src=http://a.test/x></template>", "passed", "passed"),
        ("<textarea><img src=http://a.test/x></textarea>", "passed", "passed"),
        ("<script>document.write('<img src=http://a.test/x>')</script>", "passed", "passed"),
        ("<script type=text/template src=http://a.test/x></script>", "passed", "passed"),
        ("<script src=//a.test/x.js></script><img src=/x>", "passed", "passed"),
    ],
)
def test_mixed_content(html: str, active: str, passive: str) -> None:
    facts = page(html=html)

    assert outcome(checks.no_active_mixed_content, facts) == active
    assert outcome(checks.no_passive_mixed_content, facts) == passive


@pytest.mark.parametrize("check", checks.TLS_CHECKS, ids=lambda check: check.info.id)
def test_mixed_content_that_is_upgraded_unread_or_on_no_page(check: Check[WebFacts]) -> None:
    bad = "<img src=http://a.test/x><script src=http://a.test/y></script>"

    assert outcome(check, page(UPGRADE, html=bad)) == "passed"
    assert outcome(check, page(html=bad, note=CUT)) == "failed"
    assert outcome(check, page(html="<p>", note=CUT)) == "not_evaluated"
    assert outcome(check, chain(answer(TLS, "Content-Type: text/html"))) == "not_evaluated"
    assert outcome(check, ERROR) == "not_evaluated"
    assert outcome(check, JSON) == "not_applicable"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<script src=https://cdn.test/x.js></script>", "failed"),
        ("<link rel=stylesheet href=//cdn.test/x.css>", "failed"),
        ("<script src=https://cdn.test/x.js integrity=sha256-short></script>", "failed"),
        ("<script src=https://cdn.test/x.js integrity=md5-AAAA></script>", "failed"),
        (f"<script src=https://cdn.test/x.js integrity='x {SEAL}'></script>", "passed"),
        ("<script src=https://static.a.test/x.js></script>", "passed"),
        ("<script src=/x.js></script>", "passed"),
        ("<img src=https://cdn.test/x.png>", "passed"),
        ("<script src=https://www.googletagmanager.com/gtm.js></script>", "passed"),
        ("<link rel=stylesheet href=https://fonts.googleapis.com/css2>", "passed"),
        ("<script src=data:,x></script>", "passed"),
    ],
)
def test_third_party_scripts_need_a_seal(html: str, expected: str) -> None:
    assert outcome(checks.third_party_scripts_are_sealed, page(html=html)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (page(html="<p>", note=CUT), "not_evaluated"),
        (ERROR, "not_evaluated"),
        (JSON, "not_applicable"),
    ],
)
def test_seals_that_cannot_be_judged(facts: WebFacts, expected: str) -> None:
    assert outcome(checks.third_party_scripts_are_sealed, facts) == expected


def test_each_third_party_is_a_problem_of_its_own() -> None:
    html = "".join(
        f"<script src=https://{host}/{number}.js></script>"
        for number in range(3)
        for host in ("one.test", "two.test")
    )

    assert marks(checks.third_party_scripts_are_sealed, page(html=html)) == ["one.test", "two.test"]
