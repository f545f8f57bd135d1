"""The conversation with a mail server up to the point where TLS begins (RFC 5321, RFC 3207)."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from services.scanner.address import Address
from services.scanner.connector import Budget, Connector
from services.scanner.mail.transport_facts import SmtpState, SmtpTalk
from services.scanner.text import clean

_MAX_LINES = 100
_MAX_BYTES = 16 * 1024
_MAX_TEXT = 200
_LINE = re.compile(rb"(?P<code>[2-5][0-9]{2})(?P<more>[ -]?)(?P<text>.*)", re.DOTALL)
# EHLO is not known here: a server of RFC 821, which has no STARTTLS. Other refusals are about us.
_NO_EXTENSIONS = frozenset({500, 502, 504})
_READY, _DONE = 220, 250
_TEMPORARY = range(400, 500)


class NoTlsHere(OSError):  # an OSError: to a TLS probe it is one more reason for no connection
    """The server does not let TLS begin; the message says why."""


@dataclass(frozen=True, slots=True)
class _Reply:
    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.code} {self.lines[0] if self.lines else ''}".strip()


class _NoReply(Exception):
    """The server hung up or does not speak SMTP; the message is fit for a report."""


class StartTlsConnector(Connector):
    """Hands out connections to one mail server that stand where TLS begins.

    All others are plain ones of the connector it stands for, with its policy and its budgets.
    """

    def __init__(self, base: Connector, server: tuple[Address, int], timeout_s: float) -> None:
        """``timeout_s`` bounds each conversation before TLS."""
        self.policy = base.policy
        self._base, self._server, self._timeout_s = base, server, timeout_s
        self.talk: SmtpTalk | None = None
        """The first conversation that came to a result; None while no connection was had."""

    def budget(self, address: Address) -> Budget:
        return self._base.budget(address)

    @asynccontextmanager
    async def slot(self, address: Address) -> AsyncGenerator[Budget]:
        async with self._base.slot(address) as budget:
            yield budget

    @asynccontextmanager
    async def open(
        self, address: Address, port: int, *, timeout_s: float
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """As the base does. Raises NoTlsHere as well, where the server does not let TLS begin."""
        async with self._base.open(address, port, timeout_s=timeout_s) as (reader, writer):
            if (address, port) == self._server:
                talk = await self._converse(reader, writer)
                if self.talk is None or self.talk.state is SmtpState.UNKNOWN:
                    self.talk = talk
                if talk.state is not SmtpState.READY:
                    raise NoTlsHere(talk.reason)
            yield reader, writer

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> SmtpTalk:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await begin_tls(reader, writer)
        except TimeoutError:
            reason = "the server accepts the connection and does not talk in time"
        except _NoReply as error:
            reason = str(error)
        except ConnectionError:
            reason = "the server cut the connection off"
        return SmtpTalk(SmtpState.UNKNOWN, reason)


async def begin_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> SmtpTalk:
    """Greeting, EHLO, STARTTLS; nothing of mail. Raises _NoReply, OSError."""
    greeting = await _reply(reader)
    if greeting.code != _READY:
        return SmtpTalk(SmtpState.UNKNOWN, f"the server does not want to talk: {greeting.text}")
    writer.write(f"EHLO {_own_name(writer)}\r\n".encode("ascii"))
    hello = await _reply(reader)
    talk = _after_hello(greeting, hello)
    if talk.state is not SmtpState.READY:
        writer.write(b"QUIT\r\n")
        return talk
    writer.write(b"STARTTLS\r\n")
    answer = await _reply(reader)
    if answer.code == _READY:
        return talk
    is_temporary = answer.code in _TEMPORARY
    state = SmtpState.UNKNOWN if is_temporary else SmtpState.REFUSED
    reason = f"STARTTLS is offered, and answered with {answer.text}"
    return SmtpTalk(state, reason, talk.greeting, talk.extensions)


def _after_hello(greeting: _Reply, hello: _Reply) -> SmtpTalk:
    if hello.code in _NO_EXTENSIONS:
        reason = f"the server knows no extensions: {hello.text}"
        return SmtpTalk(SmtpState.NOT_OFFERED, reason, greeting.text)
    if hello.code != _DONE:
        reason = f"the server puts us off: {hello.text}"
        return SmtpTalk(SmtpState.UNKNOWN, reason, greeting.text)
    extensions = tuple(line.upper() for line in hello.lines[1:])
    keywords = {extension.partition(" ")[0] for extension in extensions}
    if "STARTTLS" in keywords:
        return SmtpTalk(SmtpState.READY, "STARTTLS is offered", greeting.text, extensions)
    if any(keyword.startswith("XXXX") for keyword in keywords):
        # A firewall between us and the server overwrites the word: that says nothing of the server.
        reason = "something on the path hides the server's extensions"
        return SmtpTalk(SmtpState.UNKNOWN, reason, greeting.text, extensions)
    reason = "STARTTLS is not among the extensions"
    return SmtpTalk(SmtpState.NOT_OFFERED, reason, greeting.text, extensions)


async def _reply(reader: asyncio.StreamReader) -> _Reply:
    """One reply of one or more lines (RFC 5321 section 4.2)."""
    lines: list[str] = []
    size = 0
    while len(lines) < _MAX_LINES and size < _MAX_BYTES:
        try:
            line = await reader.readline()
        except ValueError:  # longer than the reader's buffer
            break
        if not line:
            raise _NoReply("the server closed the connection without an answer")
        size += len(line)
        match = _LINE.fullmatch(line.rstrip(b"\r\n"))
        if match is None:
            raise _NoReply("what answers does not speak SMTP")
        lines.append(clean(match["text"], _MAX_TEXT))
        if match["more"] != b"-":
            return _Reply(int(match["code"]), tuple(lines))
    raise _NoReply("the server's reply is too long")


def _own_name(writer: asyncio.StreamWriter) -> str:
    """An address literal: what a client without a name of its own says (RFC 5321 4.1.4)."""
    address = ip_address(str(writer.get_extra_info("sockname")[0]).partition("%")[0])
    prefix = "IPv6:" if address.version == 6 else ""  # noqa: PLR2004 - the version itself
    return f"[{prefix}{address}]"
