"""Many TCP handshakes at once over one selector: what the sweep's thread does all day.

Nothing here is safe to call from another thread.
"""

import errno
import heapq
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from services.scanner.address import Address
from services.scanner.net.facts import PortState

_PER_ADDRESS = 128
"""Open handshakes towards one address."""
_STEP = 10
"""Ports started for one address before the next address has its turn."""
_STEP_S = 0.01
"""Pause between two steps of one address: at most 1,000 new connections a second."""
_OUT_OF_SOCKETS_S = 0.05
_SHORTEST_RETRY_S = 0.3

_REFUSED = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
_EXHAUSTED = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN}
)
_UNDER_WAY = frozenset({0, errno.EINPROGRESS})


@dataclass(slots=True, eq=False)
class SweepJob:
    """The ports of one address. After submit, only the sweep's thread touches it until the end."""

    address: Address
    waiting: deque[int]
    timeout_s: float
    on_end: Callable[[], None]
    """Called in the sweep's thread once no socket of the job is left."""
    states: dict[int, PortState] = field(default_factory=dict[int, PortState])
    error: BaseException | None = None
    """A bug of ours that ended the loop."""
    is_cancelled: bool = False
    under_way: "set[_Handshake]" = field(default_factory=set["_Handshake"])
    next_step_s: float = 0.0
    slowest_answer_s: float = 0.0
    is_second_round: bool = False

    def can_start(self, now: float) -> bool:
        return bool(self.waiting) and self.next_step_s <= now and len(self.under_way) < _PER_ADDRESS

    def start_second_round(self) -> bool:
        """Try silent ports once more if the host answers at all: a lost packet is no firewall.

        The time-out follows what the answers took, so a filtered port costs little twice.
        """
        silent = [port for port, state in self.states.items() if state is PortState.SILENT]
        if self.is_second_round or not silent or len(silent) == len(self.states):
            return False
        self.is_second_round = True
        self.timeout_s = min(self.timeout_s, max(_SHORTEST_RETRY_S, 4 * self.slowest_answer_s))
        self.waiting.extend(silent)
        return True


@dataclass(slots=True, eq=False)
class _Handshake:
    job: SweepJob
    port: int
    socket: socket.socket
    started_s: float


class Handshakes:
    """The handshakes of all jobs, at most ``sockets`` at once; two jobs of one address queue."""

    def __init__(self, ear: socket.socket, *, sockets: int) -> None:
        self._ear = ear
        self._sockets = sockets
        self._selector = selectors.DefaultSelector()
        self._selector.register(ear, selectors.EVENT_READ, None)
        self._active: dict[Address, SweepJob] = {}
        self._queued: deque[SweepJob] = deque()
        self._ended: list[SweepJob] = []
        self._deadlines: list[tuple[float, int, _Handshake]] = []
        self._sequence = 0
        self._open = 0
        self._paused_until_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    @property
    def is_idle(self) -> bool:
        return not self._active and not self._queued

    def admit(self, job: SweepJob) -> None:
        # Cancelled before it was seen: its bell may have rung already.
        (self._ended if job.is_cancelled else self._queued).append(job)

    def take_ended(self) -> list[SweepJob]:
        ended, self._ended = self._ended, []
        return ended

    def abandon(self) -> list[SweepJob]:
        """Close everything; the jobs that were not over."""
        jobs = [*self._ended, *self._active.values(), *self._queued]
        for job in self._active.values():
            self._close_all(job)
        self._active.clear()
        self._queued.clear()
        self._ended = []
        return jobs

    def turn(self) -> None:
        """Start what may start, wait for what happens next, note it."""
        self._activate_queued()
        self._start_due()
        self._retire()
        if not self._ended:
            self._collect(self._wait_s())
            self._expire()
            self._retire()

    def _activate_queued(self) -> None:
        for _ in range(len(self._queued)):
            job = self._queued.popleft()
            if job.address in self._active:
                self._queued.append(job)
            else:
                self._active[job.address] = job

    def _start_due(self) -> None:
        now = time.monotonic()
        if now < self._paused_until_s:
            return
        for job in self._active.values():
            if self._open >= self._sockets:
                return
            if not job.is_cancelled and job.can_start(now):
                job.next_step_s = now + _STEP_S
                self._start_step(job)

    def _start_step(self, job: SweepJob) -> None:
        for _ in range(min(_STEP, len(job.waiting), _PER_ADDRESS - len(job.under_way))):
            if self._open >= self._sockets:
                return
            port = job.waiting.popleft()
            code = self._start_handshake(job, port)
            if code in _EXHAUSTED:
                # Our own limit, not the target's answer: wait until sockets are free again.
                job.waiting.appendleft(port)
                self._paused_until_s = time.monotonic() + _OUT_OF_SOCKETS_S
                return
            if code not in _UNDER_WAY:
                job.states[port] = _state_of(code)

    def _start_handshake(self, job: SweepJob, port: int) -> int:
        """0 when it is done or under way, else the error number."""
        try:
            sock = socket.socket(_family(job.address), socket.SOCK_STREAM)
        except OSError as error:
            return error.errno or errno.EMFILE
        sock.settimeout(0)
        handshake = _Handshake(job, port, sock, time.monotonic())
        code = sock.connect_ex((str(job.address), port))
        if code in _UNDER_WAY:
            # A near host has refused by now: no need to trouble the selector.
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            sock.close()
            return code
        self._selector.register(sock, selectors.EVENT_WRITE, handshake)
        job.under_way.add(handshake)
        self._open += 1
        self._sequence += 1
        deadline_s = handshake.started_s + job.timeout_s
        heapq.heappush(self._deadlines, (deadline_s, self._sequence, handshake))
        return 0

    def _wait_s(self) -> float | None:
        """Until something is due; None when only the selector can tell."""
        moments = [self._deadlines[0][0]] if self._deadlines else []
        if self._open < self._sockets:
            moments += [
                max(job.next_step_s, self._paused_until_s)
                for job in self._active.values()
                if job.waiting and len(job.under_way) < _PER_ADDRESS
            ]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _collect(self, wait_s: float | None) -> None:
        for key, _ in self._selector.select(wait_s):
            handshake: _Handshake | None = key.data
            if handshake is None:
                self._ear.recv(4096)
                self._cancel_marked()
            elif handshake in handshake.job.under_way:
                self._finish(handshake)

    def _finish(self, handshake: _Handshake) -> None:
        job, sock = handshake.job, handshake.socket
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        state = _state_of(code) if code else _state_of_connected(sock)
        job.states[handshake.port] = state
        if state in {PortState.OPEN, PortState.CLOSED}:
            took_s = time.monotonic() - handshake.started_s
            job.slowest_answer_s = max(job.slowest_answer_s, took_s)
        self._close(handshake)

    def _expire(self) -> None:
        now = time.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, handshake = heapq.heappop(self._deadlines)
            if handshake in handshake.job.under_way:
                handshake.job.states[handshake.port] = PortState.SILENT
                self._close(handshake)

    def _cancel_marked(self) -> None:
        for job in self._active.values():
            if job.is_cancelled:
                job.waiting.clear()
                self._close_all(job)
        for job in [j for j in self._queued if j.is_cancelled]:
            self._queued.remove(job)
            self._ended.append(job)

    def _retire(self) -> None:
        for job in [j for j in self._active.values() if not j.waiting and not j.under_way]:
            if job.is_cancelled or not job.start_second_round():
                del self._active[job.address]
                self._ended.append(job)
        if not self._open:
            self._deadlines.clear()  # nothing keeps finished jobs alive

    def _close_all(self, job: SweepJob) -> None:
        for handshake in tuple(job.under_way):
            self._close(handshake)

    def _close(self, handshake: _Handshake) -> None:
        handshake.job.under_way.discard(handshake)
        self._selector.unregister(handshake.socket)
        handshake.socket.close()
        self._open -= 1


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4


def _state_of(code: int) -> PortState:
    if code in _REFUSED:
        return PortState.CLOSED
    return PortState.SILENT if code == errno.ETIMEDOUT else PortState.UNREACHABLE


def _state_of_connected(sock: socket.socket) -> PortState:
    try:
        # A closed local port in the ephemeral range can connect to itself (RFC 9293 3.5).
        is_itself = sock.getsockname() == sock.getpeername()
    except OSError:
        return PortState.CLOSED  # it was accepted and reset at once
    return PortState.CLOSED if is_itself else PortState.OPEN
