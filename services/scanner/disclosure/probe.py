"""Fetches security.txt where RFC 9116 section 3 wants it: one path, redirects within the site."""

from dataclasses import replace
from datetime import UTC, datetime

from services.scanner.check import Outcome, Verdict
from services.scanner.context import ProbeContext
from services.scanner.disclosure.facts import DisclosureFacts
from services.scanner.disclosure.security_txt import looks_like_security_txt, read_security_txt
from services.scanner.http.urls import WebUrl, is_same_site, resolve_location
from services.scanner.site import Asker, Reply, Site
from services.scanner.text import clean

PATH = "/.well-known/security.txt"
_HTTPS_PORT = 443
_MOST_REDIRECTS = 2
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def probe_disclosure(context: ProbeContext, site: Site) -> DisclosureFacts:
    """What is at the well-known path over https. What the server does never raises."""
    found = await _fetch(context, site)
    return replace(found, is_site=_is_site(site))


def _is_site(site: Site) -> bool:
    """Port 443 is where a host's site is looked for; elsewhere a page or a redirect has to show."""
    content = site.content
    if site.page_url.port == _HTTPS_PORT:
        return True
    if isinstance(content, Verdict):
        return content.outcome is Outcome.PASSED
    return content.is_html


async def _fetch(context: ProbeContext, site: Site) -> DisclosureFacts:
    asker = Asker(context, site)
    url = site.url(PATH)
    urls = [str(url)]
    now = datetime.now(UTC)
    while True:
        reply = await asker.ask(url)
        facts = DisclosureFacts(clean(str(url), 300), now, reply.status, reply.content_type[:80])
        if reply.status not in _REDIRECTS or not reply.header("location"):
            return _read(reply, facts, urls)
        following = _following(facts, url, reply.header("location"))
        if isinstance(following, DisclosureFacts):
            return following
        if len(urls) > _MOST_REDIRECTS:
            return replace(facts, absence=f"more than {_MOST_REDIRECTS} redirects")
        url = following
        urls.append(str(url))


def _following(facts: DisclosureFacts, url: WebUrl, location: str) -> WebUrl | DisclosureFacts:
    """The next URL, or what it means that there is none to be fetched (RFC 9116 section 3)."""
    try:
        following = resolve_location(url, location)
    except ValueError as error:
        return replace(facts, unknown=f"it redirects to nowhere: {clean(str(error), 200)}")
    where = clean(following.origin, 200)
    if not following.is_tls:
        return replace(facts, absence=f"it redirects to {where}, without TLS")
    if not is_same_site(following.host, url.host):
        return replace(facts, unknown=f"it redirects to {where}, which was not asked")
    return following


def _read(reply: Reply, facts: DisclosureFacts, urls: list[str]) -> DisclosureFacts:
    if reply.why_unknown:
        return replace(facts, unknown=clean(reply.why_unknown, 300))
    if not reply.is_success:
        return replace(facts, absence=f"the server answered {reply.status}")
    try:
        text = reply.body.decode("utf-8")
        faults: tuple[str, ...] = ()
    except UnicodeDecodeError:
        text = reply.body.decode("utf-8", "replace")
        faults = ("the file is not UTF-8",)
    is_markup = text.lstrip("\ufeff \t\r\n").startswith("<")  # whatever its type says
    if is_markup or not looks_like_security_txt(text):
        return replace(facts, absence="what is served there is no security.txt")
    if not reply.is_whole:
        return replace(facts, unknown="the file did not arrive as a whole")
    if facts.content_type != "text/plain":
        faults = (*faults, f"its type is {facts.content_type or 'not given'}, not text/plain")
    charset = reply.header("content-type").lower().partition("charset=")[2].strip("\"' ;")
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        faults = (*faults, f"its charset is {clean(charset, 40)}, not utf-8")
    file = read_security_txt(text, urls)
    return replace(facts, file=replace(file, faults=(*faults, *file.faults)))
