"""What a page loads: over plain http, or from strangers without a seal. Pure."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from services.scanner.check import Check, Problem, Verdict, check
from services.scanner.http.facts import Answer, Load, LoadKind, Page, WebFacts
from services.scanner.http.judged import body_is_unread, own_html, policies_of
from services.scanner.http.urls import registrable_domain

_MAX_PROBLEMS = 20
_MAX_SHOWN = 10
# SRI 3.2: the length of the base64 text follows from the hash.
_SEAL = re.compile(
    r"(sha256-[A-Za-z0-9+/_-]{43}=|sha384-[A-Za-z0-9+/_-]{64}|sha512-[A-Za-z0-9+/_-]{86}==)(\?.*)?"
)
# Scripts and styles that their makers change at any time, so that a seal would break the page
# (state of November 2026): tag managers, payment, captchas, maps, styles made per browser.
_SELF_UPDATING = (
    "challenges.cloudflare.com",
    "connect.facebook.net",
    "fonts.googleapis.com",
    "googletagmanager.com",
    "google-analytics.com",
    "hcaptcha.com",
    "js.stripe.com",
    "maps.googleapis.com",
    "static.cloudflareinsights.com",
    "use.typekit.net",
    "www.google.com",
    "www.gstatic.com",
    "www.paypal.com",
)


def _page(facts: WebFacts) -> tuple[Answer, Page] | Verdict:
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    if answer.page is not None:
        return answer, answer.page
    return body_is_unread(answer) or Verdict.not_evaluated("the page is empty")


def _nothing_found(page: Page, good: str, answer: Answer) -> Verdict:
    """Passed only when the whole page was read: it might stand further down."""
    if page.is_whole:
        return Verdict.passed(good)
    note = answer.body_note or "the page is too large to be read whole"
    return Verdict.not_evaluated(f"nothing found in what was read: {note}")


def _mixed(facts: WebFacts, *, is_active: bool) -> Verdict:
    found = _page(facts)
    if isinstance(found, Verdict):
        return found
    answer, page = found
    if any(policy.upgrades_requests for policy in policies_of(answer)):
        return Verdict.passed("upgrade-insecure-requests turns every load into https")
    plain = [load for load in page.loads if load.url.lower().startswith("http://")]
    loads = [load for load in plain if load.kind.is_active == is_active]
    if not loads:
        return _nothing_found(page, "nothing of this kind is loaded over plain http", answer)
    words = "can change the page" if is_active else "are shown in it"
    message = f"{len(loads)} resources that {words} are loaded over plain http"
    return Verdict.failed(message, evidence=_evidence(answer, loads))


@check(
    "http.mixed.active",
    rationale="Whoever is on the way can replace the script or frame, and with it the page that"
    " TLS was to protect.",
    remediation="Load everything over https; upgrade-insecure-requests helps with old content.",
    sources=("Mixed Content (W3C) 3", "OWASP ASVS 12.2.1"),
)
def no_active_mixed_content(facts: WebFacts) -> Verdict:
    return _mixed(facts, is_active=True)


@check(
    "http.mixed.passive",
    rationale="Whoever is on the way sees what is looked at, and can show something else.",
    remediation="Load everything over https; upgrade-insecure-requests helps with old content.",
    sources=("Mixed Content (W3C) 3",),
)
def no_passive_mixed_content(facts: WebFacts) -> Verdict:
    return _mixed(facts, is_active=False)


@check(
    "http.sri.missing",
    rationale="Whoever takes over the other party's server runs script in this page: a supply"
    " chain without a seal.",
    remediation="Add integrity and crossorigin to the element, or serve the file yourself.",
    sources=("Subresource Integrity (W3C)", "OWASP ASVS 3.6.1"),
)
def third_party_scripts_are_sealed(facts: WebFacts) -> Verdict:
    found = _page(facts)
    if isinstance(found, Verdict):
        return found
    answer, page = found
    own = registrable_domain(answer.url.host)
    by_host: dict[str, list[Load]] = {}
    for load in page.loads:
        host = _third_party(load, own)
        if host and not _is_sealed(load.integrity):
            by_host.setdefault(host, []).append(load)
    if not by_host:
        return _nothing_found(page, "no third-party script or style without integrity", answer)
    problems = (
        Problem(
            f"{len(loads)} scripts or styles from {host} without integrity",
            host,
            None,
            _evidence(answer, loads),
        )
        for host, loads in sorted(by_host.items())[:_MAX_PROBLEMS]
    )
    return Verdict.failed_each(tuple(problems))


def _third_party(load: Load, own: str) -> str:
    """The host of a script or style that somebody else serves; empty for every other load."""
    if load.kind not in {LoadKind.SCRIPT, LoadKind.STYLE}:
        return ""
    try:
        parts = urlsplit(load.url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or registrable_domain(host) == own:
        return ""
    is_exempt = any(host == name or host.endswith("." + name) for name in _SELF_UPDATING)
    return "" if is_exempt else host[:255]


def _is_sealed(integrity: str) -> bool:
    return any(_SEAL.fullmatch(token) for token in integrity.split())


def _evidence(answer: Answer, loads: Iterable[Load]) -> dict[str, object]:
    shown = [{"kind": load.kind.value, "url": load.url[:300]} for load in loads]
    return {"url": str(answer.url)[:300], "loads": shown[:_MAX_SHOWN]}


TLS_CHECKS: tuple[Check[WebFacts], ...] = (no_active_mixed_content, no_passive_mixed_content)
"""Content is mixed only where the page itself came over TLS."""
CHECKS: tuple[Check[WebFacts], ...] = (third_party_scripts_are_sealed,)
