"""Secrets in pages and scripts, judged. Pure. The value is in no message and no evidence."""

from services.scanner.check import Check, Problem, Verdict, check
from services.scanner.leaks.facts import Leak, LeakFacts

_MOST_PROBLEMS = 20
_ROTATE = "Revoke the key now, make a new one, and keep it on the server."


def _verdict(leaks: tuple[Leak, ...]) -> Verdict:
    problems = {
        leak.mark: Problem(
            f"{leak.kind.replace('_', ' ')} ({leak.preview}…) in {leak.url}",
            leak.mark,
            None,
            {"kind": leak.kind, "url": leak.url, "preview": leak.preview, "hash": leak.digest},
        )
        for leak in reversed(leaks)
    }
    return Verdict.failed_each(tuple(reversed(problems.values()))[:_MOST_PROBLEMS])


def _without_page(facts: LeakFacts) -> Verdict | None:
    if not facts.no_page:
        return None
    if facts.is_page_unseen:
        return Verdict.not_evaluated(facts.no_page)
    return Verdict.passed(facts.no_page)


@check(
    "http.secret.body",
    rationale="Everybody who opens the page holds the key, and so do search engines and archives.",
    remediation=_ROTATE,
    sources=("OWASP ASVS 13.3.1", "CWE-798", "CWE-540"),
)
def pages_hold_no_secret(facts: LeakFacts) -> Verdict:
    leaks = tuple(leak for leak in facts.leaks if not (leak.is_public or leak.is_in_script))
    if leaks:
        return _verdict(leaks)
    early = _without_page(facts)
    if early is not None:
        return early
    if facts.unread_page:
        return Verdict.not_evaluated(f"nothing found in what was read: {facts.unread_page}")
    return Verdict.passed("no key of a known provider in the page")


@check(
    "http.secret.script",
    rationale="Scripts are sent to everybody; what is minified is not hidden.",
    remediation=_ROTATE,
    sources=("OWASP ASVS 13.3.1", "CWE-798", "CWE-540"),
)
def scripts_hold_no_secret(facts: LeakFacts) -> Verdict:
    leaks = tuple(leak for leak in facts.leaks if leak.is_in_script and not leak.is_public)
    if leaks:
        return _verdict(leaks)
    early = _without_page(facts) or _unread_scripts(facts)
    if early is not None:
        return early
    return Verdict.passed(f"no key of a known provider in {facts.scripts_read} own scripts")


@check(
    "http.secret.public_key",
    rationale="Such keys are made to be seen, but without restrictions others can use them at your"
    " expense.",
    remediation="Restrict the key to your sites and to the interfaces it is for.",
    sources=("OWASP ASVS 13.3.1",),
)
def no_publishable_key_is_seen(facts: LeakFacts) -> Verdict:
    leaks = tuple(leak for leak in facts.leaks if leak.is_public)
    if leaks:
        return _verdict(leaks)
    early = _without_page(facts) or _unread_scripts(facts)
    if early is not None:
        return early
    if facts.unread_page:
        return Verdict.not_evaluated(f"nothing found in what was read: {facts.unread_page}")
    return Verdict.passed("no publishable key in the page and its own scripts")


def _unread_scripts(facts: LeakFacts) -> Verdict | None:
    if not facts.unread_scripts:
        return None
    shown = "; ".join(facts.unread_scripts[:3])
    return Verdict.not_evaluated(f"nothing found in what was read: {shown}"[:500])


CHECKS: tuple[Check[LeakFacts], ...] = (
    pages_hold_no_secret,
    scripts_hold_no_secret,
    no_publishable_key_is_seen,
)
