"""``make benchmark``: what the engine costs, in one run on this machine.

Absolute times follow the machine and its load; the last column is the ratio to a floor measured
in the same run, and that is what may be compared between runs.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from services.scanner.address import AddressPolicy
from services.scanner.context import ProbeContext, ProbeOptions
from services.scanner.engine import NetworkScanner, open_context
from services.scanner.net.probe import PortSweeper
from services.scanner.profile import Profile, ScanType
from services.scanner.target import parse_target
from services.scanner.tls import SUITE, TlsSubject
from tests.lab.certificates import Authority
from tests.lab.web_server import Site, html, serve_site, server_context

_ROUNDS = 3
_POLICY = AddressPolicy((ip_network("127.0.0.0/8"),))
_OPTIONS = ProbeOptions(connections_per_second=1000, port_timeout_s=0.5)
_PORTS = tuple(range(20_000, 20_100))
_HOSTS = tuple(ip_network("127.20.0.0/26"))


@dataclass(frozen=True, slots=True)
class Measurement:
    """The fastest of the rounds, in seconds, and the floor it stands on."""

    name: str
    seconds: float
    floor: str = ""
    floor_seconds: float = 0.0

    @property
    def ratio(self) -> str:
        return f"{self.seconds / self.floor_seconds:.1f} x {self.floor}" if self.floor else ""


async def _fastest(work: Callable[[], Awaitable[object]]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        await work()
        best = min(best, time.perf_counter() - began)
    return best


def _connect_blocking() -> None:
    """The floor of a sweep: the same closed ports, one blocking connect after the other."""
    for host in _HOSTS:
        for port in _PORTS:
            with socket.socket() as probe:
                probe.connect_ex((str(host), port))


async def _measure_sweep() -> Measurement:
    sweeper = PortSweeper(_POLICY, _OPTIONS)

    async def sweep() -> None:
        async with asyncio.TaskGroup() as group:
            for host in _HOSTS:
                group.create_task(sweeper.sweep(host, _PORTS))

    floor = await _fastest(lambda: asyncio.to_thread(_connect_blocking))
    count = len(_HOSTS) * len(_PORTS)
    return Measurement(f"sweep of {count} closed ports", await _fastest(sweep), "connect()", floor)


async def _measure_tls(context: ProbeContext, directory: Path) -> Measurement:
    identity = Authority.create("Benchmark Root").issue(["lab.example"])
    site = Site(pages={"/": html("<title>ok</title>")})
    tls = server_context(identity, directory)
    async with serve_site(site, host="127.0.0.1", port=0, ssl_context=tls) as server:
        address = ip_address("127.0.0.1")
        subject = TlsSubject(address, server.port, "lab.example")
        budget = context.connector.budget(address)  # held, as a scan holds it

        async def handshake() -> None:
            _reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.close()
            await writer.wait_closed()

        floor = await _fastest(handshake)
        seconds = await _fastest(lambda: SUITE.probe(context, subject))
        name = f"TLS assessment, {budget.connections_opened // _ROUNDS} connections"
        return Measurement(name, seconds, "TCP connect", floor)


async def _measure_scan(context: ProbeContext) -> Measurement:
    scanner = NetworkScanner(context)
    profile = Profile(scan_type=ScanType.QUICK)
    hosts = tuple(parse_target("127.21.0.0/24").hosts())

    async def scan() -> None:
        async with asyncio.TaskGroup() as group:
            for host in hosts:
                group.create_task(scanner.scan(host, profile))

    return Measurement(f"quick scan of {len(hosts)} closed addresses", await _fastest(scan))


async def _measure() -> list[Measurement]:
    with TemporaryDirectory() as directory:
        async with open_context(_OPTIONS, _POLICY) as context:
            return [
                await _measure_sweep(),
                await _measure_tls(context, Path(directory)),
                await _measure_scan(context),
            ]


def main() -> None:
    table = Table("what", "best of 3 [s]", "ratio in this run", title="NIS2 Gateway")
    for measurement in asyncio.run(_measure()):
        table.add_row(measurement.name, f"{measurement.seconds:.3f}", measurement.ratio)
    Console().print(table)


if __name__ == "__main__":
    main()
