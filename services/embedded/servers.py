"""Both servers of one data directory, for two callers: ``nis2 up`` and the tests."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from services.embedded.account import server_account
from services.embedded.data_directory import DataDirectory, Secrets, temporary_parent
from services.embedded.errors import EmbeddedError
from services.embedded.postgres import APPLICATION, DATABASE, OWNER, PostgresServer
from services.embedded.redis_server import RedisServer
from services.embedded.supervisor import Report, Supervisor

Started = TypeVar("Started")


class EmbeddedServers:
    """Synchronous, to be used from the main thread; ``start`` may be called again after ``stop``.

    ``durable=False`` is for data that nobody will miss: no fsync, no journal.
    """

    def __init__(
        self, data_dir: Path, *, durable: bool = True, postgres: bool = True, redis: bool = True
    ) -> None:
        self._data = DataDirectory(data_dir, server_account())
        self._durable = durable
        self._with_postgres = postgres
        self._with_redis = redis
        self._secrets: Secrets | None = None
        self._postgres: PostgresServer | None = None
        self._redis: RedisServer | None = None
        self.supervisor = Supervisor(self._data.path)

    @property
    def data(self) -> DataDirectory:
        return self._data

    @property
    def secrets(self) -> Secrets:
        return _started(self._secrets)

    @property
    def owner_database_url(self) -> str:
        return self.owner_url(DATABASE)

    @property
    def application_database_url(self) -> str:
        return self.application_url(DATABASE)

    @property
    def redis_url(self) -> str:
        return _started(self._redis).url

    def owner_url(self, database: str) -> str:
        """The superuser of the cluster, owner of the tables: migrations and tests only."""
        return _started(self._postgres).url(OWNER, self.secrets.owner_password, database)

    def application_url(self, database: str) -> str:
        """The role that ``nis2 migrate`` makes, with the password it is to have."""
        password = self.secrets.application_password
        return _started(self._postgres).url(APPLICATION, password, database)

    def open(self, report: Report) -> None:
        """Take the data directory: lock, secrets, orphans. ``start`` does it if need be.

        Raises AlreadyRunning and EmbeddedError.
        """
        self._data.open()
        try:
            self.supervisor.reap_orphans(report)
            self._secrets = self._data.secrets()
        except BaseException:
            self._data.close()
            raise

    def start(self, report: Report) -> None:
        """Returns when both answer. Raises AlreadyRunning, EmbeddedError, StopRequested."""
        if self._secrets is None:
            self.open(report)
        if self._with_postgres:
            self._postgres = PostgresServer(
                self.supervisor, self._data, self.secrets, durable=self._durable
            )
        if self._with_redis:
            self._redis = RedisServer(self.supervisor, self._data, durable=self._durable)
        try:
            for server in (self._redis, self._postgres):
                if server is not None:
                    server.start(report)
        except BaseException:
            self.stop()
            raise

    def revive(self, report: Report) -> None:
        """Start again what has died; cheap when nothing has."""
        for name, server in (("Redis", self._redis), ("PostgreSQL", self._postgres)):
            if server is not None and not server.is_alive:
                report(f"{name} died; starting it again")
                server.stop()
                server.start(report)

    def stop(self) -> None:
        """Redis, PostgreSQL, then the lock. Does nothing twice."""
        for server in (self._redis, self._postgres):
            if server is not None:
                server.stop()
        self._redis = None
        self._postgres = None
        self._secrets = None
        self._data.close()


@contextmanager
def temporary_servers(report: Report) -> Generator[EmbeddedServers]:
    """Servers in a new temporary directory, gone with everything in it at the end.

    A directory of pytest's own will not do for root: it is closed to the servers' user.
    """
    parent = temporary_parent(server_account())
    directory = Path(tempfile.mkdtemp(prefix="nis2-", dir=parent))
    servers = EmbeddedServers(directory, durable=False)
    try:
        servers.start(report)
        yield servers
    finally:
        servers.stop()
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(servers.data.sockets, ignore_errors=True)


def _started(value: Started | None) -> Started:
    if value is None:
        raise EmbeddedError("the embedded servers are not running")
    return value
