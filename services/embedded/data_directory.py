"""The directory that holds everything ``make up`` keeps: clusters, journal, sockets, secrets, logs.

One instance at a time: opening it takes a lock that ends with the process.
"""

import fcntl
import hashlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from services.embedded.account import Account
from services.embedded.errors import AlreadyRunning, EmbeddedError

# sun_path holds 104 bytes on the smallest platform; PostgreSQL appends a lock file's name.
_SOCKET_NAME = "/.s.PGSQL.5432.lock"
_SOCKET_PATH_LIMIT = 100
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")
_LOG_LIMIT_BYTES = 5_000_000


class _SecretsFile(msgspec.Struct):
    secret_key: str
    owner_password: str
    application_password: str


@dataclass(frozen=True, slots=True)
class Secrets:
    secret_key: str
    owner_password: str
    application_password: str
    are_new: bool
    """Made just now: a cluster that is already there still has other passwords."""


def default_data_dir() -> Path:
    """``~/.local/share/nis2``, ``/var/lib/nis2`` for root."""
    if os.geteuid() == 0:
        return Path("/var/lib/nis2")
    try:
        return Path.home() / ".local/share/nis2"
    except RuntimeError as error:
        raise EmbeddedError("this user has no home directory; set NIS2_DATA_DIR") from error


@contextmanager
def _plain_errors(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedError(
            f"data directory {path}: {error.strerror or error}; "
            "set NIS2_DATA_DIR to a directory you may write to"
        ) from error


class DataDirectory:
    """Locked from ``open`` until ``close`` or the end of the process.

    Root's own directory is open to pass through (0711), because the servers run as another user;
    what is secret in it is closed by itself. An ordinary user's is 0700.
    """

    def __init__(self, path: Path, account: Account) -> None:
        self.path = path.expanduser().absolute()
        self.account = account
        self.cluster = self.path / "pg"
        self.redis = self.path / "redis"
        self.logs = self.path / "logs"
        self.sockets = self.path / "run"
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Raises AlreadyRunning, or EmbeddedError when the directory cannot be used."""
        with _plain_errors(self.path):
            self._check_reachable()  # before anything is made below a closed directory
            self._create()
            self._lock = self._take_lock()
        try:
            with _plain_errors(self.path):
                self.logs.mkdir(mode=0o700, exist_ok=True)
                self.sockets = self._socket_directory()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def server_directory(self, path: Path) -> None:
        """Make a 0700 directory that belongs to the servers' user."""
        with _plain_errors(self.path):
            path.mkdir(mode=0o700, exist_ok=True)
            status = path.lstat()
            if status.st_uid not in {self.account.uid, os.geteuid()}:
                raise EmbeddedError(
                    f"{path} belongs to user id {status.st_uid}, and the servers run as "
                    f"{self.account.uid}; start as the same user as before"
                )
            if status.st_uid != self.account.uid:
                self.account.own(path)

    def open_log(self, name: str) -> IO[bytes]:
        """For appending; what has grown too long is put aside first, one generation."""
        path = self.logs / f"{name}.log"
        with _plain_errors(self.path):
            if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
                path.replace(path.with_suffix(".log.1"))
            return path.open("ab", buffering=0)

    def log_tail(self, name: str) -> str:
        """The last words of a server, for an error message."""
        with _plain_errors(self.path), (self.logs / f"{name}.log").open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 600))
            lines = log.read().decode(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:])

    def secrets(self) -> Secrets:
        """Read, or generated once; mode 0600."""
        path = self.path / "secrets.json"
        with _plain_errors(self.path):
            try:
                if stat.S_IMODE(path.stat().st_mode) & 0o077:
                    path.chmod(0o600)
                kept = msgspec.json.decode(path.read_bytes(), type=_SecretsFile)
            except FileNotFoundError:
                kept = _SecretsFile(*(secrets.token_urlsafe(32) for _ in range(3)))
                write_private(path, msgspec.json.encode(kept).decode())
                return Secrets(**msgspec.structs.asdict(kept), are_new=True)
            except msgspec.DecodeError as error:
                raise EmbeddedError(f"{path} is damaged ({error}); restore or remove it") from error
        return Secrets(**msgspec.structs.asdict(kept), are_new=False)

    def _create(self) -> None:
        mode = 0o711 if self.account.drops_root else 0o700
        if not self.path.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(mode)  # whatever the umask says
        elif self.account.drops_root:
            # A directory of ours, made with a closed umask or by mktemp; never one above it.
            status = self.path.stat()
            if status.st_uid == 0 and not status.st_mode & stat.S_IXOTH:
                self.path.chmod(stat.S_IMODE(status.st_mode) | 0o011)

    def _take_lock(self) -> IO[str]:
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            pid = lock.read().strip()
            lock.close()
            raise AlreadyRunning(pid) from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        return lock

    def _check_reachable(self) -> None:
        above = next(path for path in self.path.parents if path.exists())
        closed = self.account.first_closed(above)
        if closed is not None:
            raise EmbeddedError(
                f"data directory {self.path}: the servers run as user nobody, who may not enter "
                f"{closed}; set NIS2_DATA_DIR to a directory outside of it"
            )

    def _socket_directory(self) -> Path:
        """Ours if its path is short and plain enough for a socket address, else a private one."""
        name = f"nis2-{self.account.uid}-{hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]}"
        parents = [Path(f"/run/user/{self.account.uid}"), *_temporary_parents(self.account)]
        for directory in (self.path / "run", *(parent / name for parent in parents)):
            address = f"{directory}{_SOCKET_NAME}"
            if not _PLAIN_PATH.fullmatch(address) or len(address) > _SOCKET_PATH_LIMIT:
                continue
            if not os.access(directory.parent, os.W_OK | os.X_OK):
                continue
            self._private_socket_directory(directory)
            return directory
        raise EmbeddedError("found no directory with a short enough path for the servers' sockets")

    def _private_socket_directory(self, directory: Path) -> None:
        self.server_directory(directory)
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != self.account.uid:
            raise EmbeddedError(f"{directory} is not a directory of ours; remove it")
        directory.chmod(0o700)
        for leftover in directory.iterdir():
            # Under our lock nobody listens here; a stale lock file whose pid lives again would
            # keep PostgreSQL from starting.
            leftover.unlink()


def _temporary_parents(account: Account) -> list[Path]:
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - 0700 inside
    return [path for path in candidates if path.is_dir() and account.can_use(path)]


def temporary_parent(account: Account) -> Path:
    """A temporary directory that the servers' user can pass through."""
    parents = _temporary_parents(account)
    if not parents:
        raise EmbeddedError("there is no temporary directory that the servers' user may enter")
    return parents[0]


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
