"""``nis2 backup`` and ``nis2 restore``: of the environment's database, or of ``nis2 up``'s."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer

from gateway.installation import data_directory, database_settings
from services.backup import BackupError, back_up, restore
from services.embedded import EmbeddedError, EmbeddedServers


def back_up_into(file: Path | None) -> None:
    """A file named by the time when none is given. Exits with 1 and one line on failure."""
    file = file or Path(f"nis2-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup")
    with _plain_errors():
        owner_url = database_settings().owner_url
        if owner_url is None:
            raise BackupError("nothing runs here and NIS2_DATABASE_URL is not set")
        made = back_up(owner_url, file)
    typer.echo(f"Wrote {made.file} ({made.size_bytes / 1e6:.1f} MB, revision {made.revision})")
    typer.echo("Keep NIS2_SECRET_KEY too, in another place: it is not in the file")


def restore_from(file: Path) -> None:
    """As ``back_up_into``."""
    with _plain_errors(), _target() as (owner_url, application_url):
        revision = restore(owner_url, application_url, file)
    typer.echo(f"Restored {file} (revision {revision}) and brought it up to date")


@contextmanager
def _target() -> Generator[tuple[str, str]]:
    """Owner's and application's address; the embedded server runs for as long as it takes."""
    given = database_settings()
    if given.owner_url is not None and given.database_url is not None:
        yield given.owner_url, given.database_url
        return
    servers = EmbeddedServers(data_directory(), redis=False)
    try:
        servers.start(typer.echo)
        yield servers.owner_database_url, servers.application_database_url
    finally:
        servers.stop()


@contextmanager
def _plain_errors() -> Generator[None]:
    try:
        yield
    except (BackupError, EmbeddedError) as error:
        sys.exit(f"nis2: {error}")
