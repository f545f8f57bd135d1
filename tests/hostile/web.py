"""Web servers that drip, flood, lie about lengths, and set traps for parsers."""

import asyncio
import gzip
import itertools
import zlib
from collections.abc import Awaitable, Callable, Iterator

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
_BLOCK = 64 * 1024


async def _request(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def answering(answer: bytes | Callable[[bytes], bytes]) -> Talk:
    """The same answer for whatever is asked, or one made of the request line."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _request(reader)
        writer.write(answer(request.split(b" ")[1]) if callable(answer) else answer)
        await writer.drain()

    return talk


def flooding(head: bytes, block: bytes) -> Talk:
    """Sends the block for as long as somebody reads it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(head)
        while True:
            writer.write(block)
            await writer.drain()

    return talk


def dripping(head: bytes, text: bytes = b"x") -> Talk:
    """A byte every fifth of a second, for ever."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(head)
        for byte in itertools.cycle(text):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0.2)

    return talk


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    while await reader.read(_BLOCK):
        pass


def page(html: bytes, *lines: bytes) -> bytes:
    head = _OK + b"".join(line + b"\r\n" for line in lines)
    return head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(html) + html


def _bomb() -> bytes:
    """A quarter of a gigabyte of zeros in a quarter of a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1024 * 1024)
    return b"".join([*(packer.compress(zeros) for _ in range(256)), packer.flush()])


def _redirect(location: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location


def loop(path: bytes) -> bytes:
    return _redirect(b"/b" if path == b"/a" else b"/a")


def stairs(path: bytes) -> bytes:
    """Every step leads to another one."""
    return _redirect(b"/%d" % (int(path[1:] or b"0") + 1 if path[1:].isdigit() else 1))


def leading_to(location: bytes) -> bytes:
    return _redirect(location)


def headers(count: int, line: bytes) -> bytes:
    return _OK + line * count + b"Content-Length: 1\r\n\r\nx"


def interim() -> Iterator[bytes]:
    return itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n")


_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_PACKED = gzip.compress(gzip.compress(b"<p>x" * 1000))
_TRAP = (
    # What backtracking patterns for keys, mail addresses, URLs and tags choke on.
    b"-----BEGIN RSA PRIVATE KEY-----" * 800
    + b"<a href=" * 4000
    + b"<div>" * 20_000
    + b"https://" * 2000
    + b"a" * 20_000
    + b"@" * 2000
    + b"<!--" * 5000
    + b"AKIA" * 8000
    + b"eyJ." * 8000
    + b"<script src='x" * 2000
)
_HOSTILE_TEXT = "\x1b[31m\x00\u202egnp.exe\ufeff=HYPERLINK(1) <script>alert(1)</script>".encode()

PLAIN_PAGE = answering(page(b"<p>hello"))
WEB: tuple[tuple[str, str, Talk], ...] = (
    ("headers that drip", "no answer .* within", dripping(b"HTTP/1.1 200 OK\r\nX-Drip: ")),
    ("a body that drips", "did not arrive in time", dripping(_OK + b"\r\n<p>")),
    ("a body without end", "only the first 512 KB", flooding(_OK + b"\r\n", b"x" * _BLOCK)),
    (
        "a compression bomb",
        "only a part of the packed body",
        answering(page(_bomb(), b"Content-Encoding: gzip")),
    ),
    (
        "two layers of compression",
        "the body is encoded",
        answering(page(_PACKED, b"Content-Encoding: gzip, gzip")),
    ),
    ("a redirect loop", "comes up again", answering(loop)),
    ("redirects without end", "more than 10 redirects", answering(stairs)),
    (
        "a redirect to metadata",
        "which was not followed",
        answering(leading_to(b"http://169.254.169.254/latest/meta-data/")),
    ),
    (
        "a redirect to another server of ours",
        "judged there|not followed|refused|no connection",
        answering(leading_to(b"http://127.0.0.1:6379/")),
    ),
    (
        "a redirect to a file",
        "neither http nor https",
        answering(leading_to(b"file:///etc/passwd")),
    ),
    (
        "headers of a megabyte",
        "larger than 64 KB",
        answering(headers(1, b"X-Big: " + b"x" * 1024 * 1024 + b"\r\n")),
    ),
    ("ten thousand headers", "larger than 64 KB", answering(headers(10_000, b"X-Many: 1\r\n"))),
    (
        "ten thousand cookies",
        "larger than 64 KB",
        answering(headers(10_000, b"Set-Cookie: a=1\r\n")),
    ),
    ("interim answers without end", "more than 10 interim", flooding(b"", next(interim()) * 20)),
    (
        "a chunk of 16 exabytes",
        "only the first 512 KB|broke off",
        flooding(_CHUNKED + b"FFFFFFFFFFFFFFFF\r\n", b"x" * _BLOCK),
    ),
    (
        "a status line without end",
        "larger than 64 KB|not valid HTTP",
        flooding(b"HTTP/1.1 200 ", b"O" * _BLOCK),
    ),
    (
        "a page of parser traps",
        "no Content-Security-Policy",
        answering(page(_TRAP, b"Server: " + b"x/1" * 2000)),
    ),
    (
        "text that attacks whoever reads it",
        "not valid HTTP",
        answering(page(b"<p>", b"Server: x/1 " + _HOSTILE_TEXT)),
    ),
    (
        "a secret file for every path",
        "no error page",
        answering(page(b"[core]\nA=1\nB=2\nC=3\n" * 20_000)),
    ),
    ("silence", "says nothing", silent),
)
