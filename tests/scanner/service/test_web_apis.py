"""APIs behind HTTP: databases, container engines, WinRM; and sites, which are left in peace."""

import asyncio

import pytest

from services.scanner.check import Outcome
from services.scanner.context import ProbeContext
from services.scanner.service.web_apis import read_reply
from tests.scanner.net.listeners import Behaviour, hangs_up, says
from tests.scanner.service.speaking import failed, judged, passed, serves

DATABASE, EXPOSED = "svc.db.unauthenticated", "svc.db.exposed"
CONTAINER, REMOTE = "svc.docker.unauthenticated", "svc.remote_admin.exposed"
JSON = "application/json"
ELASTIC = (
    '{\n  "name" : "n1",\n  "cluster_name" : "lab",\n  "cluster_uuid" : "x",\n'
    '  "version" : {\n    "number" : "8.13.0"\n  },\n  "tagline" : "You Know, for Search"\n}\n'
)
DOCKER = '{"Platform":{"Name":"Docker Engine"},"Components":[],"ApiVersion":"1.45"}'
STATUS = '{"kind":"Status","status":"Failure","reason":"Forbidden","code":403}'


@pytest.mark.parametrize(
    ("pages", "check_id"),
    [
        pytest.param({"/": (200, JSON, ELASTIC)}, DATABASE, id="elasticsearch"),
        pytest.param(
            {
                "/": (200, JSON, '{"couchdb":"Welcome","version":"3.3.3"}'),
                "/_all_dbs": (200, JSON, '["_users","shop"]'),
            },
            DATABASE,
            id="couchdb",
        ),
        pytest.param(
            {
                "/version": (200, JSON, '{"etcdserver":"3.3.27","etcdcluster":"3.3.0"}'),
                "/v2/keys": (200, JSON, '{"action":"get","node":{"dir":true}}'),
            },
            DATABASE,
            id="etcd 2",
        ),
        pytest.param(
            {
                "/version": (200, JSON, '{"etcdserver":"3.5.12","etcdcluster":"3.5.0"}'),
                "/v3/auth/status": (200, JSON, '{"header":{},"authRevision":"1"}'),
            },
            DATABASE,
            id="etcd 3",
        ),
        pytest.param(
            {"/": (200, "text/plain", "Ok.\n"), "/?query=SELECT%201": (200, "text/plain", "1\n")},
            DATABASE,
            id="clickhouse",
        ),
        pytest.param({"/version": (200, JSON, DOCKER)}, CONTAINER, id="docker"),
        pytest.param(
            {"/pods": (200, JSON, '{"kind":"PodList","apiVersion":"v1","items":[]}')},
            CONTAINER,
            id="kubelet",
        ),
        pytest.param(
            {
                "/": (403, JSON, STATUS),
                "/version": (200, JSON, '{"major":"1","minor":"30","gitVersion":"v1.30.1"}'),
                "/api/v1/namespaces": (200, JSON, '{"kind":"NamespaceList","items":[]}'),
            },
            CONTAINER,
            id="kubernetes",
        ),
    ],
)
async def test_an_api_that_answers_strangers_is_found_out(
    context: ProbeContext, pages: dict[str, tuple[int, str, str]], check_id: str
) -> None:
    found, results = await judged(context, serves(pages))

    assert found == "http"
    assert failed(results) == {check_id}


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param(
            {"/": (401, JSON, '{"error":{"type":"security_exception"},"status":401}')},
            id="elasticsearch",
        ),
        pytest.param(
            {
                "/": (200, JSON, '{"couchdb":"Welcome"}'),
                "/_all_dbs": (401, JSON, '{"error":"unauthorized"}'),
            },
            id="couchdb",
        ),
        pytest.param(
            {
                "/version": (200, JSON, '{"etcdserver":"3.5.12"}'),
                "/v3/auth/status": (200, JSON, '{"header":{},"enabled":true,"authRevision":"4"}'),
            },
            id="etcd",
        ),
    ],
)
async def test_a_database_behind_a_login_is_exposed(
    context: ProbeContext, pages: dict[str, tuple[int, str, str]]
) -> None:
    _, results = await judged(context, serves(pages))

    assert failed(results) == {EXPOSED}
    assert DATABASE in passed(results)


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param(
            {"/": (200, "text/html", '<p>"cluster_name" "version" : { "number"')}, id="site"
        ),
        pytest.param(
            {"/": (301, "text/plain", "moved"), "/version": (200, JSON, DOCKER)}, id="3xx"
        ),
        pytest.param({}, id="nothing but 404"),
        pytest.param({"/": (200, JSON, '{"ok": true}'), "/version": (200, JSON, "{}")}, id="API"),
        # /version of Kubernetes is public by default.
        pytest.param(
            {
                "/": (403, JSON, STATUS),
                "/version": (200, JSON, '{"gitVersion":"v1.30.1"}'),
                "/api/v1/namespaces": (403, JSON, STATUS),
            },
            id="kubernetes with a login",
        ),
        pytest.param(
            {"/": (200, "text/plain", "1"), "/?query=SELECT%201": (200, "text/plain", "1")},
            id="one that says 1 to everything",
        ),
    ],
)
async def test_what_is_no_open_api_passes(
    context: ProbeContext, pages: dict[str, tuple[int, str, str]]
) -> None:
    _, results = await judged(context, serves(pages))

    assert passed(results) == {DATABASE, EXPOSED, CONTAINER, REMOTE}


async def test_a_site_gets_one_request_alone(context: ProbeContext) -> None:
    asked: list[bytes] = []

    async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Welcome</h1>")
        await writer.drain()

    await judged(context, site, "http")

    assert asked == [b"GET / HTTP/1.1\r\n"]


async def test_windows_remote_management_is_recognised_by_its_challenge(
    context: ProbeContext,
) -> None:
    async def winrm(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        is_its = b" /wsman " in head
        challenge = (
            b"WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Kerberos\r\n" if is_its else b""
        )
        status = b"401 Unauthorized" if is_its else b"404 Not Found"
        writer.write(
            b"HTTP/1.1 "
            + status
            + b"\r\nServer: Microsoft-HTTPAPI/2.0\r\n"
            + challenge
            + b"Content-Length: 0\r\n\r\n"
        )
        await writer.drain()

    _, results = await judged(context, winrm, "http")

    assert failed(results) == {REMOTE}


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hangs_up, id="hangs up"),
        pytest.param(says(b""), id="silent"),
        pytest.param(says(b"220 no HTTP\r\n" * 300), id="not HTTP"),
    ],
)
async def test_without_an_http_answer_nothing_is_evaluated(
    context: ProbeContext, behaviour: Behaviour
) -> None:
    _, results = await judged(context, behaviour, "http")

    assert {r.verdict.outcome for r in results.values()} == {Outcome.NOT_EVALUATED}


async def test_a_body_without_end_is_cut(context: ProbeContext) -> None:
    sent = 0

    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"cluster_name": "x"')
        while True:
            writer.write(b" " * 65_536)
            await writer.drain()
            sent += 65_536

    _, results = await judged(context, floods, "http")

    assert DATABASE in passed(results)
    assert sent < 64 * 1024 * 1024


def test_the_size_of_a_chunk_is_no_content() -> None:
    reply = read_reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")

    assert reply.is_json
