"""Where the platform's own servers listen: a scan never touches them (SSRF-2)."""

import asyncio
import socket
from ipaddress import ip_address, ip_network

import psutil
from sqlalchemy import make_url

from services.scanner.address import Network
from services.settings import Settings

_POSTGRESQL_PORT = 5432
_REDIS_PORT = 6379


async def own_endpoints(settings: Settings) -> tuple[tuple[Network, int], ...]:
    """Gateway, PostgreSQL and Redis, as networks and ports; servers on sockets have neither."""
    database, redis = make_url(settings.database_url), make_url(settings.redis_url)
    listening = [(settings.host, settings.port)]
    if database.host and not database.host.startswith("/"):
        listening.append((database.host, database.port or _POSTGRESQL_PORT))
    if redis.host and redis.drivername != "unix":
        listening.append((redis.host, redis.port or _REDIS_PORT))
    found: set[tuple[Network, int]] = set()
    for host, port in listening:
        found |= {(network, port) for network in await _networks(host)}
    return tuple(sorted(found, key=str))


async def _networks(host: str) -> set[Network]:
    """The addresses of a host; for a wildcard every address of this machine."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - recognized, not bound
        return _local_networks()
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()  # not resolvable now: then no scan can reach it by that name either
    return {ip_network(str(answer[4][0]).partition("%")[0]) for answer in answers}


def _local_networks() -> set[Network]:
    networks: set[Network] = {ip_network("127.0.0.0/8"), ip_network("::1/128")}
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family in {socket.AF_INET, socket.AF_INET6}:
                networks.add(ip_network(ip_address(address.address.partition("%")[0])))
    return networks
