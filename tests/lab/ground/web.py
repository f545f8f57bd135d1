"""Web sites, and their redirects and HSTS. DNS and TLS are good."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

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
        "http.waf.none http.hsts.not_preloaded sectxt.unsigned dns.ipv6.missing",
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
        " dns.caa.missing mail.spf.missing mail.dmarc.missing tls.protocol.none"
        " net.port.unresponsive net.target.out_of_scope mail.dkim.missing",
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


def cases(lab: Lab) -> Iterator[Case]:
    for case in (*_redirects(), *_hsts()):
        yield serve(lab, case)
