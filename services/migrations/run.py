"""Brings a database to the newest revision and makes the application's role.

The owner of the tables migrates; the application connects as a role that owns nothing and cannot
pass row security.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

_LOCK_KEY = 0x4E495332  # "NIS2": two migrations at once would trip over each other


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str | None:
    """The newest revision this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_known_revision(revision: str) -> bool:
    """Whether this code can go on from a database at that revision."""
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return any(step.revision == revision for step in known)


def current_revision(connection: Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


async def migrate(owner_url: str, application_url: str | None) -> list[str]:
    """Apply what is missing; gives back the revisions applied, oldest first. Idempotent.

    With ``application_url`` of another role, that role is made (or its password renewed) and
    given its rights. Raises OSError or SQLAlchemyError when the database cannot be reached.
    """
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
            await connection.commit()
            applied = await connection.run_sync(_upgrade)
            await connection.commit()
            if application_url is not None:
                await _grant(connection, owner_url, application_url)
                await connection.commit()
    finally:
        await engine.dispose()
    return applied


def _upgrade(connection: Connection) -> list[str]:
    before = current_revision(connection)
    connection.rollback()  # reading the revision began a transaction; each run has its own
    script = ScriptDirectory.from_config(_config())
    if before == script.get_current_head():
        return []  # and the models are not imported: a warm start has no use for them
    applied = [step.revision for step in script.walk_revisions(before or "base", "head")]
    command.upgrade(_config(connection), "head")
    return [revision for revision in reversed(applied) if revision != before]


async def _grant(connection: AsyncConnection, owner_url: str, application_url: str) -> None:
    """Make the application's role and give it the four verbs on every table."""
    application, owner = make_url(application_url), make_url(owner_url)
    role = application.username
    if role is None or role == owner.username:
        return
    exists = await connection.scalar(
        text("select 1 from pg_roles where rolname = :role"), {"role": role}
    )
    verb = "alter" if exists else "create"
    statement = await connection.scalar(
        text(
            "select format(cast(:template as text), cast(:role as text), cast(:password as text))"
        ),
        {
            "template": f"{verb} role %I login nosuperuser nocreatedb nocreaterole password %L",
            "role": role,
            "password": application.password,
        },
    )
    await connection.exec_driver_sql(str(statement))
    quoted = await connection.scalar(text("select quote_ident(:role)"), {"role": role})
    for grant in (
        "usage on schema public",
        "select, insert, update, delete on all tables in schema public",
    ):
        await connection.exec_driver_sql(f"grant {grant} to {quoted}")
    for revoked in (
        "insert, update, delete on alembic_version",
        "update, delete on audit_entries",  # append-only
    ):
        await connection.exec_driver_sql(f"revoke {revoked} from {quoted}")
