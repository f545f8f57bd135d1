"""A stand-in for Redis over TCP on loopback, for machines without any Redis server.

Run as a script with the port as its argument. It keeps everything in memory.
"""

import sys

from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler
from fakeredis._commands import (  # the version is pinned: there is no public door
    command,  # pyright: ignore[reportUnknownVariableType]  # fakeredis leaves it untyped
)
from fakeredis.commands_mixins.server_mixin import ServerCommandsMixin

_INFO = b"# Server\r\nredis_version:6.2.0\r\nused_memory_human:1M\r\nconnected_clients:1\r\n"


class _Server(TcpFakeServer):
    request_queue_size = 128  # the default backlog of 5 drops a worker's burst of connections


@command((), (bytes,))  # pyright: ignore[reportUntypedFunctionDecorator]  # as above
def info(_self: ServerCommandsMixin, *_sections: bytes) -> bytes:
    """The worker asks at its start, and fakeredis would close the connection."""
    return _INFO


def main() -> None:
    setattr(ServerCommandsMixin, "info", info)  # noqa: B010 - a name the class does not declare
    server = _Server(("127.0.0.1", int(sys.argv[1])))
    server.daemon_threads = True
    TCPFakeRequestHandler.disable_nagle_algorithm = True  # 46 ms per command otherwise
    server.serve_forever()


if __name__ == "__main__":
    main()
