"""Which installation a command works on: the environment's, else the ``nis2 up`` that runs.

``nis2 up`` leaves the addresses of its servers in its data directory, for as long as it runs and
for its own user alone.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.embedded import default_data_dir, write_private
from services.settings import Settings

_RUNNING = "running.env"
_SHARED = (
    "NIS2_DATABASE_URL",
    "NIS2_MIGRATION_DATABASE_URL",
    "NIS2_REDIS_URL",
    "NIS2_SECRET_KEY",
    "NIS2_HOST",
    "NIS2_PORT",
)


class DatabaseSettings(BaseSettings):
    """The database alone: backup and restore need no secret and no Redis."""

    model_config = SettingsConfigDict(env_prefix="NIS2_", extra="ignore", env_ignore_empty=True)

    data_dir: Path | None = None
    database_url: str | None = None
    migration_database_url: str | None = None

    @property
    def owner_url(self) -> str | None:
        return self.migration_database_url or self.database_url


def data_directory() -> Path:
    """Of ``nis2 up``: ``NIS2_DATA_DIR`` or the default. Raises EmbeddedError without a home."""
    return (DatabaseSettings().data_dir or default_data_dir()).expanduser().absolute()


def installation_settings() -> Settings:
    """The environment, completed by what a running ``nis2 up`` left. Raises ValidationError."""
    return Settings(_env_file=_running_file())  # pyright: ignore[reportCallIssue] - pydantic-settings' own


def database_settings() -> DatabaseSettings:
    """As ``installation_settings``; without a database when none is named and none runs."""
    return DatabaseSettings(_env_file=_running_file())  # pyright: ignore[reportCallIssue] - as above


def _running_file() -> Path | None:
    file = data_directory() / _RUNNING
    return file if file.is_file() else None


def write_running(data_dir: Path, environment: Mapping[str, str]) -> None:
    lines = [f"{name}={environment[name]}\n" for name in _SHARED if name in environment]
    write_private(data_dir / _RUNNING, "".join(lines))


def forget_running(data_dir: Path) -> None:
    (data_dir / _RUNNING).unlink(missing_ok=True)
