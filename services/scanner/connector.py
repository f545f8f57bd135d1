"""The one way out: every connection of a probe is vetted, budgeted and verified here.

One budget per address, shared by all checks of all scans in the process: connections at once and
connections per second. What a server closes in our face is counted, so that probes can back off.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

from services.scanner.address import Address, AddressPolicy

_REFUSALS_BEFORE_BACKING_OFF = 3
_BACK_OFF_S = 2.0


class Budget:
    """Connections at once and per second for one address."""

    def __init__(self, connections: int, per_second: float) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._interval_s = 1.0 / per_second
        self._next_s = 0.0
        self._resets = 0
        self.connections_opened = 0

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Wait for the turn of one more connection, and hold its place."""
        async with self._slots:
            now = time.monotonic()
            turn = max(now, self._next_s)
            self._next_s = turn + self._interval_s
            if turn > now:
                await asyncio.sleep(turn - now)
            self.connections_opened += 1
            yield

    def note_reset(self) -> None:
        """The server cut us off: after three in a row, slow down for everybody."""
        self._resets += 1
        if self._resets >= _REFUSALS_BEFORE_BACKING_OFF:
            self._next_s = max(self._next_s, time.monotonic()) + _BACK_OFF_S
            self._resets = 0

    def note_answer(self) -> None:
        self._resets = 0


class Connector:
    """Opens vetted connections. One per process."""

    def __init__(
        self, policy: AddressPolicy, *, connections_per_address: int, connections_per_second: float
    ) -> None:
        self.policy = policy
        self._connections = connections_per_address
        self._per_second = connections_per_second
        self._budgets: WeakValueDictionary[Address, Budget] = WeakValueDictionary()

    def budget(self, address: Address) -> Budget:
        """The budget of an address; it lives for as long as somebody holds it."""
        budget = self._budgets.get(address)
        if budget is None:
            budget = Budget(self._connections, self._per_second)
            self._budgets[address] = budget
        return budget

    @asynccontextmanager
    async def open(
        self, address: Address, port: int, *, timeout_s: float
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A TCP connection within the address's budget, closed on leaving.

        ``timeout_s`` bounds the handshake alone. Raises AddressRefused, OSError, TimeoutError.
        """
        self.policy.check(address, port)
        budget = self.budget(address)
        async with budget.slot():
            try:
                async with asyncio.timeout(timeout_s):
                    reader, writer = await asyncio.open_connection(str(address), port)
            except ConnectionResetError:
                budget.note_reset()
                raise
            try:
                self.verify_peer(writer)
                yield reader, writer
                budget.note_answer()
            except ConnectionResetError:
                budget.note_reset()
                raise
            finally:
                writer.transport.abort()  # a hostile peer may never finish a polite close
                with suppress(OSError, asyncio.TimeoutError):
                    await writer.wait_closed()

    def verify_peer(self, writer: asyncio.StreamWriter) -> None:
        """The address really connected to is vetted too (DNS rebinding, NAT)."""
        peer = writer.get_extra_info("peername")
        if peer:
            self.policy.check(str(peer[0]).partition("%")[0], int(peer[1]))
