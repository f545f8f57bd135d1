"""Fetches a domain's MTA-STS policy as a sender does (RFC 8461 section 3.3)."""

import asyncio
from datetime import UTC, datetime

import dns.rdatatype

from services.scanner.address import Address
from services.scanner.context import ProbeContext
from services.scanner.http.client import Exchange, fetch
from services.scanner.http.urls import WebUrl
from services.scanner.mail.certificate import ask_for_chain, assess_certificate
from services.scanner.mail.facts import TextFacts
from services.scanner.mail.mta_sts import parse_policy, record_errors
from services.scanner.mail.transport_facts import StsFacts, StsState
from services.scanner.suite import ProbeError
from services.scanner.tls.exchange import Ending, Line
from services.scanner.tls.facts import TlsSubject, TrustStatus

HTTPS_PORT = 443
_MAX_POLICY_BYTES = 64 * 1024
_PATH = "/.well-known/mta-sts.txt"
_OK, _NOT_NOW = 200, frozenset({429, 503})
_REDIRECTS = range(300, 400)


async def find_policy(
    context: ProbeContext, domain: str, texts: TextFacts, port: int = HTTPS_PORT
) -> StsFacts:
    """The policy, or why senders have none. Never raises for what the policy host does."""
    if not texts.is_known:
        return StsFacts(StsState.UNKNOWN, f"MTA-STS could not be looked up: {texts.reason}")
    if not texts.texts:
        return StsFacts(StsState.NOT_ANNOUNCED, "no MTA-STS record is published")
    errors = record_errors(texts.texts)
    facts = await _fetch_policy(context, f"mta-sts.{domain}", port)
    return StsFacts(facts.state, facts.reason, facts.policy, errors)


async def _fetch_policy(context: ProbeContext, host: str, port: int) -> StsFacts:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(context.resolver.lookup(host, rdtype))
            for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        ]
    answers = [task.result() for task in tasks]
    if all(answer.is_absent for answer in answers):
        return _not_served(f"{host} has no address")
    addresses = (await context.resolver.addresses(host)).addresses
    facts = StsFacts(StsState.UNKNOWN, next((a.reason for a in answers if a.reason), ""))
    for address in {a.version: a for a in reversed(addresses)}.values():
        facts = await _fetch_from(context, host, address, port)
        if facts.state is not StsState.UNKNOWN:
            break
    return facts


async def _fetch_from(context: ProbeContext, host: str, address: Address, port: int) -> StsFacts:
    first = await ask_for_chain(Line(context, TlsSubject(address, port, host)))
    if first.answer.ending is Ending.NO_CONNECTION:
        if await _is_refused(context, address, port):
            return _not_served(f"{host} refuses connections to port {port}")
        return StsFacts(StsState.UNKNOWN, f"{host}: {first.answer.reason}")
    if first.answer.ending is Ending.NOT_TLS:
        return _not_served(f"{host} does not speak TLS at port {port}")
    shown = await assess_certificate(context, first.chain, host, first.problem)
    if shown.leaf is None or shown.trust.status is TrustStatus.UNKNOWN:
        return StsFacts(StsState.UNKNOWN, f"{host}: {shown.problem or shown.trust.reason}")
    fault = shown.fault(datetime.now(UTC))
    if fault:
        return _not_served(f"the certificate of {host} is not valid: {fault}")
    return await _read_policy(context, WebUrl("https", host, port, _PATH), address)


async def _read_policy(context: ProbeContext, url: WebUrl, address: Address) -> StsFacts:
    try:
        answer = await fetch(
            context,
            url,
            address,
            timeout_s=context.options.exchange_timeout_s,
            max_body_bytes=_MAX_POLICY_BYTES,
        )
    except (ProbeError, OSError) as error:
        return StsFacts(StsState.UNKNOWN, f"{url}: {error}")
    if answer.status in _NOT_NOW:
        return StsFacts(StsState.UNKNOWN, f"{url} answers {answer.status}")
    if answer.status != _OK:
        more = ": senders follow no redirects" if answer.status in _REDIRECTS else ""
        return _not_served(f"{url} answers {answer.status}{more}")
    return _read_body(answer, str(url))


def _read_body(answer: Exchange, url: str) -> StsFacts:
    if len(answer.body) >= _MAX_POLICY_BYTES:
        return _not_served(f"{url} serves more than 64 KB")
    if answer.body_note:
        return StsFacts(StsState.UNKNOWN, f"{url}: {answer.body_note}")
    return StsFacts(StsState.READ, policy=parse_policy(answer.body))


async def _is_refused(context: ProbeContext, address: Address, port: int) -> bool:
    """A reset in answer to the connection is an answer; silence is none."""
    timeout_s = context.options.connect_timeout_s
    try:
        async with context.connector.open(address, port, timeout_s=timeout_s):
            return False
    except ConnectionRefusedError:
        return True
    except (OSError, TimeoutError):
        return False


def _not_served(reason: str) -> StsFacts:
    return StsFacts(StsState.NOT_SERVED, reason)
