"""The ``nis2`` command. Thin doors: what one opens is imported when it is opened."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from gateway.audit_command import audit
from gateway.documents_command import openapi, schema
from gateway.scan_command import scan

app = typer.Typer(
    name="nis2",
    help="NIS2 exposure scanner and compliance gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_ALREADY_RUNNING = 3


@contextmanager
def _settings_errors() -> Generator[None]:
    """A setting that is missing or wrong ends the command with one line for each."""
    try:
        yield
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            message = problem["msg"].removeprefix("Value error, ")
            _complain(f"NIS2_{name}: {message}" if name else message)
        raise typer.Exit(1) from error


def _complain(text: str) -> None:
    Console(stderr=True).print(f"nis2: {text}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def up(
    host: Annotated[str | None, typer.Option(help="Instead of NIS2_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Instead of NIS2_PORT.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Instead of NIS2_DATA_DIR.")] = None,
) -> None:
    """Start database, Redis, gateway and worker, until Ctrl-C."""
    from gateway.up import Platform, StartSettings  # noqa: PLC0415 - see the module's first line
    from services.embedded import AlreadyRunning, EmbeddedError  # noqa: PLC0415 - as above

    given = {"host": host, "port": port, "data_dir": data_dir}
    with _settings_errors():
        try:
            settings = {name: value for name, value in given.items() if value is not None}
            Platform(StartSettings.model_validate(settings)).run()
        except AlreadyRunning as error:
            _complain(str(error))
            raise typer.Exit(_ALREADY_RUNNING) from error
        except EmbeddedError as error:
            _complain(str(error))
            raise typer.Exit(1) from error


@app.command()
def serve() -> None:
    """Run the gateway alone, on NIS2_DATABASE_URL and NIS2_REDIS_URL."""
    from gateway.__main__ import main  # noqa: PLC0415 - FastAPI is not for every command

    with _settings_errors():
        main()


@app.command()
def worker() -> None:
    """Run a worker alone, on NIS2_DATABASE_URL and NIS2_REDIS_URL."""
    from jobs.__main__ import main  # noqa: PLC0415 - the scanner is not for every command

    with _settings_errors():
        main()


@app.command()
def migrate() -> None:
    """Bring the database up to date and make the application's role."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - not for every command

    from services.migrations.run import migrate as apply_migrations  # noqa: PLC0415 - as above
    from services.settings import Settings  # noqa: PLC0415 - as above

    with _settings_errors():
        # Everything else comes from the environment, as pydantic-settings does it.
        settings = Settings.model_validate({})
    owner_url = settings.migration_database_url or settings.database_url
    try:
        applied = asyncio.run(apply_migrations(owner_url, settings.database_url))
    except (OSError, SQLAlchemyError) as error:
        _complain(f"the database cannot be migrated: {str(error).splitlines()[0]}")
        raise typer.Exit(1) from error
    typer.echo(f"Applied {', '.join(applied)}" if applied else "The database is up to date")


@app.command()
def jobs() -> None:
    """Show what waits, who works and what failed, over all organizations."""
    from gateway.jobs_command import show_jobs  # noqa: PLC0415 - the database is not for all

    with _settings_errors():
        show_jobs()


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write; without one its name is the time.")
    ] = None,
) -> None:
    """Write the whole installation, while it runs, into one file."""
    from gateway.backup_command import back_up_into  # noqa: PLC0415 - not for every command

    back_up_into(file)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="What nis2 backup wrote.")]) -> None:
    """Put a backup into an empty database: NIS2_DATABASE_URL's, else that of nis2 up."""
    from gateway.backup_command import restore_from  # noqa: PLC0415 - as above

    restore_from(file)


@app.command()
def demo() -> None:
    """Fill an organization with invented hosts, scans and findings, to look around in."""
    from gateway.demo_command import fill_demo  # noqa: PLC0415 - as above

    with _settings_errors():
        fill_demo()


@app.command()
def doctor() -> None:
    """Check this installation and say what to mend; exits with 1 when something is broken."""
    from gateway.doctor_command import examine  # noqa: PLC0415 - as above

    examine()


app.add_typer(audit, name="audit")
app.command()(_settings_errors()(scan))
app.command()(openapi)
app.command()(schema)


if __name__ == "__main__":
    app(prog_name="nis2")
