"""Services by their first bytes, and what hostile bytes do to the reader."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.net.banners import BANNER_LIMIT, read_banner

_MYSQL = b"\x4a\x00\x00\x00\x0a8.0.36-0ubuntu0.22.04.1\x00" + b"\x08" * 30
_MONGODB = (
    b"HTTP/1.0 200 OK\r\nContent-Length: 85\r\n\r\nIt looks like you are trying to access"
    b" MongoDB over HTTP on the native driver port.\r\n"
)
_MARIADB_REFUSAL = b"\x45\x00\x00\x00\xff\x6a\x04Host '10.0.0.1' is not allowed to connect"


@pytest.mark.parametrize(
    ("said", "service", "text"),
    [
        (b"SSH-2.0-OpenSSH_9.6p1\r\n", "ssh", "SSH-2.0-OpenSSH_9.6p1"),
        (b"220 mx.example.test ESMTP Postfix\r\n", "smtp", "220 mx.example.test ESMTP Postfix"),
        (b"220-mx.example.test\r\n220 ready\r\n", "smtp", "220-mx.example.test"),
        (b"554 no service here, mail refused\r\n", "smtp", "554 no service here, mail refused"),
        (b"220 (vsFTPd 3.0.5)\r\n", "ftp", "220 (vsFTPd 3.0.5)"),
        (b"220 ProFTPD Server ready.\r\n", "ftp", "220 ProFTPD Server ready."),
        (b"+OK Dovecot ready.\r\n", "pop3", "+OK Dovecot ready."),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "imap", "* OK [CAPABILITY IMAP4rev1] ready"),
        (b"HTTP/1.0 200 OK\r\nServer: nginx\r\n\r\n", "http", "nginx"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "http", "HTTP/1.1 404 Not Found"),
        (_MONGODB, "mongodb", "HTTP/1.0 200 OK"),
        (b"RFB 003.008\n", "vnc", "RFB 003.008"),
        (_MYSQL, "mysql", "8.0.36-0ubuntu0.22.04.1"),
        (b"-NOAUTH Authentication required.\r\n", "redis", "-NOAUTH Authentication required."),
        (
            b"-ERR wrong number of arguments for 'get' command\r\n",
            "redis",
            "-ERR wrong number of arguments for 'get' command",
        ),
        (b"ERROR\r\n", "memcached", "ERROR"),
        (b"AMQP\x00\x00\x09\x01", "amqp", "AMQP\ufffd\ufffd\ufffd\ufffd"),
        (b"@RSYNCD: 31.0\n", "rsync", "@RSYNCD: 31.0"),
        (b"\xff\xfd\x18\xff\xfd\x20", "telnet", ""),
        (b"200 news.example.test InterNetNews ready\r\n", "nntp", None),
    ],
)
def test_a_service_is_named_by_what_it_says(said: bytes, service: str, text: str | None) -> None:
    banner = read_banner(said)

    assert banner.service == service
    assert text is None or banner.text == text


@pytest.mark.parametrize(
    "said",
    [b"", b"hello\r\n", b"220 ready\r\n", b"-ERR no\r\n", b"I am not SSH-2.0-\r\n", b"\x00" * 50],
)
def test_what_no_sign_fits_stays_unknown(said: bytes) -> None:
    assert read_banner(said).service == "unknown"


def test_a_database_that_refuses_this_client_is_still_recognised() -> None:
    assert read_banner(_MARIADB_REFUSAL).service == "mysql"


@given(st.binary(max_size=2000))
def test_a_banner_is_always_short_and_clean(said: bytes) -> None:
    """TGT-5: nothing hostile gets into a result."""
    text = read_banner(said).text

    assert len(text) <= BANNER_LIMIT
    assert all(c.isprintable() or c == "\ufffd" or not c.isascii() for c in text)
    assert "\x00" not in text
    text.encode("utf-8")


@pytest.mark.parametrize("byte", [b" ", b"a", b"0", b"<", b".", b"\r\n", b"220-a.b"])
def test_a_hostile_banner_takes_no_time(byte: bytes) -> None:
    """TGT-4: bounded quantifiers on at most 1 KiB."""
    started_s = time.process_time()

    for prefix in (b"", b"220 ", b"HTTP/1.1 ", b"<?xml ", b":", b"200 "):
        read_banner(prefix + byte * 100_000)

    assert time.process_time() - started_s < 0.5
