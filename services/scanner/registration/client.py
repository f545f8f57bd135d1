"""One bounded GET of a JSON document from a server that has to prove who it is.

Not the web checks' client: that one judges no certificate, and what is read here is believed.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from socket import AF_INET, AF_INET6, AI_NUMERICHOST, AddressFamily

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.scanner.address import Address, AddressRefused
from services.scanner.context import ProbeContext
from services.scanner.http.urls import WebUrl, parse_url, resolve_location

_MAX_HOPS = 3
_MAX_HEADER_BYTES = 16 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class NoDocument(Exception):
    """It could not be had; the message is fit for a report."""


@dataclass(frozen=True, slots=True)
class Document:
    status: int
    body: bytes
    retry_after: str = ""


class _PinnedResolver(AbstractResolver):
    """Gives the one address that was vetted."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: AddressFamily = AF_INET,  # noqa: ARG002 - aiohttp's interface
    ) -> list[ResolveResult]:
        is_ipv6 = self._address.version == 6  # noqa: PLR2004 - the version itself
        return [
            ResolveResult(
                hostname=host,
                host=str(self._address),
                port=port,
                family=AF_INET6 if is_ipv6 else AF_INET,
                proto=0,
                flags=AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held open."""


async def get_document(context: ProbeContext, url: str, *, accept: str, max_bytes: int) -> Document:
    """The answer after at most three redirects. Raises NoDocument."""
    try:
        current = parse_url(url)
        for _ in range(_MAX_HOPS + 1):
            answer = await _get(context, current, accept, max_bytes)
            location = answer.headers.get("location", "")
            if answer.document.status not in _REDIRECTS or not location:
                return answer.document
            following = resolve_location(current, location)
            if current.is_tls and not following.is_tls:
                raise NoDocument(f"{current.host} redirects to plain HTTP")
            current = following
    except ValueError as error:  # of an address that cannot be read
        raise NoDocument(str(error)) from error
    raise NoDocument(f"{current.host} redirects too often")


@dataclass(frozen=True, slots=True)
class _Answer:
    document: Document
    headers: Mapping[str, str]
    """By lower-case name."""


async def _get(context: ProbeContext, url: WebUrl, accept: str, max_bytes: int) -> _Answer:
    address = await _address_of(context, url)
    tls = await asyncio.to_thread(_verifying_tls, context.options.ca_file)
    headers = {
        "User-Agent": context.options.user_agent,
        "Accept": accept,
        "Accept-Encoding": "identity",
    }
    connector = aiohttp.TCPConnector(  # pyright: ignore[reportUnknownMemberType] - a bare tuple
        resolver=_PinnedResolver(address), use_dns_cache=False, force_close=True, limit=1, ssl=tls
    )
    async with context.connector.slot(address):
        try:
            async with (
                asyncio.timeout(context.options.exchange_timeout_s),
                aiohttp.ClientSession(
                    connector=connector,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,
                    trust_env=False,
                    timeout=aiohttp.ClientTimeout(
                        total=None, sock_connect=context.options.connect_timeout_s
                    ),
                    max_field_size=_MAX_HEADER_BYTES,
                ) as session,
                session.get(
                    URL(str(url), encoded=True), headers=headers, allow_redirects=False
                ) as response,
            ):
                body = await _read(response, url, max_bytes)
                found = {name.lower(): value for name, value in response.headers.items()}
        except TimeoutError as error:
            raise NoDocument(f"{url.host} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoDocument(f"{url.host}: {_in_words(error)}") from error
    return _Answer(Document(response.status, body, found.get("retry-after", "")), found)


async def _read(response: aiohttp.ClientResponse, url: WebUrl, max_bytes: int) -> bytes:
    """As it came: packed was not asked for. Raises NoDocument past the bound."""
    body = bytearray()
    async for piece in response.content.iter_chunked(16 * 1024):
        body += piece
        if len(body) > max_bytes:
            raise NoDocument(f"{url.host} answers more than {max_bytes // 1024} KB")
    return bytes(body)


async def _address_of(context: ProbeContext, url: WebUrl) -> Address:
    """Vetted like every other address that is connected to."""
    addresses = (url.address,) if url.address is not None else ()
    if not addresses:
        answer = await context.resolver.addresses(url.host)
        if not answer.addresses:
            raise NoDocument(f"{url.host} has no address: {answer.reason}")
        addresses = answer.addresses
    try:
        return context.connector.policy.check(addresses[0], url.port)
    except AddressRefused as error:
        raise NoDocument(str(error)) from error


def _in_words(error: Exception) -> str:
    """Never the library's text: it quotes the server."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not valid"
        case aiohttp.ClientConnectorError(os_error=reason):
            return reason.strerror or "no connection"
        case _:
            return "the connection broke off"


@lru_cache(maxsize=4)
def _verifying_tls(ca_file: Path | None) -> ssl.SSLContext:
    """Mozilla's roots and those of the operator."""
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
