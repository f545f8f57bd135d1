"""Files that a certificate points to: issuers, revocation lists, OCSP answers.

Plain http through the vetted connector: the addresses are a stranger's choice (SSRF).
"""

import asyncio
import os
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from services.scanner.address import Address
from services.scanner.context import ProbeContext

SMALL_BYTES = 64 * 1024
LARGE_BYTES = 4 * 1024 * 1024
_HTTP_PORT = 80
_READ_BYTES = 64 * 1024


class FetchError(Exception):
    """It could not be had. The message is fit for a report."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is sent along; without one it is a GET."""

    kind: str
    """The media type."""
    body: bytes


def split_url(url: str) -> SplitResult | None:
    """The parts of a plain http address; None for what is none (ldap, nonsense)."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme == "http" and parts.hostname and parts.port != 0
    except ValueError:
        return None
    is_clean = url.isascii() and url.isprintable() and " " not in url
    return parts if is_usable and is_clean else None


async def fetch(
    context: ProbeContext,
    url: SplitResult,
    *,
    most_bytes: int = SMALL_BYTES,
    post: Post | None = None,
) -> bytes:
    """The body of a 200 answer. HTTP/1.0, so that nothing comes in chunks. Raises FetchError."""
    options, host = context.options, url.hostname or ""
    address = await _address_of(context, host)
    answer = bytearray()
    try:
        connection = context.connector.open(
            address, url.port or _HTTP_PORT, timeout_s=options.connect_timeout_s
        )
        async with connection as (reader, writer), asyncio.timeout(options.exchange_timeout_s):
            writer.write(_request(url, options.user_agent, post))
            while len(answer) <= most_bytes and (data := await reader.read(_READ_BYTES)):
                answer += data
    except TimeoutError:
        raise FetchError(f"{host} did not answer in time") from None
    except OSError as error:
        detail = os.strerror(error.errno).lower() if error.errno else str(error)
        raise FetchError(f"{host}: {detail}") from None
    if len(answer) > most_bytes:
        raise FetchError(f"{host} serves more than {most_bytes // 1024} KB")
    return _body(bytes(answer), host)


def _request(url: SplitResult, user_agent: str, post: Post | None) -> bytes:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    head = (
        f"{'POST' if post else 'GET'} {path} HTTP/1.0\r\n"
        f"Host: {url.netloc.rpartition('@')[2]}\r\n"
        f"User-Agent: {user_agent}\r\nAccept: */*\r\n"
    )
    if post is None:
        return f"{head}\r\n".encode("latin-1", "replace")
    head += f"Content-Type: {post.kind}\r\nContent-Length: {len(post.body)}\r\n\r\n"
    return head.encode("latin-1", "replace") + post.body


async def _address_of(context: ProbeContext, host: str) -> Address:
    try:
        return ip_address(host)
    except ValueError:
        answer = await context.resolver.addresses(host)
    if not answer.addresses:
        raise FetchError(f"{host} has no address: {answer.reason}")
    return answer.addresses[0]


def _body(answer: bytes, host: str) -> bytes:
    head, separator, body = answer.partition(b"\r\n\r\n")
    status = head.split(b"\r\n", 1)[0].split(b" ")[1:2]
    if not separator or not head.startswith(b"HTTP/1.") or status != [b"200"]:
        shown = status[0].decode("ascii", "replace")[:20] if status else "nothing useful"
        raise FetchError(f"{host} answered {shown}")
    return body
