"""Asks the page again: once for its nonces, and with origins that nobody should trust."""

from dataclasses import replace

from services.scanner.check import Outcome, Verdict
from services.scanner.context import ProbeContext
from services.scanner.http.csp import parse_policies
from services.scanner.http.facts import Answer
from services.scanner.http.judged import policies_of
from services.scanner.http.page import read_page
from services.scanner.http.urls import WebUrl, literal_address
from services.scanner.revisit.facts import Grant, Nonces, RevisitFacts, Ruse
from services.scanner.site import Asker, Reply, Site, random_name
from services.scanner.text import clean

_CSP = "content-security-policy"


async def probe_revisit(context: ProbeContext, site: Site) -> RevisitFacts:
    """At most seven requests. What the server does never raises."""
    url = clean(str(site.page_url), 300)
    if site.onward is not None:
        return RevisitFacts(url, onward=clean(site.onward.origin, 300))
    asker = Asker(context, site)
    grants = await _ask_as_strangers(asker, site)
    content = site.content
    if isinstance(content, Verdict):
        is_unseen = content.outcome is not Outcome.PASSED and content.is_applicable
        return RevisitFacts(url, grants=grants, no_page=content.reason, is_page_unseen=is_unseen)
    return RevisitFacts(url, grants=grants, nonces=await _nonces(asker, content))


async def _ask_as_strangers(asker: Asker, site: Site) -> tuple[Grant, ...]:
    first = await _grant(asker, site.page_url, Ruse.RANDOM, f"https://{random_name()}.example")
    if first.unknown:
        return (first,)
    grants = [first]
    if first.is_reflected:
        again = f"https://{random_name()}.example"
        grants.append(await _grant(asker, site.page_url, Ruse.RANDOM, again))
        if grants[-1].is_reflected or grants[-1].unknown:
            return tuple(grants)  # what else is accepted follows from it
    for ruse, origin in _ruses(site.page_url):
        grants.append(await _grant(asker, site.page_url, ruse, origin))
    return tuple(grants)


def _ruses(url: WebUrl) -> list[tuple[Ruse, str]]:
    """The origins that careless comparisons let through."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    ruses = [(Ruse.NULL, "null")]
    if literal_address(url.host) is None:
        ruses.append((Ruse.PREFIX, f"https://{random_name()}{host}"))
    if ":" not in url.host:
        ruses.append((Ruse.SUFFIX, f"https://{host}.{random_name()}.example"))
    if url.is_tls:
        ruses.append((Ruse.PLAIN, f"http://{host}"))
    return ruses


async def _grant(asker: Asker, url: WebUrl, ruse: Ruse, origin: str) -> Grant:
    reply = await asker.ask(url, headers={"Origin": origin})
    if reply.why_unknown:
        return Grant(ruse, origin, unknown=clean(reply.why_unknown, 300))
    allowed = clean(reply.header("access-control-allow-origin"), 300)
    # Fetch 3.3.5: only "true", in lower case, is true.
    return Grant(ruse, origin, allowed, reply.header("access-control-allow-credentials") == "true")


async def _nonces(asker: Asker, page: Answer) -> Nonces:
    first = frozenset(nonce for policy in policies_of(page) for nonce in policy.nonces)
    if not first:
        return Nonces(first)
    # Another query: another key in a cache between us and the server.
    mark = "&" if "?" in page.url.target else "?"
    target = f"{page.url.target}{mark}{random_name()}={random_name()}"
    reply = await asker.ask(replace(page.url, target=target), max_body_bytes=512 * 1024)
    if reply.why_unknown or not reply.is_success:
        reason = reply.why_unknown or f"the server answered {reply.status} to a query"
        return Nonces(first, unknown=clean(reason, 300))
    if reply.header("age").isdigit() and int(reply.header("age")[:9]) > 0:
        return Nonces(first, unknown="the second answer came from a cache")
    second = _nonces_of(reply)
    return Nonces(first, second, "" if second else "the second answer has no nonce")


def _nonces_of(reply: Reply) -> frozenset[str]:
    headers = () if reply.exchange is None else reply.exchange.headers
    sent = tuple(v.decode("latin-1") for k, v in headers if k.decode("latin-1").lower() == _CSP)
    meta: tuple[str, ...] = ()
    if reply.is_html:
        meta = read_page(reply.body.decode("utf-8", "replace"), str(reply.url)).meta_policies
    policies = (*parse_policies(sent), *parse_policies(meta, is_meta=True))
    return frozenset(nonce for policy in policies for nonce in policy.nonces)
