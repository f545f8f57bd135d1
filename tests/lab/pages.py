"""Web servers on blocking sockets: a function from the request to the answer."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.lab.acceptor import Talk, read_until
from tests.lab.web_server import NOT_FOUND, Headers, Page


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    """By lower-case name."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Answer = Callable[[Request], Page | bytes | None]
"""A page, an answer byte for byte, or None for 404."""


def answering(answer: Answer, extra: Headers = ()) -> Talk:
    """One request a connection, as ``answer`` wants it; ``extra`` goes with every page."""

    def talk(client: socket.socket) -> None:
        request = read_request(client)
        if request is None:
            client.sendall(
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        said = answer(request)
        if not isinstance(said, bytes):
            said = (said or NOT_FOUND).as_bytes(extra, with_body=request.method != "HEAD")
        client.sendall(said)
        client.settimeout(5)
        client.recv(1)  # until the client has read and closed

    return talk


def read_request(client: socket.socket) -> Request | None:
    """None for what is no HTTP."""
    head = read_until(client, b"\r\n\r\n").decode("latin-1")
    lines = head.split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1"):
        return None
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:] if line)
    }
    return Request(words[0], words[1], headers)
