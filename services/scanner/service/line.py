"""One connection to a service: what is said is short, and what is read is bounded."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.scanner.context import ProbeContext
from services.scanner.net.any_tls import any_tls
from services.scanner.service.facts import ServiceSubject

MOST_BYTES = 1024
"""Read from one connection, unless a protocol's own overhead needs more."""
_TLS_S = 5.0


@dataclass(slots=True)
class Conversation:
    """An open connection with a budget of bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    left: int = MOST_BYTES
    heard: bytearray = field(default_factory=bytearray)
    """Everything that came so far."""

    async def ask(self, question: bytes, is_enough: Callable[[bytes], bool]) -> bytes:
        """Say something and hear the answer."""
        self.writer.write(question)
        return await self.hear(is_enough)

    async def hear(self, is_enough: Callable[[bytes], bool]) -> bytes:
        """What comes until it is enough, the stream ends or the budget is used up."""
        answer = bytearray()
        while self.left > 0 and not is_enough(bytes(answer)):
            data = await self.reader.read(self.left)
            if not data:
                break
            answer += data
            self.left -= len(data)
        self.heard += answer
        return bytes(answer)

    async def start_tls(self, server_name: str | None) -> None:
        """Go on in TLS, whatever the certificate. Raises ssl.SSLError, which is an OSError."""
        await self.writer.start_tls(
            any_tls(), server_hostname=server_name, ssl_handshake_timeout=_TLS_S
        )


@dataclass(frozen=True, slots=True)
class Line:
    """Where a service is, and how to reach it."""

    context: ProbeContext
    subject: ServiceSubject

    @asynccontextmanager
    async def open(self, most_bytes: int = MOST_BYTES) -> AsyncGenerator[Conversation]:
        """A connection, in TLS where the service is. Raises OSError, TimeoutError."""
        options, subject = self.context.options, self.subject
        connection = self.context.connector.open(
            subject.address, subject.port, timeout_s=options.connect_timeout_s
        )
        async with connection as (reader, writer), asyncio.timeout(options.exchange_timeout_s):
            conversation = Conversation(reader, writer, most_bytes)
            if subject.is_tls:
                await conversation.start_tls(subject.server_name)
            yield conversation

    async def ask(self, question: bytes, is_enough: Callable[[bytes], bool]) -> bytes:
        """One question on a connection of its own."""
        async with self.open() as conversation:
            return await conversation.ask(question, is_enough)


def a_line(heard: bytes) -> bool:
    """Enough when a whole line is there."""
    return b"\n" in heard


def at_least(length: int) -> Callable[[bytes], bool]:
    """Enough when so many bytes are there."""

    def is_enough(heard: bytes) -> bool:
        return len(heard) >= length

    return is_enough


def framed(
    start: int, width: int, *, extra: int, is_little: bool = False
) -> Callable[[bytes], bool]:
    """Enough when a message is whole: its length stands at ``start``, ``extra`` bytes excluded."""

    def is_enough(heard: bytes) -> bool:
        field_end = start + width
        if len(heard) < field_end:
            return False
        length = int.from_bytes(heard[start:field_end], "little" if is_little else "big")
        return len(heard) >= length + extra

    return is_enough
