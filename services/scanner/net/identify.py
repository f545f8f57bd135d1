"""What a service is, by what it says and never by its port number.

One hello for TLS; then one connection on which we listen, and ask for a page when nobody
speaks; then one harmless question for each protocol that neither greets nor knows HTTP. At most
1 KiB is read from each, and no credentials are ever sent.
"""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.scanner.address import Address
from services.scanner.context import ProbeContext
from services.scanner.net.any_tls import any_tls
from services.scanner.net.banners import read_banner
from services.scanner.net.facts import UNKNOWN_SERVICE, PortFacts, Service
from services.scanner.net.questions import QUESTIONS, Question
from services.scanner.tls import speaks_tls

_MOST_BYTES = 1024
_GREETING_S = 0.3
"""Who speaks first does so within a round trip; a late greeting is still read afterwards."""
_PAUSE_S = 0.25
"""A gap after which the first answer counts as complete."""
_ANSWER_S = 3.0
_QUESTION_S = 1.5
_TLS_S = 5.0
_HEAD_START_S = 0.75
"""A hello gets this long alone: many plain services wait for the end of a line in it for ever."""
_SAMPLE = 8
"""Ports asked on a host that accepts nearly everything."""
_USUAL_WEB_PORTS = (80, 443, 8080, 8443)

_ANY_TLS = "tls"
"""The name of what TLS hides."""
_BAD_REQUEST = re.compile(rb"HTTP/1\.[01] 400 ")
_SECURE_NAMES = {name: f"{name}s" for name in ("http", "smtp", "imap", "pop3", "ftp", "nntp")}


@dataclass(frozen=True, slots=True)
class Door:
    """An open port, and how to knock: the name to ask for, None for an address."""

    address: Address
    port: int
    server_name: str | None

    @property
    def http_host(self) -> str:
        if self.server_name is not None:
            return self.server_name
        return f"[{self.address}]" if self.address.version == 6 else str(self.address)  # noqa: PLR2004 - IPv6


async def identify(context: ProbeContext, door: Door) -> Service:
    """Who answers at an open port. What goes wrong on the way leaves it ``unknown``."""
    is_tls, said = await _knock(context, door)
    if is_tls:
        return await _identify_in_tls(context, door)
    if said:
        return _service(door.port, said, is_tls=False)
    return await _ask_around(context, door, QUESTIONS)


async def _identify_in_tls(context: ProbeContext, door: Door) -> Service:
    """What is behind TLS: who greets or knows HTTP, else a database that waits to be asked."""
    service = _service(door.port, await _converse(context, door, is_tls=True), is_tls=True)
    if service.name != _ANY_TLS:
        return service
    questions = [question for question in QUESTIONS if question.is_asked_in_tls]
    found = await _ask_around(context, door, questions, is_tls=True)
    return service if found.name in {UNKNOWN_SERVICE, _ANY_TLS} else found


async def _ask_around(
    context: ProbeContext, door: Door, questions: Sequence[Question], *, is_tls: bool = False
) -> Service:
    """The question that is usual at this port first; then all others, a few at a time."""
    usual = [question for question in questions if door.port in question.usual_ports]
    others = [question for question in questions if question not in usual]
    heard = Service(door.port, has_spoken=False)
    for part in (usual, others):
        async with asyncio.TaskGroup() as tasks:
            waiting = {
                tasks.create_task(_ask(context, door, question, is_tls=is_tls)) for question in part
            }
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for service in (task.result() for task in done):
                    heard = service if service.has_spoken else heard
                    if service.name not in {UNKNOWN_SERVICE, _ANY_TLS}:
                        for task in waiting:
                            task.cancel()
                        return service
    return heard


async def _ask(
    context: ProbeContext, door: Door, question: Question, *, is_tls: bool = False
) -> Service:
    answer = await _converse(context, door, is_tls=is_tls, question=question.ask)
    if question.is_answered_by(answer):
        return Service(door.port, question.service, is_tls=is_tls)
    if answer:
        return _service(door.port, answer, is_tls=is_tls)
    return Service(door.port, has_spoken=False)


def ports_to_ask(facts: PortFacts) -> Sequence[int]:
    """Every open port; of a host that accepts nearly everything a sample with the web ports."""
    if not facts.accepts_nearly_everything:
        return facts.open_ports
    usual = [port for port in _USUAL_WEB_PORTS if port in facts.open_ports]
    others = [port for port in facts.open_ports if port not in usual]
    wanted = _SAMPLE - len(usual)
    step = max(1, len(others) // wanted)
    return sorted(usual + others[::step][:wanted])


async def _knock(context: ProbeContext, door: Door) -> tuple[bool, bytes]:
    """Whether TLS answers, and if not, what is said in the clear."""
    limit_s = min(_TLS_S, context.options.exchange_timeout_s)
    hasty = replace(context, options=replace(context.options, exchange_timeout_s=limit_s))
    async with asyncio.TaskGroup() as tasks:
        hello = tasks.create_task(speaks_tls(hasty, door.address, door.port, door.server_name))
        await asyncio.wait({hello}, timeout=_HEAD_START_S)
        if hello.done() and hello.result():
            return True, b""
        plain = tasks.create_task(_converse(context, door, is_tls=False))
        await asyncio.wait({hello, plain}, return_when=asyncio.FIRST_COMPLETED)
        if not hello.done():
            said = await plain
            # A TLS server may answer plain HTTP with "400": then the hello has the last word.
            if said and not _BAD_REQUEST.match(said):
                hello.cancel()
                return False, said
        if await hello:
            plain.cancel()
            return True, b""
        return False, await plain


def _service(port: int, said: bytes, *, is_tls: bool) -> Service:
    banner = read_banner(said)
    service = Service(
        port, banner.service, banner.text, is_tls=is_tls, is_web=banner.service == "http"
    )
    if not is_tls:
        return service
    if banner.service == UNKNOWN_SERVICE:
        return replace(service, name=_ANY_TLS)
    return replace(service, name=_SECURE_NAMES.get(banner.service, banner.service))


async def _converse(
    context: ProbeContext, door: Door, *, is_tls: bool, question: bytes | None = None
) -> bytes:
    """What is said on one connection: at once, or in answer to ``question`` (default: HTTP)."""
    options = context.options
    said = bytearray()
    try:
        async with (
            context.connector.open(
                door.address, door.port, timeout_s=options.connect_timeout_s
            ) as (reader, writer),
            # Inside: waiting for the address's budget is not the service's silence.
            asyncio.timeout(options.exchange_timeout_s),
        ):
            if is_tls:
                await writer.start_tls(
                    any_tls(), server_hostname=door.server_name, ssl_handshake_timeout=_TLS_S
                )
            if question is None:
                await _hear(reader, said, within_s=_GREETING_S)
            if not said:
                writer.write(question or _http_request(door, options.user_agent))
                await writer.drain()
                patience_s = _ANSWER_S if question is None else _QUESTION_S
                await _hear(reader, said, within_s=min(patience_s, options.exchange_timeout_s))
    except (OSError, TimeoutError, EOFError):
        pass  # what was heard before still counts
    return bytes(said)


async def _hear(reader: asyncio.StreamReader, said: bytearray, *, within_s: float) -> None:
    """Add to ``said`` what comes until it pauses, ends, is enough, or the time is up."""
    deadline_s = time.monotonic() + within_s
    while len(said) < _MOST_BYTES:
        patience_s = min(deadline_s - time.monotonic(), _PAUSE_S if said else within_s)
        try:
            async with asyncio.timeout(patience_s):
                chunk = await reader.read(_MOST_BYTES - len(said))
        except TimeoutError:
            return
        if not chunk:
            return
        said += chunk


def _http_request(door: Door, user_agent: str) -> bytes:
    lines: Mapping[str, str] = {
        "Host": door.http_host,
        "User-Agent": user_agent,
        "Accept": "*/*",
        "Connection": "close",
    }
    fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET / HTTP/1.1\r\n{fields}\r\n".encode("latin-1", "replace")
