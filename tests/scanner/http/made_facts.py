"""Facts as the probe would have seen them, made from raw header lines and HTML."""

from datetime import UTC, datetime
from ipaddress import ip_address

from services.scanner.check import Check, Outcome, Verdict
from services.scanner.http.cookies import parse_set_cookie
from services.scanner.http.facts import Answer, Ending, WebFacts, WebSubject
from services.scanner.http.page import read_page
from services.scanner.http.urls import literal_address, parse_url

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LOOPBACK = ip_address("127.0.0.1")
HTML = "Content-Type: text/html; charset=utf-8"


def answer(
    url: str, *lines: str, status: int = 200, html: str | None = None, note: str = ""
) -> Answer:
    """An answer; with ``html`` it is a page, and says so unless a line says otherwise."""
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    if html is not None and not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", "text/html"))
    cookies = (parse_set_cookie(value) for name, value in pairs if name.lower() == "set-cookie")
    return Answer(
        url=parse_url(url),
        address=LOOPBACK,
        status=status,
        headers=tuple(pair for pair in pairs if pair[0].lower() != "set-cookie"),
        cookies=tuple(parsed[0] for parsed in cookies if parsed is not None),
        page=None if html is None else read_page(html, url, is_whole=not note),
        body_bytes=len(html or ""),
        body_note=note,
    )


def page(
    *lines: str, html: str = "<p>x</p>", url: str = "https://a.test/", note: str = ""
) -> WebFacts:
    """An endpoint that answers with one page."""
    return chain(answer(url, *lines, html=html, note=note))


def to(location: str, *lines: str, url: str, status: int = 301) -> Answer:
    return answer(url, f"Location: {location}", *lines, status=status)


def chain(
    *answers: Answer,
    ending: Ending = Ending.ANSWERED,
    next_url: str | None = None,
    reason: str = "",
) -> WebFacts:
    """A chain of redirects from the first answer's endpoint."""
    first = answers[0].url
    address = literal_address(first.host) or LOOPBACK
    subject = WebSubject(first.host, address, first.port, first.is_tls)
    following = None if next_url is None else parse_url(next_url)
    return WebFacts(subject, answers, ending, NOW, following, reason)


def leaving(url: str, next_url: str) -> WebFacts:
    """An endpoint that redirects to another site, which is not followed."""
    return chain(to(next_url, url=url), ending=Ending.OFF_SCOPE, next_url=next_url)


def outcome(check: Check[WebFacts], facts: WebFacts) -> str:
    """``passed``, ``failed``, ``not_evaluated`` or ``not_applicable``."""
    verdict: Verdict = check.judge(facts)
    if verdict.outcome is Outcome.NOT_EVALUATED and not verdict.is_applicable:
        return "not_applicable"
    return verdict.outcome.value


def marks(check: Check[WebFacts], facts: WebFacts) -> list[str]:
    """The discriminators of what a check found."""
    return [problem.discriminator for problem in check.judge(facts).problems]
