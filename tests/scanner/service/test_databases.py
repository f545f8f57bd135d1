"""Databases: who gets in, who is only reachable, who refuses TLS."""

import asyncio
import struct

import pytest
from sqlalchemy import make_url

from services.scanner.check import Outcome
from services.scanner.context import ProbeContext
from services.scanner.service.bson import document, read_document
from services.scanner.service.databases import read_tds_options
from tests.conftest import Servers
from tests.scanner.net.listeners import Behaviour, hangs_up, says
from tests.scanner.service.speaking import failed, judged, knows, passed

OPEN, EXPOSED, NO_TLS = "svc.db.unauthenticated", "svc.db.exposed", "svc.db.no_tls"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
STARTUP = b"\x00\x00\x00"


def _mongo(reply: bytes) -> Behaviour:
    """Answers every OP_MSG with this document."""
    body = struct.pack("<iB", 0, 0) + reply
    message = struct.pack("<iiii", 16 + len(body), 7, 1, 2013) + body

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(4096)
        if struct.unpack("<i", asked[12:16])[0] == 2013:
            writer.write(message)
            await writer.drain()

    return behaviour


def _mysql(flags: int, version: bytes = b"8.4.2") -> bytes:
    body = b"\x0a" + version + b"\0" + bytes(4) + b"saltsalt" + b"\0" + struct.pack("<H", flags)
    body += bytes(30)
    return struct.pack("<I", len(body))[:3] + b"\0" + body


def _tds(encryption: int) -> bytes:
    body = bytes.fromhex("00000b0006010011000 1ff".replace(" ", ""))
    body += bytes.fromhex("0f000fa00000") + bytes((encryption,))
    return bytes.fromhex("0401") + struct.pack(">H", 8 + len(body)) + bytes(4) + body


def _postgres(tls: bytes, session: bytes) -> Behaviour:
    return knows({SSL_REQUEST: tls, STARTUP: session})


_TRUST = b"R" + struct.pack(">II", 8, 0)
_PASSWORD = b"R" + struct.pack(">II", 8, 10)
_ERROR = b"SFATAL\0C28000\0Mno pg_hba.conf entry\0\0"
_REFUSED = b"E" + struct.pack(">I", 4 + len(_ERROR)) + _ERROR
_TNS = b"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=1189))"
_TNS_REFUSE = struct.pack(">HHBBHBBH", 12 + len(_TNS), 0, 4, 0, 0, 34, 0, len(_TNS)) + _TNS
# OP_MSG: the wire protocol has two strings for "not allowed", the code tells.
_MONGO_DENIED = document({"ok": 0, "errmsg": "requires authentication", "code": 13})


@pytest.mark.parametrize(
    ("behaviour", "name"),
    [
        pytest.param(knows({b"PING": b"+PONG\r\n"}), "redis", id="redis"),
        pytest.param(
            knows({b"GET": b"ERROR\r\n", b"version": b"VERSION 1.6.21\r\n"}),
            "memcached",
            id="memcached",
        ),
        pytest.param(_mongo(document({"databases": 1, "ok": 1})), "mongodb", id="mongodb"),
        pytest.param(_postgres(b"S", _TRUST), "postgresql", id="postgresql"),
    ],
)
async def test_a_database_that_answers_strangers_is_found_out(
    context: ProbeContext, behaviour: Behaviour, name: str
) -> None:
    found, results = await judged(context, behaviour)

    assert found == name
    assert failed(results) == {OPEN}
    assert not results[EXPOSED].verdict.is_applicable


@pytest.mark.parametrize(
    ("behaviour", "name"),
    [
        pytest.param(
            knows({b"GET": b"-NOAUTH Authentication required.\r\n", b"PING": b"-NOAUTH A\r\n"}),
            "redis",
            id="redis with a password",
        ),
        pytest.param(
            says(b"-DENIED Redis is running in protected mode\r\n"), "redis", id="protected redis"
        ),
        pytest.param(_mongo(_MONGO_DENIED), "mongodb", id="mongodb"),
        pytest.param(_postgres(b"S", _PASSWORD), "postgresql", id="postgresql"),
        pytest.param(says(_mysql(0xFFFF)), "mysql", id="mysql"),
        pytest.param(knows({b"\x12\x01": _tds(0)}), "mssql", id="mssql"),
        pytest.param(knows({b"\x00\x5a\0\0\x01": _TNS_REFUSE}), "oracle", id="oracle"),
    ],
)
async def test_a_database_that_asks_for_a_login_is_still_exposed(
    context: ProbeContext, behaviour: Behaviour, name: str
) -> None:
    found, results = await judged(context, behaviour)

    assert found == name
    assert failed(results) == {EXPOSED}
    assert results[OPEN].verdict.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(_postgres(b"N", _REFUSED), id="postgresql"),
        pytest.param(says(_mysql(0xFFFF & ~0x0800)), id="mysql"),
        pytest.param(knows({b"\x12\x01": _tds(2)}), id="mssql"),
    ],
)
async def test_a_database_without_tls_is_found_out(
    context: ProbeContext, behaviour: Behaviour
) -> None:
    _, results = await judged(context, behaviour)

    assert failed(results) == {EXPOSED, NO_TLS}


@pytest.mark.parametrize("service", ["redis", "memcached", "mongodb", "postgresql", "mysql"])
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hangs_up, id="hangs up"),
        pytest.param(says(b""), id="silent"),
        pytest.param(says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), id="http"),
        pytest.param(says(b"\xff" * 3000), id="noise"),
    ],
)
async def test_what_does_not_answer_in_its_protocol_is_not_evaluated(
    context: ProbeContext, behaviour: Behaviour, service: str
) -> None:
    _, results = await judged(context, behaviour, service)

    assert {r.verdict.outcome for r in results.values()} == {Outcome.NOT_EVALUATED}
    assert all(r.verdict.reason for r in results.values())


async def test_a_server_that_refuses_our_address_says_nothing_about_tls(
    context: ProbeContext,
) -> None:
    error = b"\xff\x6a\x04Host '192.0.2.1' is not allowed to connect to this MySQL server"
    _, results = await judged(context, says(struct.pack("<I", len(error))[:3] + b"\0" + error))

    assert passed(results) == {OPEN}
    assert results[NO_TLS].verdict.outcome is Outcome.NOT_EVALUATED


async def test_a_mongodb_that_answers_something_else_is_no_verdict(context: ProbeContext) -> None:
    reply = document({"ok": 0, "errmsg": "not primary", "code": 13435})

    _, results = await judged(context, _mongo(reply))

    assert results[OPEN].verdict.outcome is Outcome.NOT_EVALUATED
    assert "not primary" in results[OPEN].verdict.reason


def _relay(path: str) -> Behaviour:
    """To a real server behind a socket in the file system."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(path)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(4096):
                sink.write(data)
                await sink.drain()
            sink.close()

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(pump(reader, ours))
                tasks.create_task(pump(theirs, writer))
        except* OSError:
            pass  # the scanner hung up
        finally:
            ours.transport.abort()

    return behaviour


async def test_the_real_redis_answers_ping(context: ProbeContext, servers: Servers) -> None:
    url = make_url(servers.redis_url)
    if not url.drivername.startswith("unix") or url.database is None:
        pytest.skip("the Redis of this run does not listen on a file")

    found, results = await judged(context, _relay(f"/{url.database}"))

    assert found == "redis"
    assert OPEN in failed(results) | passed(results)


async def test_the_real_postgresql_is_recognised(context: ProbeContext, servers: Servers) -> None:
    directory = make_url(servers.owner_url).query.get("host")
    if not isinstance(directory, str) or not directory.startswith("/"):
        pytest.skip("the PostgreSQL of this run does not listen on a file")

    found, results = await judged(context, _relay(f"{directory}/.s.PGSQL.5432"))

    assert found == "postgresql"
    assert OPEN in failed(results) | passed(results)
    assert NO_TLS in failed(results)


def test_a_document_is_read_as_it_was_written() -> None:
    fields = {"ok": 1, "nested": document({"x": 1}), "name": "admin", "yes": True}

    assert read_document(document(fields)) == fields


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_cut_document_gives_what_was_whole(cut: int) -> None:
    whole = document({"ok": 1, "errmsg": "requires authentication", "code": 13})

    assert set(read_document(whole[:cut])) <= {"ok", "errmsg", "code"}


def test_a_document_that_lies_about_its_lengths_is_empty() -> None:
    assert read_document(b"\x30\0\0\0\x02ok\0\xff\xff\xff\x7f") == {}
    assert read_document(b"\x30\0\0\0\x02ok\0\xff\xff\xff\xff") == {}


def test_an_answer_without_an_end_of_its_list_has_no_options() -> None:
    assert read_tds_options(b"\x04\x01\x00\x20" + bytes(28)) == {}
