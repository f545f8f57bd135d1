"""Hundreds of small servers in one process: one thread accepts, one thread talks to each client.

Blocking sockets, so that a talk is read from top to bottom, and so that OpenSSL's alerts reach the
client: asyncio's TLS drops the alert of a failed handshake.
"""

import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

Talk = Callable[[socket.socket], None]
"""What a server does with one connection; it is closed afterwards."""

_LONGEST_TALK_S = 30.0
_BACKLOG = 128


class Acceptor:
    """``with Acceptor() as servers: servers.listen("127.90.0.1", 443, talk)``."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._listeners: list[socket.socket] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-acceptor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for listener in self._listeners:
            listener.close()
        self._selector.close()

    def listen(self, host: str, port: int, talk: Talk) -> None:
        """Serve from now on. Raises OSError where the port cannot be had."""
        listener = socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=_BACKLOG,
        )
        listener.settimeout(0)
        self._listeners.append(listener)
        self._selector.register(listener, selectors.EVENT_READ, talk)

    def _run(self) -> None:
        while not self._stopped.is_set():
            for key, _ in self._selector.select(timeout=0.1):
                listener, talk = key.fileobj, key.data
                assert isinstance(listener, socket.socket)
                with suppress(OSError):
                    client, _ = listener.accept()
                    threading.Thread(target=_converse, args=(talk, client), daemon=True).start()


def _converse(talk: Talk, client: socket.socket) -> None:
    with client, suppress(OSError, EOFError, ValueError):
        client.settimeout(_LONGEST_TALK_S)
        talk(client)


def in_tls(context: ssl.SSLContext, talk: Talk) -> Talk:
    """The same talk, encrypted."""

    def encrypted(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as wrapped:
            talk(wrapped)

    return encrypted


def silent(client: socket.socket) -> None:
    """Waits for the other side to go."""
    while client.recv(4096):
        pass


def read_exactly(client: socket.socket, count: int) -> bytes:
    """Raises EOFError."""
    data = bytearray()
    while len(data) < count:
        piece = client.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def read_until(client: socket.socket, mark: bytes, most: int = 16 * 1024) -> bytes:
    """Up to and with the mark, or what there is when the other side ends."""
    data = bytearray()
    while mark not in data and len(data) < most:
        piece = client.recv(4096)
        if not piece:
            break
        data += piece
    return bytes(data)
