"""HTTP Strict Transport Security of one TLS endpoint. Pure.

Browsers keep the policy per host, not per port, and take it from any answer, redirects and errors
included; the last answer of the host counts (RFC 6797 8.1).
"""

from datetime import timedelta

from services.scanner.check import Check, Verdict, check
from services.scanner.http.facts import Answer, WebFacts
from services.scanner.http.hsts import Hsts, parse_hsts

_HEADER = "strict-transport-security"
_SIX_MONTHS_S = 15_768_000
_ONE_YEAR_S = 31_536_000
_LIST_LAG = timedelta(days=90)
"""From a submission until it stands in the lists that people have."""
_SECONDS_PER_DAY = 86_400
_MISDIRECTED = 421
_FIRST_SERVER_ERROR = 500
_REMEDIATION = 'Send "Strict-Transport-Security: max-age=31536000" or more on every https answer.'


def _host_answers(facts: WebFacts) -> tuple[Answer, ...] | Verdict:
    """What the host itself said over TLS, or why HSTS is no question here."""
    if facts.answers[0].url.address is not None:
        return Verdict.not_applicable(
            "the target is an address: HSTS does not apply (RFC 6797 8.3)"
        )
    return tuple(a for a in facts.answers if a.url.is_tls and a.url.host == facts.subject.host)


def _policy(facts: WebFacts) -> Hsts | Verdict | None:
    """The policy a browser ends up with; None where the host sends no header."""
    answers = _host_answers(facts)
    if isinstance(answers, Verdict):
        return answers
    # Of two headers in one answer the first counts (RFC 6797 8.1).
    sent = [answer.first(_HEADER) for answer in answers if answer.values(_HEADER)]
    return parse_hsts(sent[-1]) if sent else None


@check(
    "http.hsts.missing",
    rationale="Without HSTS the first request of a visit may go out in the clear, where an attacker"
    " on the way can keep the visitor from ever reaching the encrypted site.",
    remediation=_REMEDIATION,
    sources=("RFC 6797 6.1.1", "RFC 6797 8.1", "RFC 9325 3.2"),
)
def hsts_is_sent(facts: WebFacts) -> Verdict:
    policy = _policy(facts)
    if isinstance(policy, Verdict):
        return policy
    if policy is None:
        return _judge_absence(facts)
    if policy.has_duplicates:
        return Verdict.not_evaluated("the header is malformed: some browsers drop it, some do not")
    if policy.is_in_force:
        return Verdict.passed(f"browsers remember https for {policy.max_age_s} s")
    switched_off = policy.max_age_s == 0
    reason = "max-age=0 switches it off" if switched_off else "it has no valid max-age"
    return Verdict.failed(f"HSTS is void: {reason}", evidence=_evidence(facts))


def _judge_absence(facts: WebFacts) -> Verdict:
    first = facts.answers[0]
    if first.status == _MISDIRECTED or first.status >= _FIRST_SERVER_ERROR:
        # A gateway's own error page says nothing about the site behind it.
        return Verdict.not_evaluated(f"the server answered {first.status}")
    evidence = {"url": first.url.origin, "status": first.status}
    return Verdict.failed("no Strict-Transport-Security header", evidence=evidence)


@check(
    "http.hsts.short",
    rationale="Browsers forget a short policy between two visits, and the next visit begins in the"
    " clear.",
    remediation="Raise max-age to 31536000 (one year) or more, once the site is settled on https.",
    sources=("RFC 6797 11.2", "NCSC-NL TLS 2025", "Mozilla Server Side TLS 5.7"),
)
def hsts_lasts_six_months(facts: WebFacts) -> Verdict:
    policy = _in_force(facts)
    if isinstance(policy, Verdict):
        return policy
    age_s = policy.max_age_s or 0
    if age_s < _SIX_MONTHS_S:
        days = age_s // _SECONDS_PER_DAY
        message = f"HSTS lasts {age_s} s ({days} days), less than six months"
        return Verdict.failed(message, evidence=_evidence(facts))
    return Verdict.passed(f"HSTS lasts {age_s} s")


@check(
    "http.hsts.invalid",
    rationale="A malformed header may be ignored as a whole, and then nothing protects the visit.",
    remediation='Send one header with one max-age, as in "max-age=31536000; includeSubDomains".',
    sources=("RFC 6797 6.1", "RFC 6797 8.1"),
)
def hsts_is_well_formed(facts: WebFacts) -> Verdict:
    answers = _host_answers(facts)
    if isinstance(answers, Verdict):
        return answers
    sent = [answer.values(_HEADER) for answer in answers if answer.values(_HEADER)]
    if not sent:
        return Verdict.not_applicable("no Strict-Transport-Security header")
    faults = [f"{len(values)} headers in one answer" for values in sent if len(values) > 1]
    faults += [fault for values in sent for fault in parse_hsts(values[0]).faults]
    if faults:
        message = "HSTS is malformed: " + "; ".join(dict.fromkeys(faults))
        return Verdict.failed(message[:500], evidence=_evidence(facts))
    return Verdict.passed("one well-formed header")


@check(
    "http.hsts.no_subdomains",
    rationale="A cookie of the domain can still be stolen or planted through a subdomain that is"
    " asked in the clear.",
    remediation="Add includeSubDomains once every subdomain speaks TLS.",
    sources=("RFC 6797 6.1.2", "RFC 6797 14.4"),
)
def hsts_covers_subdomains(facts: WebFacts) -> Verdict:
    policy = _in_force(facts)
    if isinstance(policy, Verdict):
        return policy
    if policy.include_subdomains:
        return Verdict.passed("includeSubDomains is set")
    return Verdict.failed("HSTS leaves out the subdomains", evidence=_evidence(facts))


@check(
    "http.hsts.not_preloaded",
    rationale="A browser that has never been here begins in the clear, unless it ships with the"
    " name.",
    remediation="Optional: send includeSubDomains and preload with max-age=31536000 or more, and"
    " submit the domain to the preload list.",
    sources=("RFC 6797 12.3", "Chromium HSTS preload list"),
)
def is_preloaded(facts: WebFacts) -> Verdict:
    preload, policy = facts.preload, _in_force(facts)
    if isinstance(policy, Verdict):
        return policy
    if preload is None:
        return Verdict.not_evaluated("the preload list was not looked at")
    as_of = f"the preload list of {preload.list_date}"
    if preload.is_listed:
        return Verdict.passed(f"{facts.subject.host} is on {as_of}")
    asks = policy.preload and policy.include_subdomains and (policy.max_age_s or 0) >= _ONE_YEAR_S
    if asks and facts.looked_at.date() - preload.list_date > _LIST_LAG:
        # It may have been taken in since: only a list that is fresh can say no.
        return Verdict.not_evaluated(f"the site asks to be preloaded, and is not yet on {as_of}")
    evidence = _evidence(facts) | {"list_date": preload.list_date.isoformat()}
    return Verdict.failed(f"{facts.subject.host} is not on {as_of}", evidence=evidence)


def _in_force(facts: WebFacts) -> Hsts | Verdict:
    """A policy worth a second question: a missing or void one is another check's finding."""
    policy = _policy(facts)
    if isinstance(policy, Verdict):
        return policy
    if policy is None or not policy.is_in_force:
        return Verdict.not_applicable("no HSTS policy is in force")
    return policy


def hsts_in_force(facts: WebFacts) -> bool:
    """For other checks: what HSTS takes off their weight."""
    return isinstance(_in_force(facts), Hsts)


def _evidence(facts: WebFacts) -> dict[str, object]:
    answers = _host_answers(facts)
    if isinstance(answers, Verdict):
        return {}
    headers = [value[:300] for answer in answers for value in answer.values(_HEADER)]
    return {"headers": headers[:5], "url": answers[-1].url.origin}


CHECKS: tuple[Check[WebFacts], ...] = (
    hsts_is_sent,
    hsts_lasts_six_months,
    hsts_is_well_formed,
    hsts_covers_subdomains,
    is_preloaded,
)
