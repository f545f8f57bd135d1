"""Follows an SPF record as a receiver would when nothing matches (RFC 7208 section 4.6.4).

The worst case is what counts: every mechanism is tried, every include entered. Counted are the
terms that cost a look-up (A and AAAA of one term as one) and the look-ups that found nothing.
"""

import asyncio
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

import dns.rdatatype

from services.scanner.mail.spf_record import SpfRecord, Term, expand, is_spf, parse_spf
from services.scanner.resolver import DnsAnswer, Lookup, Resolver

MAX_LOOKUPS = 10
MAX_VOID_LOOKUPS = 2
_STOP_AT = 20  # far enough to say "more than ten", and the end of circles
_MAX_MX_NAMES = 10
_MAX_UNKNOWN = 2
_HALF_OF_IPV4 = 2**31


@dataclass(frozen=True, slots=True)
class SpfFacts:
    """A domain's SPF record, followed as far as it leads."""

    lookup: Lookup
    records: tuple[str, ...] = ()
    """Every TXT record that begins with v=spf1."""
    reason: str = ""
    record: SpfRecord | None = None
    """The one record; None where there is none or more than one."""
    lookups: int = 0
    """Counted to twenty at most."""
    void_lookups: int = 0
    errors: tuple[str, ...] = ()
    """What is wrong with the records it leads to: each ends in permerror."""
    unknown: tuple[str, ...] = ()
    """Look-ups that gave no answer: what lies behind them is not counted."""
    all_qualifier: str | None = None
    """Of the ``all`` in force, through redirects: ``+``, ``-``, ``~`` or ``?``."""
    passes_everyone: str = ""
    """The term that lets everybody pass; "" where none does."""

    @property
    def is_known(self) -> bool:
        return self.lookup in {Lookup.PRESENT, Lookup.NODATA, Lookup.NXDOMAIN}


@dataclass(slots=True)
class _Count:
    """Shared by a record and everything it includes."""

    lookups: int = 0
    voids: int = 0
    unknown: list[str] = field(default_factory=list[str])
    errors: list[str] = field(default_factory=list[str])

    @property
    def is_spent(self) -> bool:
        return self.lookups >= _STOP_AT or len(self.unknown) >= _MAX_UNKNOWN


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a record does with a sender that none of its networks names."""

    all_qualifier: str | None
    passes_everyone: str = ""
    """The term that lets everybody pass."""


async def text_records(resolver: Resolver, name: str) -> tuple[DnsAnswer, tuple[str, ...]]:
    """TXT records, the strings of each joined without blanks (RFC 7208 section 3.3)."""
    answer = await resolver.lookup(name, dns.rdatatype.TXT)
    texts = tuple(b"".join(r.strings).decode("ascii", "replace") for r in answer.records)
    return answer, texts


async def evaluate_spf(resolver: Resolver, domain: str) -> SpfFacts:
    """The domain's record, followed to its ends. Never raises for what DNS says."""
    answer, texts = await text_records(resolver, domain)
    records = tuple(text for text in texts if is_spf(text))
    if len(records) != 1:
        return SpfFacts(answer.lookup, records, answer.reason)
    record = parse_spf(records[0])
    count = _Count()
    effect = await _follow(resolver, record, domain, count)
    return SpfFacts(
        lookup=answer.lookup,
        records=records,
        reason=answer.reason,
        record=record,
        lookups=count.lookups,
        void_lookups=count.voids,
        errors=tuple(dict.fromkeys(count.errors)),
        unknown=tuple(count.unknown),
        all_qualifier=effect.all_qualifier,
        passes_everyone=effect.passes_everyone,
    )


async def _follow(resolver: Resolver, record: SpfRecord, domain: str, count: _Count) -> _Effect:
    wide = ""
    for term in record.mechanisms:
        if count.is_spent:
            break
        passes = await _pass_by(resolver, term, domain, count)
        wide = wide or passes
    wide = wide or _wide_networks(record) or ("+all" if record.all_qualifier == "+" else "")
    if record.redirect is None or count.is_spent:
        return _Effect(record.all_qualifier, wide)
    count.lookups += 1
    target = await _enter(resolver, record.redirect, domain, count)
    if target is None:
        return _Effect(None, wide)
    return _Effect(target.all_qualifier, wide or target.passes_everyone)


async def _pass_by(resolver: Resolver, term: Term, domain: str, count: _Count) -> str:
    """Count one mechanism; how it lets everybody pass, where it does by what it includes."""
    if not term.costs_lookup:
        return ""
    count.lookups += 1
    if term.name != "include":
        await _try(resolver, term, domain, count)
        return ""
    included = await _enter(resolver, term, domain, count)
    if included is None or not included.passes_everyone or term.qualifier != "+":
        return ""
    return f"include:{term.domain} ({included.passes_everyone})"


async def _enter(resolver: Resolver, term: Term, domain: str, count: _Count) -> _Effect | None:
    """The record behind an include or redirect; None where it cannot be known here."""
    target = expand(term.domain, domain)
    if target is None:
        return None
    answer, texts = await text_records(resolver, target)
    if not answer.is_known:
        count.unknown.append(f"{term.name} {target}: {answer.reason}")
        return None
    if answer.is_absent:
        count.voids += 1
    records = [text for text in texts if is_spf(text)]
    if len(records) != 1:
        words = "has several SPF records" if records else "has no SPF record"
        count.errors.append(f"{term.name} {target} {words}")
        return None
    record = parse_spf(records[0])
    count.errors += [f"in {target}: {error}" for error in record.errors]
    return await _follow(resolver, record, target, count)


async def _try(resolver: Resolver, term: Term, domain: str, count: _Count) -> None:
    """An a, mx or exists term: does it find anything? What depends on the sender is not asked."""
    target = expand(term.domain, domain) if term.domain else domain
    if target is None or term.name == "ptr":
        return
    kinds = {
        "mx": (dns.rdatatype.MX,),
        "exists": (dns.rdatatype.A,),
        "a": (dns.rdatatype.A, dns.rdatatype.AAAA),
    }[term.name]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(resolver.lookup(target, kind)) for kind in kinds]
    answers = [task.result() for task in tasks]
    if all(answer.is_absent for answer in answers):
        count.voids += 1
    count.unknown += [f"{term.name} {target}: {a.reason}" for a in answers if not a.is_known][:1]
    too_many = term.name == "mx" and len(answers[0].records) > _MAX_MX_NAMES
    if too_many and answers[0].lookup is Lookup.PRESENT:
        count.errors.append(f"mx {target} has more than {_MAX_MX_NAMES} names")


def _wide_networks(record: SpfRecord) -> str:
    """Networks that let half of the Internet or more pass, however they are cut."""
    passing = [t.network for t in record.mechanisms if t.network is not None and t.qualifier == "+"]
    four = collapse_addresses(n for n in passing if isinstance(n, IPv4Network))
    six = collapse_addresses(n for n in passing if isinstance(n, IPv6Network))
    if sum(network.num_addresses for network in four) >= _HALF_OF_IPV4:
        return "ip4 networks that cover the Internet"
    return "ip6:::/0" if any(network.prefixlen <= 1 for network in six) else ""
