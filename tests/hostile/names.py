"""A name server that floods, lies, stalls and runs in circles."""

import asyncio
import struct
from functools import cache
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

NAMES: tuple[tuple[str, str, str], ...] = (
    ("circle.hostile.test", "an alias of itself", "runs in a circle"),
    ("flood.hostile.test", "thousands of records", "no port is open|time limit"),
    ("stall.hostile.test", "truncated, then silent over TCP", "no answer for"),
    ("liar.hostile.test", "answers to other questions", "answer to another question|no answer"),
    ("labels.hostile.test", "names of NUL, markup and formulas", "no port is open|no answer"),
    ("keys.hostile.test", "DNSSEC keys of 32,768 bits", "DNSSEC|time limit"),
    ("garbage.hostile.test", "bytes that are no answer", "no answer for"),
    ("text.hostile.test", "a TXT record of 57 KB", "SPF|time limit"),
)
"""What is asked for, what is wrong with it, and a pattern for what the result says."""
_ZONES = frozenset(name for name, _, _ in NAMES)
_TTL = 60
_ADDRESS = "127.65.99.1"
"""Where nobody listens."""
_LONG_TEXT = " ".join(f'"{"v=spf1 include:flood.hostile.test "[:33] * 7}"' for _ in range(250))
_ODD = dns.name.Name((b"a.b\x00<script>", b"=HYPERLINK(1)", b"hostile", b"test", b""))
_KEY = "257 3 8 " + "A" * 5464
"""RSA with 32,768 bits, none of them good."""
_SIGNATURE = "{kind} 8 2 60 20990101000000 20200101000000 12345 hostile.test. " + "A" * 5464


@cache
def _rrset(name: dns.name.Name, kind: str, *texts: str) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(name, _TTL, "IN", kind, texts)


def _fill(query: dns.message.Message, response: dns.message.Message) -> None:
    name, kind = query.question[0].name, query.question[0].rdtype
    asked = dns.rdatatype.to_text(kind)
    if asked == "SOA" and name.to_text(omit_final_dot=True) in _ZONES:
        response.answer.append(_rrset(name, "SOA", "ns1.hostile.test. a.hostile.test. 1 2 3 4 5"))
        return
    match _first_label(name):
        case "circle":
            response.answer.append(_rrset(name, "CNAME", name.to_text()))
        case "flood":
            _flood(name, asked, response)
        case "labels":
            target = _ODD.to_text()
            records = {"MX": f"10 {target}", "NS": target, "A": _ADDRESS}
            found = asked if asked in records else "CNAME"
            response.answer.append(_rrset(name, found, records.get(found, target)))
        case "keys":
            _absurd_keys(name, asked, response)
        case "text" if asked in {"TXT", "A"}:
            response.answer.append(_rrset(name, asked, _LONG_TEXT if asked == "TXT" else _ADDRESS))
        case _:
            response.set_rcode(dns.rcode.NXDOMAIN)


def prepare() -> None:
    """Make the largest answers beforehand: no other target waits for that."""
    flooding = dns.name.from_text("flood.hostile.test.")
    for kind in ("A", "MX", "NS", "TXT", "CAA"):
        respond(dns.message.make_query(flooding, kind).to_wire(), is_tcp=True)


def _first_label(name: dns.name.Name) -> str:
    """Below ``hostile.test``: what decides how the server behaves."""
    return name.labels[-4].decode("latin-1") if len(name.labels) > 3 else ""


def _flood(name: dns.name.Name, asked: str, response: dns.message.Message) -> None:
    many = {
        "A": [f"127.65.{n // 250}.{n % 250}" for n in range(3000)],
        "MX": [f"{n} mx{n}.flood.hostile.test." for n in range(1500)],
        "NS": [f"ns{n}.flood.hostile.test." for n in range(1500)],
        "TXT": [f'"v=spf1 include:{n}.flood.hostile.test -all"' for n in range(900)],
        "CAA": [f'0 issue "ca{n}.test"' for n in range(1500)],
    }
    if asked in many:
        response.answer.append(_rrset(name, asked, *many[asked]))


def _absurd_keys(name: dns.name.Name, asked: str, response: dns.message.Message) -> None:
    if asked == "DNSKEY":
        response.answer.append(_rrset(name, "DNSKEY", *(_KEY[:-4] + f"{n:04}" for n in range(8))))
        response.answer.append(_rrset(name, "RRSIG", _SIGNATURE.format(kind="DNSKEY")))
    elif asked == "A":
        response.answer.append(_rrset(name, "A", _ADDRESS))
        response.answer.append(_rrset(name, "RRSIG", _SIGNATURE.format(kind="A")))
    elif asked == "DS":
        response.answer.append(_rrset(name, "DS", *(f"{n} 8 2 {'AB' * 32}" for n in range(400))))
    else:
        owner = dns.name.Name((b"0" * 32,)).concatenate(dns.name.from_text("hostile.test."))
        proof = "1 0 65535 " + "AB" * 200 + " " + "1" * 32 + " A RRSIG"
        response.authority.append(_rrset(owner, "NSEC3", proof))
        response.set_rcode(dns.rcode.NXDOMAIN)


def respond(wire: bytes, *, is_tcp: bool) -> bytes | None:
    """The answer; None for silence."""
    answer = _respond(b"\0\0" + wire[2:], is_tcp=is_tcp)
    return None if answer is None else wire[:2] + answer[2:]


@cache
def _respond(wire: bytes, *, is_tcp: bool) -> bytes | None:
    query = dns.message.from_wire(wire)
    first = _first_label(query.question[0].name)
    if first == "garbage":
        return wire[:2] + b"\xc0\x0c" * 200
    response = dns.message.make_response(query, recursion_available=True)
    if first == "stall":
        response.flags |= dns.flags.TC
        return None if is_tcp else response.to_wire()
    if first == "liar":
        response.question[0].name = dns.name.from_text("another.hostile.test")
        return response.to_wire()
    _fill(query, response)
    if not is_tcp and len(response.answer) and len(response.to_wire(max_size=65_535)) > 1232:
        response.answer.clear()
        response.flags |= dns.flags.TC
    return response.to_wire(max_size=65_535)


class Udp(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            "asyncio.DatagramTransport", transport
        )  # what a datagram endpoint has

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = respond(data, is_tcp=False)
        if answer is not None:
            self._transport.sendto(answer, addr)


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    answer = respond(await reader.readexactly(length), is_tcp=True)
    if answer is None:
        writer.write(b"\xff\xff")  # and nothing after it
        await reader.read()
    else:
        writer.write(struct.pack("!H", len(answer)) + answer)
        await writer.drain()
