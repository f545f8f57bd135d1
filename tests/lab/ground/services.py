"""Services that should not face the internet, by what they really say, and their look-alikes."""

import json
import socket
import threading
from collections.abc import Iterator

from tests.lab.acceptor import Talk, in_tls, silent
from tests.lab.lab import Lab
from tests.lab.pages import Request, answering
from tests.lab.service_servers import (
    ASK,
    FEATURES,
    MEMCACHED,
    NO_FEATURES,
    PG_NO_HBA,
    PG_OK,
    PG_SCRAM,
    REDIS,
    REDIS_AUTH,
    REDIS_PROTECTED,
    REFUSE,
    TELNET_OPTIONS,
    ftp,
    lines,
    mongo,
    mysql,
    mysql_blocked,
    oracle,
    packets,
    postgresql,
    rdp,
    smb,
    tds,
    vnc,
    vnc_old,
    x11,
)
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


def _stored() -> Iterator[_Row]:
    yield "redis-open", 6379, REDIS, _OPEN
    yield "redis-open-at-odd-port", 7000, REDIS, _OPEN
    yield "redis-login", 6379, REDIS_AUTH, _EXPOSED
    yield "redis-protected", 6379, REDIS_PROTECTED, _EXPOSED
    yield "memcached", 11211, MEMCACHED, _OPEN
    yield "mongodb-open", 27017, mongo(asks_for_login=False), _OPEN
    yield "mongodb-login", 27017, mongo(asks_for_login=True), _EXPOSED
    yield "postgresql-trust", 5432, postgresql(has_tls=False, session=PG_OK), f"{_OPEN} {_NO_TLS}"
    yield (
        "postgresql-scram",
        5432,
        postgresql(has_tls=False, session=PG_SCRAM),
        f"{_EXPOSED} {_NO_TLS}",
    )
    yield (
        "postgresql-no-entry",
        5432,
        postgresql(has_tls=False, session=PG_NO_HBA),
        f"{_EXPOSED} {_NO_TLS}",
    )
    yield "mysql-with-tls", 3306, mysql(has_tls=True), _EXPOSED
    yield (
        "mariadb-without-tls",
        3306,
        mysql(has_tls=False, version=b"5.5.5-10.11.6-MariaDB"),
        f"{_EXPOSED} {_NO_TLS}",
    )
    yield "mysql-blocked", 3306, mysql_blocked, _EXPOSED
    yield "mssql", 1433, tds(0), _EXPOSED
    yield "mssql-without-tls", 1433, tds(2), f"{_EXPOSED} {_NO_TLS}"
    yield "oracle", 1521, packets(oracle), _EXPOSED


def _remote() -> Iterator[_Row]:
    yield "vnc-none", 5900, vnc(1, 2), _VNC
    yield "vnc-none-old", 5901, vnc_old, _VNC
    yield "vnc-password", 5900, vnc(2, 19), _DESKTOP
    yield "rdp-nla", 3389, rdp(2), _DESKTOP
    yield "rdp-tls", 3389, rdp(1), _DESKTOP
    yield "x11-open", 6000, x11(is_open=True), _DESKTOP
    yield "x11-closed", 6000, x11(is_open=False), _DESKTOP
    yield "smb2", 445, smb(has_smb1=False), _SMB
    yield "smb1", 445, smb(has_smb1=True), _SMB
    yield "telnet", 23, packets(lambda _: b"", greeting=TELNET_OPTIONS), _TELNET
    yield (
        "telnet-at-2323",
        2000,
        packets(lambda _: b"", greeting=TELNET_OPTIONS + b"\r\nrouter login: "),
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
    yield "ftp-plain", 21, ftp(b"530 Please login.\r\n", NO_FEATURES, ASK), _FTP
    yield (
        "ftp-plain-anonymous",
        21,
        ftp(b"500 No.\r\n", NO_FEATURES, ASK, b"230 Login successful.\r\n"),
        f"{_FTP} {_ANONYMOUS}",
    )
    yield "ftp-tls", 21, ftp(b"234 Proceed.\r\n", FEATURES, ASK), ""
    yield (
        "ftp-insists-on-tls",
        21,
        ftp(
            b"234 Proceed.\r\n",
            b"530 Non-anonymous sessions must use encryption.\r\n",
            b"530 Non-anonymous sessions must use encryption.\r\n",
        ),
        "",
    )
    yield (
        "ftp-tls-anonymous",
        21,
        ftp(b"234 Proceed.\r\n", FEATURES, b"230 Guest access.\r\n"),
        _ANONYMOUS,
    )
    yield "ftp-no-anonymous", 21, ftp(b"234 Proceed.\r\n", FEATURES, REFUSE), ""


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
    yield "redis-open-in-tls", 6380, in_tls(context, REDIS), _OPEN
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
    yield "postgresql-tls", 5432, postgresql(has_tls=True, session=PG_SCRAM, lab=lab), _EXPOSED
    yield (
        "postgresql-hostssl-trust",
        5432,
        postgresql(has_tls=True, session=PG_OK, lab=lab),
        _OPEN,
    )
    yield "ftps", 990, in_tls(context, ftp(b"234 x\r\n", FEATURES, REFUSE)), ""
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
