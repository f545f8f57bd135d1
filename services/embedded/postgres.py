"""The embedded PostgreSQL: one cluster, one unix socket, passwords, no network."""

import contextlib
import shutil
import signal
import subprocess
import time
from urllib.parse import quote

import psutil

from services.embedded.account import require_passwd_entry
from services.embedded.binaries import PostgresBinaries, postgres_binaries
from services.embedded.data_directory import DataDirectory, Secrets
from services.embedded.errors import EmbeddedError
from services.embedded.supervisor import Child, Report, Supervisor, wait_for_end

OWNER = "nis2_owner"
APPLICATION = "nis2_app"
DATABASE = "nis2"

_STOP_LIMIT_S = 30.0
_LEFTOVER_LIMIT_S = 20.0
# The same order and folding on every machine; the programs are built without ICU.
_LOCALE = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--lc-collate=C",
    "--lc-ctype=C",
)
# Nothing of the caller's environment: a PGPORT or a locale in it must not matter.
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
_UNSAFE_AND_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_PID_LINE, _STATE_LINE = 0, 7


class PostgresServer:
    def __init__(
        self, supervisor: Supervisor, data: DataDirectory, secrets: Secrets, *, durable: bool
    ) -> None:
        self._supervisor = supervisor
        self._data = data
        self._secrets = secrets
        self._durable = durable
        self._child: Child | None = None

    @property
    def is_alive(self) -> bool:
        return self._child is not None and self._child.is_alive

    def url(self, role: str, password: str, database: str) -> str:
        host = quote(str(self._data.sockets))
        return f"postgresql://{role}:{password}@/{database}?host={host}"

    def start(self, report: Report) -> None:
        """Returns when connections are accepted; recovery after a crash takes the time it takes."""
        require_passwd_entry(self._data.account)
        binaries = postgres_binaries(self._data.account, self._data.path, report)
        self._end_leftovers()
        if self._cluster_exists(binaries):
            if self._secrets.are_new:
                self._single_user(binaries, "pg", [self._password_statement()])
        else:
            self._create_cluster(binaries, report)
        began = time.monotonic()
        self._child = self._spawn(binaries)
        self._supervisor.wait_until(self._is_ready_or_dead)
        if not self.is_alive:
            raise EmbeddedError(f"PostgreSQL does not start: {self._data.log_tail('postgres')}")
        report(f"PostgreSQL {binaries.major} is up ({time.monotonic() - began:.1f} s)")

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, a checkpoint is written."""
        if self._child is None:
            return
        self._supervisor.stop(self._child, _STOP_LIMIT_S)
        self._child = None

    def _spawn(self, binaries: PostgresBinaries) -> Child:
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self._data.sockets}",
            "unix_socket_permissions=0700",
            "max_connections=100",
            "shared_buffers=64MB",
            "max_wal_size=256MB",
            "timezone=UTC",
            *(() if self._durable else _UNSAFE_AND_FAST),
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        with self._data.open_log("postgres") as log:
            return self._supervisor.spawn(
                "postgres",
                [str(binaries.postgres), "-D", str(self._data.cluster), *options],
                environment=_ENVIRONMENT,
                output=log,
                stop_signal=signal.SIGINT,
                account=self._data.account,
            )

    def _is_ready_or_dead(self) -> bool:
        if self._child is None or not self._child.is_alive:
            return True
        lines = self._pid_file_lines()
        return (
            len(lines) > _STATE_LINE
            and lines[_PID_LINE].strip() == str(self._child.process.pid)
            and lines[_STATE_LINE].strip() == "ready"
        )

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._data.cluster / "postmaster.pid").read_text().split("\n")
        except OSError:
            return []

    def _cluster_exists(self, binaries: PostgresBinaries) -> bool:
        cluster = self._data.cluster
        if not cluster.exists():
            return False
        try:
            major = (cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError as error:
            raise EmbeddedError(f"{cluster} is not a PostgreSQL cluster; move it away") from error
        except PermissionError as error:
            raise EmbeddedError(f"{cluster} belongs to another user") from error
        if major != binaries.major:
            raise EmbeddedError(
                f"{cluster} was made by PostgreSQL {major}, and this is {binaries.major}; "
                "dump it with the old version and restore"
            )
        self._data.server_directory(cluster)
        return True

    def _create_cluster(self, binaries: PostgresBinaries, report: Report) -> None:
        """In a draft directory, renamed at the end: half a cluster is never taken for one."""
        report("Creating the database cluster (first start, a few seconds)")
        draft = self._data.path / "pg.new"
        if draft.exists():
            shutil.rmtree(draft)
        self._data.server_directory(draft)
        initdb = [str(binaries.initdb), "-D", str(draft), "-U", OWNER, "--auth=trust", *_LOCALE]
        self._run([*initdb, *(() if self._durable else ("--no-sync",))])
        # Trust ends here: the single-user step below needs no authentication.
        (draft / "pg_hba.conf").write_text("local all all scram-sha-256\n")
        statements = [self._password_statement(), f"CREATE DATABASE {DATABASE}"]
        self._single_user(binaries, draft.name, statements)
        draft.replace(self._data.cluster)

    def _password_statement(self) -> str:
        return f"ALTER ROLE {OWNER} PASSWORD '{self._secrets.owner_password}'"

    def _single_user(
        self, binaries: PostgresBinaries, directory: str, statements: list[str]
    ) -> None:
        """Statements go by standard input: no password ever stands in an argument list."""
        path = str(self._data.path / directory)
        fast = [part for value in _UNSAFE_AND_FAST for part in ("-c", value)]
        options = [] if self._durable else fast
        text = "".join(f"{statement};\n" for statement in statements)
        argv = [str(binaries.postgres), "--single", "-D", path, *options, "postgres"]
        said = self._run(argv, text)
        # The exit code is 0 even when a statement failed.
        if "ERROR:" in said:
            raise EmbeddedError(f"PostgreSQL could not be set up: {self._data.log_tail('initdb')}")

    def _run(self, argv: list[str], text: str = "") -> str:
        with self._data.open_log("initdb") as log:
            start = log.tell()
            child = self._supervisor.spawn(
                "initdb",
                argv,
                environment=_ENVIRONMENT,
                output=log,
                account=self._data.account,
                stdin=subprocess.PIPE,
            )
            code = self._supervisor.run(child, text)
        if code != 0:
            raise EmbeddedError(f"PostgreSQL could not be set up: {self._data.log_tail('initdb')}")
        with (self._data.logs / "initdb.log").open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    def _end_leftovers(self) -> None:
        """Make way: no process works in the cluster, and no stale ``postmaster.pid`` is in it.

        A pid that was given to another program would block PostgreSQL for ever (in containers pids
        repeat). But while one old backend lives, that file is what protects the data.
        """
        alive = wait_for_end(self._cluster_processes(), _LEFTOVER_LIMIT_S)
        recorded = (self._pid_file_lines() or [""])[_PID_LINE].strip()
        for process in alive:
            if str(process.pid) == recorded:
                raise EmbeddedError(
                    f"a PostgreSQL server (pid {recorded}) still runs on {self._data.cluster}; "
                    "stop it first"
                )
        for process in alive:  # backends whose server was killed
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        wait_for_end(alive, _LEFTOVER_LIMIT_S)
        (self._data.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _cluster_processes(self) -> list[psutil.Process]:
        """PostgreSQL and all its children work inside the data directory."""
        directory = str(self._data.cluster.resolve())
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.name().startswith("postgres") and process.cwd() == directory:
                    found.append(process)
        return found
