"""Security headers besides HSTS and CSP, and headers that tell too much. Pure."""

import re

from services.scanner.check import Check, Problem, Verdict, check
from services.scanner.http.facts import Answer, WebFacts
from services.scanner.http.judged import (
    counted_once,
    own_content,
    own_html,
    policies_of,
    unanswered,
)

_ISOLATING_OPENERS = frozenset({"same-origin", "same-origin-allow-popups", "noopener-allow-popups"})
_RESOURCE_POLICIES = frozenset({"same-origin", "same-site", "cross-origin"})
_FRAMING_BLOCKED = frozenset({"deny", "sameorigin"})
_REFERRER_POLICIES = frozenset(
    {
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    }
)
# HTML 4.2.5.4: what <meta name=referrer> once understood.
_OLD_REFERRER_WORDS = {
    "never": "no-referrer",
    "default": "strict-origin-when-cross-origin",
    "always": "unsafe-url",
    "origin-when-crossorigin": "origin-when-cross-origin",
}
_LEAKING = frozenset({"unsafe-url", "no-referrer-when-downgrade"})

_MAX_JUDGED = 256
_PRODUCT_VERSION = re.compile(r"[A-Za-z][\w.+-]{0,60}/v?\d[\w.+-]{0,40}")
_COMMENT = re.compile(r"\([^()]{0,200}\)")
# Names of content networks and balancers that look like versions and are nobody's software state.
_EDGE_SERVERS = ("awselb/", "ecacc", "ecd ", "ecs ", "netdna-cache/", "cloudflare", "akamaighost")
_VERSION_HEADERS = ("X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version", "X-Generator")
_VERSION_DIGITS = re.compile(r"(?:^|[\s/v(:;,-])\d+(?:\.\d+)*")


def _url(answer: Answer) -> str:
    return str(answer.url)[:300]


@check(
    "http.frame.missing",
    rationale="Another site can show this page in an invisible frame and have visitors click in"
    " it (clickjacking).",
    remediation="Send Content-Security-Policy: frame-ancestors 'none' or 'self'.",
    sources=("CSP Level 3 6.4.2", "RFC 7034", "CWE-1021"),
)
def page_cannot_be_framed(facts: WebFacts) -> Verdict:
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    policies = [p for p in policies_of(answer) if "frame-ancestors" in p.directives]
    options = answer.values("x-frame-options")
    evidence = {"url": _url(answer), "x_frame_options": [v[:200] for v in options[:3]]}
    if any(policy.limits_framing for policy in policies):
        return Verdict.passed("frame-ancestors limits who may frame the page")
    if policies:  # then browsers do not look at X-Frame-Options (CSP 3 6.4.2.2)
        return Verdict.failed("frame-ancestors lets anybody frame the page", evidence=evidence)
    words = {word.strip().lower() for value in options for word in value.split(",")}
    if words & _FRAMING_BLOCKED:
        return Verdict.passed("X-Frame-Options limits who may frame the page")
    message = "the page can be framed" + (": X-Frame-Options is void" if options else "")
    return Verdict.failed(message, evidence=evidence)


@check(
    "http.nosniff.missing",
    rationale="A browser that guesses the type of a file may run as script what was uploaded as a"
    " picture.",
    remediation="Send X-Content-Type-Options: nosniff with every answer.",
    sources=("Fetch 3.6", "OWASP ASVS 3.4.4"),
)
def types_are_not_guessed(facts: WebFacts) -> Verdict:
    answer = own_content(facts)
    if isinstance(answer, Verdict):
        return answer
    values = answer.values("x-content-type-options")
    # Fetch: the first value of the list counts.
    first = ",".join(values).partition(",")[0].strip().lower()
    if first == "nosniff":
        return Verdict.passed("X-Content-Type-Options is nosniff")
    evidence = {"url": _url(answer), "values": [value[:100] for value in values[:3]]}
    return Verdict.failed("no X-Content-Type-Options: nosniff", evidence=evidence)


def _referrer_policy(answer: Answer) -> str | None:
    """The policy that holds: a <meta> comes after the header, the last known token counts."""
    meta = (answer.page.meta_referrer or "") if answer.page else ""
    old = _OLD_REFERRER_WORDS.get(meta.lower())
    words = [w.strip().lower() for v in answer.values("referrer-policy") for w in v.split(",")]
    words += [old] if old else [w.strip().lower() for w in meta.split(",")]
    return next((word for word in reversed(words) if word in _REFERRER_POLICIES), None)


@check(
    "http.referrer.missing",
    rationale="What other sites learn about a visitor's path is left to the browser; old ones tell"
    " the whole address.",
    remediation="Send Referrer-Policy: strict-origin-when-cross-origin or stricter.",
    sources=("Referrer Policy (W3C)", "OWASP ASVS 3.4.5"),
)
def referrer_policy_is_set(facts: WebFacts) -> Verdict:
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    policy = _referrer_policy(answer)
    if policy is not None:
        return Verdict.passed(f"Referrer-Policy is {policy}")
    return Verdict.failed("no Referrer-Policy", evidence={"url": _url(answer)})


@check(
    "http.referrer.unsafe",
    rationale="Whole addresses, with whatever they carry (tokens, names, search words), go to every"
    " site that the page links to or loads from.",
    remediation="Set Referrer-Policy: strict-origin-when-cross-origin or stricter.",
    sources=("Referrer Policy (W3C) 3", "OWASP ASVS 3.4.5"),
)
def referrer_does_not_leak(facts: WebFacts) -> Verdict:
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    policy = _referrer_policy(answer)
    if policy in _LEAKING:
        return Verdict.failed(f"Referrer-Policy is {policy}", evidence={"url": _url(answer)})
    return Verdict.passed(
        f"Referrer-Policy is {policy}" if policy else "the browsers' default holds"
    )


@check(
    "http.permissions.missing",
    rationale="The page and what it embeds may ask for camera, position and more.",
    remediation="Send Permissions-Policy and switch off what the site does not use.",
    sources=("Permissions Policy (W3C)",),
)
def permissions_policy_is_set(facts: WebFacts) -> Verdict:
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    if any(value for value in answer.values("permissions-policy")):
        return Verdict.passed("a Permissions-Policy is sent")
    return Verdict.failed("no Permissions-Policy", evidence={"url": _url(answer)})


@check(
    "http.info.server_version",
    rationale="The version tells an attacker which known holes to try.",
    remediation="Send the product name alone (ServerTokens Prod, server_tokens off).",
    sources=("RFC 9110 10.2.4", "OWASP WSTG-INFO-02", "CWE-200"),
)
def server_version_is_hidden(facts: WebFacts) -> Verdict:
    own = facts.own_answers
    values = [value[:_MAX_JUDGED] for answer in own for value in answer.values("server")]
    for value in values:
        # What stands in parentheses is a comment (RFC 9110 5.6.5): an edge's location, an OS.
        bare = _COMMENT.sub("", value)
        if not value.lower().startswith(_EDGE_SERVERS) and _PRODUCT_VERSION.search(bare):
            message = f"the Server header says {value[:100]!r}"
            return counted_once(facts, Verdict.failed(message, evidence={"server": value}))
    good = "the Server header tells no version" if values else "no Server header"
    return unanswered(facts) or Verdict.passed(good)


@check(
    "http.info.powered_by",
    rationale="The version of the framework tells an attacker which known holes to try.",
    remediation="Take these headers out (expose_php = Off, removal in the proxy).",
    sources=("OWASP WSTG-INFO-08", "CWE-200"),
)
def framework_version_is_hidden(facts: WebFacts) -> Verdict:
    problems = {
        name: Problem(f"{name} says {value[:100]!r}", name.lower(), None, {name: value})
        for name in _VERSION_HEADERS
        for answer in facts.own_answers
        for value in (text[:_MAX_JUDGED] for text in answer.values(name))
        if _VERSION_DIGITS.search(value)
    }
    if problems:
        return counted_once(facts, Verdict.failed_each(tuple(problems.values())))
    return unanswered(facts) or Verdict.passed("no header tells a framework's version")


@check(
    "http.isolation.missing",
    rationale="Other sites keep a handle on windows of this page, or load its files into their own"
    " process, where side channels of the processor can read them.",
    remediation="Send Cross-Origin-Opener-Policy: same-origin and, with files that no other site"
    " needs, Cross-Origin-Resource-Policy: same-origin.",
    sources=("HTML 7.1.3", "Fetch 3.7", "OWASP ASVS 3.4.8"),
)
def page_is_isolated(facts: WebFacts) -> Verdict:
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    opener = answer.first("cross-origin-opener-policy").partition(";")[0].strip().lower()
    resource = answer.first("cross-origin-resource-policy").strip().lower()
    if opener in _ISOLATING_OPENERS or resource in _RESOURCE_POLICIES:
        return Verdict.passed("the page says how far other sites may reach it")
    message = "neither Cross-Origin-Opener-Policy nor Cross-Origin-Resource-Policy"
    return Verdict.failed(message, evidence={"url": _url(answer)})


CHECKS: tuple[Check[WebFacts], ...] = (
    page_is_isolated,
    page_cannot_be_framed,
    types_are_not_guessed,
    referrer_policy_is_set,
    referrer_does_not_leak,
    permissions_policy_is_set,
    server_version_is_hidden,
    framework_version_is_hidden,
)
