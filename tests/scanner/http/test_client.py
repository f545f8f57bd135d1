"""One exchange against real sockets: what is asked, what is kept, and every bound."""

import asyncio
import gzip
import socket
import ssl
import struct
import time
import tracemalloc
import zlib
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from services.scanner.address import AddressPolicy, AddressRefused
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext
from services.scanner.http.client import MAX_BODY_BYTES, Exchange, fetch
from services.scanner.http.unpacking import MAX_UNPACKED_BYTES
from services.scanner.http.urls import WebUrl
from services.scanner.suite import ProbeError
from tests.scanner.http.conftest import NAME, make_context
from tests.scanner.http.raw_server import Behaviour, Request, always, html, response, serve

LOOPBACK = ip_address("127.0.0.1")


async def ask(
    context: ProbeContext, port: int, *, is_tls: bool = False, host: str = NAME, limit_s: float = 5
) -> Exchange:
    url = WebUrl("https" if is_tls else "http", host, port, "/start?a=b")
    return await fetch(context, url, LOOPBACK, headers={"Cookie": "a=1"}, timeout_s=limit_s)


async def ask_once(context: ProbeContext, behave: Behaviour, *, limit_s: float = 5) -> Exchange:
    async with serve(behave) as server:
        return await ask(context, server.port, limit_s=limit_s)


async def test_the_request_names_the_host_and_the_scanner(context: ProbeContext) -> None:
    async with serve(always(html("hello"))) as server:
        await ask(context, server.port)

    (request,) = server.requests
    assert (request.method, request.target) == ("GET", "/start?a=b")
    assert request.header("Host") == f"{NAME}:{server.port}"
    assert request.header("User-Agent") == "Lab (+https://lab.test)"
    assert request.header("Accept-Encoding") == "identity"
    assert request.header("Cookie") == "a=1"


async def test_headers_keep_their_order_and_their_duplicates(context: ProbeContext) -> None:
    answer = response(200, "B: 1", "a: 2", "B: 3", "Set-Cookie: x=1", "Set-Cookie: y=2")

    exchange = await ask_once(context, always(answer))

    assert exchange.headers[:5] == (
        (b"B", b"1"),
        (b"a", b"2"),
        (b"B", b"3"),
        (b"Set-Cookie", b"x=1"),
        (b"Set-Cookie", b"y=2"),
    )


async def test_tls_carries_the_name_and_takes_any_certificate(
    context: ProbeContext, tls: ssl.SSLContext
) -> None:
    async with serve(always(html("hello")), ssl_context=tls) as server:
        exchange = await ask(context, server.port, is_tls=True)

    assert exchange.body == b"hello"
    assert server.requests[0].server_name == NAME


async def test_an_address_is_never_sent_as_server_name(
    context: ProbeContext, tls: ssl.SSLContext
) -> None:
    async with serve(always(html("hello")), ssl_context=tls) as server:
        await ask(context, server.port, is_tls=True, host="127.0.0.1")

    assert server.requests[0].server_name is None
    assert server.requests[0].header("Host") == f"127.0.0.1:{server.port}"


async def test_obsolete_tls_is_no_obstacle(context: ProbeContext, tls: ssl.SSLContext) -> None:
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        tls.maximum_version = ssl.TLSVersion.TLSv1

    async with serve(always(html("old")), ssl_context=tls) as server:
        exchange = await ask(context, server.port, is_tls=True)

    assert exchange.body == b"old"


async def test_a_forbidden_address_is_refused_before_a_connection(context: ProbeContext) -> None:
    url = WebUrl("http", NAME, 80)

    with pytest.raises(AddressRefused):
        await fetch(context, url, ip_address("169.254.169.254"), timeout_s=1)


async def test_a_closed_port_is_told_in_words(context: ProbeContext) -> None:
    async with serve(always(b"")) as server:
        port = server.port

    with pytest.raises(ProbeError, match="no connection"):
        await ask(context, port)


async def test_plain_text_where_tls_was_expected(context: ProbeContext) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.test ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        with pytest.raises(ProbeError, match="no TLS connection"):
            await ask(context, server.sockets[0].getsockname()[1], is_tls=True)


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example.test ESMTP\r\n",
        b"HTTP/9 banana\r\n\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    ],
)
async def test_what_is_not_http_is_refused(context: ProbeContext, answer: bytes) -> None:
    with pytest.raises(ProbeError, match="not valid HTTP"):
        await ask_once(context, always(answer))


async def test_a_connection_closed_without_an_answer(context: ProbeContext) -> None:
    with pytest.raises(ProbeError, match="closed the connection without an answer"):
        await ask_once(context, always(b""))


async def test_three_resets_in_a_row_slow_us_down(context: ProbeContext) -> None:
    async def reset(_: Request, writer: asyncio.StreamWriter) -> None:
        linger_for_no_time = struct.pack("ii", 1, 0)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
        writer.transport.abort()

    budget = context.connector.budget(LOOPBACK)
    async with serve(reset) as server:
        for _ in range(3):
            with pytest.raises(ProbeError, match="cut the connection off"):
                await ask(context, server.port)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), budget.slot():
            pass


async def test_an_ipv6_address_is_a_host_like_any_other() -> None:
    connector = Connector(
        AddressPolicy((ip_network("::1/128"),)),
        connections_per_address=4,
        connections_per_second=1000,
    )
    context = replace(make_context(), connector=connector)

    async with serve(always(html("six")), host="::1") as server:
        url = WebUrl("http", "::1", server.port)
        exchange = await fetch(context, url, ip_address("::1"), timeout_s=5)

    assert exchange.body == b"six"
    assert server.requests[0].header("Host") == f"[::1]:{server.port}"


@pytest.mark.parametrize(
    "answer",
    [
        response(200, *(f"X-{n}: {'v' * 1000}" for n in range(100))),
        response(200, *(f"X-{n}: v" for n in range(400))),
        response(200, "X: " + "v" * 200_000),
        b"HTTP/1.1 200 " + b"O" * 200_000 + b"\r\n\r\n",
    ],
    ids=["many large", "too many", "one huge", "status line"],
)
async def test_huge_heads_are_refused(context: ProbeContext, answer: bytes) -> None:
    with pytest.raises(ProbeError, match=r"64 KB|not valid HTTP/1.1, or one header line"):
        await ask_once(context, always(answer))


async def test_a_head_that_never_ends_is_cut_off_by_its_size(context: ProbeContext) -> None:
    async def drown(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(150):
            writer.write(b"X-%d: " % number + b"v" * 2000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    with pytest.raises(ProbeError, match="64 KB"):
        await ask_once(context, drown)


async def test_endless_interim_answers_are_cut_off(context: ProbeContext) -> None:
    async def stall(_: Request, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
            await writer.drain()

    with pytest.raises(ProbeError, match="interim"):
        await ask_once(context, stall)


async def test_a_few_interim_answers_are_fine(context: ProbeContext) -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + html("done")

    assert (await ask_once(context, always(answer))).body == b"done"


async def test_an_endless_body_is_cut_at_512_kb(context: ProbeContext) -> None:
    async def pour(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, "Content-Type: text/html"))
        while not writer.is_closing():
            writer.write(b"x" * 65_536)
            await writer.drain()

    exchange = await ask_once(context, pour)

    assert len(exchange.body) == exchange.wire_bytes == MAX_BODY_BYTES
    assert exchange.body_note == "only the first 512 KB were read"


async def test_a_dripping_body_keeps_what_came_in_time(context: ProbeContext) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, "Content-Type: text/html"))
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    started = time.monotonic()
    exchange = await ask_once(context, drip, limit_s=0.4)

    assert exchange.status == 200
    assert 0 < len(exchange.body) < 100
    assert exchange.body_note == "the body did not arrive in time"
    assert time.monotonic() - started < 2


async def test_a_dripping_head_runs_into_the_deadline(context: ProbeContext) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    started = time.monotonic()
    with pytest.raises(ProbeError, match=r"within 0\.3 s"):
        await ask_once(context, drip, limit_s=0.3)

    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("x-gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("deflate", zlib.compress(b"<p>hello</p>")),
        ("deflate", zlib.compress(b"<p>hello</p>", wbits=-15)),
    ],
)
async def test_one_layer_of_packing_is_undone(
    context: ProbeContext, encoding: str, packed: bytes
) -> None:
    answer = response(200, f"Content-Encoding: {encoding}", body=packed)

    exchange = await ask_once(context, always(answer))

    assert (exchange.body, exchange.body_note) == (b"<p>hello</p>", "")


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "gzip"])
async def test_what_cannot_be_unpacked_is_said(context: ProbeContext, encoding: str) -> None:
    answer = response(200, f"Content-Encoding: {encoding}", body=b"\x8b\x00 nonsense")

    exchange = await ask_once(context, always(answer))

    assert exchange.body == b""
    assert exchange.body_note


async def test_a_gzip_bomb_is_unpacked_to_one_megabyte_only(context: ProbeContext) -> None:
    bomb = gzip.compress(b"\0" * (200 * 1024 * 1024), 9)
    answer = response(200, "Content-Encoding: gzip", body=bomb)

    tracemalloc.start()
    try:
        exchange = await ask_once(context, always(answer))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(exchange.body) <= MAX_UNPACKED_BYTES
    assert exchange.body_note
    assert peak < 16 * 1024 * 1024


async def test_a_chunked_body_that_breaks_off_keeps_its_beginning(context: ProbeContext) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nff\r\nhal"

    exchange = await ask_once(context, always(answer))

    assert exchange.body.startswith(b"hello")
    assert exchange.body_note == "the body broke off"


async def test_connections_to_one_address_stay_within_its_budget() -> None:
    context = make_context()
    open_now = peak = 0

    async def count(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, peak
        open_now += 1
        peak = max(peak, open_now)
        await asyncio.sleep(0.05)
        open_now -= 1
        writer.write(html("hello"))

    async with serve(count) as server, asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(ask(context, server.port))

    assert 2 <= peak <= 4
    assert server.connections == 10
