"""Web sites: redirects, HSTS, headers, CSP, cookies, CORS, content. DNS and TLS are good."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tests.lab.acceptor import in_tls
from tests.lab.certificates import in_days
from tests.lab.lab import Lab
from tests.lab.pages import Request, answering
from tests.lab.truth import Case, ids
from tests.lab.web_server import Headers, Page, html, redirect

DOMAIN = "web.lab"
HTTP, HTTPS = 80, 443
GOOD_HEADERS = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SECURITY_TXT = Page(
    headers=(("Content-Type", "text/plain; charset=utf-8"),),
    body=(
        f"Contact: mailto:security@{DOMAIN}\nExpires: {in_days(200):%Y-%m-%dT%H:%M:%SZ}\n".encode()
    ),
)
_TEXT = (
    "<!doctype html><html lang=en><head><title>Lab</title>{head}</head><body>{body}</body></html>"
)
Answer = Callable[[Request], Page | bytes | None]


def page(body: str = "<h1>Lab</h1>", head: str = "", *headers: tuple[str, str]) -> Page:
    return html(_TEXT.format(head=head, body=body), *headers)


@dataclass(frozen=True, slots=True)
class WebCase:
    """A site over TLS with a redirect to it on port 80, good but for what is given here."""

    name: str
    must: str = ""
    traps: str = ""
    headers: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """In place of the good ones; None takes one out."""
    root: Page | None = None
    answer: Answer | None = None
    """Asked first; None is answered by the usual pages."""
    plain: Answer | None = None
    """What port 80 says; None redirects."""
    may: str = ""
    ports: tuple[int, int] = (HTTP, HTTPS)


def serve(lab: Lab, case: WebCase, domain: str = DOMAIN) -> Case:
    """The site of ``NAME.DOMAIN``."""
    address, host = lab.address(), f"{case.name}.{domain}"
    kept = {**GOOD_HEADERS, **case.headers}
    extra: Headers = tuple((name, value) for name, value in kept.items() if value is not None)
    root = case.root or page()
    usual = {"/": root, "/.well-known/security.txt": SECURITY_TXT}

    def secure(request: Request) -> Page | bytes | None:
        given = case.answer(request) if case.answer is not None else None
        return given or usual.get(request.path)

    def plain(request: Request) -> Page | bytes | None:
        if case.plain is not None:
            return case.plain(request)
        port = "" if case.ports[1] == HTTPS else f":{case.ports[1]}"
        return redirect(f"https://{host}{port}{request.target}")

    context = _context_of(lab, domain)
    lab.listen(address, case.ports[1], in_tls(context, answering(secure, extra)))
    lab.listen(address, case.ports[0], answering(plain, extra))
    lab.host(domain, f"{case.name} A {address}")
    return Case(f"web-{case.name}", host, ids(case.must), ids(case.traps), ids(case.may))


def _context_of(lab: Lab, domain: str):  # noqa: ANN202 - an SSLContext
    """One certificate for all sites of a domain."""
    return lab.context(lab.identity(f"*.{domain}"))


def _redirects() -> Iterator[WebCase]:
    yield WebCase(
        "good",
        traps="http.redirect.missing http.redirect.offhost_first http.redirect.downgrade"
        " http.redirect.loop http.login.cleartext http.hsts.missing http.hsts.short"
        " http.hsts.invalid http.csp.missing http.csp.unsafe_inline http.csp.unsafe_eval"
        " http.csp.wildcard http.csp.static_nonce http.csp.weak_base http.csp.report_only"
        " http.csp.style_inline http.frame.missing http.nosniff.missing http.referrer.missing"
        " http.referrer.unsafe http.permissions.missing http.isolation.missing"
        " http.cookie.no_secure http.cors.reflect_credentials http.cors.wildcard"
        " http.sri.missing http.mixed.active http.info.server_version http.info.powered_by"
        " http.info.stacktrace http.listing http.cdn.detected http.files.git http.files.env"
        " http.secret.body sectxt.missing sectxt.expired sectxt.invalid dns.dnssec.missing"
        " dns.caa.missing mail.spf.missing mail.dmarc.missing tls.protocol.none",
    )
    yield WebCase("plain-content", "http.redirect.missing", plain=lambda _: page())
    yield WebCase(
        "redirect-in-two-steps",
        traps="http.redirect.missing http.redirect.loop",
        plain=lambda r: (
            redirect("https://redirect-in-two-steps.web.lab/")
            if r.path == "/start"
            else redirect("/start")
        ),
    )
    yield WebCase(
        "temporary-redirect",
        traps="http.redirect.missing",
        plain=lambda r: redirect(f"https://temporary-redirect.web.lab{r.path}", status=307),
    )
    yield WebCase(
        "off-host",
        "http.redirect.offhost_first",
        plain=lambda _: redirect("https://good.web.lab/"),
        traps="http.redirect.missing",
    )
    yield WebCase(
        "downgrade",
        "http.redirect.downgrade",
        answer=lambda r: redirect("http://downgrade.web.lab/plain") if r.path == "/" else None,
        plain=lambda r: page() if r.path == "/plain" else redirect("https://downgrade.web.lab/"),
        may="http.redirect.missing http.hsts.missing",
    )
    yield WebCase(
        "loop",
        "http.redirect.loop",
        answer=lambda r: (
            redirect("/b" if r.path in {"/", "/a"} else "/a")
            if r.path in {"/", "/a", "/b"}
            else None
        ),
        traps="http.redirect.downgrade",
    )
    yield WebCase(
        "cookie-first",
        traps="http.redirect.loop",
        answer=lambda r: (
            redirect("/", ("Set-Cookie", "seen=1; Secure; HttpOnly; SameSite=Lax"))
            if r.path == "/" and "seen=1" not in r.headers.get("cookie", "")
            else None
        ),
    )
    yield WebCase(
        "login-over-http",
        "http.redirect.missing http.login.cleartext",
        plain=lambda _: page('<form action=/in method=post><input type="PASSWORD" name=p></form>'),
    )
    yield WebCase(
        "login-to-http",
        "http.login.cleartext",
        root=page(
            '<form method=post action="http://login-to-http.web.lab/in">'
            "<input name=u><input type=password name=p></form>"
        ),
        headers={"Content-Security-Policy": GOOD_HEADERS["Content-Security-Policy"]},
    )
    yield WebCase(
        "login-over-https",
        traps="http.login.cleartext",
        root=page('<form method=post action="/in"><input type=password name=p></form>'),
    )
    yield WebCase(
        "login-in-comment",
        "http.redirect.missing",
        plain=lambda _: page("<!-- <input type=password> --><p>type=password</p>"),
        traps="http.login.cleartext",
    )
    yield WebCase(
        "other-ports",
        ports=(8080, 8443),
        traps="http.redirect.missing http.redirect.loop tls.protocol.none",
    )
    yield WebCase(
        "relative-path-redirect",
        traps="http.redirect.missing http.redirect.loop http.hsts.missing",
        answer=lambda r: (
            redirect("home/") if r.path == "/" else page() if r.path == "/home/" else None
        ),
    )


def _hsts() -> Iterator[WebCase]:
    name = "Strict-Transport-Security"
    for case, value, must, traps in (
        ("hsts-none", None, "http.hsts.missing", "http.hsts.short http.hsts.invalid"),
        ("hsts-zero", "max-age=0; includeSubDomains", "http.hsts.missing", "http.hsts.short"),
        ("hsts-no-number", "max-age=year", "http.hsts.missing http.hsts.invalid", ""),
        ("hsts-no-age", "includeSubDomains", "http.hsts.missing http.hsts.invalid", ""),
        ("hsts-short", "max-age=86400; includeSubDomains", "http.hsts.short", "http.hsts.missing"),
        (
            "hsts-quoted",
            'max-age="63072000"; includeSubDomains',
            "",
            "http.hsts.invalid http.hsts.missing",
        ),
        (
            "hsts-upper",
            "MAX-AGE=63072000 ; INCLUDESUBDOMAINS",
            "",
            "http.hsts.invalid http.hsts.missing http.hsts.no_subdomains",
        ),
        ("hsts-alone", "max-age=63072000", "http.hsts.no_subdomains", "http.hsts.missing"),
        ("hsts-twice-inside", "max-age=63072000; max-age=1", "http.hsts.invalid", ""),
        (
            "hsts-unknown-directive",
            "max-age=63072000; includeSubDomains; preload; x=1",
            "",
            "http.hsts.invalid http.hsts.missing",
        ),
    ):
        may = "http.hsts.missing http.hsts.short" if case == "hsts-twice-inside" else ""
        yield WebCase(case, must, traps, {name: value}, may=may)
    yield WebCase(
        "hsts-over-http-alone",
        "http.hsts.missing",
        headers={name: None},
        plain=lambda _: redirect(
            "https://hsts-over-http-alone.web.lab/", (name, "max-age=63072000")
        ),
    )
    yield WebCase(
        "hsts-two-headers",
        "http.hsts.invalid",
        "http.hsts.missing http.hsts.short",
        root=page("x", "", (name, "max-age=31536000; includeSubDomains")),
    )


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


def _cookies() -> Iterator[WebCase]:
    secure, http_only, same_site, prefix = (
        f"http.cookie.{kind}"
        for kind in ("no_secure", "no_httponly", "no_samesite", "prefix_invalid")
    )
    all_four = f"{secure} {http_only} {same_site} {prefix}"
    good = "Secure; HttpOnly; SameSite=Lax; Path=/"
    for case, value, must, traps in (
        ("cookie-good", f"SESSIONID=1; {good}", "", all_four),
        (
            "cookie-not-secure",
            "PHPSESSID=1; HttpOnly; SameSite=Lax",
            secure,
            f"{http_only} {same_site}",
        ),
        (
            "cookie-secure-in-value",
            "sid=secure; Path=/secure; HttpOnly; SameSite=Lax",
            secure,
            http_only,
        ),
        ("cookie-no-httponly", "JSESSIONID=1; Secure; SameSite=Lax", http_only, secure),
        (
            "cookie-httponly-in-value",
            "connect.sid=httponly; Secure; SameSite=Lax",
            http_only,
            secure,
        ),
        (
            "cookie-no-samesite",
            "auth_token=1; Secure; HttpOnly",
            same_site,
            f"{secure} {http_only}",
        ),
        ("cookie-csrf", "XSRF-TOKEN=1; Secure; SameSite=Lax", "", http_only),
        ("cookie-preference", "lang=en; Secure; Max-Age=999999; SameSite=Lax", "", http_only),
        ("cookie-host-prefix", f"__Host-id=1; {good}", "", prefix),
        ("cookie-host-with-domain", f"__Host-id=1; {good}; Domain=web.lab", prefix, secure),
        (
            "cookie-host-wrong-path",
            "__Host-id=1; Secure; HttpOnly; SameSite=Lax; Path=/a",
            prefix,
            secure,
        ),
        ("cookie-secure-prefix", "__Secure-id=1; HttpOnly; SameSite=Lax", f"{prefix} {secure}", ""),
        (
            "cookie-deleted",
            "PHPSESSID=; Max-Age=0; Path=/",
            "",
            f"{secure} {http_only} {same_site}",
        ),
        (
            "cookie-deleted-by-date",
            "PHPSESSID=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "",
            f"{secure} {http_only}",
        ),
        (
            "cookie-attributes-odd-case",
            "session=1; SECURE; httponly; samesite=STRICT",
            "",
            all_four,
        ),
        (
            "cookie-none-not-secure",
            "session=1; HttpOnly; SameSite=None",
            f"{secure} {same_site}",
            http_only,
        ),
    ):
        # Without HSTS in force nothing is lowered.
        yield WebCase(
            case,
            f"{must} http.hsts.missing",
            traps,
            {"Strict-Transport-Security": None},
            root=page("x", "", ("Set-Cookie", value)),
        )
    yield WebCase(
        "cookie-second-is-bad",
        f"{secure} http.hsts.missing",
        "",
        {"Strict-Transport-Security": None},
        root=page(
            "x",
            "",
            ("Set-Cookie", f"a=1; {good}"),
            ("Set-Cookie", "b_session=1; HttpOnly; SameSite=Lax"),
        ),
    )
    yield WebCase(
        "cookie-under-hsts",
        secure,
        http_only,
        root=page("x", "", ("Set-Cookie", "session=1; HttpOnly; SameSite=Lax")),
    )


def _origins() -> Iterator[WebCase]:
    reflect, null, weak, star = (
        f"http.cors.{kind}"
        for kind in ("reflect_credentials", "null_credentials", "weak_match", "wildcard")
    )
    every = f"{reflect} {null} {weak} {star}"

    def allowing(is_allowed: Callable[[str], bool], *, credentials: bool = True) -> Answer:
        def answer(request: Request) -> Page | None:
            origin = request.headers.get("origin", "")
            if request.path != "/" or not origin or not is_allowed(origin):
                return None
            more: Headers = (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))
            if credentials:
                more += (("Access-Control-Allow-Credentials", "true"),)
            return page("x", "", *more)

        return answer

    yield WebCase("cors-reflects", reflect, f"{null} {weak}", answer=allowing(lambda _: True))
    yield WebCase(
        "cors-reflects-without-cookies",
        "",
        every,
        answer=allowing(lambda _: True, credentials=False),
    )
    yield WebCase("cors-null", null, f"{reflect} {weak}", answer=allowing(lambda o: o == "null"))
    yield WebCase(
        "cors-prefix",
        weak,
        f"{reflect} {null}",
        answer=allowing(lambda o: o.endswith("cors-prefix.web.lab")),
    )
    yield WebCase(
        "cors-suffix",
        weak,
        reflect,
        answer=allowing(lambda o: o.startswith("https://cors-suffix.web.lab")),
    )
    yield WebCase(
        "cors-plain", weak, reflect, answer=allowing(lambda o: o.endswith("//cors-plain.web.lab"))
    )
    yield WebCase("cors-list", "", every, answer=allowing(lambda o: o == "https://app.web.lab"))
    yield WebCase(
        "cors-star", star, f"{reflect} {null} {weak}", headers={"Access-Control-Allow-Origin": "*"}
    )
    yield WebCase(
        "cors-star-with-credentials",
        star,
        reflect,
        headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"},
    )


def _content() -> Iterator[WebCase]:
    seal = "sha384-" + "A" * 64
    sri, active, passive = "http.sri.missing", "http.mixed.active", "http.mixed.passive"
    for case, body, must, traps in (
        (
            "sri-none",
            "<script src=https://cdn.other.test/a.js></script>",
            sri,
            f"{active} {passive}",
        ),
        ("sri-style", "<link rel=stylesheet href=//cdn.other.test/a.css>", sri, active),
        (
            "sri-sealed",
            f'<script src=https://cdn.other.test/a.js integrity="{seal}" crossorigin></script>',
            "",
            sri,
        ),
        ("sri-own-sub-domain", "<script src=https://static.web.lab/a.js></script>", "", sri),
        ("sri-in-comment", "<!-- <script src=https://cdn.other.test/a.js></script> -->", "", sri),
        (
            "sri-in-template",
            "<template><script src=https://cdn.other.test/a.js></script></template>",
            "",
            sri,
        ),
        (
            "sri-tag-manager",
            "<script src=https://www.googletagmanager.com/gtm.js></script>",
            "",
            sri,
        ),
        ("sri-image", "<img src=https://cdn.other.test/a.png>", "", f"{sri} {passive}"),
        ("mixed-script", "<script src=http://mixed-script.web.lab/a.js></script>", active, passive),
        ("mixed-frame", "<iframe src=http://mixed-frame.web.lab/x></iframe>", active, passive),
        ("mixed-image", "<img src=http://mixed-image.web.lab/a.png>", passive, active),
        ("mixed-link", "<a href=http://mixed-link.web.lab/>there</a>", "", f"{active} {passive}"),
        ("mixed-in-text", "<p>http://a.web.lab/a.js</p>", "", f"{active} {passive}"),
    ):
        yield WebCase(case, must, traps, root=page(body))
    upgraded = GOOD_HEADERS["Content-Security-Policy"] + "; upgrade-insecure-requests"
    yield WebCase(
        "mixed-upgraded",
        "",
        f"{active} {passive}",
        {"Content-Security-Policy": upgraded},
        root=page(
            "<script src=http://mixed-upgraded.web.lab/a.js></script><img src=http://mixed-upgraded.web.lab/a>"
        ),
    )
    listing = "http.listing"
    index = '<h1>Index of /</h1><a href="?C=N;O=D">Name</a><a href="../">Parent Directory</a>'
    yield WebCase(
        "listing",
        listing,
        "",
        root=html(f"<html><head><title>Index of /</title></head><body>{index}</body></html>"),
    )
    yield WebCase(
        "listing-in-text", "", listing, root=page("<p>How to switch off Index of / pages</p>")
    )
    trace = "http.info.stacktrace"
    python = (
        "Traceback (most recent call last):\n"
        '  File "/srv/app/views.py", line 12, in show\n'
        "    return pages[name]\nKeyError: 'x'\n"
    )
    java = (
        "java.lang.NullPointerException\n\tat com.shop.Cart.show(Cart.java:41)\n"
        "\tat com.shop.Main.run(Main.java:9)\n"
    )
    php = (
        "<b>Fatal error</b>:  Uncaught Error: Call to undefined function x() in"
        " /var/www/html/index.php:3\nStack trace:\n#0 {main}\n  thrown in"
        " <b>/var/www/html/index.php</b> on line <b>3</b><br />"
    )
    for case, text in (("trace-python", python), ("trace-java", java), ("trace-php", php)):
        failing = html(f"<pre>{text}</pre>")
        yield WebCase(
            case,
            trace,
            "",
            answer=lambda r, p=failing: (
                None if r.path in {"/", "/.well-known/security.txt"} else replace(p, status=500)
            ),
        )
    yield WebCase("trace-in-blog", "", trace, root=page(f"<pre>{python}</pre>"))


def cases(lab: Lab) -> Iterator[Case]:
    for case in (
        *_redirects(),
        *_hsts(),
        *_policies(),
        *_headers(),
        *_cookies(),
        *_origins(),
        *_content(),
    ):
        yield serve(lab, case)
