"""A DNS server on loopback, over UDP and TCP, that looks like a recursive resolver.

It answers from the zones of ``dns_zones``, in a thread with a loop of its own, so that what it
does on purpose (silence, stalls) never holds the test. Faults are ordered per name.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from enum import StrEnum
from pathlib import Path
from typing import Self, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype

from tests.lab.dns_answers import alias_of, answer_transfer, fill_answer
from tests.lab.dns_zones import LabZone, ZoneSpec, build_zones

_SMALL_UDP = 512
_MAX_ALIASES = 20
_MAX_TCP = 65_535


class Fault(StrEnum):
    """What the server does wrong for a name and everything below it."""

    SERVFAIL = "servfail"
    REFUSED = "refused"
    SILENT = "silent"
    SILENT_OVER_UDP = "silent_over_udp"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    """Over UDP an empty answer with TC; whole over TCP."""
    TRUNCATED_THEN_STALL = "truncated_then_stall"
    """TC over UDP, then two bytes over TCP and no more."""
    NOT_AUTHORITATIVE = "not_authoritative"
    ONLY_SOA = "only_soa"
    """SERVFAIL for everything but the zone's SOA."""


class DnsLab:
    """``with DnsLab([...zones]) as lab:`` then ``lab.address``, ``lab.anchor``."""

    def __init__(
        self,
        zones: Iterable[ZoneSpec],
        faults: Mapping[str, Fault] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        silent_types: frozenset[str] = frozenset(),
        sets_ad: bool = False,
    ) -> None:
        self.zones: dict[dns.name.Name, LabZone]
        self.zones, self.anchor = build_zones(zones)
        self.faults = {dns.name.from_text(n): f for n, f in (faults or {}).items()}
        self.host, self.port = host, port
        self._silent_types, self._sets_ad = silent_types, sets_ad
        self.queries: list[tuple[str, str, str]] = []
        """``(name, type, "udp" or "tcp")`` of every question, in order."""
        self._is_ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._conversations: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="dns-lab", daemon=True)
        self._failure: BaseException | None = None

    def authoritative(
        self, host: str, port: int, faults: Mapping[str, Fault] | None = None
    ) -> "DnsLab":
        """The same zones at another address, with faults of its own: one of their name servers."""
        other = DnsLab([ZoneSpec(".")], faults, host, port)
        other.zones, other.anchor = self.zones, self.anchor
        return other

    def write_anchor(self, path: Path) -> Path:
        path.write_text(f"; the lab's root\n{self.anchor}\n", encoding="utf-8")
        return path

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._is_ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            server = await asyncio.start_server(self._converse, self.host, self.port)
            stack.push_async_callback(self._end_conversations)
            stack.callback(server.close)
            self.port = server.sockets[0].getsockname()[1]
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            transport, _ = await self._loop.create_datagram_endpoint(
                lambda: _Udp(self), local_addr=(self.host, self.port), family=family
            )
            stack.callback(transport.close)
            self._is_ready.set()
            await self._stop.wait()

    async def _end_conversations(self) -> None:
        for task in self._conversations:
            task.cancel()
        if self._conversations:
            await asyncio.wait(self._conversations)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Questions of one TCP connection, one after the other."""
        task = asyncio.current_task()
        if task is not None:
            self._conversations.add(task)
            task.add_done_callback(self._conversations.discard)
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                wires = self.respond(await reader.readexactly(length), is_tcp=True)
                if wires is None:
                    await self._stop.wait()  # keeps the connection open and says nothing
                for wire in wires or ():
                    writer.write(wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass  # a cancelled task would make asyncio 3.11 complain in its stream callback
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def respond(self, wire: bytes, *, is_tcp: bool) -> list[bytes] | None:
        """Wire answers (length-prefixed over TCP), [] for nothing, None for silence."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return []
        question = query.question[0]
        rdtype = dns.rdatatype.to_text(question.rdtype)
        self.queries.append((str(question.name), rdtype, "tcp" if is_tcp else "udp"))
        fault = self._fault_along(question.name)
        if rdtype in self._silent_types:
            fault = Fault.SILENT
        if fault is Fault.SILENT or (fault is Fault.SILENT_OVER_UDP and not is_tcp):
            return None if is_tcp else []
        if fault is Fault.GARBAGE:
            return [_prefixed(b"\xff" * 40) if is_tcp else b"\xff" * 40]
        if fault is Fault.TRUNCATED_THEN_STALL and is_tcp:
            return None
        if question.rdtype == dns.rdatatype.AXFR and fault is None:
            return [_prefixed(m.to_wire(max_size=_MAX_TCP)) for m in answer_transfer(self, query)]
        return [self._render(query, self._answer(query, fault), fault, is_tcp=is_tcp)]

    def _fault_of(self, name: dns.name.Name) -> Fault | None:
        candidates = [suffix for suffix in self.faults if name.is_subdomain(suffix)]
        return self.faults[max(candidates, key=len)] if candidates else None

    def _fault_along(self, name: dns.name.Name) -> Fault | None:
        """Of the name, or of what it is an alias of: a recursive server looks there too."""
        for _ in range(_MAX_ALIASES):
            fault = self._fault_of(name)
            if fault is not None:
                return fault
            target = alias_of(self.zones, name)
            if target is None:
                return None
            name = target
        return None

    def _answer(self, query: dns.message.Message, fault: Fault | None) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        if query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif fault is Fault.SERVFAIL or (
            fault is Fault.ONLY_SOA and query.question[0].rdtype != dns.rdatatype.SOA
        ):
            response.set_rcode(dns.rcode.SERVFAIL)
        elif fault is Fault.REFUSED:
            response.set_rcode(dns.rcode.REFUSED)
        else:
            fill_answer(self.zones, query, response)
            response.flags |= dns.flags.AD if self._sets_ad else 0
            if fault is Fault.NOT_AUTHORITATIVE:
                response.flags &= ~dns.flags.AA
        return response

    def _render(
        self,
        query: dns.message.Message,
        response: dns.message.Message,
        fault: Fault | None,
        *,
        is_tcp: bool,
    ) -> bytes:
        if is_tcp:
            return _prefixed(_wire_or_truncated(query, response, _MAX_TCP))
        if fault in {Fault.TRUNCATED, Fault.TRUNCATED_THEN_STALL}:
            return _truncated(query)
        limit = max(_SMALL_UDP, query.payload) if query.edns >= 0 else _SMALL_UDP
        return _wire_or_truncated(query, response, limit)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, lab: DnsLab) -> None:
        self._lab = lab
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # as asyncio promises

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is None:
            return
        for wire in self._lab.respond(data, is_tcp=False) or ():
            self._transport.sendto(wire, addr)


def _prefixed(wire: bytes) -> bytes:
    return struct.pack("!H", len(wire)) + wire


def _truncated(query: dns.message.Message) -> bytes:
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.TC
    return response.to_wire()


def _wire_or_truncated(
    query: dns.message.Message, response: dns.message.Message, limit: int
) -> bytes:
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        return _truncated(query)
