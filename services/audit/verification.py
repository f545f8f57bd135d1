"""Recomputes every chain. ``nis2 audit verify`` shows what comes out.

A chain alone cannot show that its end was cut off. The heads of an earlier run can: keep them
somewhere the database's owner cannot write.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from uuid import UUID

from services.audit import queries
from services.audit.chain import GENESIS, hash_of
from services.audit.models import AuditEntry
from services.audit.queries import AuditFilter
from services.database import Database, Scope

_CHUNK = 1000
_COLUMNS = tuple(column.name for column in AuditEntry.__table__.columns)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Number and hash (hexadecimal) of an entry: with it, all before it are known."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one chain turned out to be."""

    organization_id: UUID
    head: ChainHead
    """Of the part that is whole."""
    problem: str | None = None
    """What is wrong behind the head; None for a chain that is whole."""


async def verify_chains(
    database: Database, known: Mapping[UUID, ChainHead]
) -> AsyncGenerator[Verdict]:
    """Every chain there is, and every one of ``known``, the heads of an earlier run."""
    async with database.read(Scope(is_sweep=True)) as session:
        present = await queries.list_chains(session)
    for organization_id in sorted({*present, *known}):
        yield await _verify(database, organization_id, known.get(organization_id))


async def _verify(database: Database, organization_id: UUID, known: ChainHead | None) -> Verdict:
    sequence, digest = 0, GENESIS
    problem = None
    while problem is None:
        async with database.read(Scope(organization_id=organization_id)) as session:
            entries = await queries.read_chain(
                session, organization_id, AuditFilter(), after=sequence, at_most=_CHUNK
            )
        for entry in entries:
            problem = _problem(entry, sequence, digest, known)
            if problem is not None:
                break
            sequence, digest = entry.sequence, entry.hash
        if len(entries) < _CHUNK:
            break
    if problem is None and known is not None and sequence < known.sequence:
        problem = f"the log ends at entry {sequence}, and entry {known.sequence} was there before"
    return Verdict(organization_id, ChainHead(sequence, digest.hex()), problem)


def _problem(
    entry: AuditEntry, sequence: int, digest: bytes, known: ChainHead | None
) -> str | None:
    if entry.sequence != sequence + 1:
        return f"entries {sequence + 1} to {entry.sequence - 1} are missing"
    if entry.hash != hash_of(digest, {name: getattr(entry, name) for name in _COLUMNS}):
        return f"entry {entry.sequence} ({entry.id}) was changed, or what stood before it"
    if known and entry.sequence == known.sequence and entry.hash.hex() != known.hash:
        return f"entry {entry.sequence} is not the one that was there before"
    return None
