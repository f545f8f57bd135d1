"""Looks at what DNS says of a domain's mail: MX, SPF, DMARC, DKIM, MTA-STS, TLS-RPT, DANE."""

import asyncio

import dns.name
import dns.rdatatype

from services.scanner.context import ProbeContext
from services.scanner.dns.trust_anchor import TrustAnchors, load_anchors
from services.scanner.dns.zone import find_zone, parse_name
from services.scanner.mail.dane import TlsaFacts
from services.scanner.mail.dkim import find_keys
from services.scanner.mail.dmarc import find_dmarc
from services.scanner.mail.facts import MailFacts, MxFacts, TextFacts
from services.scanner.mail.spf import evaluate_spf, text_records
from services.scanner.mail.tlsa import find_tlsa
from services.scanner.resolver import Resolver

MOST_MX_HOSTS = 5
"""Mail servers that are looked at, the preferred ones first."""


async def probe_mail(context: ProbeContext, name: str) -> MailFacts:
    """Facts about a domain name. Raises ProbeError where there is no such domain."""
    subject = parse_name(name)
    resolver = context.resolver
    anchors = await asyncio.to_thread(load_anchors, context.options.dnssec_anchor_file)
    zone = await find_zone(resolver, subject)
    async with asyncio.TaskGroup() as group:
        mx = group.create_task(find_mx(resolver, name))
        spf = group.create_task(evaluate_spf(resolver, name))
        dmarc = group.create_task(find_dmarc(resolver, name))
        dkim = group.create_task(find_keys(resolver, name))
        mta_sts = group.create_task(find_texts(resolver, f"_mta-sts.{name}", "v=STSv1"))
        tls_rpt = group.create_task(find_texts(resolver, f"_smtp._tls.{name}", "v=TLSRPTv1"))
        tlsa = group.create_task(_tlsa(resolver, anchors, mx))
    return MailFacts(
        name=name,
        is_apex=zone == subject,
        mx=mx.result(),
        spf=spf.result(),
        dmarc=dmarc.result(),
        dkim=dkim.result(),
        mta_sts=mta_sts.result(),
        tls_rpt=tls_rpt.result(),
        tlsa=tlsa.result(),
    )


async def _tlsa(
    resolver: Resolver, anchors: TrustAnchors, mx: asyncio.Task[MxFacts]
) -> tuple[TlsaFacts, ...]:
    hosts = dict.fromkeys((await mx).hosts)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(find_tlsa(resolver, anchors, host))
            for host in list(hosts)[:MOST_MX_HOSTS]
        ]
    return tuple(task.result() for task in tasks)


async def find_mx(resolver: Resolver, name: str) -> MxFacts:
    """Mail servers by preference; a single root name is the null MX (RFC 7505)."""
    answer = await resolver.lookup(name, dns.rdatatype.MX)
    records = sorted(answer.records, key=lambda record: (record.preference, str(record.exchange)))
    hosts = tuple(record.exchange.to_text(omit_final_dot=True) for record in records)
    is_null = len(records) == 1 and records[0].exchange == dns.name.root
    return MxFacts(answer.lookup, () if is_null else hosts, is_null, answer.reason)


async def find_texts(resolver: Resolver, name: str, version: str) -> TextFacts:
    """The TXT records that begin with a version."""
    answer, texts = await text_records(resolver, name)
    valid = tuple(t for t in texts if t.partition(";")[0].strip() == version)
    return TextFacts(answer.lookup, valid, answer.reason)
