"""Looks at how mail reaches a domain: its mail servers, and the policies that senders follow."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from services.scanner.address import Address
from services.scanner.context import ProbeContext
from services.scanner.dns.trust_anchor import TrustAnchors, load_anchors
from services.scanner.dns.zone import parse_name
from services.scanner.mail.mx import SMTP_PORT, look_at_server
from services.scanner.mail.probe import MOST_MX_HOSTS, find_mx, find_texts
from services.scanner.mail.sts_probe import HTTPS_PORT, find_policy
from services.scanner.mail.tlsa import find_tlsa
from services.scanner.mail.transport_facts import MxHost, TransportFacts


@dataclass(frozen=True, slots=True)
class MailPorts:
    """Where mail servers and the policy host listen. Other ports than these are for tests."""

    smtp: int = SMTP_PORT
    https: int = HTTPS_PORT


STANDARD_PORTS = MailPorts()


async def probe_transport(
    context: ProbeContext, name: str, ports: MailPorts = STANDARD_PORTS
) -> TransportFacts:
    """Facts about a domain name. Raises ProbeError for what is no name."""
    parse_name(name)
    observed_at = datetime.now(UTC)
    mx = await find_mx(context.resolver, name)
    if not mx.takes_mail:
        return TransportFacts(name, observed_at, mx)
    anchors = await asyncio.to_thread(load_anchors, context.options.dnssec_anchor_file)
    texts = await find_texts(context.resolver, f"_mta-sts.{name}", "v=STSv1")
    async with asyncio.TaskGroup() as group:
        hosts = [
            group.create_task(_look_at_host(context, anchors, host, ports.smtp))
            for host in list(dict.fromkeys(mx.hosts))[:MOST_MX_HOSTS]
        ]
        sts = group.create_task(find_policy(context, name, texts, ports.https))
    return TransportFacts(
        name, observed_at, mx, tuple(host.result() for host in hosts), sts.result()
    )


async def _look_at_host(
    context: ProbeContext, anchors: TrustAnchors, host: str, port: int
) -> MxHost:
    """One address of each family: the others are the same server, or its twin."""
    answer = await context.resolver.addresses(host)
    tlsa = await find_tlsa(context.resolver, anchors, host)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(look_at_server(context, host, address, port))
            for address in _one_of_each_family(answer.addresses)
        ]
    return MxHost(host, tuple(task.result() for task in tasks), tlsa, answer.reason)


def _one_of_each_family(addresses: tuple[Address, ...]) -> list[Address]:
    first = {address.version: address for address in reversed(addresses)}
    return [first[version] for version in sorted(first)]
