"""Organizations, the tenants, and who belongs to them."""

from services.organizations.models import Membership, Organization
from services.organizations.queries import is_member, organization_name
from services.organizations.service import (
    OrganizationView,
    found_organization,
    get_organization,
    list_organizations,
)

__all__ = [
    "Membership",
    "Organization",
    "OrganizationView",
    "found_organization",
    "get_organization",
    "is_member",
    "list_organizations",
    "organization_name",
]
