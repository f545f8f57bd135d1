"""What is unresolved at the assets that are watched: the input of the live posture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import Boolean, Select, column, func, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from services.compliance import LiveProblem
from services.findings.models import UNRESOLVED, Finding, FindingStatus
from services.scanner.engine import CATALOGUE

# A finding knows its asset by key alone: assets lie above findings.
_ASSETS = table(
    "assets",
    column("organization_id"),
    column("id"),
    column("is_active", Boolean()),
    column("deleted_at"),
)
Columns = TypeVarTuple("Columns")
_STILL_THERE = (*UNRESOLVED, FindingStatus.ACCEPTED_RISK)
"""An accepted risk is a risk."""


@dataclass(frozen=True, slots=True)
class LiveExposure:
    problems: Sequence[LiveProblem]
    unresolved: int
    accepted_risks: int
    """Counted in the score."""
    false_positives: int
    """Left out of the score."""


async def live_exposure(session: AsyncSession, organization_id: UUID) -> LiveExposure:
    """Of active assets, in two statements; linear in the failing checks, not in the history."""
    problems = await session.execute(
        _of_active_assets(
            select(Finding.check_id, Finding.host, Finding.port, func.min(Finding.severity)),
            organization_id,
        )
        .where(Finding.status.in_(_STILL_THERE))
        .group_by(Finding.check_id, Finding.host, Finding.port)
    )
    counts = await session.execute(
        _of_active_assets(select(Finding.status, func.count()), organization_id).group_by(
            Finding.status
        )
    )
    by_status = dict(counts.all())
    return LiveExposure(
        problems=[
            LiveProblem(CATALOGUE[check_id], host, port, severity)
            for check_id, host, port, severity in problems
            if check_id in CATALOGUE
        ],
        unresolved=sum(by_status.get(status, 0) for status in UNRESOLVED),
        accepted_risks=by_status.get(FindingStatus.ACCEPTED_RISK, 0),
        false_positives=by_status.get(FindingStatus.FALSE_POSITIVE, 0),
    )


def _of_active_assets(statement: "Select[*Columns]", organization_id: UUID) -> "Select[*Columns]":
    return statement.join(
        _ASSETS,
        (_ASSETS.c.organization_id == Finding.organization_id) & (_ASSETS.c.id == Finding.asset_id),
    ).where(
        Finding.organization_id == organization_id,
        ~Finding.is_retired,
        _ASSETS.c.is_active,
        _ASSETS.c.deleted_at.is_(None),
    )
