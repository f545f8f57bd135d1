"""Databases, container engines and remote administration that speak HTTP.

The root page tells whether there is anything to ask: a site for people (HTML, a redirect) gets
no further request. An API gets one GET for each product it may be, until one is recognised.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.scanner.service.facts import Access, Kind, ServiceFacts
from services.scanner.service.line import Line
from services.scanner.suite import ProbeError
from services.scanner.text import clean

_MOST_HEAD = 2048
_MOST_BODY = 1024
_SHOWN = 160
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_FIELD = re.compile(rb"\r\n([A-Za-z-]{1,64}):[ \t]*([^\r\n]{0,400})")
_API_PORTS = frozenset({2375, 2376, 2379, 5984, 5985, 5986, 6443, 8123, 9200, 10_250, 27_017})
"""Where an API is asked even when its root looks like a site."""
_DENIED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Reply:
    """The beginning of one HTTP answer."""

    status: int
    fields: dict[str, str]
    """By lower-case name; of a repeated field every value, with commas between."""
    body: bytes
    """The first bytes of it."""

    @property
    def is_json(self) -> bool:
        return self.body.lstrip()[:1] in {b"{", b"["}

    @property
    def is_site(self) -> bool:
        """Made for people, or only a pointer to somewhere else."""
        is_html = "html" in self.fields.get("content-type", "") or self.body.lstrip()[:1] == b"<"
        return is_html or self.status // 100 == 3  # noqa: PLR2004 - 3xx

    def says(self, pattern: str) -> bool:
        """Whether JSON that begins so holds the pattern; only the first bytes are known."""
        return self.is_json and re.search(pattern.encode(), self.body) is not None


Recognise = Callable[[Reply], Access | None]
"""None: this is not the product."""


@dataclass(frozen=True, slots=True)
class _Api:
    product: str
    kind: Kind
    path: str
    recognise: Recognise


def _answers(pattern: str, denial: str) -> Recognise:
    """Open with JSON that holds the pattern; denied with 401 or 403 that holds the other."""

    def recognise(reply: Reply) -> Access | None:
        if reply.status == 200 and reply.says(pattern):  # noqa: PLR2004 - OK
            return Access.OPEN
        if reply.status in _DENIED and re.search(denial.encode(), reply.body):
            return Access.DENIED
        return None

    return recognise


def _clickhouse(reply: Reply) -> Access | None:
    if reply.status == 200 and reply.body.strip() == b"1":  # noqa: PLR2004 - OK
        return Access.OPEN
    is_its = any(name.startswith("x-clickhouse") for name in reply.fields)
    is_denial = is_its or b"AUTHENTICATION_FAILED" in reply.body or b"Code: 516" in reply.body
    return Access.DENIED if is_denial and reply.status in _DENIED else None


def _couch(reply: Reply) -> Access | None:
    if reply.status == 200 and reply.body.lstrip()[:1] == b"[":  # noqa: PLR2004 - OK
        return Access.OPEN
    return Access.DENIED if reply.status in _DENIED and reply.says(r'"error"') else None


def _etcd(reply: Reply) -> Access | None:
    if reply.status == 200 and reply.says(r'"action"\s*:\s*"get"'):  # noqa: PLR2004 - OK
        return Access.OPEN
    return Access.DENIED if reply.status in _DENIED else None


def _kubelet(reply: Reply) -> Access | None:
    if reply.status == 200 and reply.says(r'"kind"\s*:\s*"PodList"'):  # noqa: PLR2004 - OK
        return Access.OPEN
    is_denial = reply.body.strip() == b"Unauthorized" or reply.body.startswith(b"Forbidden (user=")
    return Access.DENIED if reply.status in _DENIED and is_denial else None


def _winrm(reply: Reply) -> Access | None:
    ways = reply.fields.get("www-authenticate", "").lower()
    is_windows = "negotiate" in ways or "kerberos" in ways
    return Access.DENIED if reply.status == 401 and is_windows else None  # noqa: PLR2004 - Unauthorized


_ELASTIC = _Api(
    "Elasticsearch or OpenSearch",
    Kind.DATABASE,
    "/",
    # The number stands a line below the name; what lies between them is bounded.
    _answers(
        r'"cluster_name"[\s\S]{0,400}"version"\s*:\s*\{[\s\S]{0,80}"number"',
        r"security_exception|missing authentication credentials|OpenSearch Security",
    ),
)
_WINRM = _Api("WinRM", Kind.DESKTOP, "/wsman", _winrm)
_COUCH = _Api("CouchDB", Kind.DATABASE, "/_all_dbs", _couch)
_ETCD = _Api("etcd", Kind.DATABASE, "/v2/keys", _etcd)
_CLICKHOUSE = _Api("ClickHouse", Kind.DATABASE, "/?query=SELECT%201", _clickhouse)
_CONTAINERS = (
    _Api(
        "Docker",
        Kind.CONTAINER_API,
        "/version",
        _answers(r'"ApiVersion"\s*:\s*"\d', r"authorization denied by plugin"),
    ),
    _Api("kubelet", Kind.CONTAINER_API, "/pods", _kubelet),
    _Api(
        "Kubernetes API server",
        Kind.CONTAINER_API,
        "/api/v1/namespaces",
        _answers(r'"kind"\s*:\s*"NamespaceList"', r'"kind"\s*:\s*"Status"'),
    ),
)
_NOTHING = ServiceFacts(Kind.OTHER, "")


async def ask_web(line: Line) -> ServiceFacts:
    """What an HTTP server is besides a site. Raises ProbeError when it does not answer HTTP."""
    root = await _get(line, "/")
    found = _judge(_ELASTIC, root)
    if found is not None:
        return found
    if b"access MongoDB over HTTP on the native" in root.body:
        return ServiceFacts(Kind.DATABASE, "MongoDB", problem="it was asked in HTTP alone")
    if line.subject.port in {5985, 5986} or "HTTPAPI" in root.fields.get("server", ""):
        found = await _ask(line, _WINRM)
        if found is not None:
            return found
    if root.is_site and line.subject.port not in _API_PORTS:
        return _NOTHING
    return await _first_of(line, await _candidates(line, root))


async def _candidates(line: Line, root: Reply) -> Sequence[_Api]:
    """What is worth asking for after this root page."""
    if root.says(r'"couchdb"\s*:\s*"Welcome"'):
        return (_COUCH,)
    version = await _get(line, "/version")
    if version.says(r'"etcdserver"\s*:\s*"'):
        return (_ETCD,)
    if _judge(_CONTAINERS[0], version) is not None:
        return _CONTAINERS[:1]
    has_sql = root.body.strip() == b"1"  # one that says so to everything proves nothing
    return _CONTAINERS[1:] if has_sql else (*_CONTAINERS[1:], _CLICKHOUSE)


async def _first_of(line: Line, apis: Sequence[_Api]) -> ServiceFacts:
    for api in apis:
        found = await _ask(line, api)
        if found is not None:
            return found
    if _ETCD in apis:
        return await _ask_etcd3(line)
    return _NOTHING


async def _ask_etcd3(line: Line) -> ServiceFacts:
    """Version 3 has no /v2/keys; it tells whether logins are on (API "AuthStatus", 3.5)."""
    reply = await _request(line, "POST", "/v3/auth/status", b"{}")
    if reply.status == 200 and reply.says(r'"authRevision"|"header"'):  # noqa: PLR2004 - OK
        is_on = reply.says(r'"enabled"\s*:\s*true')
        return ServiceFacts(
            Kind.DATABASE, "etcd", Access.DENIED if is_on else Access.OPEN, _shown(reply)
        )
    return ServiceFacts(Kind.DATABASE, "etcd", problem="it does not tell whether logins are on")


async def _ask(line: Line, api: _Api) -> ServiceFacts | None:
    return _judge(api, await _get(line, api.path))


def _judge(api: _Api, reply: Reply) -> ServiceFacts | None:
    access = api.recognise(reply)
    if access is None:
        return None
    details = {"request": f"GET {api.path}", "status": reply.status}
    return ServiceFacts(api.kind, api.product, access, _shown(reply), details=details)


def _shown(reply: Reply) -> str:
    """The first bytes of the body: enough to recognise it, too few to hold data."""
    return clean(b" ".join(reply.body.split())[:_SHOWN], _SHOWN)


async def _get(line: Line, path: str) -> Reply:
    return await _request(line, "GET", path)


async def _request(line: Line, method: str, path: str, body: bytes = b"") -> Reply:
    subject = line.subject
    host = subject.server_name or str(subject.address)
    fields = (
        f"Host: {f'[{host}]' if ':' in host else host}:{subject.port}\r\n"
        f"User-Agent: {line.context.options.user_agent}\r\n"
        "Accept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n"
    )
    if body:
        fields += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    question = f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode("latin-1", "replace") + body
    async with line.open(_MOST_HEAD + _MOST_BODY) as conversation:
        return read_reply(await conversation.ask(question, _is_enough))


def _is_enough(heard: bytes) -> bool:
    head, separator, body = heard.partition(b"\r\n\r\n")
    if not separator:
        return len(heard) >= _MOST_HEAD
    length = re.search(rb"\r\ncontent-length:[ \t]*(\d{1,9})", head, re.IGNORECASE)
    wanted = int(length[1]) if length else _MOST_BODY
    return len(body) >= min(wanted, _MOST_BODY)


def read_reply(said: bytes) -> Reply:
    """Raises ProbeError for what is no HTTP answer."""
    head, _, body = said.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    if status is None:
        raise ProbeError("the answer is not HTTP")
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(head[:_MOST_HEAD]):
        key, text = name.decode("ascii").lower(), value.decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    if fields.get("transfer-encoding", "").lower() == "chunked":
        body = body.partition(b"\r\n")[2]  # the size of the first chunk is no content
    return Reply(int(status[1]), fields, body[:_MOST_BODY])
