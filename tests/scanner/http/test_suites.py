"""What the suites hold together: every check once, complete, and pure."""

import ast
from pathlib import Path

import pytest

import services.scanner.http
from services.scanner.http import HTTP_SUITE, HTTPS_SUITE

_PURE = sorted(
    path
    for path in Path(services.scanner.http.__file__).parent.glob("*.py")
    if path.stem not in {"__init__", "client", "probe"}
)

BOTH = {
    "http.redirect.loop",
    "http.login.cleartext",
    "http.csp.missing",
    "http.csp.unsafe_inline",
    "http.csp.unsafe_eval",
    "http.csp.wildcard",
    "http.csp.weak_base",
    "http.csp.report_only",
    "http.csp.style_inline",
    "http.isolation.missing",
    "http.cdn.detected",
    "http.waf.none",
    "http.frame.missing",
    "http.nosniff.missing",
    "http.referrer.missing",
    "http.referrer.unsafe",
    "http.permissions.missing",
    "http.cookie.no_httponly",
    "http.cookie.no_samesite",
    "http.cookie.prefix_invalid",
    "http.info.server_version",
    "http.info.powered_by",
    "http.sri.missing",
}


def test_each_suite_asks_what_makes_sense_at_its_endpoint() -> None:
    plain = [check.info.id for check in HTTP_SUITE.checks]
    secure = [check.info.id for check in HTTPS_SUITE.checks]

    assert len(plain) == len(set(plain))
    assert len(secure) == len(set(secure))
    assert set(plain) & set(secure) == BOTH
    assert set(plain) - BOTH == {"http.redirect.missing", "http.redirect.offhost_first"}
    assert set(secure) - BOTH == {
        "http.redirect.downgrade",
        "http.hsts.missing",
        "http.hsts.short",
        "http.hsts.invalid",
        "http.hsts.no_subdomains",
        "http.hsts.not_preloaded",
        "http.cookie.no_secure",
        "http.mixed.active",
        "http.mixed.passive",
    }


def test_each_check_says_why_how_and_by_which_rule() -> None:
    for check in (*HTTP_SUITE.checks, *HTTPS_SUITE.checks):
        assert check.info.rationale.endswith(".")
        assert check.info.remediation.endswith(".")
        assert check.info.sources


@pytest.mark.parametrize("path", _PURE, ids=lambda path: path.stem)
def test_only_the_probe_and_its_client_know_the_network(path: Path) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    roots = {name.partition(".")[0] for name in imported}
    assert not roots & {"aiohttp", "asyncio", "socket", "ssl", "yarl"}
    assert not imported & {"services.scanner.http.client", "services.scanner.http.probe"}
