"""Services on UDP: one datagram to the host, one back.

The address is vetted like every other, the socket is connected to it (an answer from elsewhere
never arrives), and the datagram takes a place in the address's budget.
"""

import asyncio
import secrets
import struct
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from services.scanner.context import ProbeContext
from services.scanner.service.facts import Access, Kind, ServiceFacts, ServiceSubject
from services.scanner.text import clean

_MOST_BYTES = 4096
_AGAIN_S = 0.7
"""A lost datagram is no silence: it is sent once more."""
_PATIENCE_S = 1.5
_FOREIGN_NAMES = ("example.com.", "example.net.")
_COMMUNITY = b"public"


class _Ear(asyncio.DatagramProtocol):
    """Keeps the first datagram, or what the kernel says instead (port unreachable)."""

    def __init__(self, heard: "asyncio.Future[bytes]") -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:  # noqa: ARG002 - Any: the protocol's own signature
        if not self._heard.done():
            self._heard.set_result(data[:_MOST_BYTES])

    def error_received(self, exc: Exception) -> None:
        if not self._heard.done():
            self._heard.set_exception(exc)


async def _exchange(context: ProbeContext, subject: ServiceSubject, datagram: bytes) -> bytes:
    """The first answer. Raises AddressRefused, ConnectionRefusedError, TimeoutError."""
    context.connector.policy.check(subject.address, subject.port)
    loop = asyncio.get_running_loop()
    async with context.connector.slot(subject.address):
        heard: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Ear(heard), remote_addr=(str(subject.address), subject.port)
        )
        try:
            for patience_s in (_AGAIN_S, _PATIENCE_S - _AGAIN_S):
                transport.sendto(datagram)
                done, _ = await asyncio.wait({heard}, timeout=patience_s)
                if done:
                    return heard.result()
            raise TimeoutError
        finally:
            transport.abort()
            heard.cancel()


@dataclass(frozen=True, slots=True)
class _Question:
    """A recursive question for a name that the server is not in charge of."""

    message: dns.message.QueryMessage
    name: str


def _foreign_question(own_name: str | None) -> _Question:
    own = (own_name or "").rstrip(".").lower() + "."
    name = next(n for n in _FOREIGN_NAMES if own != n and not own.endswith(f".{n}"))
    query = dns.message.make_query(name, dns.rdatatype.A)
    return _Question(query, name.rstrip("."))


def _not_known(kind: Kind, problem: str) -> ServiceFacts:
    # No error: that nothing answers on UDP is the normal case, and no gap in the scan.
    return ServiceFacts(kind, "", problem=problem)


_ROOT_QUESTION = _Question(dns.message.make_query(".", dns.rdatatype.NS), ".")


async def probe_resolver(context: ProbeContext, subject: ServiceSubject) -> ServiceFacts:
    """Whether the server looks names up for strangers."""
    found = await _ask_resolver(context, subject, _foreign_question(subject.server_name))
    if found.access is not Access.UNKNOWN or found.kind is not Kind.RESOLVER or not found.product:
        return found
    # It may know another root than ours: every resolver knows the servers of its own.
    of_root = await _ask_resolver(context, subject, _ROOT_QUESTION)
    return of_root if of_root.access is Access.OPEN else found


async def _ask_resolver(
    context: ProbeContext, subject: ServiceSubject, question: _Question
) -> ServiceFacts:
    try:
        said = await _exchange(context, subject, question.message.to_wire())
        answer = dns.message.from_wire(said, ignore_trailing=True)
    except ConnectionRefusedError:
        return ServiceFacts(Kind.OTHER, "", Access.DENIED, "UDP port unreachable")
    except TimeoutError:
        return _not_known(Kind.RESOLVER, f"nothing answered on UDP port {subject.port}")
    except dns.exception.DNSException:
        return _not_known(Kind.RESOLVER, "the answer is no DNS message")
    if not question.message.is_response(answer):
        return _not_known(Kind.RESOLVER, "the answer belongs to another question")
    return _read_answer(answer, question)


def _read_answer(answer: dns.message.Message, question: _Question) -> ServiceFacts:
    # An authoritative answer was looked up nowhere, whatever else the server would do.
    is_own = bool(answer.flags & dns.flags.AA) and question is _ROOT_QUESTION
    has_recursion = bool(answer.flags & dns.flags.RA) and not is_own
    rcode = answer.rcode()
    rdtype = question.message.question[0].rdtype
    has_data = any(rrset.rdtype == rdtype for rrset in answer.answer)
    code = dns.rcode.to_text(rcode)
    offer = "offered" if has_recursion else "not offered"
    proof = f"{question.name} {dns.rdatatype.to_text(rdtype)}: {code}, recursion {offer}"
    access, problem = Access.DENIED, ""
    if has_recursion and rcode == dns.rcode.NOERROR and has_data:
        access = Access.OPEN
        proof += ", with data"
    elif has_recursion and rcode in {dns.rcode.SERVFAIL, dns.rcode.NXDOMAIN}:
        # It tried, or says that it did: whether it would have told is not known.
        access, problem = Access.UNKNOWN, f"the server answered {code} to a name that exists"
    return ServiceFacts(Kind.RESOLVER, "DNS", access, proof, problem=problem)


def _tlv(kind: int, body: bytes) -> bytes:
    return bytes((kind, len(body))) + body


def snmp_question(request_id: int) -> bytes:
    """An SNMPv2c GET of sysDescr.0 with the community "public" (RFC 3416)."""
    variable = _tlv(0x30, _tlv(6, bytes.fromhex("2b06010201010100")) + _tlv(5, b""))
    number = _tlv(2, struct.pack(">I", request_id))
    pdu = _tlv(0xA0, number + _tlv(2, b"\0") * 2 + _tlv(0x30, variable))
    return _tlv(0x30, _tlv(2, b"\1") + _tlv(4, _COMMUNITY) + pdu)


async def probe_snmp(context: ProbeContext, subject: ServiceSubject) -> ServiceFacts:
    """Asked only where the operator allows guessing: a community string is a password."""
    if not context.options.tries_public_community:
        return _not_known(
            Kind.MANAGEMENT, "not asked: it would be a guess at a password, and is not switched on"
        )
    request_id = secrets.randbelow(2**31 - 1) + 1
    try:
        said = await _exchange(context, subject, snmp_question(request_id))
    except ConnectionRefusedError:
        return ServiceFacts(Kind.OTHER, "", Access.DENIED, "UDP port unreachable")
    except TimeoutError:
        # A wrong community is dropped without a word (RFC 3411), and so is all by a firewall.
        return _not_known(Kind.MANAGEMENT, f"nothing answered on UDP port {subject.port}")
    is_answer = said[:1] == b"\x30" and b"\xa2" in said[:20]
    if not is_answer or _tlv(2, struct.pack(">I", request_id)) not in said:
        return _not_known(Kind.MANAGEMENT, "the answer is not SNMP's")
    return ServiceFacts(Kind.MANAGEMENT, "SNMP", Access.OPEN, _description(said))


def _description(said: bytes) -> str:
    """The text behind the object identifier, as far as it is there."""
    _, found, rest = said.partition(bytes.fromhex("06082b06010201010100"))
    return clean(rest[2:162], 160) if found else ""
