"""Backups: one file in PostgreSQL's own archive format, of a running system, and the way back.

Everything is in PostgreSQL, reports too, and Redis holds nothing that a restart does not make
again: the file and ``NIS2_SECRET_KEY`` are a whole installation. Any ``pg_restore`` reads it.
Blocking, for a command: nothing else runs meanwhile.
"""

import asyncio
import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from services.embedded import postgres_tools
from services.migrations.run import is_known_revision, migrate

_VERSION = re.compile(rb"\(PostgreSQL\) (\d+)")
_REVISION = re.compile(rb"\n(\w+)\n\\\.\n")
# A setting of PostgreSQL 17 that newer tools write for older servers, too.
_TOO_NEW = b"SET transaction_timeout = 0;\n"
_PREAMBLE_LINES = 60


class BackupError(Exception):
    """It could not be done; the message says why and what to do, in a line or two."""


@dataclass(frozen=True, slots=True)
class Backup:
    file: Path
    size_bytes: int
    revision: str


def back_up(owner_url: str, file: Path) -> Backup:
    """Write one consistent snapshot to ``file``, readable by its owner alone.

    Nothing waits for it, and it waits for nothing but a migration. Raises BackupError.
    """
    server = asyncio.run(_Server.ask(owner_url))
    if not server.sees_all_rows:
        raise BackupError(
            f"the role {server.role!r} does not see past row security; as a superuser run"
            f" 'alter role {server.role} bypassrls' or give a superuser's address to"
            " NIS2_MIGRATION_DATABASE_URL"
        )
    if server.revision is None:
        raise BackupError("the database is empty: there is nothing to back up")
    tools = _Tools.for_server(owner_url, server.major)
    draft = file.with_name(f"{file.name}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as output:
            tools.run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", output=output)
            output.flush()
            os.fsync(output.fileno())
        revision = tools.revision_of(draft)  # reads it back: what cannot be read is no backup
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return Backup(file, file.stat().st_size, revision)


def restore(owner_url: str, application_url: str, file: Path) -> str:
    """Put a backup into an empty database and bring it up to date; gives back its revision.

    Empty is also a database that was migrated and never used. All or nothing. Raises BackupError.
    """
    if not file.is_file():
        raise BackupError(f"there is no file {file}")
    server = asyncio.run(_Server.ask(owner_url))
    tools = _Tools.for_server(owner_url, server.major)
    revision = tools.revision_of(file)
    if not is_known_revision(revision):
        raise BackupError(
            f"the backup is of revision {revision}, which this version does not know:"
            " install the version that made it, or a newer one"
        )
    if server.is_used:
        raise BackupError(
            "the database is not empty; restore into a new one, or drop this one yourself"
        )
    if server.others:
        raise BackupError(
            f"{server.others} other sessions are connected: stop gateways and workers first"
        )
    if server.revision is not None:
        asyncio.run(_empty(owner_url))
    tools.load(file)
    try:
        asyncio.run(migrate(_text(owner_url), _text(application_url)))
    except (OSError, SQLAlchemyError) as error:
        raise BackupError(f"restored, but not migrated: {str(error).splitlines()[0]}") from error
    return revision


@dataclass(frozen=True, slots=True)
class _Server:
    """What the owner's connection tells."""

    major: int
    role: str
    sees_all_rows: bool
    revision: str | None
    is_used: bool
    """Somebody has registered: what is there is worth something."""
    others: int
    """Sessions of other roles: gateways and workers."""

    @classmethod
    async def ask(cls, url: str) -> "_Server":
        engine = create_async_engine(_asyncpg(url), poolclass=NullPool)
        try:
            async with engine.connect() as connection:
                return await cls._of(connection)
        except (OSError, SQLAlchemyError) as error:
            reason = getattr(error, "orig", None) or error
            raise BackupError(f"PostgreSQL cannot be reached as the owner: {reason}") from error
        finally:
            await engine.dispose()

    @classmethod
    async def _of(cls, connection: AsyncConnection) -> "_Server":
        row = (await connection.execute(_SERVER)).one()
        revision = None
        is_used = row.tables > 0 and not row.is_ours
        if row.is_ours:
            revision = await connection.scalar(text("select version_num from alembic_version"))
            is_used = bool(await connection.scalar(text("select exists (select from users)")))
        return cls(row.number // 10_000, row.role, row.sees_all_rows, revision, is_used, row.others)


_SERVER = text(
    """
select current_setting('server_version_num')::int as number, current_user as role,
       (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)
         as sees_all_rows,
       (select count(*) from pg_tables where schemaname = 'public') as tables,
       to_regclass('public.alembic_version') is not null as is_ours,
       (select count(*) from pg_stat_activity
         where datname = current_database() and usename <> current_user) as others
    """
)


async def _empty(url: str) -> None:
    engine = create_async_engine(_asyncpg(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("drop schema public cascade"))
            await connection.execute(text("create schema public"))
    except SQLAlchemyError as error:
        raise BackupError(f"the database cannot be emptied: {error}") from error
    finally:
        await engine.dispose()


def _asyncpg(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+asyncpg")


def _text(url: str) -> str:
    return _asyncpg(url).render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class _Tools:
    """PostgreSQL's own programs; the password stands in their environment, never in their lines."""

    directory: Path
    environment: dict[str, str]

    @classmethod
    def for_server(cls, url: str, major: int) -> "_Tools":
        """From the PATH, else the embedded ones; a tool must be as new as the server."""
        environment = _libpq(make_url(url))
        on_path = shutil.which("pg_dump")
        for directory in (Path(on_path).parent if on_path else None, postgres_tools()):
            if directory is not None and _major(directory, environment) >= major:
                return cls(directory, environment)
        raise BackupError(
            f"no pg_dump for PostgreSQL {major} was found: install postgresql-client-{major}"
        )

    def run(self, program: str, *arguments: str, output: IO[bytes] | int) -> bytes:
        """Standard output, when it is piped. Raises BackupError with the program's last words."""
        result = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [str(self.directory / program), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
        if result.returncode != 0:
            raise BackupError(f"{program}: {_last_line(result.stderr)}")
        return result.stdout or b""

    def revision_of(self, file: Path) -> str:
        """Of the schema in a backup. Raises BackupError for a file that is none of ours."""
        table = ("--data-only", "--table=alembic_version", "--file=-", str(file))
        found = _REVISION.search(self.run("pg_restore", *table, output=subprocess.PIPE))
        if found is None:
            raise BackupError(f"{file} is no backup of this platform")
        return found[1].decode()

    def load(self, file: Path) -> None:
        """Run the backup as one transaction."""
        script = [str(self.directory / "pg_restore"), "--no-owner", "--no-privileges", "--file=-"]
        load = [str(self.directory / "psql"), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1"]
        with (
            subprocess.Popen(  # noqa: S603 - as above
                [*script, str(file)], env=self.environment, stdout=subprocess.PIPE
            ) as reader,
            subprocess.Popen(  # noqa: S603 - as above
                load,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            ) as loader,
        ):
            assert reader.stdout is not None  # noqa: S101 - they are pipes
            assert loader.stdin is not None  # noqa: S101 - as above
            with suppress(BrokenPipeError):  # psql says why, below
                _pass_on(reader.stdout, loader.stdin)
            _, said = loader.communicate()
            reader.stdout.close()
        if loader.returncode != 0 or reader.returncode != 0:
            raise BackupError(f"nothing was restored: {_last_line(said)}")


def _pass_on(source: IO[bytes], sink: IO[bytes]) -> None:
    for _ in range(_PREAMBLE_LINES):
        line = source.readline()
        if line != _TOO_NEW:
            sink.write(line)
    shutil.copyfileobj(source, sink)


def _major(directory: Path, environment: dict[str, str]) -> int:
    said = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [str(directory / "pg_dump"), "--version"], env=environment, check=False, capture_output=True
    ).stdout
    found = _VERSION.search(said)
    return int(found[1]) if found else 0


def _libpq(url: URL) -> dict[str, str]:
    """The connection as libpq's variables; nothing else of our own environment."""
    host = url.host or url.query.get("host")
    values = {
        "PGHOST": host,
        "PGPORT": str(url.port or 5432),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("ssl") or url.query.get("sslmode"),
    }
    # /nonexistent: no .pgpass and no .psqlrc of whoever runs it.
    fixed = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C"}
    return fixed | {name: str(value) for name, value in values.items() if value}


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it failed without a word"
