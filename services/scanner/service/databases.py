"""One harmless question to each kind of database: does it answer a stranger?

A login is never tried. PostgreSQL is asked to start a session and left at its first answer.
"""

import re
import struct

from services.scanner.service.bson import Value, document, read_document
from services.scanner.service.facts import Access, Kind, ServiceFacts
from services.scanner.service.line import Line, a_line, at_least, framed
from services.scanner.suite import ProbeError
from services.scanner.text import clean
from services.scanner.tls.facts import Support

_SHOWN = 200
_REDIS_DENIES = re.compile(rb"-(?:NOAUTH|DENIED|WRONGPASS|NOPERM|ERR operation not permitted)")
_MEMCACHED_DENIES = re.compile(rb"(?:CLIENT_)?ERROR unauthenticated")
_UNAUTHORIZED = 13
"""MongoDB's error code."""

SSL_REQUEST = struct.pack(">II", 8, 80_877_103)
"""PostgreSQL protocol 3.0, "Message Formats"; answered by one byte, S or N."""


def _database(product: str, access: Access, said: bytes, **facts: object) -> ServiceFacts:
    proof = clean(said.strip().partition(b"\n")[0].rstrip(), _SHOWN)
    return ServiceFacts(Kind.DATABASE, product, access, proof, **facts)  # pyright: ignore[reportArgumentType]  # fields by name


async def ask_redis(line: Line) -> ServiceFacts:
    said = await line.ask(b"PING\r\n", a_line)
    if said.startswith(b"+PONG"):
        return _database("Redis", Access.OPEN, said)
    if _REDIS_DENIES.match(said):
        return _database("Redis", Access.DENIED, said)
    raise ProbeError("the answer to PING is not Redis's")


async def ask_memcached(line: Line) -> ServiceFacts:
    said = await line.ask(b"version\r\n", a_line)
    if said.startswith(b"VERSION "):
        return _database("memcached", Access.OPEN, said)
    if _MEMCACHED_DENIES.match(said):
        return _database("memcached", Access.DENIED, said)
    raise ProbeError("the answer to version is not memcached's")


def mongo_message(command: dict[str, bool | int | str | bytes]) -> bytes:
    """An OP_MSG with one body section (MongoDB wire protocol)."""
    body = struct.pack("<iB", 0, 0) + document(command)
    return struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body


def read_mongo_reply(said: bytes) -> dict[str, Value]:
    """The document of an OP_MSG; empty for anything else."""
    is_reply = len(said) > 21 and struct.unpack("<i", said[12:16])[0] == 2013  # noqa: PLR2004 - header, flags, kind, then the document
    return read_document(said[21:]) if is_reply else {}


async def ask_mongodb(line: Line) -> ServiceFacts:
    """``listDatabases``, narrowed to one name that every server has: nothing is enumerated."""
    question = mongo_message(
        {
            "listDatabases": 1,
            "nameOnly": True,
            "filter": document({"name": "admin"}),
            "$db": "admin",
        }
    )
    reply = read_mongo_reply(await line.ask(question, framed(0, 4, extra=0, is_little=True)))
    message = str(reply.get("errmsg", ""))
    if reply.get("ok") == 1:
        return _database("MongoDB", Access.OPEN, b"listDatabases: ok 1")
    if reply.get("code") == _UNAUTHORIZED:
        return _database("MongoDB", Access.DENIED, message.encode())
    if "ok" in reply:
        problem = f"the server answered listDatabases with {clean(message, _SHOWN)}"
        return _database("MongoDB", Access.UNKNOWN, message.encode(), problem=problem)
    raise ProbeError("the answer to listDatabases is not MongoDB's")


async def ask_postgresql(line: Line) -> ServiceFacts:
    answer = await line.ask(SSL_REQUEST, at_least(1))
    if answer not in {b"S", b"N"}:
        raise ProbeError("the answer to SSLRequest is not PostgreSQL's")
    tls = Support.ACCEPTED if answer == b"S" else Support.REFUSED
    said = await _start_session(line, in_tls=False)
    if _is_refusal(said) and tls is Support.ACCEPTED:
        # A server may let in over TLS alone (hostssl).
        said = await _start_session(line, in_tls=True) or said
    access, proof = _read_session(said)
    problem = "" if access is not Access.UNKNOWN else f"the session was refused: {proof}"
    return _database("PostgreSQL", access, proof.encode(), tls=tls, problem=problem)


async def _start_session(line: Line, *, in_tls: bool) -> bytes:
    parameters = b"user\0postgres\0database\0postgres\0\0"
    startup = struct.pack(">II", 8 + len(parameters), 196_608) + parameters
    async with line.open() as conversation:
        if in_tls:
            await conversation.ask(SSL_REQUEST, at_least(1))
            await conversation.start_tls(line.subject.server_name)
        return await conversation.ask(startup, framed(1, 4, extra=1))


def _is_refusal(said: bytes) -> bool:
    return said.startswith(b"E")


def _read_session(said: bytes) -> tuple[Access, str]:
    if said.startswith(b"R") and len(said) >= 9:  # noqa: PLR2004 - type, length, code
        code = int.from_bytes(said[5:9], "big")
        if code == 0:
            return Access.OPEN, "AuthenticationOk for user postgres without a password"
        return Access.DENIED, f"authentication request {code}"
    if _is_refusal(said):
        fields = {part[:1]: part[1:] for part in said[5:].split(b"\0")}
        text = clean(fields.get(b"M", b""), _SHOWN)
        # 28xxx: invalid authorization, such as no entry in pg_hba.conf.
        is_denied = fields.get(b"C", b"").startswith(b"28")
        return (Access.DENIED if is_denied else Access.UNKNOWN), text
    return Access.UNKNOWN, "no answer to the start of a session"


_MYSQL_TLS = 0x0800
_MYSQL_ERROR = 0xFF


async def ask_mysql(line: Line) -> ServiceFacts:
    """Nothing is asked: the greeting names version and abilities (protocol version 10)."""
    async with line.open() as conversation:
        said = await conversation.hear(framed(0, 3, extra=4, is_little=True))
    if said[3:5] == bytes((0, _MYSQL_ERROR)):
        text = clean(said[7:], _SHOWN)
        return _database("MySQL", Access.DENIED, text.encode(), problem=f"it refuses us: {text}")
    end = said.find(b"\0", 5)
    # After the version: thread id, 8 bytes of salt, a filler, then the lower abilities.
    flags = said[end + 14 : end + 16]
    if said[4:5] != b"\x0a" or end < 0 or len(flags) < 2:  # noqa: PLR2004 - two bytes of flags
        raise ProbeError("the greeting is not MySQL's")
    has_tls = int.from_bytes(flags, "little") & _MYSQL_TLS
    version = said[5:end]
    product = "MariaDB" if b"MariaDB" in version else "MySQL"
    tls = Support.ACCEPTED if has_tls else Support.REFUSED
    return _database(product, Access.DENIED, version, tls=tls)


TDS_PRELOGIN = bytes.fromhex(
    "1201002f00000100"  # a packet of 47 bytes, the last of its message
    "00001a000601002000010200210001030022000404002600 01ff".replace(" ", "")
    + "090000000000"
    + "00"
    + "00"
    + "00000000"
    + "00"
)
"""[MS-TDS] 2.2.6.5: version, encryption, instance, thread and MARS."""
_TDS_ANSWER, _TDS_ENCRYPTION = 4, 1
_TDS_NOT_SUPPORTED = 2


def read_tds_options(said: bytes) -> dict[int, bytes]:
    """The options of a PRELOGIN answer; empty for anything else."""
    body = said[8:]
    options: dict[int, bytes] = {}
    if said[:2] != bytes((_TDS_ANSWER, 1)):
        return options
    for at in range(0, min(len(body), 60), 5):
        if body[at] == 0xFF:  # noqa: PLR2004 - the end of the list
            return options
        start, length = struct.unpack(">HH", body[at + 1 : at + 5].ljust(4, b"\0"))
        options[body[at]] = body[start : start + length]
    return {}


async def ask_tds(line: Line) -> ServiceFacts:
    options = read_tds_options(await line.ask(TDS_PRELOGIN, framed(2, 2, extra=0)))
    version, encryption = options.get(0, b""), options.get(_TDS_ENCRYPTION, b"")
    if len(version) < 4:  # noqa: PLR2004 - major, minor, build
        raise ProbeError("the answer to PRELOGIN is not SQL Server's")
    shown = f"{version[0]}.{version[1]}.{int.from_bytes(version[2:4], 'big')}"
    tls = Support.UNKNOWN
    if encryption:
        refuses = encryption[0] == _TDS_NOT_SUPPORTED
        tls = Support.REFUSED if refuses else Support.ACCEPTED
    return _database("Microsoft SQL Server", Access.DENIED, shown.encode(), tls=tls)


_TNS_DATA = b"(CONNECT_DATA=(COMMAND=version))"
TNS_CONNECT = (
    struct.pack(">HHBBH", 58 + len(_TNS_DATA), 0, 1, 0, 0)
    + struct.pack(
        ">HHHHHHHHHH", 0x0136, 0x012C, 0, 0x0800, 0x7FFF, 0x4F98, 0, 1, len(_TNS_DATA), 58
    )
    + bytes(30)
    + _TNS_DATA
)
"""A connect packet that asks the listener for its version."""
TNS_ANSWER = re.compile(rb"..\x00\x00[\x02\x04\x05\x0b]\x00\x00\x00", re.DOTALL)
"""Accept, refuse, redirect or resend."""


async def ask_oracle(line: Line) -> ServiceFacts:
    said = await line.ask(TNS_CONNECT, framed(0, 2, extra=0))
    if not TNS_ANSWER.match(said):
        raise ProbeError("the answer to a connect packet is not a TNS listener's")
    text = re.search(rb"\([ -~]{4,200}", said)
    return _database("Oracle TNS listener", Access.DENIED, text[0] if text else b"TNS answer")
