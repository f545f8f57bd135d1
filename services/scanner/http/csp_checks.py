"""What a page's Content Security Policy lets through. Pure."""

from services.scanner.check import Check, Verdict, check
from services.scanner.http.csp import Policy, parse_policies
from services.scanner.http.facts import Answer, WebFacts
from services.scanner.http.judged import body_is_unread, own_html, policies_of

_HEADER = "content-security-policy"
_REPORT_ONLY = "content-security-policy-report-only"
_STRICT = (
    "Allow scripts by nonce or hash, with 'strict-dynamic', object-src 'none', base-uri 'none'."
)


def _enforced(facts: WebFacts) -> tuple[Answer, tuple[Policy, ...]] | Verdict:
    """The page and its policies; a verdict where there is no page or no policy."""
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    policies = policies_of(answer)
    if policies:
        return answer, policies
    return body_is_unread(answer) or Verdict.not_applicable("the page has no policy")


def _evidence(answer: Answer) -> dict[str, object]:
    meta = answer.page.meta_policies if answer.page else ()
    sent = [value[:1000] for value in (*answer.values(_HEADER), *meta)]
    return {"url": str(answer.url)[:300], "policies": sent[:5]}


@check(
    "http.csp.missing",
    rationale="A policy is the second line of defence: without it, one hole through which script"
    " gets into a page gives away everything the visitor can do there.",
    remediation=_STRICT,
    sources=("CSP Level 3", "OWASP ASVS 3.4.3", "Mozilla Observatory content-security-policy"),
)
def page_has_a_policy(facts: WebFacts) -> Verdict:
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    if policies_of(answer):
        return Verdict.passed("the page has a Content-Security-Policy")
    unread = body_is_unread(answer)  # it might be in a <meta>
    if unread is not None:
        return unread
    note = ", only Report-Only" if answer.values(_REPORT_ONLY) else ""
    message = f"no Content-Security-Policy{note}"
    return Verdict.failed(message, evidence={"url": str(answer.url)[:300]})


@check(
    "http.csp.unsafe_inline",
    rationale="Script that gets into the page is run, which is what a policy is there to prevent.",
    remediation="Take out 'unsafe-inline' and mark the page's own scripts by nonce or hash.",
    sources=("CSP Level 3 6.7.3.2", "OWASP ASVS 3.4.3"),
)
def inline_script_is_blocked(facts: WebFacts) -> Verdict:
    found = _enforced(facts)
    if isinstance(found, Verdict):
        return found
    answer, policies = found
    restricting = [policy for policy in policies if policy.restricts_script]
    if not restricting:
        return Verdict.not_applicable("the policy is not about scripts")
    if all(policy.allows_inline_script for policy in restricting):
        return Verdict.failed("the policy lets inline script run", evidence=_evidence(answer))
    return Verdict.passed("inline script needs a nonce or a hash, or is blocked")


@check(
    "http.csp.unsafe_eval",
    rationale="Text that gets into an evaluating function runs as script.",
    remediation="Take out 'unsafe-eval'; 'wasm-unsafe-eval' is enough for WebAssembly.",
    sources=("CSP Level 3 4.4",),
)
def eval_is_blocked(facts: WebFacts) -> Verdict:
    found = _enforced(facts)
    if isinstance(found, Verdict):
        return found
    answer, policies = found
    governing = [policy for policy in policies if policy.effective("script-src") is not None]
    if not governing:
        return Verdict.not_applicable("the policy is not about scripts")
    if all(policy.allows_eval for policy in governing):
        return Verdict.failed("the policy allows eval", evidence=_evidence(answer))
    return Verdict.passed("eval is blocked")


@check(
    "http.csp.wildcard",
    rationale="Script or plugins from nearly anywhere are allowed, so an attacker only has to put"
    " them somewhere.",
    remediation="Name the hosts that are needed, or use nonces with 'strict-dynamic'; set"
    " object-src 'none'.",
    sources=("CSP Level 3 6.7.2", "Mozilla Observatory content-security-policy"),
)
def script_sources_are_narrow(facts: WebFacts) -> Verdict:
    found = _enforced(facts)
    if isinstance(found, Verdict):
        return found
    answer, policies = found
    wide = [_narrowness(policies, aspect) for aspect in ("scripts", "objects")]
    sources = [source for aspect in wide for source in aspect]
    if sources:
        message = "too wide: " + ", ".join(dict.fromkeys(sources))
        return Verdict.failed(message[:300], evidence=_evidence(answer))
    return Verdict.passed("script and plugin sources are named")


def _narrowness(policies: tuple[Policy, ...], aspect: str) -> tuple[str, ...]:
    """What is too wide in every policy; nothing when one of them is narrow enough."""
    each = [p.wide_scripts if aspect == "scripts" else p.wide_objects for p in policies]
    return tuple(source for sources in each for source in sources) if all(each) else ()


@check(
    "http.csp.weak_base",
    rationale="A planted base element redirects the page's relative scripts to another host, past"
    " nonces that are right.",
    remediation="Add base-uri 'none' (or 'self').",
    sources=("CSP Level 3 6.3.1",),
)
def base_is_limited(facts: WebFacts) -> Verdict:
    found = _enforced(facts)
    if isinstance(found, Verdict):
        return found
    answer, policies = found
    if any(policy.limits_base for policy in policies):
        return Verdict.passed("base-uri is limited")
    if not any(policy.uses_nonce_or_hash for policy in policies):
        return Verdict.not_applicable("the policy uses neither nonces nor hashes")
    return Verdict.failed("nonces or hashes without base-uri", evidence=_evidence(answer))


@check(
    "http.csp.report_only",
    rationale="A policy that only reports blocks nothing.",
    remediation="Enforce the policy once its reports are quiet.",
    sources=("CSP Level 3 3.2",),
)
def policy_is_enforced(facts: WebFacts) -> Verdict:
    answer = own_html(facts)
    if isinstance(answer, Verdict):
        return answer
    if policies_of(answer):
        return Verdict.passed("a policy is enforced")
    reported = answer.values(_REPORT_ONLY)
    if not parse_policies(reported):
        return Verdict.not_applicable("the page has no policy")
    unread = body_is_unread(answer)
    if unread is not None:
        return unread
    evidence = {"url": str(answer.url)[:300], "policies": [value[:1000] for value in reported[:5]]}
    return Verdict.failed("only Content-Security-Policy-Report-Only", evidence=evidence)


@check(
    "http.csp.style_inline",
    rationale="Styles that get into a page can hide and imitate parts of it, and read attributes"
    " out by the pictures they load.",
    remediation="Take 'unsafe-inline' out of style-src; mark the page's own styles by nonce or"
    " hash.",
    sources=("CSP Level 3 6.7.3.2",),
)
def inline_style_is_blocked(facts: WebFacts) -> Verdict:
    found = _enforced(facts)
    if isinstance(found, Verdict):
        return found
    answer, policies = found
    restricting = [policy for policy in policies if policy.restricts_style]
    if not restricting:
        return Verdict.not_applicable("the policy is not about styles")
    if all(policy.allows_inline_style for policy in restricting):
        return Verdict.failed("the policy lets inline styles apply", evidence=_evidence(answer))
    return Verdict.passed("inline styles need a nonce or a hash, or are blocked")


CHECKS: tuple[Check[WebFacts], ...] = (
    inline_style_is_blocked,
    page_has_a_policy,
    inline_script_is_blocked,
    eval_is_blocked,
    script_sources_are_narrow,
    base_is_limited,
    policy_is_enforced,
)
