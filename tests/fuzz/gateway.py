"""A gateway on a real socket in a thread of its own, for clients that know no event loop."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from gateway.app import create_app
from services.settings import Settings

_START_S = 20


@contextmanager
def gateway_thread(settings: Settings) -> Generator[str]:
    """Its address, while it runs."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings), host="127.0.0.1", port=0, log_level="error")
    )
    thread = threading.Thread(target=server.run, name="gateway", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{_port(server, thread)}"
    finally:
        server.should_exit = True
        thread.join(_START_S)
        assert not thread.is_alive(), "the gateway did not stop"


def _port(server: uvicorn.Server, thread: threading.Thread) -> int:
    deadline = time.monotonic() + _START_S
    while not server.started:
        assert thread.is_alive(), "the gateway did not start"
        assert time.monotonic() < deadline, "the gateway did not start in time"
        thread.join(0.02)
    return server.servers[0].sockets[0].getsockname()[1]
