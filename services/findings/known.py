"""What is open at a host before it is scanned again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.findings.models import Finding, FindingStatus
from services.scanner.check import Endpoint
from services.scanner.result import Known

_STILL_THERE = (
    FindingStatus.OPEN,
    FindingStatus.ACKNOWLEDGED,
    FindingStatus.IN_PROGRESS,
    FindingStatus.ACCEPTED_RISK,
)
"""Those that the end of a scan may resolve."""


async def find_known(session: AsyncSession, organization_id: UUID, host: str) -> Sequence[Known]:
    """Each check and port of the host once; what has no port is left out."""
    statement = (
        select(Finding.check_id, Finding.port, Finding.protocol)
        .where(
            Finding.organization_id == organization_id,
            Finding.host == host,
            Finding.port.is_not(None),
            Finding.status.in_(_STILL_THERE),
        )
        .distinct()
    )
    rows = await session.execute(statement)
    return [Known(check_id, Endpoint(host, port, protocol)) for check_id, port, protocol in rows]
