"""The hash chain: each entry's hash covers the one before it.

So no entry can be changed, removed or put in between without every later hash being wrong.
The hash is SHA-256 over the hash of the entry before (32 zero bytes for the first) followed by the
entry as canonical JSON: keys sorted, no blanks, times in ISO 8601 UTC with microseconds.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from uuid import UUID

import msgspec
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.models import AuditEntry
from services.audit.queries import find_head
from services.database import Origin, UnitOfWork, utcnow
from services.database.recording import Record
from services.identifiers import uuid7

PLATFORM = UUID(int=0)
"""The chain of what belongs to no organization: attempts on accounts that do not exist."""
GENESIS = bytes(32)

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('nis2 audit ' || :chain, 0))")
_COVERED = tuple(column.name for column in AuditEntry.__table__.columns if column.name != "hash")


async def append_entries(work: UnitOfWork) -> None:
    """Write what the transaction recorded; nothing may follow but the commit.

    Appending to one chain happens one transaction after the other. The lock is the last one a
    transaction takes, and chains are locked in order: nobody waits in a circle.
    """
    await work.session.flush()
    chains: defaultdict[UUID, list[Record]] = defaultdict(list)
    for record in work.records:
        chains[record.author.organization_id or PLATFORM].append(record)
    for organization_id in sorted(chains):
        if work.scope.organization_id != organization_id:
            await work.enter(replace(work.scope, organization_id=organization_id))
        await _append(work.session, organization_id, work.origin, chains[organization_id])


async def _append(
    session: AsyncSession, organization_id: UUID, origin: Origin, records: Sequence[Record]
) -> None:
    await session.execute(_LOCK, {"chain": str(organization_id)})
    sequence, digest = await find_head(session, organization_id) or (0, GENESIS)
    rows: list[dict[str, object]] = []
    for number, record in enumerate(records, sequence + 1):
        row: dict[str, object] = {
            "id": uuid7(),
            "organization_id": organization_id,
            "sequence": number,
            "at": utcnow(),
            "user_id": record.author.user_id,
            "api_key_id": record.author.api_key_id,
            "action": record.action,
            "subject_type": record.change.kind,
            "subject_id": record.change.id,
            "before": record.change.before,
            "after": record.change.after,
            "request_id": origin.request_id,
            "address": origin.address,
        }
        digest = hash_of(digest, row)
        rows.append({**row, "hash": digest})
    await session.execute(insert(AuditEntry), rows)


def hash_of(previous: bytes, row: dict[str, object]) -> bytes:
    """The hash of an entry's row that follows an entry with the hash ``previous``."""
    content = {name: row[name] for name in _COVERED}
    at = content["at"]
    content["at"] = at.astimezone(UTC).isoformat(timespec="microseconds")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - a datetime
    canonical = msgspec.json.encode(content, order="sorted", enc_hook=str)
    return hashlib.sha256(previous + canonical).digest()
