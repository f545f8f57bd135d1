"""How an organization's reports look."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.organizations.models import Organization
from services.organizations.settings import OrganizationSettings
from services.rendering.document import Branding


async def report_branding(session: AsyncSession, organization_id: UUID) -> Branding:
    """What the organization has set; ours for the rest."""
    statement = select(Organization.settings).where(Organization.id == organization_id)
    settings = OrganizationSettings.model_validate(await session.scalar(statement) or {})
    chosen = settings.branding
    if chosen is None:
        return Branding()
    return Branding(
        primary_color=chosen.primary_color,
        accent_color=chosen.accent_color,
        footer=chosen.footer,
        classification=chosen.classification,
    )
