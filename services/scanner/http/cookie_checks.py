"""Cookies of one endpoint, from whatever it answered on the way. Pure.

The name of a cookie tells its findings apart; its value is never kept.
"""

import re
from collections.abc import Callable

from services.scanner.check import Check, Problem, Severity, Verdict, check
from services.scanner.http.cookies import Cookie, breaks_prefix_rules
from services.scanner.http.facts import Answer, WebFacts
from services.scanner.http.hsts_checks import hsts_in_force
from services.scanner.http.judged import counted_once, unanswered

_MAX_PROBLEMS = 20
_SESSION_WORDS = frozenset({"auth", "authorization", "jwt", "sid", "token"})
_SESSION_NAMES = frozenset({".aspxauth", "aspxauth", "cfid", "cftoken", "sso", "ssid"})
_SESSION_BEGINNINGS = (".aspnetcore.", ".aspnet.", "wordpress_logged_in", "wordpress_sec")
# Cookies of statistics and forms that are meant to be read by script, or hold no session.
_FOR_SCRIPT = re.compile(
    r"csrf|xsrf|^_ga|^_gid|^_hj|^ai_session|^_pk_|^__utm|consent|assess|possess"
)
_WORDS = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_session_like(name: str) -> bool:
    """Whether a cookie of this name usually stands for a logged-in visitor."""
    lower = name.lower()
    if _FOR_SCRIPT.search(lower):
        return False
    words = set(_WORDS.split(_CAMEL.sub("-", name).lower()))
    return (
        "sess" in lower
        or bool(words & _SESSION_WORDS)
        or lower in _SESSION_NAMES
        or lower.startswith(_SESSION_BEGINNINGS)
    )


def _set_cookies(facts: WebFacts) -> list[tuple[Answer, Cookie]]:
    """Every cookie that is set, and where; deletions are no cookies."""
    return [
        (answer, cookie)
        for answer in facts.own_answers
        for cookie in answer.cookies
        if not cookie.is_deletion(facts.looked_at)
    ]


Fault = Callable[[Answer, Cookie], str]
"""What is wrong with a cookie, to be read after its name; empty for nothing."""


def _judge(
    facts: WebFacts,
    fault: Fault,
    good: str,
    severity: Callable[[Cookie], Severity | None] = lambda _: None,
) -> Verdict:
    cookies = _set_cookies(facts)
    problems: dict[str, Problem] = {}
    for answer, cookie in cookies:
        text = fault(answer, cookie)
        if text and len(problems) < _MAX_PROBLEMS:
            evidence = {"url": str(answer.url)[:300], "attributes": _attributes(cookie)}
            problem = Problem(
                f"cookie {cookie.name!r} {text}", cookie.name, severity(cookie), evidence
            )
            problems.setdefault(cookie.name, problem)
    if problems:
        return counted_once(facts, Verdict.failed_each(tuple(problems.values())))
    if not cookies:
        # A pass, though an empty one: a cookie that is no longer set is a problem that is gone.
        return unanswered(facts) or Verdict.passed("the endpoint sets no cookie")
    return Verdict.passed(good)


@check(
    "http.cookie.no_secure",
    rationale="The browser sends the cookie over plain http too, where anybody on the way can read"
    " it.",
    remediation="Add the attribute Secure.",
    sources=("RFC 6265bis 4.1.2.5", "OWASP ASVS 3.3.1", "CWE-614"),
)
def cookies_are_secure(facts: WebFacts) -> Verdict:
    has_hsts = hsts_in_force(facts)

    def severity(cookie: Cookie) -> Severity:
        if is_session_like(cookie.name):
            return Severity.LOW if has_hsts else Severity.MEDIUM
        return Severity.INFO if has_hsts else Severity.LOW

    return _judge(
        facts,
        lambda _, cookie: "" if cookie.is_secure else "is not Secure",
        "every cookie is Secure",
        severity,
    )


@check(
    "http.cookie.no_httponly",
    rationale="Script that gets into a page can read the session and send it away.",
    remediation="Add the attribute HttpOnly.",
    sources=("RFC 6265bis 4.1.2.6", "OWASP ASVS 3.3.4", "CWE-1004"),
)
def session_cookies_are_http_only(facts: WebFacts) -> Verdict:
    def fault(_: Answer, cookie: Cookie) -> str:
        is_session = is_session_like(cookie.name) and not cookie.is_persistent
        return (
            "is a session cookie without HttpOnly" if is_session and not cookie.is_http_only else ""
        )

    return _judge(facts, fault, "every session cookie is HttpOnly")


@check(
    "http.cookie.no_samesite",
    rationale="Some browsers send the cookie along with requests that other sites start (cross-site"
    " request forgery).",
    remediation="Add SameSite=Lax or SameSite=Strict; SameSite=None needs Secure.",
    sources=("RFC 6265bis 4.1.2.7", "OWASP ASVS 3.3.2", "CWE-1275"),
)
def session_cookies_are_same_site(facts: WebFacts) -> Verdict:
    def fault(_: Answer, cookie: Cookie) -> str:
        if not is_session_like(cookie.name):
            return ""
        if cookie.same_site is None:
            return "is a session cookie without SameSite"
        is_dropped = cookie.same_site == "None" and not cookie.is_secure
        return "has SameSite=None without Secure" if is_dropped else ""

    return _judge(facts, fault, "every session cookie has SameSite")


@check(
    "http.cookie.prefix_invalid",
    rationale="Browsers drop a cookie whose name promises more than its attributes keep, so what it"
    " is for does not work there; others store it without the protection promised.",
    remediation="Set __Host- cookies with Secure, Path=/ and no Domain; __Secure- with Secure.",
    sources=("RFC 6265bis 4.1.3",),
)
def prefixes_keep_their_promise(facts: WebFacts) -> Verdict:
    return _judge(
        facts,
        lambda answer, cookie: breaks_prefix_rules(cookie, is_tls=answer.url.is_tls),
        "no cookie breaks the rules of its prefix",
    )


def _attributes(cookie: Cookie) -> dict[str, object]:
    return {
        "secure": cookie.is_secure,
        "http_only": cookie.is_http_only,
        "same_site": cookie.same_site,
        "domain": cookie.domain,
        "path": cookie.path,
        "persistent": cookie.is_persistent,
    }


TLS_CHECKS: tuple[Check[WebFacts], ...] = (cookies_are_secure,)
"""Questions that only a cookie set over TLS can answer."""
CHECKS: tuple[Check[WebFacts], ...] = (
    session_cookies_are_http_only,
    session_cookies_are_same_site,
    prefixes_keep_their_promise,
)
