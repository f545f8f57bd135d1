"""Asks the registry of a domain by RDAP (RFC 9082): when does the registration end?

Which server to ask comes out of IANA's bootstrap document, kept for a day. Which domain was
registered is found without a list of suffixes: of the zones on the way down from the top-level
domain, it is the first one that the registry knows.
"""

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import dns.name
import dns.rdatatype

from services.scanner.connector import Connector
from services.scanner.context import ProbeContext
from services.scanner.dns.zone import parse_name
from services.scanner.kept import Kept
from services.scanner.registration.client import Document, NoDocument, get_document
from services.scanner.registration.facts import Registration, RegistrationFacts
from services.scanner.registration.rdap import Bootstrap, parse_bootstrap, parse_domain
from services.scanner.resolver import NobodyAnswered, Resolver

_DAY_S, _HOUR_S, _FAILURE_KEPT_S = 86_400.0, 3600.0, 60.0
_SHORTEST_REST_S, _USUAL_REST_S = 60.0, 300.0
_MAX_BOOTSTRAP_BYTES = 2 * 1024 * 1024
_MAX_ANSWER_BYTES = 256 * 1024
_MAX_CANDIDATES = 3
_KEPT_DOMAINS = 4096
_RDAP = "application/rdap+json, application/json"
_OK, _NOT_FOUND, _TOO_MANY = 200, frozenset({400, 404, 422}), frozenset({429, 503})


@dataclass(slots=True)
class _Memory:
    """What one process has learned; ``resting`` says until when a server is left alone."""

    bootstraps: Kept[str, Bootstrap | str] = field(default_factory=lambda: Kept(4))
    domains: Kept[str, Registration | str] = field(default_factory=lambda: Kept(_KEPT_DOMAINS))
    resting: dict[str, float] = field(default_factory=dict[str, float])


_memories: WeakKeyDictionary[Connector, _Memory] = WeakKeyDictionary()


async def probe_registration(context: ProbeContext, name: str) -> RegistrationFacts:
    """Facts about a domain name. What registries do never raises: it is no fault of the target.

    Raises ProbeError for what is no name.
    """
    subject = parse_name(name)
    memory = _memories.setdefault(context.connector, _Memory())
    found = await _find(context, memory, name, subject)
    now = datetime.now(UTC)
    if isinstance(found, str):
        return RegistrationFacts(name, now, reason=found)
    return RegistrationFacts(name, now, found)


async def _find(
    context: ProbeContext, memory: _Memory, name: str, subject: dns.name.Name
) -> Registration | str:
    """The registration, or why it is not known."""
    url = context.options.rdap_bootstrap_url
    if not url:
        return "no RDAP bootstrap document is configured"
    bootstrap = await memory.bootstraps.get(
        url,
        lambda: _load_bootstrap(context, url),
        lambda value: _FAILURE_KEPT_S if isinstance(value, str) else _DAY_S,
    )
    if isinstance(bootstrap, str):
        return bootstrap
    service = bootstrap.find(name)
    if service is None:
        return f"the registry of .{name.rpartition('.')[2]} offers no RDAP"
    suffix, base = service
    try:
        candidates = await _zones_below(context.resolver, suffix, subject)
    except NobodyAnswered as error:
        return str(error)
    for domain in candidates:
        found = await _ask_kept(context, memory, base, domain)
        if found != _NOT_REGISTERED:
            return found
    return f"the registry knows no domain above {name}"


_NOT_REGISTERED = "the registry does not know the domain"


async def _load_bootstrap(context: ProbeContext, url: str) -> Bootstrap | str:
    try:
        document = await get_document(
            context, url, accept="application/json", max_bytes=_MAX_BOOTSTRAP_BYTES
        )
        if document.status != _OK:
            return f"the RDAP bootstrap document answers {document.status}"
        return parse_bootstrap(document.body)
    except (NoDocument, ValueError) as error:
        return f"the RDAP bootstrap document could not be read: {error}"


async def _zones_below(resolver: Resolver, suffix: str, subject: dns.name.Name) -> list[str]:
    """Zones between the suffix and the name, from the top. Raises NobodyAnswered."""
    zones: list[str] = []
    depth = len(suffix.split(".")) + 2  # the root's empty label, and one below the suffix
    for labels in range(depth, len(subject.labels) + 1):
        candidate = dns.name.Name(subject.labels[-labels:])
        response = await resolver.query(candidate, dns.rdatatype.SOA)
        is_zone = any(
            rrset.rdtype == dns.rdatatype.SOA and rrset.name == candidate
            for rrset in response.answer
        )
        if is_zone:
            zones.append(candidate.to_text(omit_final_dot=True).lower())
        if len(zones) == _MAX_CANDIDATES:
            break
    return zones


async def _ask_kept(
    context: ProbeContext, memory: _Memory, base: str, domain: str
) -> Registration | str:
    return await memory.domains.get(
        domain,
        lambda: _ask(context, memory, base, domain),
        lambda value: _HOUR_S if not isinstance(value, str) else _FAILURE_KEPT_S,
    )


async def _ask(
    context: ProbeContext, memory: _Memory, base: str, domain: str
) -> Registration | str:
    host = urlsplit(base).netloc
    if memory.resting.get(host, 0.0) > time.monotonic():
        return f"{host} asked us to slow down"
    url = f"{base.rstrip('/')}/domain/{domain}"
    try:
        document = await get_document(context, url, accept=_RDAP, max_bytes=_MAX_ANSWER_BYTES)
        if document.status == _OK:
            return parse_domain(document.body, domain, url)
    except (NoDocument, ValueError) as error:
        return f"RDAP: {error}"
    if document.status in _NOT_FOUND:
        return _NOT_REGISTERED
    if document.status in _TOO_MANY:
        memory.resting[host] = time.monotonic() + _rest_s(document)
    return f"{host} answers {document.status}"


def _rest_s(document: Document) -> float:
    """As long as the server asks for, from a minute to an hour (RFC 6585 section 4)."""
    if not re.fullmatch(r"[0-9]{1,6}", document.retry_after):
        return _USUAL_REST_S
    return min(max(float(document.retry_after), _SHORTEST_REST_S), _HOUR_S)
