"""CVE-2014-0160 by positive proof: a heartbeat without a payload that comes back with one.

The request claims sixteen bytes and has none; a sound server drops it (RFC 6520 4) and answers
the well-formed one behind it. Never more than sixteen bytes are asked for, none are kept, and it
counts only when it happens on two connections.
"""

import asyncio

from services.scanner.tls.codec import ServerFlight
from services.scanner.tls.exchange import Line
from services.scanner.tls.facts import PoolFacts, Support
from services.scanner.tls.hello import ClientHello
from services.scanner.tls.wire import (
    CodecError,
    ContentType,
    Extension,
    Version,
    numbers,
    vector,
)

_CLAIMED = 16
_REQUEST, _RESPONSE = 1, 2
_PADDING = 16
_GREETING = b"nis2"
_RECORD_HEADER = 5
_MAX_RECORD = 2**14 + 2048
_MAX_RECORDS = 20


async def ask_heartbleed(line: Line, version: Version) -> PoolFacts:
    """For a server that echoed the heartbeat extension. Two connections at most."""
    first = await _try(line, version)
    if first.support is not Support.ACCEPTED:
        return first
    second = await _try(line, version)
    if second.support is Support.ACCEPTED:
        return second
    return PoolFacts(Support.UNKNOWN, "memory came back once, and not when asked again")


async def _try(line: Line, version: Version) -> PoolFacts:
    options, subject = line.context.options, line.subject
    connection = line.context.connector.open(
        subject.address, subject.port, timeout_s=options.connect_timeout_s
    )
    try:
        async with connection as (reader, writer), asyncio.timeout(options.exchange_timeout_s):
            hello = ClientHello(version, subject.server_name, offers_heartbeat=True)
            writer.write(hello.encode())
            if not await _has_heartbeats(reader):
                return PoolFacts(Support.REFUSED, "the server has no heartbeats")
            writer.write(_heartbeat(version, claimed=_CLAIMED, payload=b""))
            writer.write(_heartbeat(version, claimed=len(_GREETING), payload=_GREETING))
            return await _hear(reader)
    except TimeoutError:
        return PoolFacts(Support.UNKNOWN, "no answer to a heartbeat, be it right or wrong")
    except (OSError, EOFError, CodecError):
        return PoolFacts(Support.UNKNOWN, "the server cut the connection off")


def _heartbeat(version: Version, *, claimed: int, payload: bytes) -> bytes:
    padding = bytes(_PADDING) if payload else b""
    body = bytes((_REQUEST,)) + numbers(2, (claimed,)) + payload + padding
    return bytes((ContentType.HEARTBEAT,)) + numbers(2, (version,)) + vector(2, body)


async def _has_heartbeats(reader: asyncio.StreamReader) -> bool:
    """Read the server's flight to its end, so that what comes after it is an answer to us."""
    flight = ServerFlight()
    while not flight.is_done:
        data = await reader.read(16 * 1024)
        if not data:
            raise EOFError
        flight.feed(data)
    hello = flight.server_hello
    return hello is not None and Extension.HEARTBEAT in hello.extensions


async def _hear(reader: asyncio.StreamReader) -> PoolFacts:
    """What comes first: memory, the answer to the well-formed heartbeat, or a refusal."""
    for _ in range(_MAX_RECORDS):
        kind, body = await _record(reader)
        if kind == ContentType.ALERT:
            return PoolFacts(Support.REFUSED, "the server ends the connection instead")
        if kind != ContentType.HEARTBEAT or body[:1] != bytes((_RESPONSE,)):
            continue
        payload = body[3:]
        if payload.startswith(_GREETING):
            return PoolFacts(Support.REFUSED, "the server answers well-formed heartbeats alone")
        if len(payload) >= _CLAIMED:
            return PoolFacts(
                Support.ACCEPTED, f"{_CLAIMED} bytes came back for none that were sent"
            )
    return PoolFacts(Support.UNKNOWN, "the server did not answer a heartbeat")


async def _record(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    header = await reader.readexactly(_RECORD_HEADER)
    length = int.from_bytes(header[3:], "big")
    if length > _MAX_RECORD:
        raise CodecError("the answer is no TLS record")
    return header[0], await reader.readexactly(length)
