"""One HTTP exchange with one vetted address, bounded in bytes and in time. GET and nothing else.

aiohttp speaks the protocol; what it does not promise is kept here: the address is the one that was
vetted, nothing is followed, nothing is unpacked beyond a bound, and the certificate is not judged
(that is the business of the TLS checks).
"""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from yarl import URL

from services.scanner.address import Address, AddressRefused
from services.scanner.context import ProbeContext
from services.scanner.http.unpacking import MAX_UNPACKED_BYTES, unpack
from services.scanner.http.urls import WebUrl
from services.scanner.suite import ProbeError

MAX_HEADER_BYTES = 64 * 1024
MAX_HEADER_LINES = 200
MAX_BODY_BYTES = 512 * 1024
MAX_SCRIPT_BYTES = 2 * 1024 * 1024
_MAX_STATUS_LINE = 8 * 1024
_MAX_INTERIM = 10
_TURNED_AWAY = frozenset({errno.ECONNRESET, errno.ECONNREFUSED})
_OP_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, named only from Python 3.12 on


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back: the head as it was sent, and the body as far as it was read."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """In order, duplicates kept."""
    body: bytes
    """Unpacked; empty where it could not be."""
    wire_bytes: int
    """Of the body, as far as it was read."""
    body_note: str
    """Why the body is not all there; empty when it is."""
    elapsed_ms: int


@dataclass(slots=True)
class _Guard:
    """What one connection may do, and why it was cut off."""

    context: ProbeContext
    address: Address
    header_bytes: int = 0
    interim_answers: int = 0
    has_head: bool = False
    refused_peer: AddressRefused | None = None
    violation: str = ""

    def vet_peer(self, transport: asyncio.BaseTransport) -> bool:
        """The address really connected to, before a byte is sent (DNS rebinding, NAT)."""
        peer = transport.get_extra_info("peername")
        try:
            self.context.connector.policy.check(str(peer[0]).partition("%")[0], int(peer[1]))
        except AddressRefused as error:
            self.refused_peer = error
        return self.refused_peer is None


class _GuardedHandler(ResponseHandler):
    """aiohttp bounds lines and their number; this bounds the head as a whole (TGT-2, TGT-7)."""

    def __init__(self, guard: _Guard, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._guard = guard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self._guard.vet_peer(transport):
            self.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._guard.has_head:
            self._guard.header_bytes += len(data)
            if self._guard.header_bytes > MAX_HEADER_BYTES:
                self._cut_off("the headers are larger than 64 KB")

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        if data[0].code >= 200:  # noqa: PLR2004 - RFC 9110 15.2: 1xx is interim
            self._guard.has_head = True
        else:
            self._guard.interim_answers += 1
            if self._guard.interim_answers > _MAX_INTERIM:
                self._cut_off("more than 10 interim answers")
                return
        super().feed_data(data, size)

    def _cut_off(self, violation: str) -> None:
        self._guard.violation = self._guard.violation or violation
        self.set_exception(aiohttp.ClientPayloadError(violation))
        if self.transport is not None:
            self.transport.abort()


class _PinnedConnector(aiohttp.TCPConnector):
    """Connects to the one vetted address, whatever the name says by now (SSRF-4)."""

    def __init__(self, guard: _Guard) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - a bare tuple in aiohttp
            resolver=_PinnedResolver(guard.address), use_dns_cache=False, force_close=True, limit=1
        )
        # aiohttp has no public way to bring a protocol of one's own; a test floods it with
        # headers, so that a version that ignores this is noticed.
        self._factory = partial(_GuardedHandler, guard, asyncio.get_running_loop())


class _PinnedResolver(AbstractResolver):
    def __init__(self, address: Address) -> None:
        self._address = address

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's interface
    ) -> list[ResolveResult]:
        is_ipv6 = self._address.version == 6  # noqa: PLR2004 - the version itself
        return [
            ResolveResult(
                hostname=host,
                host=str(self._address),
                port=port,
                family=socket.AF_INET6 if is_ipv6 else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held open."""


async def fetch(
    context: ProbeContext,
    url: WebUrl,
    address: Address,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Exchange:
    """GET ``url`` from ``address``. The name goes into SNI and Host, never into a resolver.

    ``timeout_s`` bounds the whole exchange; the wait for the address's budget is outside it. What
    came of a body before the time was up is kept. Raises AddressRefused, NotLetIn, and ProbeError
    for whatever the server does instead of answering.
    """
    context.connector.policy.check(address, url.port)
    context.allowance.take()
    guard = _Guard(context, address)
    async with context.connector.slot(address) as budget:
        started = time.monotonic()
        try:
            async with _answer(guard, url, headers or {}, started + timeout_s) as response:
                _refuse_long_head(response.raw_headers)
                wire, note = await _read_body(response, started + timeout_s, max_body_bytes)
        except TimeoutError as error:
            raise ProbeError(f"no answer to {url.origin} within {timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, OSError) and error.errno in _TURNED_AWAY:
                budget.note_refusal()
            if guard.refused_peer is not None:
                raise guard.refused_peer from error
            raise ProbeError(guard.violation or _in_words(error)) from error
        budget.note_answer()
    encoding = response.headers.get("Content-Encoding", "")
    body, unpacking_note = unpack(wire, encoding, max(MAX_UNPACKED_BYTES, max_body_bytes))
    elapsed_ms = round((time.monotonic() - started) * 1000)
    note = note or unpacking_note
    return Exchange(response.status, response.raw_headers, body, len(wire), note, elapsed_ms)


@asynccontextmanager
async def _answer(
    guard: _Guard, url: WebUrl, extra: Mapping[str, str], deadline: float
) -> AsyncGenerator[aiohttp.ClientResponse]:
    """The response with its head read; the connection is cut on leaving."""
    options = guard.context.options
    headers = {
        "User-Agent": options.user_agent,
        "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
        "Accept-Encoding": "identity",
        **extra,
    }
    async with aiohttp.ClientSession(
        connector=_PinnedConnector(guard),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=options.connect_timeout_s),
        max_line_size=_MAX_STATUS_LINE,
        max_field_size=MAX_HEADER_BYTES // 2,
        max_headers=MAX_HEADER_LINES,
    ) as session:
        # aiohttp would ask a server that hung up a second time, past every budget; it has no
        # public switch for that. A test counts the connections.
        session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        async with asyncio.timeout_at(_loop_time(deadline)):
            response = await session.get(
                URL(str(url), encoded=True),
                headers=headers,
                allow_redirects=False,
                ssl=_permissive_tls(),
            )
        try:
            yield response
        finally:
            response.close()


async def _read_body(
    response: aiohttp.ClientResponse, deadline: float, limit: int
) -> tuple[bytes, str]:
    """The body on the wire and why it is not all there. Never raises for what the server does."""
    body = bytearray()
    try:
        async with asyncio.timeout_at(_loop_time(deadline)):
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > limit:
                    return bytes(body[:limit]), f"only the first {limit // 1024} KB were read"
    except TimeoutError:
        return bytes(body), "the body did not arrive in time"
    except (aiohttp.ClientError, OSError):
        return bytes(body), "the body broke off"
    return bytes(body), ""


def _refuse_long_head(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    if sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEADER_BYTES:
        raise ProbeError("the headers are larger than 64 KB")


def _in_words(error: Exception) -> str:
    """Never the library's text: it quotes the server."""
    match error:
        case aiohttp.ClientConnectorError(os_error=ssl.SSLError() as reason):
            return f"no TLS connection: {(reason.reason or 'handshake failed').replace('_', ' ')}"
        case aiohttp.ClientOSError(errno=errno.ECONNRESET) | ConnectionResetError():
            return "the server cut the connection off"
        case aiohttp.ClientConnectorError(os_error=reason):
            return f"no connection: {reason.strerror or type(reason).__name__}"
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection without an answer"
        case aiohttp.ClientResponseError():
            return "the answer is not valid HTTP/1.1, or one header line is too long"
        case _:
            return "the connection broke off"


def _loop_time(deadline: float) -> float:
    """A deadline of the monotonic clock as the loop's clock has it."""
    return asyncio.get_running_loop().time() + deadline - time.monotonic()


@cache
def _permissive_tls() -> ssl.SSLContext:
    """Reaches servers with any version and certificate: judging them is the TLS checks' work."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # As low as the library goes; SSL 3.0 stays off by OP_NO_SSLv3.
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    context.options |= _OP_LEGACY_SERVER_CONNECT
    context.set_alpn_protocols(["http/1.1"])
    return context
