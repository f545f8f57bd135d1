"""Does a name answer over IPv6 as it does over IPv4, as far as this machine can tell?"""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from weakref import WeakKeyDictionary

import dns.flags
import dns.message
import dns.rdatatype

from services.scanner.address import Address
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext
from services.scanner.dns.facts import Attempt, Ipv6Facts
from services.scanner.dns.servers import DNS_PORT, ask_directly
from services.scanner.kept import Kept

HTTPS_PORT = 443
_TRIED = 2
_ATTEMPTS = 2
_KEPT_S = 600.0
# a.root-servers.net and k.root-servers.net: up for as long as there is an Internet over IPv6.
CONTROLS: tuple[tuple[Address, int], ...] = (
    (ip_address("2001:503:ba3e::2:30"), DNS_PORT),
    (ip_address("2001:7fd::1"), DNS_PORT),
)

_self_tests: WeakKeyDictionary[Connector, Kept[bool, bool]] = WeakKeyDictionary()


async def compare_families(
    context: ProbeContext,
    addresses: tuple[Address, ...],
    port: int = HTTPS_PORT,
    controls: tuple[tuple[Address, int], ...] = CONTROLS,
) -> Ipv6Facts:
    """Connect over both, where the name has both. Never raises for what servers do."""
    six = [a for a in addresses if isinstance(a, IPv6Address)][:_TRIED]
    four = [a for a in addresses if not isinstance(a, IPv6Address)][:_TRIED]
    if not six or not four:
        return Ipv6Facts(port=port)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_connect(context, a, port)) for a in (*six, *four)]
    results = tuple(task.result() for task in tasks)
    ipv6, ipv4 = results[: len(six)], results[len(six) :]
    is_doubtful = not all(a.is_open for a in ipv6) and any(a.is_open for a in ipv4)
    has_ipv6 = await _has_ipv6(context, six, controls) if is_doubtful else None
    return Ipv6Facts(ipv6, ipv4, has_ipv6, port)


async def _connect(context: ProbeContext, address: Address, port: int) -> Attempt:
    reason = ""
    for _ in range(_ATTEMPTS):
        try:
            timeout_s = context.options.connect_timeout_s
            async with context.connector.open(address, port, timeout_s=timeout_s):
                return Attempt(address, is_open=True)
        except TimeoutError:
            reason = "no answer in time"
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
    return Attempt(address, is_open=False, reason=reason)


async def _has_ipv6(
    context: ProbeContext, addresses: Sequence[Address], controls: tuple[tuple[Address, int], ...]
) -> bool:
    """A control that is always there answers; for this machine's own addresses it is itself."""
    is_local = all(address.is_loopback for address in addresses)
    kept = _self_tests.setdefault(context.connector, Kept(2))
    return await kept.get(
        is_local,
        _connects_to_itself if is_local else lambda: _reaches(context, controls),
        lambda _: _KEPT_S,
    )


async def _reaches(context: ProbeContext, controls: tuple[tuple[Address, int], ...]) -> bool:
    for address, port in controls:
        question = dns.message.make_query(".", dns.rdatatype.SOA, flags=dns.flags.Flag(0))
        if await ask_directly(context, question, address, port) is not None:
            return True
    return False


async def _connects_to_itself() -> bool:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    try:
        server = await asyncio.start_server(hang_up, "::1", 0)
    except OSError:
        return False
    async with server:
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        except (OSError, TimeoutError):
            return False
        writer.transport.abort()
    return True
