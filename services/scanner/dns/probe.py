"""Looks at one domain's DNS: records, name servers, CAA, the DNSSEC chain."""

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address

import dns.rdatatype

from services.scanner.context import ProbeContext
from services.scanner.dns.alias import follow_alias
from services.scanner.dns.caa import find_caa
from services.scanner.dns.delegation import find_delegation
from services.scanner.dns.dnssec import walk_chain
from services.scanner.dns.facts import DnsFacts, NameServer, Records
from services.scanner.dns.ipv6 import HTTPS_PORT, compare_families
from services.scanner.dns.servers import DNS_PORT, ask_servers
from services.scanner.dns.trust_anchor import load_anchors
from services.scanner.dns.walking import find_denial
from services.scanner.dns.zone import clean, find_zone, parse_name, plain
from services.scanner.resolver import DnsAnswer, Resolver

_MAX_NAME_SERVERS = 13


@dataclass(frozen=True, slots=True)
class DnsPorts:
    """Where name servers and web servers listen. Other ports than these are for tests."""

    dns: int = DNS_PORT
    web: int = HTTPS_PORT


STANDARD_PORTS = DnsPorts()


async def probe_dns(context: ProbeContext, name: str, ports: DnsPorts = STANDARD_PORTS) -> DnsFacts:
    """Facts about a domain name. Raises ProbeError where there is no such domain."""
    subject = parse_name(name)
    resolver = context.resolver
    anchors = await asyncio.to_thread(load_anchors, context.options.dnssec_anchor_file)
    zone = await find_zone(resolver, subject)
    async with asyncio.TaskGroup() as group:
        chain = group.create_task(walk_chain(resolver, anchors, zone, subject))
        a, aaaa, mx = (
            group.create_task(resolver.lookup(name, rdtype))
            for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.MX)
        )
        caa = group.create_task(find_caa(resolver, subject))
        ns = group.create_task(resolver.lookup(str(zone), dns.rdatatype.NS))
        servers = group.create_task(_name_servers(resolver, ns))
        denial = group.create_task(find_denial(resolver, zone))
        delegation = group.create_task(find_delegation(context, zone, ports.dns))
    addresses = tuple(ip_address(r.address) for t in (a, aaaa) for r in t.result().records)
    async with asyncio.TaskGroup() as group:
        reached = group.create_task(ask_servers(context, zone, servers.result(), ports.dns))
        alias = group.create_task(follow_alias(resolver, a.result()))
        ipv6 = group.create_task(compare_families(context, addresses, ports.web))
    return DnsFacts(
        name=name,
        zone=plain(zone),
        a=records_of(a.result()),
        aaaa=records_of(aaaa.result()),
        mx=records_of(mx.result()),
        ns=records_of(ns.result()),
        name_servers=servers.result(),
        caa=caa.result(),
        dnssec=chain.result(),
        servers=reached.result(),
        alias=alias.result(),
        ipv6=ipv6.result(),
        denial=denial.result(),
        delegation=delegation.result(),
    )


async def _name_servers(resolver: Resolver, ns: asyncio.Task[DnsAnswer]) -> tuple[NameServer, ...]:
    names = sorted({str(r.target) for r in (await ns).records})[:_MAX_NAME_SERVERS]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_name_server(resolver, name)) for name in names]
    return tuple(task.result() for task in tasks)


async def _name_server(resolver: Resolver, name: str) -> NameServer:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(resolver.lookup(name, rdtype))
            for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        ]
    answers = [task.result() for task in tasks]
    addresses = tuple(ip_address(r.address) for answer in answers for r in answer.records)
    failure = next((a.reason for a in answers if not a.is_known), "")
    reason = "" if addresses else failure or "it has no address"
    return NameServer(name.rstrip("."), addresses, reason, is_known=not failure)


def records_of(answer: DnsAnswer) -> Records:
    """The answer as cleaned text, for facts."""
    values = tuple(clean(record.to_text()) for record in answer.records)
    return Records(answer.lookup, values, answer.reason, answer.aliases)
