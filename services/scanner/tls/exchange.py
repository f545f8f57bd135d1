"""One question on one connection: a hello out, the server's first flight back."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from services.scanner.context import ProbeContext
from services.scanner.tls.codec import ServerFlight, encode_ssl2_hello, is_ssl2_server_hello
from services.scanner.tls.facts import Exchange, TlsSubject
from services.scanner.tls.hello import ClientHello
from services.scanner.tls.suites import suite_name
from services.scanner.tls.wire import CodecError, Version

_READ_BYTES = 16 * 1024
_EVIDENCE_BYTES = 96


class Ending(StrEnum):
    """How an exchange ended."""

    HELLO = "ServerHello"
    ALERT = "alert"
    CLOSED = "closed"
    RESET = "reset"
    TIMEOUT = "timeout"
    CUT_OFF = "cut off"
    """Closed or reset twice, by a server that took a supported hello directly afterwards."""
    NOT_TLS = "not TLS"
    NO_CONNECTION = "no connection"


@dataclass(slots=True)
class Answer:
    """What came back. Grows while the exchange lasts, then stays as it is."""

    asked: str
    flight: ServerFlight = field(default_factory=ServerFlight)
    ending: Ending = Ending.NO_CONNECTION
    reason: str = ""
    problem: str = ""
    """Why reading stopped before the flight was whole; empty when it was."""
    started_s: float = 0.0
    """Of the monotonic clock, once connected: waiting for our own turn is no slowness of theirs."""
    elapsed_ms: int = 0
    raw: bytes = b""
    """The first bytes of the answer."""

    @property
    def spoke_tls(self) -> bool:
        return self.flight.spoke_tls

    def as_evidence(self) -> Exchange:
        return Exchange(self.asked, self.reason, self.elapsed_ms, self.raw.hex())


@dataclass(frozen=True, slots=True)
class Line:
    """Where the hellos of one probe go, and how much of each answer is read."""

    context: ProbeContext
    subject: TlsSubject

    async def ask(self, hello: ClientHello, asked: str, *, whole_flight: bool = False) -> Answer:
        """Never raises for what the target does: the answer says how it ended.

        Without ``whole_flight`` reading stops at the ServerHello.
        """
        answer = Answer(asked)
        flight = answer.flight

        def take(data: bytes) -> bool:
            flight.feed(data)
            return flight.is_done or (flight.server_hello is not None and not whole_flight)

        await self._exchange(hello.encode(), answer, take)
        _conclude(answer)
        if answer.ending in {Ending.HELLO, Ending.ALERT}:
            self.context.connector.budget(self.subject.address).pace_by(answer.elapsed_ms / 1000)
        return answer

    async def ask_ssl2(self) -> tuple[bool, Answer]:
        """Whether a SERVER-HELLO of SSL 2.0 came back, and how the exchange ended."""
        answer = Answer(Version.SSL2.label)
        await self._exchange(
            encode_ssl2_hello(secrets.token_bytes(16)),
            answer,
            lambda _: len(answer.raw) >= 8,  # noqa: PLR2004 - header, type and version
        )
        is_hello = is_ssl2_server_hello(answer.raw)
        if is_hello:
            answer.ending, answer.reason = Ending.HELLO, "the server answered an SSL 2.0 hello"
        return is_hello, answer

    async def _exchange(
        self, request: bytes, answer: Answer, take: Callable[[bytes], bool]
    ) -> None:
        try:
            await self._converse(request, answer, take)
        except CodecError as error:
            answer.ending, answer.reason = Ending.NOT_TLS, str(error)
        except TimeoutError:
            _note_timeout(answer)
        except OSError as error:
            _note_broken(answer, error)
        if answer.started_s:
            answer.elapsed_ms = round((time.monotonic() - answer.started_s) * 1000)

    async def _converse(
        self, request: bytes, answer: Answer, take: Callable[[bytes], bool]
    ) -> None:
        options = self.context.options
        connection = self.context.connector.open(
            self.subject.address, self.subject.port, timeout_s=options.connect_timeout_s
        )
        async with connection as (reader, writer), asyncio.timeout(options.exchange_timeout_s):
            # Until something comes, what ends the exchange is a reset or a time-out.
            answer.ending, answer.reason = Ending.TIMEOUT, ""
            answer.started_s = time.monotonic()
            writer.write(request)
            while data := await reader.read(_READ_BYTES):
                answer.raw = (answer.raw + data)[:_EVIDENCE_BYTES]
                if take(data):
                    return
            answer.ending = Ending.CLOSED
            answer.reason = "the server closed the connection without an answer"


def _note_timeout(answer: Answer) -> None:
    if answer.ending is Ending.NO_CONNECTION:
        answer.reason = "no connection within the time limit"
    else:
        answer.reason = "the server did not answer in time"


def _note_broken(answer: Answer, error: OSError) -> None:
    if answer.ending is Ending.NO_CONNECTION:
        # asyncio words a refusal as "Connect call failed"; the number says more.
        detail = os.strerror(error.errno).lower() if error.errno else str(error)
        answer.reason = f"no connection: {detail}"
    else:
        answer.ending = Ending.RESET
        answer.reason = "the server cut the connection off"


def _conclude(answer: Answer) -> None:
    """What was understood of the flight outweighs how the connection ended."""
    answer.problem = answer.reason
    chosen, alert = answer.flight.server_hello, answer.flight.alert
    if chosen is not None:
        answer.ending = Ending.HELLO
        answer.reason = f"the server chose {suite_name(chosen.suite)}"
    elif alert is not None and alert.ends_handshake:
        answer.ending = Ending.ALERT
        answer.reason = f"the server answered with the alert {alert.name}"
