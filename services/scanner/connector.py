"""The one way out: every connection of a probe is vetted, budgeted and verified here.

One budget per address, shared by all checks of all scans in the process: connections at once and
connections per second, fewer of them where the first handshake was slow. One pace per organization,
over all addresses that it has scanned in the process. A server that turns us away again and again
is left in peace, first for a while and then for good: what it was not asked any more is not
evaluated.
"""

import asyncio
import copy
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Self
from weakref import WeakValueDictionary

from services.scanner.address import Address, AddressPolicy

_BACK_OFF_EVERY = 3
_CLOSING_S = 0.25
_TARGETS_AT_ONCE = 4
MOST_REFUSALS = 12
"""In a row, after which an address is asked nothing more. Eight may be a server without alerts:
that many hellos are sent before one that it takes."""


class NotLetIn(ConnectionError):  # to a probe it is one more thing the target did
    """The server has turned us away too often. The message is fit for a report."""


class Pace:
    """Connections per second, whatever their addresses."""

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1.0 / per_second
        self._next_s = 0.0

    async def turn(self) -> None:
        """Wait for the turn of one more connection."""
        now = time.monotonic()
        turn = max(now, self._next_s)
        self._next_s = turn + self._interval_s
        if turn > now:
            await asyncio.sleep(turn - now)

    def slow_to(self, interval_s: float) -> None:
        """From one connection to the next, unless it is slower already."""
        self._interval_s = max(self._interval_s, interval_s)

    def pause(self, for_s: float) -> None:
        """Everybody waits that much longer."""
        self._next_s = max(self._next_s, time.monotonic()) + for_s


class Budget:
    """Connections at once and per second for one address."""

    def __init__(self, connections: int, per_second: float, back_off_s: float) -> None:
        self._connections = connections
        self._slots = asyncio.Semaphore(connections)
        self.targets = asyncio.Semaphore(_TARGETS_AT_ONCE)
        """Names of one address are looked at a few at a time: all at once, none ends in time."""
        self._pace = Pace(per_second)
        self._back_off_s = back_off_s
        self._is_paced = False
        self._refusals = 0
        self.connections_opened = 0

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Wait for the turn of one more connection, and hold its place. Raises NotLetIn."""
        async with self._slots:
            self._refuse_to_insist()
            await self._pace.turn()
            self._refuse_to_insist()
            self.connections_opened += 1
            yield

    def pace_by(self, handshake_s: float) -> None:
        """What the first handshake took: no faster than the server can answer all at once."""
        if not self._is_paced:
            self._is_paced = True
            self._pace.slow_to(handshake_s / self._connections)

    def note_refusal(self) -> None:
        """Refused, cut off, or not let in: after every third in a row everybody waits a while."""
        self._refusals += 1
        if self._refusals % _BACK_OFF_EVERY == 0:
            self._pace.pause(self._back_off_s)

    def note_answer(self) -> None:
        self._refusals = 0

    def _refuse_to_insist(self) -> None:
        if self._refusals >= MOST_REFUSALS:
            raise NotLetIn(
                f"the server refused or cut off {MOST_REFUSALS} connections in a row, and was"
                " asked nothing more"
            )


class Connector:
    """Opens vetted connections. One per process."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        connections_per_address: int,
        connections_per_second: float,
        back_off_s: float = 2.0,
    ) -> None:
        """``back_off_s`` is how long everybody waits after every third refusal in a row."""
        self.policy = policy
        self._back_off_s = back_off_s
        self._connections = connections_per_address
        self._per_second = connections_per_second
        self._budgets: WeakValueDictionary[Address, Budget] = WeakValueDictionary()
        self._pace: Pace | None = None

    def at(self, pace: Pace) -> Self:
        """The same connector with its budgets, whose connections also keep this pace."""
        paced = copy.copy(self)
        paced._pace = pace  # noqa: SLF001 - a copy of our own class
        return paced

    def budget(self, address: Address) -> Budget:
        """The budget of an address; it lives for as long as somebody holds it."""
        budget = self._budgets.get(address)
        if budget is None:
            budget = Budget(self._connections, self._per_second, self._back_off_s)
            self._budgets[address] = budget
        return budget

    @asynccontextmanager
    async def slot(self, address: Address) -> AsyncGenerator[Budget]:
        """The turn and the place of one more connection to an address. Raises NotLetIn."""
        budget = self.budget(address)
        async with budget.slot():
            if self._pace is not None:
                await self._pace.turn()
            yield budget

    @asynccontextmanager
    async def open(
        self, address: Address, port: int, *, timeout_s: float
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A TCP connection within the address's budget, closed on leaving.

        ``timeout_s`` bounds the handshake alone. Raises AddressRefused, NotLetIn, OSError,
        TimeoutError.
        """
        self.policy.check(address, port)
        async with self.slot(address) as budget:
            try:
                async with asyncio.timeout(timeout_s):
                    reader, writer = await asyncio.open_connection(str(address), port)
            except (ConnectionResetError, ConnectionRefusedError, TimeoutError):
                budget.note_refusal()
                raise
            try:
                self.verify_peer(writer)
                yield reader, writer
                budget.note_answer()
            except ConnectionResetError:
                budget.note_refusal()
                raise
            finally:
                writer.transport.abort()  # a hostile peer may never finish a polite close
                # Given up in the middle of STARTTLS, asyncio never tells that it is closed.
                with suppress(OSError, TimeoutError):
                    async with asyncio.timeout(_CLOSING_S):
                        await writer.wait_closed()

    def verify_peer(self, writer: asyncio.StreamWriter) -> None:
        """The address really connected to is vetted too (DNS rebinding, NAT)."""
        peer = writer.get_extra_info("peername")
        if peer:
            self.policy.check(str(peer[0]).partition("%")[0], int(peer[1]))
