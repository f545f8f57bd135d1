"""The embedded Redis: a real server where there is one, else fakeredis with a warning.

Redis holds nothing that PostgreSQL does not hold as well, so a damaged journal is put aside.
"""

import shutil
import socket
import sys
import time
from pathlib import Path

from services.embedded.binaries import redis_binary
from services.embedded.data_directory import DataDirectory
from services.embedded.errors import EmbeddedError
from services.embedded.supervisor import Child, Report, Supervisor

_STOP_LIMIT_S = 10.0
_PING_LIMIT_S = 1.0
_FAKE_START_LIMIT_S = 30.0
_PING = b"*1\r\n$4\r\nPING\r\n"  # fakeredis does not understand the short form
_FAKE = Path(__file__).with_name("fake_redis.py")
# The wheel's 6.2.14 is of 2023 and has published flaws in Lua and pattern matching. Nothing here
# needs scripts, and no client has business with the rest.
_SWITCHED_OFF = ("EVAL", "EVALSHA", "SCRIPT", "CONFIG", "DEBUG", "MODULE")
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


class RedisServer:
    def __init__(self, supervisor: Supervisor, data: DataDirectory, *, durable: bool) -> None:
        self._supervisor = supervisor
        self._data = data
        self._durable = durable
        self._child: Child | None = None
        self._fake_port = 0

    @property
    def is_alive(self) -> bool:
        return self._child is not None and self._child.is_alive

    @property
    def url(self) -> str:
        if self._fake_port:
            return f"redis://127.0.0.1:{self._fake_port}/0"
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return self._data.sockets / "redis.sock"

    def start(self, report: Report) -> None:
        """Returns when the server answers."""
        began = time.monotonic()
        program = redis_binary(self._data.account, self._data.path, report)
        if program is None:
            self._start_fake(report)
        else:
            self._start_real(program, report)
        report(f"Redis is up ({time.monotonic() - began:.1f} s)")

    def stop(self) -> None:
        if self._child is None:
            return
        self._supervisor.stop(self._child, _STOP_LIMIT_S)
        self._child = None

    def _start_real(self, program: Path, report: Report) -> None:
        self._data.server_directory(self._data.redis)
        if self._spawn(program):
            return
        if any(self._data.redis.iterdir()):
            aside = self._data.path / "redis.damaged"
            report(f"Redis refuses its journal; it is put aside as {aside}")
            shutil.rmtree(aside, ignore_errors=True)
            self._data.redis.replace(aside)
            self._data.server_directory(self._data.redis)
            if self._spawn(program):
                return
        raise EmbeddedError(f"Redis does not start: {self._data.log_tail('redis')}")

    def _spawn(self, program: Path) -> bool:
        self._socket.unlink(missing_ok=True)
        options = ["--port", "0", "--dir", str(self._data.redis), "--save", ""]
        options += ["--unixsocket", str(self._socket), "--unixsocketperm", "700"]
        options += ["--appendonly", "yes" if self._durable else "no", "--appendfsync", "everysec"]
        options += ["--maxmemory-policy", "noeviction", "--daemonize", "no"]
        for command in _SWITCHED_OFF:
            options += ["--rename-command", command, ""]
        with self._data.open_log("redis") as log:
            self._child = self._supervisor.spawn(
                "redis",
                [str(program), *options],
                environment=_ENVIRONMENT,
                output=log,
                account=self._data.account,
            )
        return self._wait_for_answer()

    def _start_fake(self, report: Report) -> None:
        report(
            "WARNING: no Redis server for this machine; an in-memory stand-in without persistence "
            "is used. Install redis-server or valkey-server, or set NIS2_REDIS_URL"
        )
        # The same port after a restart: the gateway and the worker know it already.
        self._fake_port = self._fake_port or free_port()
        with self._data.open_log("redis") as log:
            self._child = self._supervisor.spawn(
                "redis",
                [sys.executable, "-P", str(_FAKE), str(self._fake_port)],
                environment=_ENVIRONMENT,
                output=log,
            )
        if not self._wait_for_answer(_FAKE_START_LIMIT_S):
            raise EmbeddedError(f"fakeredis does not start: {self._data.log_tail('redis')}")

    def _wait_for_answer(self, limit_s: float | None = None) -> bool:
        """False when the process died. Loading a long journal takes the time it takes."""
        answers = self._supervisor.wait_until(lambda: not self.is_alive or self._answers(), limit_s)
        return answers and self.is_alive

    def _answers(self) -> bool:
        try:
            with self._connect() as connection:
                connection.settimeout(_PING_LIMIT_S)
                connection.sendall(_PING)
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _connect(self) -> socket.socket:
        if self._fake_port:
            return socket.create_connection(("127.0.0.1", self._fake_port), timeout=_PING_LIMIT_S)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self._socket))
        except OSError:
            connection.close()
            raise
        return connection


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        _, port = probe.getsockname()
    return int(port)
