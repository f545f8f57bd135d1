"""Starts child processes and makes sure that none outlives us.

Children get a signal when we die (Linux); what is left over all the same, the next start finds by
pid and start time in ``children.json``. Waiting is polling, so that a request to stop is noticed
everywhere and no code runs inside a signal handler.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import psutil

from services.embedded.account import Account
from services.embedded.data_directory import write_private
from services.embedded.errors import EmbeddedError, StopRequested

Report = Callable[[str], None]
Output = IO[bytes] | int

_LAUNCH = Path(__file__).with_name("launch.py")
_ORPHAN_LIMIT_S = 20.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None


class Supervisor:
    """The children of one data directory. Used from the main thread only.

    The kernel ties the death signal to the thread that made the child, not to the process.
    """

    def __init__(self, data_dir: Path) -> None:
        self.stop_requested = False
        """Set it (from a signal handler, say): every wait ends with StopRequested."""
        self._record = data_dir / "children.json"
        self._children: dict[str, Child] = {}

    def spawn(  # noqa: PLR0913 - one process has this many properties
        self,
        name: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: Output,
        stop_signal: signal.Signals = signal.SIGTERM,
        account: Account | None = None,
        stdin: int = subprocess.DEVNULL,
        cwd: str | None = "/",
    ) -> Child:
        """Start a program in a session of its own, so that Ctrl-C reaches only us."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("children must be started from the main thread")
        uid, gid = (account.uid, account.gid) if account and account.drops_root else (-1, -1)
        launcher = [sys.executable, "-I", "-S", str(_LAUNCH)]
        identity = [str(value) for value in (os.getpid(), int(stop_signal), uid, gid)]
        process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            [*launcher, *identity, *argv],
            env=dict(environment),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            start_new_session=True,
        )
        child = Child(name, process, stop_signal)
        self._children[name] = child
        self._remember()
        return child

    def run(self, child: Child, text: str = "") -> int:
        """Feed a short text to a child, wait for its end; the exit code."""
        if child.process.stdin is not None:
            try:
                child.process.stdin.write(text.encode())
                child.process.stdin.close()
            except BrokenPipeError:
                pass  # it died early; the exit code says so
        try:
            self.wait_until(lambda: not child.is_alive)
        except BaseException:
            child.process.kill()
            raise
        finally:
            code = child.process.wait()
            self._forget(child)
        return code

    def wait_until(self, condition: Callable[[], bool], limit_s: float | None = None) -> bool:
        """False when the time is up. Raises StopRequested."""
        end = None if limit_s is None else time.monotonic() + limit_s
        while not condition():
            if self.stop_requested:
                raise StopRequested
            if end is not None and time.monotonic() > end:
                return False
            time.sleep(_POLL_S)
        return True

    def stop(self, child: Child, limit_s: float, tick: Callable[[], None] | None = None) -> None:
        """Ask, wait, then kill. ``tick`` runs meanwhile: a full pipe would block the child."""
        if child.is_alive:
            child.process.send_signal(child.stop_signal)
        end = time.monotonic() + limit_s
        while child.is_alive and time.monotonic() < end:
            if tick is not None:
                tick()
            time.sleep(_POLL_S)
        if child.is_alive:
            child.process.kill()
            child.process.wait()
        self._forget(child)

    def reap_orphans(self, report: Report) -> None:
        """End what an earlier instance left behind, and nothing else."""
        orphans = self._orphans()
        for name, process, stop_signal in orphans:
            report(f"Ending {name} (pid {process.pid}), left over from an earlier run")
            _signal_quietly(process, stop_signal)
        processes = [process for _, process, _ in orphans]
        # Still within the kernel's death signal, or the one we sent.
        alive = wait_for_end(processes, _ORPHAN_LIMIT_S)
        for process in alive:
            _signal_quietly(process, signal.SIGKILL)
        wait_for_end(alive, _ORPHAN_LIMIT_S)
        self._record.unlink(missing_ok=True)

    def _orphans(self) -> list[tuple[str, psutil.Process, signal.Signals]]:
        try:
            record = msgspec.json.decode(
                self._record.read_bytes(), type=dict[str, tuple[int, float, int]]
            )
        except (OSError, msgspec.DecodeError):
            return []
        found: list[tuple[str, psutil.Process, signal.Signals]] = []
        for name, (pid, created, stop_signal) in record.items():
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - created) < 1 and not _has_ended(process):
                    found.append((name, process, signal.Signals(stop_signal)))
            except (psutil.Error, ValueError):
                continue
        return found

    def _forget(self, child: Child) -> None:
        if self._children.get(child.name) is child:
            del self._children[child.name]
            self._remember()

    def _remember(self) -> None:
        record: dict[str, tuple[int, float, int]] = {}
        for child in self._children.values():
            try:
                created = psutil.Process(child.process.pid).create_time()
            except psutil.NoSuchProcess:
                continue
            record[child.name] = (child.process.pid, created, int(child.stop_signal))
        try:
            write_private(self._record, msgspec.json.encode(record).decode())
        except OSError as error:
            raise EmbeddedError(f"cannot write {self._record}: {error.strerror}") from error


def wait_for_end(processes: Sequence[psutil.Process], limit_s: float) -> list[psutil.Process]:
    """Those that still live when the time is up.

    They are nobody's children any more: in a container whose first process collects no dead ones,
    they stay as zombies for ever, and that is ended enough.
    """
    end = time.monotonic() + limit_s
    alive = [process for process in processes if not _has_ended(process)]
    while alive and time.monotonic() < end:
        time.sleep(_POLL_S)
        alive = [process for process in alive if not _has_ended(process)]
    return alive


def _has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _signal_quietly(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise EmbeddedError(
            f"pid {process.pid} of an earlier run belongs to another user"
        ) from error
