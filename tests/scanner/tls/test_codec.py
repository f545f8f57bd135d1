import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.tls.codec import (
    MAX_RECORDS,
    ServerFlight,
    encode_ssl2_hello,
    is_ssl2_server_hello,
)
from services.scanner.tls.hello import RETRY_RANDOM, ClientHello
from services.scanner.tls.suites import COMMON, NAMES, Pool, pools_of, suite_name, suites_in
from services.scanner.tls.wire import CodecError, ContentType, HandshakeType, Version
from tests.scanner.tls import servers

_SUITE = 0xC02F


def _flight(data: bytes) -> ServerFlight:
    flight = ServerFlight()
    flight.feed(data)
    return flight


def _offer(hello: ClientHello) -> servers.Offer:
    return servers.Offer(hello.encode()[9:])


def test_a_flight_in_one_piece_is_understood() -> None:
    hello = servers.server_hello(Version.TLS12, _SUITE, extensions={0xFF01: b"\0", 23: b""})
    key_exchange = servers.message(
        HandshakeType.SERVER_KEY_EXCHANGE, b"\3\0\x1d" + b"\x20" + bytes(32)
    )
    body = hello + servers.certificates(b"leaf", b"issuer") + key_exchange + servers.hello_done()

    flight = _flight(servers.record(ContentType.HANDSHAKE, body))

    assert flight.is_done
    assert flight.chain == (b"leaf", b"issuer")
    assert flight.server_hello is not None
    assert (flight.server_hello.version, flight.server_hello.suite) == (Version.TLS12, _SUITE)
    assert set(flight.server_hello.extensions) == {0xFF01, 23}
    assert flight.key_exchange is not None
    assert flight.key_exchange.group == 0x1D


@given(st.lists(st.integers(1, 400), max_size=30), st.integers(1, 200))
def test_records_and_reads_may_break_anywhere(reads: list[int], record_size: int) -> None:
    body = servers.server_hello(Version.TLS11, 0x0035) + servers.certificates(bytes(300))
    body += servers.hello_done()
    pieces = [body[i : i + record_size] for i in range(0, len(body), record_size)]
    stream = b"".join(servers.record(ContentType.HANDSHAKE, piece) for piece in pieces)

    flight = ServerFlight()
    for size in reads:
        flight.feed(stream[:size])
        stream = stream[size:]
    flight.feed(stream)

    assert flight.is_done
    assert flight.chain == (bytes(300),)


def test_the_length_of_a_dh_prime_is_read() -> None:
    prime = (1 << 1023) | 1
    body = servers.vector(2, prime.to_bytes(128, "big")) + servers.vector(2, b"\2") + b"\0\0"
    hello = servers.server_hello(Version.TLS12, 0x0033)
    exchange = servers.message(HandshakeType.SERVER_KEY_EXCHANGE, body)

    flight = _flight(servers.record(ContentType.HANDSHAKE, hello + exchange))

    assert flight.key_exchange is not None
    assert flight.key_exchange.dh_prime_bits == 1024


def test_a_hello_of_tls13_names_no_group_that_tls13_forbids() -> None:
    """RFC 8446 4.2.7: strict servers refuse a hello that offers brainpool or older curves."""
    modern = servers.Offer(ClientHello(Version.TLS13, also=(Version.TLS12,)).encode()[9:])
    classic = servers.Offer(ClientHello(Version.TLS12).encode()[9:])
    allowed = {0x001D, 0x0017, 0x0018, 0x0019, 0x001E, 0x0100, 0x0101}

    assert set(modern.groups) == allowed
    assert set(classic.groups) > allowed


def test_a_retry_request_of_tls13_names_version_and_group() -> None:
    extensions = {43: b"\3\4", 51: b"\x11\xec"}
    hello = servers.server_hello(Version.TLS12, 0x1301, extensions=extensions, random=RETRY_RANDOM)

    flight = _flight(servers.record(ContentType.HANDSHAKE, hello))

    assert flight.is_done
    assert flight.server_hello is not None
    assert flight.server_hello.is_retry
    assert flight.server_hello.version == Version.TLS13
    assert flight.server_hello.group == 0x11EC


def test_a_warning_does_not_end_the_flight() -> None:
    hello = servers.server_hello(Version.TLS12, _SUITE)
    flight = _flight(servers.alert(112, level=1))
    assert not flight.is_done

    flight.feed(servers.record(ContentType.HANDSHAKE, hello + servers.hello_done()))

    assert flight.is_done
    assert flight.server_hello is not None


def test_a_fatal_alert_ends_the_flight() -> None:
    flight = _flight(servers.alert(70))

    assert flight.is_done
    assert flight.alert is not None
    assert flight.alert.name == "protocol_version"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 mail.example.test ESMTP\r\n",
        servers.record(ContentType.APPLICATION_DATA, b"x"),
        servers.record(ContentType.ALERT, b"\3\3"),
        servers.record(ContentType.HANDSHAKE, servers.hello_done()),
        servers.record(ContentType.HANDSHAKE, servers.message(HandshakeType.SERVER_HELLO, b"\3")),
        b"\x16\x03\x03\xff\xff",
    ],
)
def test_what_is_no_server_flight_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError):
        _flight(data)


@given(st.binary(max_size=2000))
def test_arbitrary_bytes_raise_nothing_but_codec_errors(data: bytes) -> None:
    flight = ServerFlight()
    try:
        flight.feed(data)
    except CodecError as error:
        assert str(error)  # noqa: PT017 - most bytes are no TLS, the others must be quiet
    assert is_ssl2_server_hello(data) in {True, False}


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 255))
def test_damaged_flights_raise_nothing_but_codec_errors(
    tail: bytes, position: int, value: int
) -> None:
    body = servers.server_hello(Version.TLS12, 0x0033, extensions={23: b""})
    body += servers.certificates(tail) + servers.message(HandshakeType.SERVER_KEY_EXCHANGE, tail)
    stream = bytearray(servers.record(ContentType.HANDSHAKE, body))
    stream[position % len(stream)] = value

    flight = ServerFlight()
    try:
        flight.feed(bytes(stream))
    except CodecError as error:
        assert str(error)  # noqa: PT017 - some damage is harmless


def test_a_chain_of_eleven_certificates_is_refused_but_the_hello_stands() -> None:
    body = servers.server_hello(Version.TLS12, _SUITE) + servers.certificates(*[b"x"] * 11)
    flight = ServerFlight()

    with pytest.raises(CodecError, match="more than 10"):
        flight.feed(servers.record(ContentType.HANDSHAKE, body))

    assert flight.server_hello is not None


def test_a_chain_above_64_kilobytes_is_refused() -> None:
    flight = _flight(
        servers.record(ContentType.HANDSHAKE, servers.server_hello(Version.TLS12, _SUITE))
    )
    message = servers.certificates(bytes(66_000))

    with pytest.raises(CodecError, match="larger than 64 KB"):
        for start in range(0, len(message), 16_000):
            flight.feed(servers.record(ContentType.HANDSHAKE, message[start : start + 16_000]))


def test_an_endless_flight_is_refused() -> None:
    flight = _flight(
        servers.record(ContentType.HANDSHAKE, servers.server_hello(Version.TLS12, _SUITE))
    )
    request = servers.record(
        ContentType.HANDSHAKE, servers.message(HandshakeType.HELLO_REQUEST, bytes(16_000))
    )

    with pytest.raises(CodecError, match="256 KB"):
        for _ in range(20):
            flight.feed(request)


def test_endless_empty_records_are_refused() -> None:
    empty = servers.record(ContentType.HANDSHAKE, b"")

    with pytest.raises(CodecError, match="too many records"):
        _flight(empty * (MAX_RECORDS + 1))


def test_a_hello_carries_what_was_asked_for() -> None:
    offer = _offer(ClientHello(Version.TLS12, "www.example.test", compressions=(1, 0)))

    assert offer.version == Version.TLS12
    assert offer.suites == COMMON
    assert offer.server_name == "www.example.test"
    assert offer.compressions == (1, 0)


def test_a_hello_for_an_address_has_no_server_name() -> None:
    assert _offer(ClientHello(Version.TLS12)).server_name is None


def test_a_hello_of_ssl3_has_no_extensions_but_the_signal_suite() -> None:
    offer = _offer(ClientHello(Version.SSL3, "www.example.test"))

    assert offer.version == Version.SSL3
    assert offer.extensions == {}
    assert offer.suites[-1] == 0x00FF


@pytest.mark.parametrize("version", [v for v in Version if v > Version.SSL2])
@pytest.mark.parametrize("name_length", [0, 3, 60, 180, 230, 253])
def test_no_hello_has_a_length_that_old_load_balancers_hang_on(
    version: Version, name_length: int
) -> None:
    hello = ClientHello(version, "a" * name_length or None).encode()

    assert not 256 <= len(hello) - 5 < 512
    assert int.from_bytes(hello[3:5], "big") == len(hello) - 5


def test_openssl_accepts_our_hello() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ADH:AECDH:@SECLEVEL=0")  # needs no certificate
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)

    incoming.write(ClientHello(Version.TLS12, "www.example.test").encode())

    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    assert _flight(outgoing.read()).server_hello is not None


def test_version_hellos_offer_at_most_64_suites() -> None:
    assert len(COMMON) <= 64
    assert len(set(NAMES.values())) == len(NAMES)


@pytest.mark.parametrize(
    ("code", "pools"),
    [
        (0xC02F, set[Pool]()),
        (0x002F, {Pool.CBC, Pool.RSA_TRANSPORT}),
        (0x0017, {Pool.ANON, Pool.EXPORT, Pool.RC4}),
        (0x000A, {Pool.CBC, Pool.RSA_TRANSPORT, Pool.SMALL_BLOCK}),
        (0xC015, {Pool.ANON, Pool.NULL}),
        (0x009E, {Pool.DHE}),
        (0xFFFF, set[Pool]()),
    ],
)
def test_suites_know_their_pools(code: int, pools: set[Pool]) -> None:
    assert pools_of(code) == pools
    assert all(code in suites_in(frozenset({pool})) for pool in pools)


def test_suites_have_names() -> None:
    assert suite_name(0xC02F) == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert suite_name(0x1301) == "TLS_AES_128_GCM_SHA256"
    assert suite_name(0xABCD) == "0xabcd"


def test_a_hello_of_ssl2_is_framed_as_openssl_reads_it() -> None:
    hello = encode_ssl2_hello(bytes(16))

    assert hello[0] == 0x80
    assert hello[1] == len(hello) - 2
    assert hello[2:5] == b"\1\0\2"


def test_an_answer_of_ssl2_counts_without_any_suite() -> None:
    body = b"\4\0\1" + b"\0\2" + bytes(6)

    assert is_ssl2_server_hello(bytes((0x80, len(body))) + body)
    assert not is_ssl2_server_hello(servers.alert(70))
    assert not is_ssl2_server_hello(b"")
