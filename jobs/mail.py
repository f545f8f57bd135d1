"""Jobs of mail. The token of a letter is made here, while it is sent."""

from uuid import UUID

from jobs.context import Ctx, JobContext
from services import auth, organizations
from services.mail import PostOffice


async def send_invitation(ctx: Ctx, organization_id: str, invitation_id: str) -> None:
    """Mail one invitation."""
    resources = JobContext.of(ctx).resources
    if post := PostOffice.of(resources.settings):
        await organizations.send_invitation(
            resources.database, post, UUID(organization_id), UUID(invitation_id)
        )


async def send_password_reset(ctx: Ctx, _organization_id: str, reset_id: str) -> None:
    """Mail one link for a new password."""
    resources = JobContext.of(ctx).resources
    if post := PostOffice.of(resources.settings):
        await auth.send_password_reset(resources.database, post, UUID(reset_id))
