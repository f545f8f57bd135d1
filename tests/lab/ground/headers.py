"""Security headers, policies, and headers that tell too much."""

import secrets
from collections.abc import Callable, Iterator

from tests.lab.ground.web import Answer, WebCase, page, serve
from tests.lab.lab import Lab
from tests.lab.pages import Request
from tests.lab.truth import Case
from tests.lab.web_server import Page


def _policies() -> Iterator[WebCase]:
    name = "Content-Security-Policy"
    rest = "; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    inline, wide = "http.csp.unsafe_inline", "http.csp.wildcard"
    for case, value, must, traps in (
        ("csp-none", None, "http.csp.missing http.frame.missing", "http.csp.report_only"),
        ("csp-inline", f"script-src 'self' 'unsafe-inline'{rest}", inline, wide),
        ("csp-inline-by-default", f"default-src 'self' 'unsafe-inline'{rest}", inline, wide),
        (
            "csp-hash-and-inline",
            "script-src 'unsafe-inline' 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='"
            + rest,
            "",
            inline,
        ),
        (
            "csp-style-inline",
            f"default-src 'self'; style-src 'self' 'unsafe-inline'{rest}",
            "http.csp.style_inline",
            inline,
        ),
        ("csp-eval", f"script-src 'self' 'unsafe-eval'{rest}", "http.csp.unsafe_eval", inline),
        (
            "csp-wasm-eval",
            f"script-src 'self' 'wasm-unsafe-eval'{rest}",
            "",
            "http.csp.unsafe_eval",
        ),
        ("csp-star", f"script-src *{rest}", wide, inline),
        ("csp-https", f"default-src https:{rest}", wide, inline),
        ("csp-data", f"script-src 'self' data:{rest}", wide, inline),
        (
            "csp-no-object",
            "script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
            wide,
            inline,
        ),
        (
            "csp-no-script",
            "frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
            wide,
            "http.csp.missing",
        ),
        ("csp-star-for-images", f"default-src 'self'; img-src *{rest}", "", f"{wide} {inline}"),
        ("csp-sub-domains", f"script-src 'self' *.web.lab{rest}", "", wide),
        ("csp-two-in-one", f"script-src 'self'{rest}, script-src *", "", wide),
        (
            "csp-upper-case",
            "SCRIPT-SRC 'SELF'; OBJECT-SRC 'NONE'; BASE-URI 'NONE'; FRAME-ANCESTORS 'NONE'",
            "",
            f"{wide} {inline} http.frame.missing",
        ),
    ):
        yield WebCase(case, must, traps, {name: value})

    def with_nonce(nonce: Callable[[], str], more: str = rest) -> Answer:
        def answer(request: Request) -> Page | None:
            if request.path != "/":
                return None
            value = f"script-src 'nonce-{nonce()}' 'strict-dynamic' 'unsafe-inline' https:{more}"
            return page("x", "", (name, value))

        return answer

    fresh = secrets.token_urlsafe
    without = {name: None}
    yield WebCase(
        "csp-fresh-nonce",
        "",
        f"{inline} {wide} http.csp.static_nonce http.csp.missing",
        without,
        answer=with_nonce(lambda: fresh(18)),
    )
    yield WebCase(
        "csp-static-nonce",
        "http.csp.static_nonce",
        inline,
        without,
        answer=with_nonce(lambda: "c3RhdGljc3RhdGlj"),
    )
    yield WebCase(
        "csp-nonce-without-base",
        "http.csp.weak_base",
        inline,
        without,
        answer=with_nonce(lambda: fresh(18), "; object-src 'none'; frame-ancestors 'none'"),
    )
    yield WebCase(
        "csp-report-only",
        "http.csp.missing http.csp.report_only http.frame.missing",
        "",
        {name: None, f"{name}-Report-Only": "default-src 'self'"},
    )
    yield WebCase(
        "csp-in-meta",
        "http.frame.missing",
        "http.csp.missing",
        {name: None},
        root=page(
            "x",
            "<meta http-equiv=content-security-policy content=\"default-src 'self';"
            " frame-ancestors 'none'; base-uri 'none'\">",
        ),
    )
    yield WebCase(
        "json-api",
        "",
        "http.csp.missing http.frame.missing http.referrer.missing",
        {name: None},
        root=Page(200, (("Content-Type", "application/json"),), b'{"ok": true}'),
    )


def _headers() -> Iterator[WebCase]:
    frame = {"Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'"}
    yield WebCase("frame-none", "http.frame.missing", "", frame)
    yield WebCase("frame-deny", "", "http.frame.missing", {**frame, "X-Frame-Options": "deny"})
    yield WebCase(
        "frame-allow-from",
        "http.frame.missing",
        "",
        {**frame, "X-Frame-Options": "ALLOW-FROM https://a.test"},
    )
    yield WebCase("nosniff-none", "http.nosniff.missing", "", {"X-Content-Type-Options": None})
    yield WebCase("nosniff-wrong", "http.nosniff.missing", "", {"X-Content-Type-Options": "no"})
    yield WebCase(
        "nosniff-upper", "", "http.nosniff.missing", {"X-Content-Type-Options": "NoSniff"}
    )
    referrer = "Referrer-Policy"
    yield WebCase(
        "referrer-none", "http.referrer.missing", "http.referrer.unsafe", {referrer: None}
    )
    yield WebCase("referrer-unsafe", "http.referrer.unsafe", "", {referrer: "unsafe-url"})
    yield WebCase(
        "referrer-downgrade", "http.referrer.unsafe", "", {referrer: "no-referrer-when-downgrade"}
    )
    yield WebCase(
        "referrer-last-wins",
        "",
        "http.referrer.unsafe",
        {referrer: "unsafe-url, strict-origin, new-word"},
    )
    yield WebCase("permissions-none", "http.permissions.missing", "", {"Permissions-Policy": None})
    yield WebCase(
        "isolation-none",
        "http.isolation.missing",
        "",
        {"Cross-Origin-Opener-Policy": None, "Cross-Origin-Resource-Policy": None},
    )
    version = "http.info.server_version"
    yield WebCase("server-version", version, "", {"Server": "Apache/2.4.29 (Ubuntu)"})
    yield WebCase("server-name", "", version, {"Server": "nginx"})
    yield WebCase("server-iis", version, "", {"Server": "Microsoft-IIS/10.0"})
    yield WebCase(
        "server-edge", "http.cdn.detected", version, {"Server": "cloudflare", "CF-RAY": "8f1-AMS"}
    )
    powered = "http.info.powered_by"
    yield WebCase("powered-by", powered, version, {"X-Powered-By": "PHP/7.2.24"})
    yield WebCase("powered-by-name", "", powered, {"X-Powered-By": "Express"})
    yield WebCase("aspnet", powered, "", {"X-AspNet-Version": "4.0.30319"})
    yield WebCase("generator", powered, "", {"X-Generator": "Drupal 10 (https://www.drupal.org)"})
    yield WebCase("cdn", "http.cdn.detected", "http.waf.none", {"X-Amz-Cf-Id": "abc=="})
    yield WebCase("cdn-in-text", "", "http.cdn.detected", root=page("Served by cloudflare cf-ray"))


def cases(lab: Lab) -> Iterator[Case]:
    for case in (*_policies(), *_headers()):
        yield serve(lab, case)
