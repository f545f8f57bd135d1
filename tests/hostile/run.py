"""Starts every hostile server, scans all of them, and measures time and memory."""

import asyncio
import os
import re
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import psutil

from services.scanner.address import AddressPolicy
from services.scanner.check import Outcome
from services.scanner.context import ProbeOptions
from services.scanner.engine import NetworkScanner, open_context
from services.scanner.profile import Profile
from services.scanner.result import TargetResult
from services.scanner.target import parse_target
from tests.hostile import names
from tests.hostile.lines import LINES, tls_contexts
from tests.hostile.web import PLAIN_PAGE, WEB, Talk, silent

_NETWORK = f"127.66.{os.getpid() % 250}"
"""Of this process, so that two runs on one machine do not meet."""
_NAME_SERVER = f"{_NETWORK}.253"
_DNS_PORT = 5_353
_WEB_PORT = 8080
_AT_ONCE = 8
MOST_MEMORY = 100 * 1024 * 1024
"""By which the process may grow over the whole suite."""
_PROXIED = (21, 22, 23, 25, 53, 80, 110, 143, 443, 3306, 3389, 5432, 6379, 8080, 8443)


@dataclass(frozen=True, slots=True)
class Target:
    """What is scanned, and what is wrong with it."""

    value: str
    what: str
    words: str
    """A pattern that what the result says has to match."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the scan of one target ended."""

    target: Target
    result: TargetResult

    @property
    def seconds(self) -> float:
        return self.result.duration_ms / 1000

    @property
    def reasons(self) -> str:
        """What the result says: why not everything was evaluated first, then what was found."""
        judged = [c for c in self.result.checks if c.endpoint.protocol != "udp"]
        told = [
            check.verdict.reason
            for outcome in (Outcome.NOT_EVALUATED, Outcome.FAILED)
            for check in judged
            if check.verdict.outcome is outcome and check.verdict.is_applicable
        ]
        words = [self.result.reason, *self.result.errors, *told]
        return "; ".join(dict.fromkeys(filter(None, words)))

    @property
    def names_the_reason(self) -> bool:
        return re.search(self.target.words, self.reasons) is not None


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the whole suite."""

    ended: Sequence[Ended]
    limit_s: float
    """What the profile gives to one target."""
    seconds: float
    memory_growth_bytes: int
    """From before the first target to the largest seen; resident, of this process."""


async def _serve(
    stack: AsyncExitStack, host: str, port: int, talk: Talk, tls: ssl.SSLContext | None = None
) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, EOFError, ValueError, asyncio.CancelledError):
                await talk(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(converse, host, port, ssl=tls)
    stack.callback(server.close)


@asynccontextmanager
async def _servers(directory: Path) -> AsyncGenerator[Sequence[Target]]:
    targets: list[Target] = []
    async with AsyncExitStack() as stack:

        def host(what: str, words: str) -> str:
            address = f"{_NETWORK}.{len(targets) + 1}"
            targets.append(Target(address, what, words))
            return address

        for what, words, talk in WEB:
            await _serve(stack, host(what, words), _WEB_PORT, talk)
        for what, words, port, talk in LINES:
            await _serve(stack, host(what, words), port, talk)
        for what, words, context in tls_contexts(directory):
            await _serve(stack, host(what, words), 443, PLAIN_PAGE, context)
        proxied = host("a host where every port accepts", r"not identified|says nothing")
        for port in _PROXIED:
            await _serve(stack, proxied, port, silent)
        names.prepare()
        await _serve(stack, _NAME_SERVER, _DNS_PORT, names.converse)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            names.Udp, local_addr=(_NAME_SERVER, _DNS_PORT)
        )
        stack.callback(transport.close)
        targets += [Target(name, f"DNS: {what}", words) for name, what, words in names.NAMES]
        yield targets


@contextmanager
def serving(directory: Path) -> Generator[Sequence[Target]]:
    """The targets, served by a thread of their own."""
    found, failures = list[Target](), list[OSError]()
    is_ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with _servers(directory) as targets:
            found.extend(targets)
            is_ready.set()
            await stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except OSError as error:
            failures.append(error)
        finally:
            is_ready.set()
            loop.close()

    thread = threading.Thread(target=run, name="hostile-servers", daemon=True)
    thread.start()
    is_ready.wait()
    if failures:
        raise failures[0]
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _largest_memory(process: psutil.Process, largest: list[int]) -> None:
    while True:
        largest[0] = max(largest[0], process.memory_info().rss)
        await asyncio.sleep(0.05)


async def scan_everything(
    targets: Sequence[Target], probe_timeout_s: float, note: Callable[[Ended], None]
) -> Report:
    """A full scan of each; ``note`` hears of each as it ends. Our own bugs raise."""
    profile = Profile(probe_timeout_s=probe_timeout_s)
    options = replace(
        ProbeOptions(), dns_servers=((ip_address(_NAME_SERVER), _DNS_PORT),), port_timeout_s=0.5
    )
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))
    waiting, ended = list(reversed(targets)), list[Ended]()
    process = psutil.Process()
    before = process.memory_info().rss
    largest = [before]
    started = time.monotonic()

    async def work(scanner: NetworkScanner) -> None:
        while waiting:
            target = waiting.pop()
            result = await scanner.scan(parse_target(target.value), profile)
            ended.append(Ended(target, result))
            note(ended[-1])

    async with open_context(options, policy) as context, asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(_largest_memory(process, largest))
        scanner = NetworkScanner(context)
        async with asyncio.TaskGroup() as workers:
            for _ in range(_AT_ONCE):
                workers.create_task(work(scanner))
        watch.cancel()
    return Report(ended, profile.target_timeout_s, time.monotonic() - started, largest[0] - before)
