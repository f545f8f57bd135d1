"""``nis2 up``: one command from nothing to a running platform, and back.

Servers, migration, gateway, worker; then it watches over them until a signal comes. It runs in one
thread without an event loop, because the kernel's death signal belongs to the thread that starts
the children.
"""

import http.client
import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.installation import forget_running, write_running
from gateway.listening import is_listening, probe_host, require_free_port, shown_host
from gateway.programs import Program, ProgramOutput, RunningProgram
from services.embedded import EmbeddedError, EmbeddedServers, StopRequested, default_data_dir
from services.settings import Settings

_ROOT = Path(__file__).resolve().parent.parent
_GATEWAY_STOP_LIMIT_S = 15.0
_WORKER_STOP_LIMIT_S = 30.0
_PULSE_S = 0.1
_PROBE_LIMIT_S = 2.0
_IMPATIENCE_S = 15.0
_CRASHES_BEFORE_READY = 4


class StartSettings(BaseSettings):
    """What is read before the servers, and with them the required settings, exist."""

    model_config = SettingsConfigDict(
        env_prefix="NIS2_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    data_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    database_url: str | None = None
    migration_database_url: str | None = None
    redis_url: str | None = None
    secret_key: SecretStr | None = None
    metrics_port: int | None = Field(default=None, ge=1, le=65_534)


class Platform:
    """Everything of one ``nis2 up``."""

    def __init__(self, settings: StartSettings) -> None:
        self._settings = settings
        self._data_dir = (settings.data_dir or default_data_dir()).expanduser().absolute()
        self._servers = EmbeddedServers(
            self._data_dir,
            postgres=settings.database_url is None,
            redis=settings.redis_url is None,
        )
        self._supervisor = self._servers.supervisor
        self._output = ProgramOutput()
        self._programs: list[RunningProgram] = []
        self._began = time.monotonic()

    def run(self) -> None:
        """Returns after an ordered stop. Raises EmbeddedError and pydantic's ValidationError."""
        with self._stop_on_signals():
            try:
                self._start()
                self._watch()
            except StopRequested:
                pass  # during the start; what stands already is stopped below
            finally:
                self._stop()

    def _start(self) -> None:
        self._servers.open(self._say)
        require_free_port(self._settings.host, self._settings.port)
        self._say(f"Data directory {self._data_dir}")
        self._servers.start(self._say)
        environment = self._environment()
        self._migrate(environment)
        environment.pop("NIS2_MIGRATION_DATABASE_URL", None)  # the owner's key stays here
        self._say("Starting gateway and worker")
        for name, module, limit_s in (
            ("gateway", "gateway", _GATEWAY_STOP_LIMIT_S),
            ("worker", "jobs", _WORKER_STOP_LIMIT_S),
        ):
            program = Program(name, _python("-m", module), dict(environment), limit_s)
            running = RunningProgram(program, self._supervisor, self._servers.data, self._output)
            self._programs.append(running)
            running.start()
            if self._settings.metrics_port is not None:  # the worker's is the next one
                environment["NIS2_METRICS_PORT"] = str(self._settings.metrics_port + 1)

    def _watch(self) -> None:
        gateway = self._programs[0]
        is_announced = False
        impatient_at = time.monotonic() + _IMPATIENCE_S
        while not self._supervisor.stop_requested:
            self._output.pump(_PULSE_S)
            self._servers.revive(self._say)
            for program in self._programs:
                program.keep_running(self._say)
            if is_announced:
                continue
            if gateway.crashes:
                self._explain_crash(gateway)
            answer = self._probe(gateway.pid)
            if answer == "ready":
                self._announce()
                is_announced = True
            elif time.monotonic() > impatient_at:
                self._say(f"Still waiting for the gateway: {answer}")
                impatient_at = time.monotonic() + _IMPATIENCE_S

    def _explain_crash(self, gateway: RunningProgram) -> None:
        if gateway.pid is None:
            require_free_port(self._settings.host, self._settings.port)
        if gateway.crashes >= _CRASHES_BEFORE_READY:
            raise EmbeddedError(
                f"the gateway does not start; see above, or {self._servers.data.logs}/gateway.log"
            )

    def _probe(self, pid: int | None) -> str:
        """``ready``, or why not. Another program's answer on our port does not count."""
        host, port = probe_host(self._settings.host), self._settings.port
        if pid is None or not is_listening(pid, port):
            return "it does not listen yet"
        connection = http.client.HTTPConnection(host, port, timeout=_PROBE_LIMIT_S)
        try:
            connection.request("GET", "/api/v1/health/ready")
            response = connection.getresponse()
            body = response.read(300).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return str(error)
        finally:
            connection.close()
        return "ready" if response.status == http.client.OK else f"{response.status} {body}"

    def _migrate(self, environment: dict[str, str]) -> None:
        """In a process of its own: this one stays small for as long as the platform runs."""
        program = Program("migrate", _python("-m", "gateway.cli", "migrate"), environment, 10.0)
        running = RunningProgram(program, self._supervisor, self._servers.data, self._output)
        running.start()
        try:
            while running.pid is not None:
                if self._supervisor.stop_requested:
                    raise StopRequested
                self._output.pump(_PULSE_S)
        finally:
            code = running.stop()
        if code != 0:
            raise EmbeddedError("the database could not be migrated; see above")

    def _environment(self) -> dict[str, str]:
        """For the children, and checked here: one clear message instead of three crashes."""
        given = self._settings
        servers = self._servers
        database_url = given.database_url or servers.application_database_url
        owner_url = given.migration_database_url
        if given.database_url is None:
            owner_url = servers.owner_database_url
        secret_key = given.secret_key or SecretStr(servers.secrets.secret_key)
        redis_url = given.redis_url or servers.redis_url
        Settings(
            database_url=database_url,
            migration_database_url=owner_url,
            redis_url=redis_url,
            secret_key=secret_key,
            host=given.host,
            port=given.port,
        )
        environment = dict(os.environ)  # noqa: TID251 - the children inherit it
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        path = environment.get("PYTHONPATH")
        environment |= {
            "PYTHONPATH": f"{_ROOT}{os.pathsep}{path}" if path else str(_ROOT),
            "PYTHONUNBUFFERED": "1",
            "NIS2_DATA_DIR": str(self._data_dir),
            "NIS2_HOST": given.host,
            "NIS2_PORT": str(given.port),
            "NIS2_DATABASE_URL": database_url,
            "NIS2_REDIS_URL": redis_url,
            "NIS2_SECRET_KEY": secret_key.get_secret_value(),
        }
        if owner_url is not None:
            environment["NIS2_MIGRATION_DATABASE_URL"] = owner_url
        write_running(self._data_dir, environment)
        return environment

    def _announce(self) -> None:
        base = f"http://{shown_host(self._settings.host)}:{self._settings.port}"
        self._say(f"Ready after {time.monotonic() - self._began:.1f} s. Open next:")
        for label, value in (
            ("REST, try it", f"{base}/docs"),
            ("REST, read it", f"{base}/redoc"),
            ("GraphQL", f"{base}/graphql"),
            ("data and logs", str(self._data_dir)),
            ("stop", f"Ctrl-C, or kill {os.getpid()}"),
        ):
            self._say(f"  {label:<14} {value}")

    def _stop(self) -> None:
        if self._programs or self._supervisor.stop_requested:
            self._say("Stopping: gateway, worker, Redis, PostgreSQL")
        for program in self._programs:
            program.stop()
        forget_running(self._data_dir)
        self._servers.stop()
        if self._programs or self._supervisor.stop_requested:
            self._say("Stopped")

    def _say(self, text: str) -> None:
        self._output.say("nis2", text)

    @contextmanager
    def _stop_on_signals(self) -> Generator[None]:
        def request_stop(_number: int, _frame: object) -> None:
            self._supervisor.stop_requested = True

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, request_stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _python(*arguments: str) -> list[str]:
    # -P: a directory named "jobs" where the user happens to stand is not ours.
    return [sys.executable, "-P", *arguments]
