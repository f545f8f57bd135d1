"""Services that should not face the internet, by what they really say, and their look-alikes."""

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence

from services.scanner.service.bson import document
from services.scanner.service.databases import mongo_message
from tests.lab.acceptor import Talk, in_tls, read_exactly, silent
from tests.lab.lab import Lab
from tests.lab.pages import Request, answering
from tests.lab.truth import Case, ids
from tests.lab.web_server import Page

_OPEN, _EXPOSED, _NO_TLS = "svc.db.unauthenticated", "svc.db.exposed", "svc.db.no_tls"
_DESKTOP, _DOCKER = "svc.remote_admin.exposed", "svc.docker.unauthenticated"
_TELNET, _FTP, _ANONYMOUS = "svc.cleartext.telnet", "svc.cleartext.ftp", "svc.ftp.anonymous"
_SMB, _VNC = "svc.smb.exposed", "svc.vnc.unauthenticated"
_ALL = ids(
    f"{_OPEN} {_EXPOSED} {_NO_TLS} {_DESKTOP} {_DOCKER} {_TELNET} {_FTP} {_ANONYMOUS} {_SMB} {_VNC}"
    " svc.dns.open_resolver svc.snmp.public"
)
_Row = tuple[str, int, Talk, str]
"""Name, port, what it does, what must be found."""


def lines(
    answers: Sequence[tuple[str, bytes]], *, greeting: bytes = b"", other: bytes | None = None
) -> Talk:
    """A server of lines: the first pattern that fits, else ``other``, else it hangs up."""

    def talk(client: socket.socket) -> None:
        client.sendall(greeting)
        heard = bytearray()
        while piece := client.recv(4096):
            heard += piece
            while b"\n" in heard:
                line, _, rest = bytes(heard).partition(b"\n")
                heard[:] = rest
                text = line.decode("latin-1").strip()
                said = next((a for p, a in answers if re.match(p, text, re.IGNORECASE)), other)
                if said is None:
                    return
                client.sendall(said)

    return talk


def packets(answer: Callable[[bytes], bytes | None], *, greeting: bytes = b"") -> Talk:
    """A server of packets, each as it comes; None hangs up."""

    def talk(client: socket.socket) -> None:
        client.sendall(greeting)
        while heard := client.recv(4096):
            said = answer(heard)
            if said is None:
                return
            client.sendall(said)

    return talk


# Redis reads arrays as well as lines; HTTP's "Host:" makes it hang up (since 3.2.7).
_REDIS = lines(
    [("PING", b"+PONG\r\n"), ("(POST|Host:)", b"")], other=b"-ERR unknown command, with args\r\n"
)
_REDIS_AUTH = lines([], other=b"-NOAUTH Authentication required.\r\n")
_REDIS_PROTECTED = lines(
    [], greeting=b"-DENIED Redis is running in protected mode because protected mode is enabled\r\n"
)
_MEMCACHED = lines([("version", b"VERSION 1.6.21\r\n")], other=b"ERROR\r\n")


def _bson_server(reply: Callable[[bytes], dict[str, bool | int | str | bytes]]) -> Talk:
    def talk(client: socket.socket) -> None:
        while True:
            head = read_exactly(client, 16)
            length, _, _, kind = struct.unpack("<iiii", head)
            if kind != 2013 or length > 4096:
                return
            body = read_exactly(client, length - 16)
            client.sendall(mongo_message(reply(body)))

    return talk


def _mongo(*, asks_for_login: bool) -> Talk:
    def reply(body: bytes) -> dict[str, bool | int | str | bytes]:
        if b"listDatabases" in body and asks_for_login:
            text = "command listDatabases requires authentication"
            return {"ok": 0, "errmsg": text, "code": 13, "codeName": "Unauthorized"}
        if b"listDatabases" in body:
            return {"databases": document({}), "ok": 1}
        return {"isWritablePrimary": True, "maxWireVersion": 17, "ok": 1}

    return _bson_server(reply)


def _postgresql(*, has_tls: bool, session: bytes, lab: Lab | None = None) -> Talk:
    context = lab.context(lab.identity("pg.svc.lab")) if lab is not None else None

    def talk(client: socket.socket) -> None:
        speaker = client
        while True:
            (length,) = struct.unpack(">I", read_exactly(speaker, 4))
            if not 8 <= length <= 1024:
                return
            body = read_exactly(speaker, length - 4)
            if body[:4] == struct.pack(">I", 80_877_103):
                speaker.sendall(b"S" if has_tls else b"N")
                if has_tls and context is not None:
                    speaker = context.wrap_socket(speaker, server_side=True)
                continue
            speaker.sendall(session)
            return

    return talk


def _pg(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


_PG_OK, _PG_SCRAM = _pg(b"R", bytes(4)), _pg(b"R", struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0")
_PG_NO_HBA = _pg(b"E", b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host\0\0")


def _mysql(*, has_tls: bool, version: bytes = b"8.0.36") -> Talk:
    flags = 0xF7FF | (0x0800 if has_tls else 0)
    low = flags & 0xFFFF if has_tls else flags & ~0x0800 & 0xFFFF
    body = b"\x0a" + version + b"\0" + bytes(4) + b"abcdefgh\0" + struct.pack("<H", low)
    body += b"\xff\x02\x00\xff\xdf\x15" + bytes(10) + b"ijklmnopqrst\0mysql_native_password\0"
    greeting = struct.pack("<I", len(body))[:3] + b"\0" + body
    return packets(lambda _: None, greeting=greeting)


def _mysql_blocked(client: socket.socket) -> None:
    body = b"\xff\x6a\x04Host '127.0.0.1' is not allowed to connect to this MySQL server"
    client.sendall(struct.pack("<I", len(body))[:3] + b"\0" + body)


def _tds(encryption: int) -> Talk:
    body = bytes.fromhex(
        "00001a0006 0100200001 0200210001 0300220000 0400220001 ff".replace(" ", "")
    )
    body += bytes((15, 0, 16, 0, 0, 0)) + bytes((encryption,)) + b"\0" + b"\0"
    packet = b"\x04\x01" + struct.pack(">H", len(body) + 8) + bytes((0, 0, 1, 0)) + body
    return packets(lambda heard: packet if heard[:1] == b"\x12" else None)


def _oracle(heard: bytes) -> bytes | None:
    if heard[4:5] != b"\1":
        return None
    text = (
        b"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=1189)(ERROR_STACK=(ERROR=(CODE=1189)(EMFI=4))))"
    )
    return (
        struct.pack(">HHBBH", 12 + len(text), 0, 4, 0, 0)
        + b"\x22\0"
        + struct.pack(">H", len(text))
        + text
    )


def _vnc(*types: int) -> Talk:
    def talk(client: socket.socket) -> None:
        client.sendall(b"RFB 003.008\n")
        if read_exactly(client, 12).startswith(b"RFB "):
            client.sendall(bytes((len(types), *types)))
            silent(client)

    return talk


def _vnc_old(client: socket.socket) -> None:
    client.sendall(b"RFB 003.003\n")
    if read_exactly(client, 12).startswith(b"RFB "):
        client.sendall(struct.pack(">I", 1))
        silent(client)


def _rdp(chosen: int) -> Talk:
    answer = bytes.fromhex("030000130ed000001234000209 0800".replace(" ", "")) + struct.pack(
        "<I", chosen
    )
    return packets(lambda heard: answer if heard[:2] == b"\x03\x00" else None)


def _smb(*, has_smb1: bool) -> Talk:
    smb2 = (
        b"\xfeSMB"
        + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0)
        + bytes(16)
        + struct.pack("<HHHH", 65, 1, 0x0302, 0)
        + bytes(56)
    )
    smb1 = b"\xffSMB\x72" + bytes(4) + b"\x98\x53\xc8" + bytes(20) + b"\x11\0\0\x03" + bytes(34)

    def answer(heard: bytes) -> bytes | None:
        wants_old = heard[4:8] == b"\xffSMB"
        if wants_old and b"SMB 2" not in heard:
            return _netbios(smb1) if has_smb1 else None
        return _netbios(smb2) if heard[4:8] in {b"\xffSMB", b"\xfeSMB"} else None

    return packets(answer)


def _netbios(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def _x11(*, is_open: bool) -> Talk:
    reason = b"No protocol specified\n"
    refusal = bytes((0, len(reason))) + struct.pack("<HHH", 11, 0, 6) + reason.ljust(24, b"\0")
    success = b"\1\0" + struct.pack("<HHH", 11, 0, 8) + bytes(32)
    return packets(lambda heard: (success if is_open else refusal) if heard[:1] in b"lB" else None)


_TELNET_OPTIONS = b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27"
_FEATURES = b"211-Features:\r\n AUTH TLS\r\n PBSZ\r\n211 End\r\n"


def _ftp(
    auth: bytes, features: bytes, user: bytes, password: bytes = b"530 Login incorrect.\r\n"
) -> Talk:
    return lines(
        [
            ("FEAT", features),
            ("AUTH", auth),
            ("USER", user),
            ("PASS", password),
            ("QUIT", b"221 Goodbye.\r\n"),
        ],
        greeting=b"220 (vsFTPd 3.0.5)\r\n",
        other=b"500 Unknown command.\r\n",
    )


_NO_FEATURES = b"211-Features:\r\n EPRT\r\n PASV\r\n211 End\r\n"
_ASK, _REFUSE = b"331 Please specify the password.\r\n", b"530 Permission denied.\r\n"


def _stored() -> Iterator[_Row]:
    yield "redis-open", 6379, _REDIS, _OPEN
    yield "redis-open-at-odd-port", 7000, _REDIS, _OPEN
    yield "redis-login", 6379, _REDIS_AUTH, _EXPOSED
    yield "redis-protected", 6379, _REDIS_PROTECTED, _EXPOSED
    yield "memcached", 11211, _MEMCACHED, _OPEN
    yield "mongodb-open", 27017, _mongo(asks_for_login=False), _OPEN
    yield "mongodb-login", 27017, _mongo(asks_for_login=True), _EXPOSED
    yield "postgresql-trust", 5432, _postgresql(has_tls=False, session=_PG_OK), f"{_OPEN} {_NO_TLS}"
    yield (
        "postgresql-scram",
        5432,
        _postgresql(has_tls=False, session=_PG_SCRAM),
        f"{_EXPOSED} {_NO_TLS}",
    )
    yield (
        "postgresql-no-entry",
        5432,
        _postgresql(has_tls=False, session=_PG_NO_HBA),
        f"{_EXPOSED} {_NO_TLS}",
    )
    yield "mysql-with-tls", 3306, _mysql(has_tls=True), _EXPOSED
    yield (
        "mariadb-without-tls",
        3306,
        _mysql(has_tls=False, version=b"5.5.5-10.11.6-MariaDB"),
        f"{_EXPOSED} {_NO_TLS}",
    )
    yield "mysql-blocked", 3306, _mysql_blocked, _EXPOSED
    yield "mssql", 1433, _tds(0), _EXPOSED
    yield "mssql-without-tls", 1433, _tds(2), f"{_EXPOSED} {_NO_TLS}"
    yield "oracle", 1521, packets(_oracle), _EXPOSED


def _remote() -> Iterator[_Row]:
    yield "vnc-none", 5900, _vnc(1, 2), _VNC
    yield "vnc-none-old", 5901, _vnc_old, _VNC
    yield "vnc-password", 5900, _vnc(2, 19), _DESKTOP
    yield "rdp-nla", 3389, _rdp(2), _DESKTOP
    yield "rdp-tls", 3389, _rdp(1), _DESKTOP
    yield "x11-open", 6000, _x11(is_open=True), _DESKTOP
    yield "x11-closed", 6000, _x11(is_open=False), _DESKTOP
    yield "smb2", 445, _smb(has_smb1=False), _SMB
    yield "smb1", 445, _smb(has_smb1=True), _SMB
    yield "telnet", 23, packets(lambda _: b"", greeting=_TELNET_OPTIONS), _TELNET
    yield (
        "telnet-at-2323",
        2000,
        packets(lambda _: b"", greeting=_TELNET_OPTIONS + b"\r\nrouter login: "),
        _TELNET,
    )
    yield (
        "telnet-prompt",
        23,
        packets(
            lambda _: b"Password: ", greeting=b"\r\nUser Access Verification\r\n\r\nUsername: "
        ),
        _TELNET,
    )
    yield "ftp-plain", 21, _ftp(b"530 Please login.\r\n", _NO_FEATURES, _ASK), _FTP
    yield (
        "ftp-plain-anonymous",
        21,
        _ftp(b"500 No.\r\n", _NO_FEATURES, _ASK, b"230 Login successful.\r\n"),
        f"{_FTP} {_ANONYMOUS}",
    )
    yield "ftp-tls", 21, _ftp(b"234 Proceed.\r\n", _FEATURES, _ASK), ""
    yield (
        "ftp-insists-on-tls",
        21,
        _ftp(
            b"234 Proceed.\r\n",
            b"530 Non-anonymous sessions must use encryption.\r\n",
            b"530 Non-anonymous sessions must use encryption.\r\n",
        ),
        "",
    )
    yield (
        "ftp-tls-anonymous",
        21,
        _ftp(b"234 Proceed.\r\n", _FEATURES, b"230 Guest access.\r\n"),
        _ANONYMOUS,
    )
    yield "ftp-no-anonymous", 21, _ftp(b"234 Proceed.\r\n", _FEATURES, _REFUSE), ""


def _web(pages: dict[str, Page], missing: Page | None = None) -> Talk:
    def answer(request: Request) -> Page | None:
        return pages.get(request.target, pages.get(request.path, missing))

    return answering(answer)


def _json(value: object, status: int = 200, *headers: tuple[str, str]) -> Page:
    return Page(
        status, (("Content-Type", "application/json"), *headers), json.dumps(value).encode()
    )


_ELASTIC = _json(
    {
        "name": "n1",
        "cluster_name": "lab",
        "cluster_uuid": "x",
        "version": {"number": "8.11.1", "build_flavor": "default"},
        "tagline": "You Know, for Search",
    }
)
_ELASTIC_LOGIN = _json(
    {
        "error": {
            "root_cause": [
                {
                    "type": "security_exception",
                    "reason": "missing authentication credentials for REST request [/]",
                }
            ]
        },
        "status": 401,
    },
    401,
    ("WWW-Authenticate", 'Basic realm="security"'),
)
_COUCH = _json({"couchdb": "Welcome", "version": "3.3.3", "vendor": {"name": "Apache"}})
_COUCH_LOGIN = _json({"error": "unauthorized", "reason": "You are not a server admin."}, 401)
_DOCKER_VERSION = _json(
    {
        "Platform": {"Name": "Docker Engine"},
        "Version": "24.0.7",
        "ApiVersion": "1.43",
        "Os": "linux",
    }
)
_KUBE_DENIED = _json(
    {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": "Forbidden",
        "code": 403,
        "message": 'namespaces is forbidden: User "system:anonymous"',
    },
    403,
)
_KUBE_VERSION = _json({"major": "1", "minor": "29", "gitVersion": "v1.29.0"})
_NOT_FOUND_JSON = _json({"message": "page not found"}, 404)


def _apis() -> Iterator[_Row]:
    yield "elastic-open", 9200, _web({"/": _ELASTIC}), _OPEN
    yield "elastic-login", 9200, _web({}, _ELASTIC_LOGIN), _EXPOSED
    yield "couchdb-open", 5984, _web({"/": _COUCH, "/_all_dbs": _json(["_users", "shop"])}), _OPEN
    yield "couchdb-login", 5984, _web({"/": _COUCH, "/_all_dbs": _COUCH_LOGIN}), _EXPOSED
    yield (
        "clickhouse-open",
        8123,
        _web(
            {
                "/": Page(body=b"Ok.\n"),
                "/?query=SELECT%201": Page(
                    headers=(("X-ClickHouse-Server-Display-Name", "lab"),), body=b"1\n"
                ),
            }
        ),
        _OPEN,
    )
    yield (
        "etcd2-open",
        2379,
        _web(
            {
                "/version": _json({"etcdserver": "3.3.27", "etcdcluster": "3.3.0"}),
                "/v2/keys": _json({"action": "get", "node": {"dir": True}}),
            }
        ),
        _OPEN,
    )
    yield "docker-open", 2375, _web({"/version": _DOCKER_VERSION}, _NOT_FOUND_JSON), _DOCKER
    yield (
        "kubelet-open",
        10255,
        _web({"/pods": _json({"kind": "PodList", "apiVersion": "v1", "items": []})}),
        _DOCKER,
    )
    yield (
        "winrm",
        5985,
        _web(
            {}, Page(401, (("WWW-Authenticate", "Negotiate"), ("Server", "Microsoft-HTTPAPI/2.0")))
        ),
        f"{_DESKTOP} http.info.server_version",
    )


def _look_alikes() -> Iterator[_Row]:
    """Ports that are known for a service, and speak something else."""
    site = answering(lambda _: Page(404, (("Content-Type", "text/html"),), b"<h1>no</h1>"))
    yield "http-at-6379", 6379, site, ""
    yield "http-at-27017", 27017, site, ""
    yield "http-at-9200", 9200, site, ""
    yield "http-at-2375", 2375, site, ""
    yield "silent-23", 23, silent, "net.port.unresponsive"
    yield "silent-3389", 3389, silent, "net.port.unresponsive"
    yield "echo-at-5432", 5432, packets(lambda heard: heard), ""
    yield "ssh-at-5900", 5900, lines([], greeting=b"SSH-2.0-Lab\r\n"), ""
    yield (
        "game-at-23",
        23,
        packets(lambda _: b"", greeting=b"\xff\xfb\x56\xff\xfb\x5dWelcome to the dungeon\r\n"),
        "",
    )
    yield "quote-at-23", 23, lines([], greeting=b"Have a nice day.\r\n"), ""
    yield (
        "smtp-at-21",
        21,
        lines(
            [("EHLO", b"250 mail.lab\r\n")],
            greeting=b"220 mail.lab ESMTP Postfix\r\n",
            other=b"500 No.\r\n",
        ),
        "",
    )
    yield "all-ok-at-9200", 9200, answering(lambda _: _json({"status": "ok"})), ""
    yield (
        "proxy-at-6443",
        6443,
        _web({"/version": _KUBE_VERSION, "/api/v1/namespaces": _KUBE_DENIED}, _KUBE_DENIED),
        "",
    )


_API_MAY = ids(
    "http.redirect.missing http.nosniff.missing http.csp.missing http.frame.missing"
    " http.login.cleartext"
)
"""What is also true of a database behind plain HTTP."""


def cases(lab: Lab) -> Iterator[Case]:
    plain = (*_stored(), *_remote(), *_apis(), *_look_alikes(), *_with_tls(lab))
    for name, port, talk, must in plain:
        address = lab.address()
        lab.listen(address, port, talk)
        wanted = ids(must)
        yield Case(f"svc-{name}", address, wanted, _ALL - wanted, _API_MAY - wanted)
    yield from _datagrams(lab)


def _with_tls(lab: Lab) -> Iterator[_Row]:
    context = lab.context(lab.identity("svc.lab"))
    yield "redis-open-in-tls", 6380, in_tls(context, _REDIS), _OPEN
    yield "elastic-open-in-tls", 9200, in_tls(context, _web({"/": _ELASTIC})), _OPEN
    yield (
        "kubelet-in-tls",
        10250,
        in_tls(context, _web({"/pods": _json({"kind": "PodList", "items": []})})),
        _DOCKER,
    )
    yield (
        "kubelet-denied",
        10250,
        in_tls(context, answering(lambda _: Page(401, body=b"Unauthorized"))),
        "",
    )
    yield "postgresql-tls", 5432, _postgresql(has_tls=True, session=_PG_SCRAM, lab=lab), _EXPOSED
    yield (
        "postgresql-hostssl-trust",
        5432,
        _postgresql(has_tls=True, session=_PG_OK, lab=lab),
        _OPEN,
    )
    yield "ftps", 990, in_tls(context, _ftp(b"234 x\r\n", _FEATURES, _REFUSE)), ""
    yield (
        "imaps",
        993,
        in_tls(context, lines([], greeting=b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n")),
        "",
    )


def _datagrams(lab: Lab) -> Iterator[Case]:
    resolver = lab.address()
    lab.recursive_servers.append(resolver)
    yield Case(
        "svc-open-resolver",
        resolver,
        ids("svc.dns.open_resolver"),
        _ALL - ids("svc.dns.open_resolver"),
    )
    closed = lab.address()
    lab.name_servers[closed] = {}
    yield Case("svc-authoritative-alone", closed, traps=_ALL)
    for name, community, must in (("public", b"public", "svc.snmp.public"), ("secret", b"xK9", "")):
        address = lab.address()
        threading.Thread(
            target=_snmp, args=(lab.datagrams(address, 161), community), daemon=True
        ).start()
        yield Case(
            f"svc-snmp-{name}", address, ids(must), _ALL - ids(must), ids("net.host.unreachable")
        )


def _snmp(server: socket.socket, community: bytes) -> None:
    """Answers GET of sysDescr.0 to whoever knows the word (RFC 3416)."""
    while True:
        try:
            asked, client = server.recvfrom(2048)
        except OSError:
            return
        mark = b"\x04" + bytes((len(community),)) + community
        at = asked.find(b"\xa0")
        if mark not in asked or at < 0:
            continue
        value = b"\x04\x0bLab router "
        oid = b"\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00"
        binding = b"\x30" + bytes((len(oid) + len(value),)) + oid + value
        number_at = at + 2
        number = asked[number_at : number_at + 2 + asked[number_at + 1]]
        pdu = number + b"\x02\x01\x00\x02\x01\x00" + b"\x30" + bytes((len(binding),)) + binding
        body = b"\x02\x01\x01" + mark + b"\xa2" + bytes((len(pdu),)) + pdu
        server.sendto(b"\x30" + bytes((len(body),)) + body, client)
