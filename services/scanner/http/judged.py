"""Which answer of a chain is judged as the content of an endpoint, or why none is. Pure.

One fault is counted at one endpoint: a plain endpoint that hands over to https has no content of
its own, and another port is another endpoint.
"""

from services.scanner.check import Outcome, Verdict
from services.scanner.http.csp import Policy, parse_policies
from services.scanner.http.facts import Answer, Ending, WebFacts
from services.scanner.http.urls import WebUrl

_FIRST_ERROR = 400


def own_content(facts: WebFacts) -> Answer | Verdict:
    """The 2xx answer that this endpoint's root leads to, whatever its type."""
    match facts.ending:
        case Ending.OFF_SCOPE:
            return _no_page(facts.next_url.origin if facts.next_url else "another site")
        case Ending.ANSWERED:
            return _content_of(facts, facts.final)
        case _:
            if facts.next_url is not None and not facts.is_own(facts.next_url):
                return _elsewhere(facts, facts.next_url.origin, is_tls=facts.next_url.is_tls)
            return Verdict.not_evaluated(f"no page was reached: {facts.reason}")


def own_html(facts: WebFacts) -> Answer | Verdict:
    """As ``own_content``, when it is a page; JSON and pictures need no page protections."""
    answer = own_content(facts)
    if isinstance(answer, Verdict) or answer.is_html:
        return answer
    if not answer.content_type:
        return Verdict.not_evaluated("the answer does not say what it is, and is no HTML page")
    return Verdict.not_applicable(f"the answer is {answer.content_type[:80]}, not an HTML page")


def leads_to_https(facts: WebFacts) -> WebUrl | None:
    """Where a plain endpoint hands over to TLS; None when it does not."""
    if facts.subject.is_tls:
        return None
    return next((url for url in facts.hops if url.is_tls), None)


def counted_once(facts: WebFacts, verdict: Verdict) -> Verdict:
    """A fault in what a plain endpoint says on the way to https is told there, where it recurs."""
    onward = leads_to_https(facts)
    if onward is None or verdict.outcome is not Outcome.FAILED:
        return verdict
    return Verdict.not_applicable(f"the endpoint leads to {onward.origin}: judged there")


def policies_of(answer: Answer) -> tuple[Policy, ...]:
    """Every policy that is enforced on an answer, from headers and from the page."""
    meta = answer.page.meta_policies if answer.page else ()
    return (
        *parse_policies(answer.values("content-security-policy")),
        *parse_policies(meta, is_meta=True),
    )


def body_is_unread(answer: Answer) -> Verdict | None:
    """Not evaluated when the question is about the page and the page could not be read."""
    if answer.page is not None or not answer.body_note:
        return None
    return Verdict.not_evaluated(answer.body_note)


def unanswered(facts: WebFacts) -> Verdict | None:
    """Not evaluated when what this endpoint normally says was not seen, so absence proves nothing.

    That is an error answer, or a hop of its own that could not be fetched.
    """
    own = facts.own_answers
    if own and own[-1].status >= _FIRST_ERROR:
        return Verdict.not_evaluated(f"the server answered {own[-1].status}")
    is_cut_short = facts.ending not in {Ending.ANSWERED, Ending.OFF_SCOPE}
    if is_cut_short and (facts.next_url is None or facts.is_own(facts.next_url)):
        return Verdict.not_evaluated(f"not everything could be seen: {facts.reason}")
    return None


def _content_of(facts: WebFacts, final: Answer) -> Answer | Verdict:
    if not facts.is_own(final.url):
        return _elsewhere(facts, final.url.origin, is_tls=final.url.is_tls)
    if final.status >= _FIRST_ERROR:
        # Error pages are often made by another part of the server, with headers of its own.
        return Verdict.not_evaluated(f"the server answered {final.status}, not a page")
    if not final.has_content:
        return Verdict.not_applicable(f"the server answered {final.status}, without content")
    return final


def _elsewhere(facts: WebFacts, origin: str, *, is_tls: bool) -> Verdict:
    if facts.subject.is_tls and not is_tls:
        return Verdict.not_evaluated(f"the page is at {origin}, without TLS")
    return _no_page(origin)


def _no_page(origin: str) -> Verdict:
    """A pass: a fault that was found here once is gone when the page is."""
    return Verdict.passed(f"the endpoint serves no page of its own: it leads to {origin}")
