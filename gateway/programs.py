"""The gateway and the worker as child processes of ``nis2 up``: output, restarts, order of end."""

import os
import selectors
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from subprocess import PIPE
from typing import IO

from services.embedded import Child, DataDirectory, Report, Supervisor

_LINE_LIMIT_BYTES = 65_536
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STABLE_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    stop_limit_s: float
    """How long it may take to end by itself after SIGTERM."""


@dataclass(slots=True)
class _Stream:
    name: str
    pipe: IO[bytes]
    log: IO[bytes]
    pending: bytearray


class ProgramOutput:
    """Sends what the programs print to the terminal, each line with a name, and to their logs."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._streams: dict[str, _Stream] = {}

    def attach(self, name: str, pipe: IO[bytes], log: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        stream = _Stream(name, pipe, log, bytearray())
        self._streams[name] = stream
        self._selector.register(pipe, selectors.EVENT_READ, stream)

    def finish(self, name: str) -> None:
        """Forward the last words of a program that ended, and let go of its pipe."""
        stream = self._streams.get(name)
        while stream is not None and self._forward(stream):
            pass
        self._close(stream)

    def pump(self, limit_s: float) -> None:
        """Forward what there is, or wait for it for a while."""
        if not self._streams:
            time.sleep(limit_s)
            return
        for key, _ in self._selector.select(limit_s):
            self._forward(key.data)

    def _forward(self, stream: _Stream) -> bool:
        """True when there may be more."""
        try:
            block = os.read(stream.pipe.fileno(), _LINE_LIMIT_BYTES)
        except BlockingIOError:
            return False
        stream.pending.extend(block)
        while (length := _line_length(stream.pending, at_end=not block)) > 0:
            self._show(stream, bytes(stream.pending[:length]).rstrip(b"\n"))
            del stream.pending[:length]
        if not block:
            self._close(stream)
        return bool(block)

    def _close(self, stream: _Stream | None) -> None:
        if stream is None or self._streams.pop(stream.name, None) is None:
            return
        if stream.pending:
            self._show(stream, bytes(stream.pending))
        self._selector.unregister(stream.pipe)
        stream.pipe.close()
        stream.log.close()

    def say(self, name: str, text: str) -> None:
        """One of our own lines, in the same column as the programs' lines."""
        try:
            sys.stdout.write(f"{name:>7} | {text}\n")
            sys.stdout.flush()
        except OSError:
            # The reader of our output went away (a closed pipe). The servers go on; the logs stay.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)

    def _show(self, stream: _Stream, line: bytes) -> None:
        stream.log.write(line + b"\n")
        self.say(stream.name, line.decode(errors="replace"))


def _line_length(pending: bytearray, *, at_end: bool) -> int:
    """Of the first whole line with its end; 0 when there is none yet."""
    newline = pending.find(b"\n")
    if newline >= 0:
        return newline + 1
    return len(pending) if at_end or len(pending) > _LINE_LIMIT_BYTES else 0


class RunningProgram:
    """Keeps one program running: a crash is answered with a pause that doubles, then a restart."""

    def __init__(
        self, program: Program, supervisor: Supervisor, data: DataDirectory, output: ProgramOutput
    ) -> None:
        self.program = program
        self.crashes = 0
        """Since it last ran for a minute."""
        self._supervisor = supervisor
        self._data = data
        self._output = output
        self._child: Child | None = None
        self._began = 0.0
        self._due = 0.0

    @property
    def pid(self) -> int | None:
        """None while it is not running."""
        return self._child.process.pid if self._child and self._child.is_alive else None

    def start(self) -> None:
        self._began = time.monotonic()
        self._child = self._supervisor.spawn(
            self.program.name,
            self.program.argv,
            environment=self.program.environment,
            output=PIPE,
            cwd=None,
        )
        if self._child.process.stdout is not None:
            log = self._data.open_log(self.program.name)
            self._output.attach(self.program.name, self._child.process.stdout, log)

    def keep_running(self, report: Report) -> None:
        """Cheap while it lives. After its end: plan a restart, later restart."""
        now = time.monotonic()
        if self._child is None:
            if self._due and now >= self._due:
                self.start()
            return
        if self._child.is_alive:
            return
        code = self._end()
        self.crashes = 1 if now - self._began > _STABLE_AFTER_S else self.crashes + 1
        pause_s = min(_FIRST_PAUSE_S * 2 ** (self.crashes - 1), _LONGEST_PAUSE_S)
        self._due = now + pause_s
        report(f"{self.program.name} ended with {_describe(code)}; restarting in {pause_s:g} s")

    def stop(self) -> int:
        """The exit code; 0 when it was not running."""
        self._due = 0.0
        return self._end()

    def _end(self) -> int:
        if self._child is None:
            return 0
        self._supervisor.stop(
            self._child, self.program.stop_limit_s, tick=lambda: self._output.pump(0)
        )
        self._output.finish(self.program.name)
        code = self._child.process.returncode
        self._child = None
        return code


def _describe(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
