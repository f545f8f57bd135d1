"""Redirects between http and https, and passwords that travel in the clear. Pure."""

from services.scanner.check import Check, Problem, Verdict, check
from services.scanner.http.facts import Answer, Ending, WebFacts
from services.scanner.http.judged import unanswered
from services.scanner.http.urls import is_same_site
from services.scanner.text import clean

_UNAUTHORIZED = 401
_UPGRADE_REQUIRED = 426
_MAX_EVIDENCE = 12


def _chain(facts: WebFacts) -> dict[str, object]:
    return {"chain": [clean(str(url), 300) for url in facts.hops[:_MAX_EVIDENCE]]}


@check(
    "http.redirect.missing",
    rationale="What is served without TLS can be read and changed by anybody on the way, and the"
    " visitor is never brought to the encrypted site.",
    remediation="Answer every plain request with 301 or 308 to https on the same host.",
    sources=("RFC 9325 3.2", "NIST SP 800-52r2 3.1", "NCSC-NL TLS 2025"),
)
def plain_http_leads_to_https(facts: WebFacts) -> Verdict:
    onward = facts.next_url or facts.final.url
    if onward.is_tls:
        return Verdict.passed(f"redirects to {onward.origin}")
    match facts.ending:
        case Ending.ANSWERED:
            return _judge_plain_answer(facts, facts.final)
        case Ending.OFF_SCOPE:
            return Verdict.not_evaluated(f"redirects to {onward.origin}, which was not followed")
        case _:
            return Verdict.not_evaluated(f"the redirects lead nowhere: {facts.reason}")


def _judge_plain_answer(facts: WebFacts, final: Answer) -> Verdict:
    has_other_port = final.url.host == facts.subject.host and final.url.port != facts.subject.port
    if has_other_port and not final.url.is_tls:
        return Verdict.not_applicable(f"leads to {final.url.origin}: judged there")
    if final.is_success:
        evidence = {"status": final.status, **_chain(facts)}
        return Verdict.failed(f"{final.url.origin} serves content without TLS", evidence=evidence)
    if final.status == _UPGRADE_REQUIRED:
        return Verdict.passed("answers 426: TLS is required")
    return Verdict.not_evaluated(f"answered {final.status}: neither content nor a redirect")


@check(
    "http.redirect.offhost_first",
    rationale="A browser learns HSTS only from the host it asked: when the first redirect leaves"
    " it, every later visit begins in the clear again.",
    remediation="Redirect to https on the same host first, from there to the other host.",
    sources=("RFC 6797 8.1", "Mozilla Observatory redirection-off-host-from-http"),
)
def first_redirect_stays_on_the_host(facts: WebFacts) -> Verdict:
    first = facts.answers[0].url
    if first.address is not None:
        return Verdict.not_applicable("the target is an address: HSTS does not apply")
    if len(facts.hops) == 1:
        return Verdict.not_applicable("the endpoint does not redirect")
    second = facts.hops[1]
    if second.host == first.host:
        return Verdict.passed(f"the first redirect goes to {second.origin}")
    message = f"the first redirect leaves {first.host} for {second.origin}"
    return Verdict.failed(message, evidence=_chain(facts))


@check(
    "http.redirect.downgrade",
    rationale="A visitor who came encrypted is sent on in the clear, where everything can be read"
    " and changed on the way.",
    remediation="Let every redirect of the encrypted site lead to https.",
    sources=("RFC 9325 3.2", "RFC 6797 7.2"),
)
def https_never_redirects_to_http(facts: WebFacts) -> Verdict:
    if facts.ending is Ending.BAD_LOCATION:
        return Verdict.not_evaluated(f"the redirect cannot be read: {facts.reason}")
    for before, after in zip(facts.hops, facts.hops[1:], strict=False):
        if before.is_tls and not after.is_tls and is_same_site(before.host, after.host):
            message = f"{before.origin} redirects to {after.origin}"
            return Verdict.failed(message, evidence=_chain(facts))
    return Verdict.passed(
        "no redirect leads from https to http" if len(facts.hops) > 1 else "does not redirect"
    )


@check(
    "http.redirect.loop",
    rationale="Nobody reaches the site, and what is meant to protect it (a redirect to https, a"
    " login) is configured wrongly.",
    remediation="Let the chain of redirects end; check what a proxy in front says about TLS.",
    sources=("RFC 9110 15.4",),
)
def redirects_come_to_an_end(facts: WebFacts) -> Verdict:
    if facts.ending not in {Ending.LOOP, Ending.TOO_MANY}:
        if facts.ending in {Ending.REFUSED, Ending.FAILED, Ending.BAD_LOCATION}:
            return Verdict.not_evaluated(f"the chain could not be followed: {facts.reason}")
        return Verdict.passed(f"the chain ends after {len(facts.hops) - 1} redirects")
    if not facts.subject.is_tls and any(url.is_tls for url in facts.hops):
        # The https endpoint sees the same circle: one fault, one finding.
        return Verdict.not_applicable("the loop runs through https: judged there")
    return Verdict.failed(facts.reason, evidence=_chain(facts))


@check(
    "http.login.cleartext",
    rationale="A password typed here crosses the network readable, or the form that asks for it"
    " can be changed on the way.",
    remediation="Serve the form over https only, and let its action be an https address.",
    sources=("RFC 9325 3.2", "OWASP ASVS 12.2.1", "CWE-319"),
)
def no_password_in_the_clear(facts: WebFacts) -> Verdict:
    answers = facts.own_answers
    if not answers:
        return Verdict.not_evaluated("nothing was answered by this endpoint itself")
    problems = [problem for answer in answers for problem in _cleartext_logins(answer)]
    if problems:
        return Verdict.failed_each(tuple({p.discriminator: p for p in problems}.values()))
    unread = next((answer for answer in answers if not _is_read(answer)), None)
    if unread is not None:
        note = unread.body_note or "the page was not read to its end"
        return Verdict.not_evaluated(f"no password field in what was read: {note}")
    unseen = unanswered(facts)
    if unseen is not None:
        return unseen
    return Verdict.passed("no form asks for a password in the clear")


def _is_read(answer: Answer) -> bool:
    """Whether the whole of a page was seen; an empty page was, and so was what is no page."""
    if answer.page is not None:
        return answer.page.is_whole
    return not (answer.is_html and answer.body_note)


def _cleartext_logins(answer: Answer) -> list[Problem]:
    found: list[Problem] = []
    page = answer.page
    evidence = {"url": clean(str(answer.url), 300), "status": answer.status}
    if not answer.url.is_tls:
        if page is not None and page.has_password_field:
            found.append(
                Problem(f"{answer.url.origin} asks for a password", "field", None, evidence)
            )
        challenges = answer.values("www-authenticate")
        if answer.status == _UNAUTHORIZED and _asks_for_basic(challenges):
            message = f"{answer.url.origin} asks for a password by HTTP Basic"
            found.append(Problem(message, "basic", None, evidence))
    actions = [form.action for form in page.password_forms] if page is not None else []
    sent_plain = next((action for action in actions if action.startswith("http://")), None)
    if answer.url.is_tls and sent_plain is not None:
        seen = {**evidence, "action": clean(sent_plain, 300)}
        found.append(
            Problem("a password form is sent to a plain http address", "action", None, seen)
        )
    return found


def _asks_for_basic(challenges: tuple[str, ...]) -> bool:
    return any(
        word.lower() == "basic" for value in challenges for word in value.replace(",", " ").split()
    )


HTTP_CHECKS: tuple[Check[WebFacts], ...] = (
    plain_http_leads_to_https,
    first_redirect_stays_on_the_host,
    redirects_come_to_an_end,
    no_password_in_the_clear,
)
HTTPS_CHECKS: tuple[Check[WebFacts], ...] = (
    https_never_redirects_to_http,
    redirects_come_to_an_end,
    no_password_in_the_clear,
)
