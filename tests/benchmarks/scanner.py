"""The engine beside its peers, in one run on this machine.

    make benchmark [PEERS=--install-sslyze]

Peers are for measurement only and never a dependency: ``nmap`` is taken from the PATH, ``sslyze``
from there or, with ``--install-sslyze``, from a virtual environment that is thrown away. What is
not there is left out, and said. Absolute times follow the machine and its load; compare ratios.
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from gateway.scan_run import Asked, scan_all
from services.scanner.address import AddressPolicy
from services.scanner.check import Outcome
from services.scanner.context import ProbeOptions
from services.scanner.engine import open_context
from services.scanner.net.probe import PortSweeper
from services.scanner.profile import Profile
from services.scanner.result import TargetStatus
from services.scanner.target import parse_target
from services.scanner.tls import SUITE, TlsSubject
from services.settings import ScanSettings
from tests.benchmarks.live_hosts import live_hosts
from tests.hostile.run import scan_everything, serving
from tests.lab.certificates import Authority
from tests.scanner.tls.servers import server_context, serving_tls

_ROUNDS = 3
_NAME = "modern.lab.test"
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_PORTS = range(20_000, 20_100)
_NETWORK = "127.20.0.0/24"
_LIVE = 20
_SLOWEST = 25
_MEGABYTE = 1024 * 1024
_POLICY = AddressPolicy((ip_network("127.0.0.0/8"),))
_OPTIONS = ProbeOptions(connections_per_second=1000, port_timeout_s=0.5)
_CHILD = Path(__file__).with_name("sslyze_child.py")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured: ours, the peer's, and what the comparison says."""

    what: str
    ours: str
    peer: str = ""
    verdict: str = ""


@contextmanager
def _sslyze(*, install: bool) -> Generator[str | None]:
    """The Python that has sslyze, or None."""
    if install:
        with tempfile.TemporaryDirectory() as directory:
            venv.create(directory, with_pip=True)
            python = f"{directory}/bin/python"
            subprocess.run([python, "-m", "pip", "install", "-q", "sslyze"], check=True)  # noqa: S603 - our own words
            yield python
        return
    found = shutil.which("sslyze")
    python = str(Path(found).resolve().with_name("python")) if found else ""
    yield python if python and Path(python).exists() else None


def _best(work: Callable[[], float]) -> float:
    return min(work() for _ in range(_ROUNDS))


def _timed(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
    return time.perf_counter() - started


async def _tls_facts(port: int) -> tuple[float, int]:
    """Seconds and connections of one assessment."""
    async with open_context(_OPTIONS, _POLICY) as context:
        address = ip_address("127.0.0.1")
        budget = context.connector.budget(address)
        started = time.perf_counter()
        await SUITE.probe(context, TlsSubject(address, port, _NAME))
        return time.perf_counter() - started, budget.connections_opened


def measure_tls(sslyze: str | None) -> Row:
    """TLS versions, suites, certificate, key exchange, bugs of a modern server."""
    identity = Authority.create("Benchmark Root").issue([_NAME])
    with tempfile.TemporaryDirectory() as directory:
        context = server_context(identity, Path(directory), ciphers=_CIPHERS)
        with serving_tls(context) as port:
            results = [asyncio.run(_tls_facts(port)) for _ in range(_ROUNDS)]
            seconds, connections = min(results)
            ours = f"{seconds * 1000:.0f} ms, {connections} connections"
            if sslyze is None:
                return Row("TLS facts of a modern host", ours, "sslyze: not installed")
            command = (sslyze, str(_CHILD), "127.0.0.1", str(port), _NAME)
            theirs = _best(
                lambda: float(
                    subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own words
                )
            )
    return Row(
        "TLS facts of a modern host",
        ours,
        f"sslyze {theirs * 1000:.0f} ms",
        f"{theirs / seconds:.0f} x faster",
    )


async def _sweep() -> None:
    sweeper = PortSweeper(_POLICY, _OPTIONS)
    async with asyncio.TaskGroup() as group:
        for host in ip_network(_NETWORK):
            group.create_task(sweeper.sweep(host, _PORTS))


def measure_sweep() -> Row:
    """Closed ports of a whole /24."""

    def ours_once() -> float:
        started = time.perf_counter()
        asyncio.run(_sweep())
        return time.perf_counter() - started

    ours = _best(ours_once)
    count = ip_network(_NETWORK).num_addresses * len(_PORTS)
    what = f"sweep of {count} closed ports"
    nmap = shutil.which("nmap")
    if nmap is None:
        return Row(what, f"{ours:.2f} s", "nmap: not installed")
    ports = f"-p{_PORTS.start}-{_PORTS.stop - 1}"
    command = (nmap, "-sT", "-T4", "-n", "-Pn", ports, _NETWORK)
    theirs = _best(lambda: _timed(command))
    return Row(
        what, f"{ours:.2f} s", f"nmap -sT -T4 {theirs:.2f} s", f"{ours / theirs:.2f} x its time"
    )


def measure_slowest(probe_timeout_s: float = 2.0) -> Row:
    """The slowest of the hostile targets against the time that the profile gives to one."""
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory)) as targets:
        report = asyncio.run(scan_everything(targets, probe_timeout_s, lambda _: None))
    slowest = sorted((ended.seconds for ended in report.ended), reverse=True)[:_SLOWEST]
    return Row(
        f"the {len(slowest)} slowest of {len(report.ended)} hostile targets",
        f"{slowest[-1]:.1f} to {slowest[0]:.1f} s",
        f"limit {report.limit_s:g} s",
        f"memory +{report.memory_growth_bytes / _MEGABYTE:.0f} MiB",
    )


async def _scan_network(largest: list[int]) -> str:
    async def watch() -> None:
        process = psutil.Process()
        while True:
            largest[0] = max(largest[0], process.memory_info().rss)
            await asyncio.sleep(0.05)

    network = parse_target("127.30.0.0/24")
    settings = ScanSettings(scan_allowed_networks=(ip_network("127.0.0.0/8"),))
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        results = await scan_all(settings, [Asked(str(network), network)], Profile())
        watching.cancel()
    statuses = [scanned.result.status for scanned in results]
    verdicts = [check.verdict.outcome for s in results for check in s.result.checks]
    evaluated = sum(status is TargetStatus.EVALUATED for status in statuses)
    return (
        f"{len(results)} addresses, {evaluated} evaluated, {len(verdicts)} verdicts,"
        f" {verdicts.count(Outcome.FAILED)} failed"
    )


def measure_network() -> Row:
    """A full scan of a /24 of which some hosts are alive, sixteen at a time."""
    with tempfile.TemporaryDirectory() as directory, live_hosts(_LIVE, Path(directory)):
        before = psutil.Process().memory_info().rss
        largest = [before]
        started = time.perf_counter()
        told = asyncio.run(_scan_network(largest))
        seconds = time.perf_counter() - started
    return Row(
        f"full scan of a /24 with {_LIVE} live hosts",
        f"{seconds:.1f} s",
        told,
        f"peak {largest[0] / _MEGABYTE:.0f} MiB, +{(largest[0] - before) / _MEGABYTE:.0f} MiB",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="The engine beside its peers.")
    parser.add_argument("--install-sslyze", action="store_true")
    table = Table("what", "ours", "beside it", "that is", title=f"Scanner, best of {_ROUNDS}")
    with _sslyze(install=parser.parse_args().install_sslyze) as sslyze:
        for row in (measure_network(), measure_tls(sslyze), measure_sweep(), measure_slowest()):
            table.add_row(row.what, row.ours, row.peer, row.verdict)
    Console(width=None if sys.stdout.isatty() else 150).print(table)


if __name__ == "__main__":
    main()
