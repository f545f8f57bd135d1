"""DNS questions with four kinds of answer: present, absent, broken, unknown."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, cast

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset
from dns import _features

from services.scanner.address import Address
from services.scanner.pacing import Window

# Without it dnspython raises ImportError in the middle of a validation: better at the start.
if not _features.have("dnssec"):
    raise ImportError("dnspython cannot validate DNSSEC: cryptography 50 or newer is needed")

MAX_RECORDS = 100
"""Records of one answer that are looked at (TGT-2)."""
_MAX_ALIASES = 8
_LARGE_ANSWER = 8192
_UDP_PAYLOAD = 1232  # DNS flag day 2020: what fits into an unfragmented IPv6 packet
_CACHE_ENTRIES = 4096
_CACHE_BYTES = 4 * 1024 * 1024
"""On the wire; as objects an answer takes about ten times as much."""
_LONGEST_TTL_S = 60.0
_FAILURE_TTL_S = 5.0
_QUESTIONS_IN_FLIGHT = 200
"""At most, where the resolvers bear it."""
_DEFINITE = frozenset({dns.rcode.NOERROR, dns.rcode.NXDOMAIN})


class Lookup(StrEnum):
    """A time-out is never read as "there is no such record"."""

    PRESENT = "present"
    NODATA = "nodata"
    """The name exists, the record does not."""
    NXDOMAIN = "nxdomain"
    BROKEN = "broken"
    """SERVFAIL, REFUSED, or an answer that makes no sense."""
    UNKNOWN = "unknown"
    """Nobody answered in time."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What the resolver said to one question."""

    lookup: Lookup
    records: tuple[Any, ...] = ()  # Any: dnspython's rdata classes are made at run time
    reason: str = ""
    aliases: tuple[str, ...] = ()
    """Names of the CNAME chain, without the name asked for."""

    @property
    def is_absent(self) -> bool:
        return self.lookup in {Lookup.NODATA, Lookup.NXDOMAIN}

    @property
    def is_known(self) -> bool:
        """Present or absent: a fact, not a failure to find out."""
        return self.lookup is Lookup.PRESENT or self.is_absent


@dataclass(frozen=True, slots=True)
class AddressAnswer:
    """Every address of a name, IPv4 before IPv6."""

    addresses: tuple[Address, ...]
    reason: str = ""
    """Why there is none, in words fit for a report."""


class NobodyAnswered(OSError):  # an OSError: to a probe it is what the target did
    """No configured resolver gave an answer in time."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    server: tuple[Address, int]
    is_over_tcp: bool = False


_Key = tuple[dns.name.Name, dns.rdatatype.RdataType, bool]


class Resolver:
    """Asks the configured resolvers. Answers are cached for a short while, within bounds."""

    def __init__(
        self, servers: tuple[tuple[Address, int], ...] = (), timeout_s: float = 2.0
    ) -> None:
        """``servers`` empty means the system's; ``timeout_s`` bounds each of three attempts."""
        self._servers = servers or _system_servers()
        self._timeout_s = timeout_s
        self._cache: OrderedDict[_Key, tuple[float, dns.message.Message | NobodyAnswered]]
        self._cache = OrderedDict()
        self._cached_bytes = 0
        self._in_flight = Window(_QUESTIONS_IN_FLIGHT)
        self.queries_sent = 0
        """Questions that left this process, each attempt counted."""

    async def lookup(self, name: str, rdtype: dns.rdatatype.RdataType) -> DnsAnswer:
        """One question, retried once over TCP and once on another server. Never raises."""
        try:
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            return DnsAnswer(Lookup.BROKEN, reason=f"{name[:80]!r} is no valid name (RFC 1035)")
        aliases: list[str] = []
        current = asked
        while True:
            try:
                response = await self._ask(current, rdtype, is_dnssec=False)
            except NobodyAnswered as error:
                return DnsAnswer(Lookup.UNKNOWN, reason=str(error), aliases=tuple(aliases))
            is_followed = rdtype != dns.rdatatype.CNAME
            end = _follow_aliases(response, current, aliases) if is_followed else current
            if isinstance(end, str):
                return DnsAnswer(Lookup.BROKEN, reason=end, aliases=tuple(aliases))
            answer = _read_answer(response, end, rdtype, tuple(aliases))
            # An authoritative server stops at its own edge: the rest of the chain is asked for.
            if end == current or not _stops_short(response, answer):
                return answer
            current = end

    async def addresses(self, name: str) -> AddressAnswer:
        """A and AAAA of a name, following aliases. Never raises."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.lookup(name, rdtype))
                for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
            ]
        answers = [task.result() for task in tasks]
        found = tuple(ip_address(r.address) for answer in answers for r in answer.records)
        if found:
            return AddressAnswer(found)
        failure = next((a.reason for a in answers if not a.is_known), "")
        if failure:
            return AddressAnswer((), failure)
        is_missing = answers[0].lookup is Lookup.NXDOMAIN
        return AddressAnswer((), "the name does not exist" if is_missing else "no address record")

    async def query(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> dns.message.Message:
        """The whole answer with its DNSSEC records, unchecked by the resolver (CD and DO set).

        Any response code may come back. Raises NobodyAnswered.
        """
        return await self._ask(name, rdtype, is_dnssec=True)

    async def _ask(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, *, is_dnssec: bool
    ) -> dns.message.Message:
        key = (name.canonicalize(), rdtype, is_dnssec)
        kept = self._cache.get(key)
        if kept is not None and kept[0] > time.monotonic():
            self._cache.move_to_end(key)
            result = kept[1]
        else:
            async with self._in_flight.place():
                result = await self._ask_servers(name, rdtype, is_dnssec=is_dnssec)
            self._remember(key, result)
        if isinstance(result, NobodyAnswered):
            raise NobodyAnswered(str(result))
        return result

    async def _ask_servers(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, *, is_dnssec: bool
    ) -> dns.message.Message | NobodyAnswered:
        """The first definite answer, else the first answer at all, else the failure."""
        kind = dns.rdatatype.to_text(rdtype)
        failure = "the time is up"
        if not self._servers:
            return NobodyAnswered("no DNS resolver is configured")
        doubtful: dns.message.Message | None = None
        for attempt in self._attempts():
            if attempt.is_over_tcp and doubtful is not None:
                continue  # it did answer: TCP would only repeat the refusal
            sent_s = time.monotonic()
            try:
                response = await self._send(_question(name, rdtype, is_dnssec=is_dnssec), attempt)
            except (OSError, EOFError, ValueError, dns.exception.DNSException) as error:
                self._in_flight.note_loss()
                failure = _words_of(error) or failure
                continue
            self._in_flight.note_answer(time.monotonic() - sent_s)
            if response.rcode() in _DEFINITE:
                return response
            doubtful = doubtful or response
        return doubtful or NobodyAnswered(f"no answer for {name} {kind}: {failure[:100]}")

    def _attempts(self) -> tuple[_Attempt, ...]:
        first, *others = self._servers
        return (
            _Attempt(first),
            _Attempt(first, is_over_tcp=True),
            *(_Attempt(o) for o in others[:1]),
        )

    async def _send(self, question: dns.message.Message, attempt: _Attempt) -> dns.message.Message:
        address, port = attempt.server
        where = str(address)
        self.queries_sent += 1
        async with asyncio.timeout(self._timeout_s):
            if attempt.is_over_tcp:
                return await _over_tcp(question, where, port)
            try:
                return await dns.asyncquery.udp(
                    question,
                    where,
                    port=port,
                    ignore_unexpected=True,
                    ignore_errors=True,
                    raise_on_truncation=True,
                )
            except dns.message.Truncated:
                self.queries_sent += 1
                return await _over_tcp(question, where, port)

    def _remember(self, key: _Key, result: dns.message.Message | NobodyAnswered) -> None:
        self._forget(key)
        self._cache[key] = (time.monotonic() + _lifetime_s(result), result)
        self._cached_bytes += _size_of(result)
        while len(self._cache) > _CACHE_ENTRIES or self._cached_bytes > _CACHE_BYTES:
            self._forget(next(iter(self._cache)))

    def _forget(self, key: _Key) -> None:
        kept = self._cache.pop(key, None)
        if kept is not None:
            self._cached_bytes -= _size_of(kept[1])


def rdatas(rrset: dns.rrset.RRset) -> tuple[Any, ...]:
    """The records of a set, typed for our checker."""
    return tuple(cast("Any", rrset))  # Any: rdata classes are made at run time


def _question(
    name: dns.name.Name, rdtype: dns.rdatatype.RdataType, *, is_dnssec: bool
) -> dns.message.Message:
    flags = dns.flags.RD | (dns.flags.CD if is_dnssec else 0)
    return dns.message.make_query(
        name, rdtype, want_dnssec=is_dnssec, use_edns=0, payload=_UDP_PAYLOAD, flags=flags
    )


async def _over_tcp(question: dns.message.Message, where: str, port: int) -> dns.message.Message:
    reader, writer = await asyncio.open_connection(where, port)
    try:
        writer.write(question.to_wire(prepend_length=True))
        length = int.from_bytes(await reader.readexactly(2), "big")
        wire = await reader.readexactly(length)
    finally:
        writer.transport.abort()
    # Thousands of records take a quarter of a second to parse: not on the event loop.
    is_large = length > _LARGE_ANSWER
    parse = dns.message.from_wire
    response = await asyncio.to_thread(parse, wire) if is_large else parse(wire)
    if not question.is_response(response):
        raise dns.exception.FormError("an answer to another question")
    return response


def _system_servers() -> tuple[tuple[Address, int], ...]:
    try:
        configured = dns.resolver.Resolver(configure=True).nameservers
    except dns.resolver.NoResolverConfiguration:
        return ()
    return tuple((ip_address(text), 53) for text in configured if isinstance(text, str))


def _words_of(error: BaseException) -> str:
    return "" if isinstance(error, TimeoutError) else str(error) or type(error).__name__


def _size_of(result: dns.message.Message | NobodyAnswered) -> int:
    wire = None if isinstance(result, NobodyAnswered) else result.wire
    return len(wire or b"")


def _lifetime_s(result: dns.message.Message | NobodyAnswered) -> float:
    if isinstance(result, NobodyAnswered) or result.rcode() not in _DEFINITE:
        return _FAILURE_TTL_S
    ttls = [rrset.ttl for rrset in (*result.answer, *result.authority)]
    return min(_LONGEST_TTL_S, *ttls) if ttls else _FAILURE_TTL_S


def _follow_aliases(
    response: dns.message.Message, start: dns.name.Name, aliases: list[str]
) -> dns.name.Name | str:
    """The end of the CNAME chain in this answer, or what is wrong with the chain."""
    targets: dict[dns.name.Name, dns.name.Name] = {
        rrset.name: rdatas(rrset)[0].target
        for rrset in response.answer
        if rrset.rdtype == dns.rdatatype.CNAME and len(rrset)
    }
    current = start
    seen = {start}
    while current in targets:
        current = targets[current]
        if current in seen or str(current) in aliases:
            return "the CNAME chain runs in a circle"
        if len(aliases) == _MAX_ALIASES:
            return f"the CNAME chain is longer than {_MAX_ALIASES} names"
        seen.add(current)
        aliases.append(str(current))
    return current


def _read_answer(
    response: dns.message.Message,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    aliases: tuple[str, ...],
) -> DnsAnswer:
    rcode = response.rcode()
    if rcode not in _DEFINITE:
        reason = f"the resolver answered {dns.rcode.to_text(rcode)} for {name}"
        return DnsAnswer(Lookup.BROKEN, reason=reason, aliases=aliases)
    rrset = response.get_rrset(response.answer, name, dns.rdataclass.IN, rdtype)
    if rrset is not None and len(rrset):
        cut = f"only {MAX_RECORDS} of {len(rrset)} records read" if len(rrset) > MAX_RECORDS else ""
        return DnsAnswer(Lookup.PRESENT, rdatas(rrset)[:MAX_RECORDS], cut, aliases)
    if rcode == dns.rcode.NXDOMAIN:
        return DnsAnswer(Lookup.NXDOMAIN, reason=f"{name} does not exist", aliases=aliases)
    if _is_referral(response):
        reason = f"a referral instead of an answer for {name}"
        return DnsAnswer(Lookup.BROKEN, reason=reason, aliases=aliases)
    kind = dns.rdatatype.to_text(rdtype)
    return DnsAnswer(Lookup.NODATA, reason=f"{name} has no {kind} record", aliases=aliases)


def _stops_short(response: dns.message.Message, answer: DnsAnswer) -> bool:
    """The chain leads on, and neither records nor an SOA say that its end was looked at."""
    if answer.lookup not in {Lookup.NODATA, Lookup.BROKEN} or response.rcode() not in _DEFINITE:
        return False
    return all(rrset.rdtype != dns.rdatatype.SOA for rrset in response.authority)


def _is_referral(response: dns.message.Message) -> bool:
    """A server that does not recurse and points elsewhere has said nothing about the name."""
    if response.answer or response.flags & (dns.flags.AA | dns.flags.RA):
        return False
    kinds = {rrset.rdtype for rrset in response.authority}
    return dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds
