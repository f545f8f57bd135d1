"""Imports every models module: the whole metadata, for migrations and tests."""

from services.api_keys import models as api_keys
from services.assets import models as assets
from services.attestations import models as attestations
from services.audit import models as audit
from services.database import Base
from services.findings import models as findings
from services.idempotency import models as idempotency
from services.organizations import models as organizations
from services.reports import models as reports
from services.scans import models as scans
from services.schedules import models as schedules
from services.users import models as users

METADATA = Base.metadata

__all__ = [
    "METADATA",
    "api_keys",
    "assets",
    "attestations",
    "audit",
    "findings",
    "idempotency",
    "organizations",
    "reports",
    "scans",
    "schedules",
    "users",
]
