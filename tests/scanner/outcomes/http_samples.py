"""Web endpoints: redirects, headers, cookies, content, and what stands beside the pages."""

from dataclasses import replace
from datetime import date, timedelta

from services.scanner.disclosure.facts import DisclosureFacts
from services.scanner.disclosure.security_txt import SecurityTxt
from services.scanner.exposure.facts import ExposureFacts, FileKind, Hit, Trace
from services.scanner.http.facts import Ending, PreloadFacts, WebFacts
from services.scanner.leaks.facts import Leak, LeakFacts
from services.scanner.revisit.facts import Grant, Nonces, RevisitFacts, Ruse
from tests.scanner.http.made_facts import HTML, NOW, answer, chain, leaving, page, to
from tests.scanner.outcomes.samples import Sample, Samples

TLS, PLAIN = "https://a.test/", "http://a.test/"
HSTS, CSP = "Strict-Transport-Security: ", "Content-Security-Policy: "
ERROR = chain(answer(TLS, status=503))
UNREAD = chain(answer(TLS, HTML, note="the body is too large"))
UPGRADED = chain(to(TLS, url=PLAIN), answer(TLS))
CUT_SHORT = chain(to("/x", url=TLS), ending=Ending.FAILED, next_url=TLS + "x", reason="no answer")
EDGE = page("CF-Ray: 1")


def _hsts(value: str, *, listed: bool | None = None) -> WebFacts:
    facts = page(HSTS + value)
    if listed is None:
        return facts
    return replace(facts, preload=PreloadFacts(listed, date(2026, 11, 1)))


def _csp(policy: str) -> WebFacts:
    return page(CSP + policy)


def _cookie(text: str) -> WebFacts:
    return page(f"Set-Cookie: {text}")


def _granting(*grants: Grant) -> RevisitFacts:
    return RevisitFacts(TLS, grants=grants)


def _grant(ruse: Ruse, origin: str, *, allowed: str = "", unknown: str = "") -> Grant:
    return Grant(ruse, origin, allowed, with_credentials=allowed == origin, unknown=unknown)


STRANGER = "https://x.example"
REFUSED = _grant(Ruse.RANDOM, STRANGER)
UNASKED = _granting(_grant(Ruse.RANDOM, STRANGER, unknown="no answer"))


def _nonces(second: str, unknown: str = "") -> RevisitFacts:
    shown = frozenset({second}) if second else frozenset[str]()
    return RevisitFacts(TLS, nonces=Nonces(frozenset({"first"}), shown, unknown))


def _file(kind: FileKind) -> Sample:
    return Sample(
        ExposureFacts(TLS),
        ExposureFacts(TLS, hits=(Hit(kind, "/it", "its first line"),)),
        ExposureFacts(TLS, unknown={kind: "every path answers alike"}),
    )


def _leak(*, is_public: bool, is_in_script: bool) -> LeakFacts:
    found = Leak("some_key", TLS, "abcd", "0" * 32, is_public=is_public, is_in_script=is_in_script)
    return LeakFacts(leaks=(found,))


def _security_txt(**fields: object) -> DisclosureFacts:
    whole = SecurityTxt(
        contacts=("mailto:security@a.test",),
        canonical=(),
        expires=NOW + timedelta(days=90),
        is_signed=True,
        faults=(),
    )
    file = replace(whole, **fields)  # pyright: ignore[reportArgumentType]  # fields by name
    return DisclosureFacts(TLS, NOW, status=200, file=file)


NO_PAGE = LeakFacts(no_page="the server answered 503", is_page_unseen=True)
NO_FILE = DisclosureFacts(TLS, NOW, status=404, absence="the server answered 404")
UNKNOWN_FILE = DisclosureFacts(TLS, NOW, unknown="no answer")

SAMPLES: Samples = {
    "http.redirect.missing": Sample(UPGRADED, page(url=PLAIN), chain(answer(PLAIN, status=503))),
    "http.redirect.offhost_first": Sample(
        UPGRADED, leaving(PLAIN, "https://b.test/"), page(url=PLAIN)
    ),
    "http.redirect.downgrade": Sample(
        page(),
        chain(to(PLAIN, url=TLS), answer(PLAIN)),
        chain(to("//", url=TLS), ending=Ending.BAD_LOCATION, reason="no URL"),
    ),
    "http.redirect.loop": Sample(
        page(),
        chain(to("/", url=TLS), ending=Ending.LOOP, next_url=TLS, reason="it comes up again"),
        CUT_SHORT,
    ),
    "http.login.cleartext": Sample(
        page(url=PLAIN),
        page(html="<form><input type=password></form>", url=PLAIN),
        chain(answer(PLAIN, status=503)),
    ),
    "http.hsts.missing": Sample(_hsts("max-age=31536000"), page(), ERROR),
    "http.hsts.short": Sample(_hsts("max-age=31536000"), _hsts("max-age=60"), page()),
    "http.hsts.invalid": Sample(_hsts("max-age=31536000"), _hsts("nonsense"), page()),
    "http.hsts.no_subdomains": Sample(
        _hsts("max-age=31536000; includeSubDomains"), _hsts("max-age=31536000"), page()
    ),
    "http.hsts.not_preloaded": Sample(
        _hsts("max-age=31536000", listed=True),
        _hsts("max-age=31536000", listed=False),
        _hsts("max-age=31536000"),
    ),
    "http.csp.missing": Sample(_csp("default-src 'self'"), page(), UNREAD),
    "http.csp.unsafe_inline": Sample(
        _csp("script-src 'self'"), _csp("script-src 'unsafe-inline'"), ERROR
    ),
    "http.csp.unsafe_eval": Sample(
        _csp("script-src 'self'"), _csp("script-src 'unsafe-eval'"), ERROR
    ),
    "http.csp.wildcard": Sample(_csp("default-src 'self'"), _csp("default-src *"), ERROR),
    "http.csp.static_nonce": Sample(
        _nonces("second"), _nonces("first"), _nonces("", "it came from a cache")
    ),
    "http.csp.weak_base": Sample(
        _csp("script-src 'nonce-abcdefgh'; base-uri 'none'"),
        _csp("script-src 'nonce-abcdefgh'"),
        ERROR,
    ),
    "http.csp.report_only": Sample(
        _csp("default-src 'self'"),
        page("Content-Security-Policy-Report-Only: default-src 'self'"),
        ERROR,
    ),
    "http.csp.style_inline": Sample(
        _csp("style-src 'self'"), _csp("style-src 'unsafe-inline'"), ERROR
    ),
    "http.frame.missing": Sample(page("X-Frame-Options: DENY"), page(), ERROR),
    "http.nosniff.missing": Sample(page("X-Content-Type-Options: nosniff"), page(), ERROR),
    "http.referrer.missing": Sample(page("Referrer-Policy: origin"), page(), ERROR),
    "http.referrer.unsafe": Sample(page(), page("Referrer-Policy: unsafe-url"), ERROR),
    "http.permissions.missing": Sample(page("Permissions-Policy: camera=()"), page(), ERROR),
    "http.isolation.missing": Sample(
        page("Cross-Origin-Opener-Policy: same-origin"), page(), ERROR
    ),
    "http.cookie.no_secure": Sample(_cookie("sid=1; Secure"), _cookie("sid=1"), ERROR),
    "http.cookie.no_httponly": Sample(_cookie("sid=1; HttpOnly"), _cookie("sid=1"), ERROR),
    "http.cookie.no_samesite": Sample(_cookie("sid=1; SameSite=Lax"), _cookie("sid=1"), ERROR),
    "http.cookie.prefix_invalid": Sample(
        _cookie("__Host-a=1; Secure; Path=/"), _cookie("__Host-a=1"), ERROR
    ),
    "http.cors.reflect_credentials": Sample(
        _granting(REFUSED),
        _granting(
            _grant(Ruse.RANDOM, "https://x.example", allowed="https://x.example"),
            _grant(Ruse.RANDOM, "https://y.example", allowed="https://y.example"),
        ),
        UNASKED,
    ),
    "http.cors.null_credentials": Sample(
        _granting(REFUSED, _grant(Ruse.NULL, "null")),
        _granting(REFUSED, _grant(Ruse.NULL, "null", allowed="null")),
        _granting(REFUSED, _grant(Ruse.NULL, "null", unknown="no answer")),
    ),
    "http.cors.weak_match": Sample(
        _granting(REFUSED, _grant(Ruse.PREFIX, "https://evila.test")),
        _granting(REFUSED, _grant(Ruse.PREFIX, "https://evila.test", allowed="https://evila.test")),
        _granting(REFUSED, _grant(Ruse.PREFIX, "https://evila.test", unknown="no answer")),
    ),
    "http.cors.wildcard": Sample(
        _granting(REFUSED), _granting(_grant(Ruse.RANDOM, STRANGER, allowed="*")), UNASKED
    ),
    "http.sri.missing": Sample(
        page(), page(html='<script src="https://cdn.other.test/x.js"></script>'), ERROR
    ),
    "http.mixed.active": Sample(
        page(), page(html='<script src="http://a.test/x.js"></script>'), ERROR
    ),
    "http.mixed.passive": Sample(page(), page(html='<img src="http://a.test/x.png">'), ERROR),
    "http.info.server_version": Sample(page("Server: nginx"), page("Server: nginx/1.2"), ERROR),
    "http.info.powered_by": Sample(page(), page("X-Powered-By: PHP/8.1.2"), ERROR),
    "http.info.stacktrace": Sample(
        ExposureFacts(TLS, error_pages=1),
        ExposureFacts(TLS, traces=(Trace("/x", 500, "Python"),), error_pages=1),
        ExposureFacts(TLS, unknown_errors="no answer"),
    ),
    "http.listing": Sample(
        ExposureFacts(TLS, directories=("/files/",)),
        ExposureFacts(TLS, directories=("/files/",), listings=("/files/",)),
        ExposureFacts(TLS, unknown_directories="no answer"),
    ),
    "http.cdn.detected": Sample(page(), EDGE, ERROR),
    "http.waf.none": Sample(EDGE, page(), ERROR),
    **{f"http.files.{kind.value}": _file(kind) for kind in FileKind},
    "http.secret.body": Sample(LeakFacts(), _leak(is_public=False, is_in_script=False), NO_PAGE),
    "http.secret.script": Sample(LeakFacts(), _leak(is_public=False, is_in_script=True), NO_PAGE),
    "http.secret.public_key": Sample(
        LeakFacts(), _leak(is_public=True, is_in_script=False), NO_PAGE
    ),
    "sectxt.missing": Sample(_security_txt(), NO_FILE, UNKNOWN_FILE),
    "sectxt.expired": Sample(
        _security_txt(), _security_txt(expires=NOW - timedelta(days=1)), UNKNOWN_FILE
    ),
    "sectxt.invalid": Sample(_security_txt(), _security_txt(faults=("no Contact",)), UNKNOWN_FILE),
    "sectxt.unsigned": Sample(_security_txt(), _security_txt(is_signed=False), UNKNOWN_FILE),
}
