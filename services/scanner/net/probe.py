"""The port sweep as a coroutine: which ports of an address answer."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from services.scanner.address import Address, AddressPolicy, AddressRefused
from services.scanner.context import ProbeOptions
from services.scanner.net.facts import PortFacts
from services.scanner.net.handshakes import SweepJob
from services.scanner.net.sweep_loop import SweepLoop


class PortSweeper:
    """One per process; safe for concurrent sweeps."""

    def __init__(self, policy: AddressPolicy, options: ProbeOptions) -> None:
        self._policy = policy
        self._timeout_s = options.port_timeout_s
        self._loop = SweepLoop(sockets=options.ports_in_flight)

    async def sweep(self, address: Address, ports: Iterable[int]) -> PortFacts:
        """Try every port once, silent ones twice where the host answers at all.

        Takes at most the port time-out for each 128 ports, and as long again for the second
        round; other sweeps may fill the process's sockets meanwhile. Raises AddressRefused.
        When cancelled, it ends only after the last of its sockets.
        """
        self._policy.check(address)
        vetted = deque(port for port in dict.fromkeys(ports) if self._may_probe(address, port))
        started_s = time.monotonic()
        event_loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the event loop is closed: nobody waits any more
                event_loop.call_soon_threadsafe(ended.set)

        job = SweepJob(address, vetted, self._timeout_s, tell)
        self._loop.submit(job)
        try:
            await ended.wait()
        except asyncio.CancelledError:
            self._loop.cancel(job)
            await ended.wait()
            raise
        finally:
            self._loop.settle()
        if job.error is not None:
            raise job.error
        return PortFacts(address, job.states, round((time.monotonic() - started_s) * 1000))

    def _may_probe(self, address: Address, port: int) -> bool:
        """The platform's own servers are left out, on whatever address they listen."""
        try:
            self._policy.check(address, port)
        except AddressRefused:
            return False
        return True
