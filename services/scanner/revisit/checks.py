"""Who may read the page's answers, and whether its nonces are fresh. Pure."""

from services.scanner.check import Check, Problem, Verdict, check
from services.scanner.revisit.facts import Grant, RevisitFacts, Ruse

_WEAK = frozenset({Ruse.PREFIX, Ruse.SUFFIX, Ruse.PLAIN})
_ALLOW_LIST = (
    "Compare the Origin header with a list of whole origins, and name the one that matched."
)


def _of(facts: RevisitFacts, *ruses: Ruse) -> tuple[Grant, ...]:
    return tuple(grant for grant in facts.grants if grant.ruse in ruses)


def _elsewhere(facts: RevisitFacts) -> Verdict | None:
    if not facts.onward:
        return None
    return Verdict.passed(f"the endpoint serves no page of its own: it leads to {facts.onward}")


def _unknown(grants: tuple[Grant, ...]) -> Verdict | None:
    reason = next((grant.unknown for grant in grants if grant.unknown), "")
    return Verdict.not_evaluated(reason) if reason else None


def _evidence(facts: RevisitFacts, grant: Grant) -> dict[str, object]:
    return {
        "url": facts.url,
        "origin": grant.origin,
        "access_control_allow_origin": grant.allowed,
        "access_control_allow_credentials": grant.with_credentials,
    }


def _reflects_anybody(facts: RevisitFacts) -> bool:
    return all(grant.is_reflected for grant in _of(facts, Ruse.RANDOM))


@check(
    "http.cors.reflect_credentials",
    rationale="Any site that a logged-in visitor opens can read this one in the visitor's name.",
    remediation=_ALLOW_LIST,
    sources=("Fetch 3.3 (CORS protocol)", "OWASP ASVS 3.4.2", "CWE-942"),
)
def strangers_may_not_read(facts: RevisitFacts) -> Verdict:
    random = _of(facts, Ruse.RANDOM)
    early = _elsewhere(facts) or _unknown(random)
    if early is not None:
        return early
    if all(grant.is_reflected for grant in random):
        message = "any origin may read answers with the visitor's cookies"
        return Verdict.failed(message, evidence=_evidence(facts, random[-1]))
    if random[0].allowed == random[0].origin:
        return Verdict.passed("any origin is allowed, but without the visitor's cookies")
    return Verdict.passed("a random origin is not allowed")


@check(
    "http.cors.null_credentials",
    rationale='Any site can send the origin "null" from a sandboxed frame, and so read this one in'
    " a visitor's name.",
    remediation="Take null out of the allowed origins.",
    sources=("Fetch 3.3 (CORS protocol)", "CWE-942"),
)
def null_may_not_read(facts: RevisitFacts) -> Verdict:
    early = _judged_by_reflection(facts) or _unknown(_of(facts, Ruse.NULL))
    if early is not None:
        return early
    for grant in _of(facts, Ruse.NULL):
        if grant.is_reflected:
            message = "the origin null may read answers with the visitor's cookies"
            return Verdict.failed(message, evidence=_evidence(facts, grant))
    return Verdict.passed("the origin null is not allowed")


@check(
    "http.cors.weak_match",
    rationale="Anybody can register a name that passes the comparison, and then read this site in a"
    " visitor's name; whoever is on the way can do so where plain http is allowed.",
    remediation=_ALLOW_LIST,
    sources=("Fetch 3.3 (CORS protocol)", "OWASP WSTG-CLNT-07", "CWE-942"),
)
def similar_names_may_not_read(facts: RevisitFacts) -> Verdict:
    early = _judged_by_reflection(facts)
    if early is not None:
        return early
    grants = tuple(grant for grant in facts.grants if grant.ruse in _WEAK)
    problems = tuple(
        Problem(
            f"{grant.ruse.value} is allowed with cookies: {grant.origin}",
            grant.ruse.name.lower(),
            None,
            _evidence(facts, grant),
        )
        for grant in grants
        if grant.is_reflected
    )
    if problems:
        return Verdict.failed_each(problems)
    return _unknown(grants) or Verdict.passed("no origin that only looks like the host is allowed")


def _judged_by_reflection(facts: RevisitFacts) -> Verdict | None:
    """One fault, one finding: where any origin is let in, so are the similar ones."""
    early = _elsewhere(facts) or _unknown(_of(facts, Ruse.RANDOM))
    if early is None and _reflects_anybody(facts):
        return Verdict.not_applicable("any origin is allowed: told by the check for that")
    return early


@check(
    "http.cors.wildcard",
    rationale="Every site may read this answer as a stranger sees it; fine for public resources,"
    " wrong behind a network border.",
    remediation="None for what is public; else name the origins that need it.",
    sources=("Fetch 3.3.5", "OWASP ASVS 3.4.2"),
)
def not_everybody_may_read(facts: RevisitFacts) -> Verdict:
    random = _of(facts, Ruse.RANDOM)
    early = _elsewhere(facts) or _unknown(random)
    if early is not None:
        return early
    if any(grant.allowed == "*" for grant in random):
        message = "Access-Control-Allow-Origin is *"
        return Verdict.failed(message, evidence=_evidence(facts, random[0]))
    return Verdict.passed("the answer is not open to every origin")


@check(
    "http.csp.static_nonce",
    rationale="A nonce that is known beforehand can be put on planted script, and the policy lets"
    " it run.",
    remediation="Make a fresh nonce of at least 128 random bits for each answer, and do not cache"
    " such pages.",
    sources=("CSP Level 3 7.1", "OWASP ASVS 3.4.3"),
)
def nonces_are_fresh(facts: RevisitFacts) -> Verdict:
    early = _elsewhere(facts)
    if early is not None:
        return early
    nonces = facts.nonces
    if nonces is None:
        is_unseen = facts.is_page_unseen
        return Verdict.not_evaluated(facts.no_page) if is_unseen else Verdict.passed(facts.no_page)
    if not nonces.first:
        return Verdict.passed("the page uses no nonce")
    repeated = nonces.first & nonces.second
    if repeated:
        message = "the same nonce came with two answers"
        shown = sorted(nonce[:40] for nonce in repeated)[:3]
        return Verdict.failed(message, evidence={"url": facts.url, "nonces": shown})
    if nonces.unknown:
        return Verdict.not_evaluated(nonces.unknown)
    return Verdict.passed("the nonce of the second answer is another one")


CHECKS: tuple[Check[RevisitFacts], ...] = (
    strangers_may_not_read,
    null_may_not_read,
    similar_names_may_not_read,
    not_everybody_may_read,
    nonces_are_fresh,
)
