"""Mail servers on loopback that do as they are told: greet, offer STARTTLS, speak TLS, or not.

OpenSSL on blocking sockets, one thread a connection: asyncio's TLS drops the alert of a failed
handshake, and the alert is what a scanner looks at.
"""

import socketserver
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_PATIENCE_S = 10
_LONGEST_LINE = 1000


@dataclass(frozen=True, slots=True)
class MailScript:
    """What a server says at each turn. ``None`` for a turn means that it stays silent there."""

    tls: ssl.SSLContext | None = None
    """None: whatever is said of STARTTLS, no handshake follows."""
    greeting: bytes | None = b"220 mx.lab ESMTP\r\n"
    hello: bytes | None = b"250-mx.lab\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
    starttls: bytes | None = b"220 go ahead\r\n"


NO_STARTTLS = MailScript(hello=b"250-mx.lab greets you\r\n250 SIZE 1000\r\n")


@dataclass(slots=True)
class MailServer:
    host: str
    port: int
    commands: list[str] = field(default_factory=list[str])
    connections: int = 0


@contextmanager
def serving_mail(script: MailScript, host: str, port: int = 0) -> Generator[MailServer]:
    """``port`` 0 takes a free one."""
    running = MailServer(host, port)
    stop = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        timeout = _PATIENCE_S

        def handle(self) -> None:
            running.connections += 1
            with suppress(OSError):
                if self._say(script.greeting) and self._hear() and self._say(script.hello):
                    self._answer_starttls()

        def _say(self, line: bytes | None) -> bool:
            if line is None:
                stop.wait(_PATIENCE_S)
                return False
            self.wfile.write(line)
            return True

        def _hear(self) -> str:
            line = self.rfile.readline(_LONGEST_LINE).decode("ascii", "replace").strip()
            running.commands.append(line)
            return line

        def _answer_starttls(self) -> None:
            is_wanted = self._hear() == "STARTTLS" and self._say(script.starttls)
            if is_wanted and script.tls is not None:
                with script.tls.wrap_socket(self.connection, server_side=True) as wrapped:
                    wrapped.recv(1)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

    with Server((host, port), Handler) as server:
        running.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            stop.set()
            server.shutdown()
            thread.join()
