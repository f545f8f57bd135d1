"""Use cases of the audit log: read it, and take it away."""

import csv
import io
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission
from services.audit import queries
from services.audit.models import AuditEntry
from services.audit.queries import AuditFilter
from services.database import Change, Database, Scope, UnitOfWork
from services.keyset import Ordering, Slice, Window, cut
from services.pagination import Page, PageRequest
from services.spreadsheet import guarded
from services.users import queries as user_queries

NEWEST_FIRST = Ordering((AuditEntry.sequence,), is_descending=True)
_CHUNK = 500


class ExportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    """One JSON object per line, as whoever recomputes the hashes needs it."""


@dataclass(frozen=True, slots=True)
class AuditEntryView:
    """An entry, and what its author is called by now; None for nobody, and for who is erased."""

    entry: AuditEntry
    user_name: str | None
    user_email: str | None


async def list_audit_entries(
    session: AsyncSession, actor: Actor, filter_: AuditFilter, page: PageRequest
) -> Page[AuditEntryView]:
    """Newest first. Raises PermissionDenied."""
    actor.require(Permission.AUDIT_READ)
    total = await queries.count_entries(session, actor.organization_id, filter_)
    entries = await queries.list_entries(session, actor.organization_id, filter_, page)
    return Page(await _views(session, entries), total, page)


async def slice_audit_entries(
    session: AsyncSession, actor: Actor, filter_: AuditFilter, window: Window
) -> Slice[AuditEntryView]:
    """Newest first; positions are ``(sequence,)``."""
    actor.require(Permission.AUDIT_READ)
    statement = select(AuditEntry).where(*queries.conditions(actor.organization_id, filter_))
    rows = (await session.scalars(NEWEST_FIRST.window(statement, window))).all()
    return cut(await _views(session, rows), window)


async def count_audit_entries(session: AsyncSession, actor: Actor, filter_: AuditFilter) -> int:
    actor.require(Permission.AUDIT_READ)
    return await queries.count_entries(session, actor.organization_id, filter_)


async def _views(session: AsyncSession, entries: Sequence[AuditEntry]) -> list[AuditEntryView]:
    """One statement names all authors."""
    ids = {entry.user_id for entry in entries if entry.user_id is not None}
    users = {user.id: user for user in await user_queries.find_users(session, ids)}
    return [
        AuditEntryView(entry, user.full_name if user else None, user.email if user else None)
        for entry in entries
        for user in (users.get(entry.user_id) if entry.user_id else None,)
    ]


async def record_export(work: UnitOfWork, actor: Actor, format_: ExportFormat) -> None:
    """Say in the log that the log is taken away. Raises PermissionDenied."""
    actor.require(Permission.AUDIT_READ)
    work.record(actor, "audit_log.exported", Change("audit_log", after={"format": format_.value}))


async def export_audit_log(
    database: Database, actor: Actor, filter_: AuditFilter, format_: ExportFormat
) -> AsyncGenerator[bytes]:
    """All entries the filter matches, oldest first, a few hundred in memory at a time."""
    actor.require(Permission.AUDIT_READ)
    scope = Scope(organization_id=actor.organization_id)
    if format_ is ExportFormat.CSV:
        yield b"\xef\xbb\xbf" + _csv_line(_COLUMNS)
    after = 0
    while True:
        async with database.read(scope) as session:
            entries = await queries.read_chain(
                session, actor.organization_id, filter_, after=after, at_most=_CHUNK
            )
        yield b"".join(_line(entry, format_) for entry in entries)
        if len(entries) < _CHUNK:
            return
        after = entries[-1].sequence


_COLUMNS = tuple(column.name for column in AuditEntry.__table__.columns)


def _line(entry: AuditEntry, format_: ExportFormat) -> bytes:
    values = {name: getattr(entry, name) for name in _COLUMNS}
    values["hash"] = entry.hash.hex()
    if format_ is ExportFormat.JSONL:
        return msgspec.json.encode(values, enc_hook=str) + b"\n"
    return _csv_line([guarded(_cell(value)) for value in values.values()])


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return "" if value is None else str(value)


def _csv_line(cells: Sequence[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue().encode()
