"""Who listens on our port: nobody before the start, our own gateway after it."""

import errno
import socket

import psutil

from services.embedded import EmbeddedError

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - looked up, not bound


def require_free_port(host: str, port: int) -> None:
    """Raises EmbeddedError with the reason when the gateway could not listen there."""
    try:
        addresses = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError) as error:
        raise EmbeddedError(f"NIS2_HOST {host!r} is not an address of this machine") from error
    for family, kind, protocol, _, address in addresses:
        try:
            with socket.socket(family, kind, protocol) as probe:
                # As the gateway does it: connections that are still closing do not count.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
                probe.listen()
        except OSError as error:
            raise EmbeddedError(_explain(host, port, error)) from error


def _explain(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is taken by another program; stop it or set NIS2_PORT"
        case errno.EACCES:
            return f"port {port} needs root's rights; set NIS2_PORT to 1024 or above"
        case errno.EADDRNOTAVAIL:
            return f"NIS2_HOST {host!r} is not an address of this machine"
        case _:
            return f"cannot listen on {host} port {port}: {error.strerror}"


def is_listening(pid: int, port: int) -> bool:
    """True when this process or a child of it listens on the port."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for member in family
            for connection in member.net_connections(kind="tcp")
        )
    except psutil.Error:
        return False


def probe_host(host: str) -> str:
    """Where a client on this machine reaches the gateway."""
    return _WILDCARDS.get(host, host)


def shown_host(host: str) -> str:
    """For an address in a browser."""
    reachable = probe_host(host)
    return f"[{reachable}]" if ":" in reachable else reachable
