"""What an organization has decided about the life of its findings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations
from services.scanner.check import Severity

DEFAULT_DAYS: Mapping[Severity, int] = {
    Severity.CRITICAL: 7,
    Severity.HIGH: 30,
    Severity.MEDIUM: 90,
    Severity.LOW: 180,
}
"""Days to resolve a finding where the organization says nothing: ours, not the law's."""
SEVERE = (Severity.CRITICAL, Severity.HIGH)
"""ENISA's guidance advises against accepting these."""


@dataclass(frozen=True, slots=True)
class LifeRules:
    days: Mapping[Severity, int]
    """To resolve a finding, by severity; what is not in it has no due date."""
    requires_justification: bool
    """An accepted risk without a note is refused; otherwise it is only marked."""
    needs_admin_for_severe: bool
    """Only an admin accepts the risk of a critical or high finding."""

    def due_at(self, severity: Severity, since: datetime) -> datetime | None:
        """None: there is no hurry."""
        days = self.days.get(severity)
        return None if days is None else since + timedelta(days=days)


async def read_rules(session: AsyncSession, organization_id: UUID) -> LifeRules:
    settings = await organizations.read_settings(session, organization_id)
    own = settings.sla_days.model_dump(exclude_none=True) if settings.sla_days else {}
    return LifeRules(
        days={**DEFAULT_DAYS, **{Severity(name): days for name, days in own.items()}},
        requires_justification=bool(settings.require_justification),
        needs_admin_for_severe=bool(settings.four_eyes_acceptance),
    )
