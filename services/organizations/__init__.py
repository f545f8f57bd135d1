"""Organizations, the tenants, and who belongs to them."""

from services.organizations.branding import report_branding
from services.organizations.invitation_mail import (
    SEND_INVITATION,
    send_invitation,
    sweep_invitations,
)
from services.organizations.invitations import (
    InvitationTerms,
    Invited,
    Offer,
    accept_invitation,
    invite_member,
    list_offers,
    resend_invitation,
)
from services.organizations.members import (
    MemberStatus,
    MemberView,
    change_member_role,
    end_membership,
    list_members,
)
from services.organizations.models import Invitation, Membership, Organization
from services.organizations.queries import is_member, organization_name, read_settings
from services.organizations.service import (
    OrganizationView,
    found_organization,
    get_actor,
    get_organization,
    list_organizations,
    update_organization,
)
from services.organizations.settings import OrganizationSettings

__all__ = [
    "SEND_INVITATION",
    "Invitation",
    "InvitationTerms",
    "Invited",
    "MemberStatus",
    "MemberView",
    "Membership",
    "Offer",
    "Organization",
    "OrganizationSettings",
    "OrganizationView",
    "accept_invitation",
    "change_member_role",
    "end_membership",
    "found_organization",
    "get_actor",
    "get_organization",
    "invite_member",
    "is_member",
    "list_members",
    "list_offers",
    "list_organizations",
    "organization_name",
    "read_settings",
    "report_branding",
    "resend_invitation",
    "send_invitation",
    "sweep_invitations",
    "update_organization",
]
