"""Who is asking, and what each role may do: the one permission table of the platform."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.errors import PermissionDenied


class Role(StrEnum):
    ADMIN = "admin"
    AUDITOR = "auditor"
    VIEWER = "viewer"


class Reader(Protocol):
    """Whoever reads, in one organization or in several."""

    @property
    def organization_ids(self) -> tuple[UUID, ...]: ...

    def require(self, permission: "Permission") -> None: ...


class Permission(StrEnum):
    """``noun:verb``."""

    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_WRITE = "organization:write"
    MEMBERS_READ = "members:read"
    MEMBERS_CONTACT = "members:contact"
    """To see the e-mail addresses of members."""
    MEMBERS_WRITE = "members:write"
    ASSETS_READ = "assets:read"
    ASSETS_WRITE = "assets:write"
    SCANS_READ = "scans:read"
    SCANS_RUN = "scans:run"
    SCANS_DELETE = "scans:delete"
    FINDINGS_READ = "findings:read"
    FINDINGS_WRITE = "findings:write"
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    REPORTS_READ = "reports:read"
    AUDIT_READ = "audit:read"
    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    COMPLIANCE_READ = "compliance:read"
    COMPLIANCE_WRITE = "compliance:write"


_VIEWER = frozenset(
    {
        Permission.ORGANIZATION_READ,
        Permission.MEMBERS_READ,
        Permission.ASSETS_READ,
        Permission.SCANS_READ,
        Permission.FINDINGS_READ,
        Permission.SCHEDULES_READ,
        Permission.REPORTS_READ,
        Permission.COMPLIANCE_READ,
    }
)
_AUDITOR = _VIEWER | {
    Permission.API_KEYS_READ,
    Permission.AUDIT_READ,
    Permission.MEMBERS_CONTACT,
    Permission.ASSETS_WRITE,
    Permission.SCANS_RUN,
    Permission.FINDINGS_WRITE,
    Permission.SCHEDULES_WRITE,
    Permission.COMPLIANCE_WRITE,
}
_ADMIN = _AUDITOR | {
    Permission.API_KEYS_WRITE,
    Permission.ORGANIZATION_WRITE,
    Permission.MEMBERS_WRITE,
    Permission.SCANS_DELETE,
}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.AUDITOR: _AUDITOR,
    Role.ADMIN: _ADMIN,
}


@dataclass(frozen=True, slots=True)
class Author:
    """Whose act it was, and in whose audit log it stands."""

    user_id: UUID | None = None
    """None for nobody we know."""
    organization_id: UUID | None = None
    """None for the log of the platform itself."""
    api_key_id: UUID | None = None
    """The user's key that did it in their place."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The authenticated caller in one organization. Role and membership are as of this request."""

    user_id: UUID
    organization_id: UUID
    role: Role
    api_key_id: UUID | None = None
    """The user's key that acts in their place."""
    scopes: frozenset[Permission] | None = None
    """What the key was given; None for a person, whom the role alone bounds."""

    @property
    def organization_ids(self) -> tuple[UUID, ...]:
        """Where they read: here alone."""
        return (self.organization_id,)

    def may(self, permission: Permission) -> bool:
        is_in_scope = self.scopes is None or permission in self.scopes
        return is_in_scope and permission in GRANTS[self.role]

    def require(self, permission: Permission) -> None:
        """Raises PermissionDenied unless role and key may do this."""
        if permission not in GRANTS[self.role]:
            raise PermissionDenied(f"The {self.role} role may not do this ({permission})")
        if not self.may(permission):
            raise PermissionDenied(f"The API key may not do this ({permission})")

    @property
    def author(self) -> Author:
        return Author(self.user_id, self.organization_id, self.api_key_id)

    @property
    def person_id(self) -> UUID | None:
        """Whose other organizations may be seen: None for an API key, which knows its own only."""
        return self.user_id if self.api_key_id is None else None


@dataclass(frozen=True, slots=True)
class Readers:
    """The same person in several of their organizations, to read in all of them at once."""

    actors: tuple[Actor, ...]

    @property
    def organization_ids(self) -> tuple[UUID, ...]:
        return tuple(actor.organization_id for actor in self.actors)

    def require(self, permission: Permission) -> None:
        """Raises PermissionDenied unless each role may do this."""
        for actor in self.actors:
            actor.require(permission)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a valid token. ``actor`` is None while they act in no organization."""

    user_id: UUID
    organization_id: UUID | None
    """The organization asked for: by header, else by the token."""
    actor: Actor | None
    session_id: UUID | None = None
    """The login their token belongs to; None for a token that belongs to none."""
    api_key_id: UUID | None = None
    """The key that stands for them; it acts in its own organization and nowhere else."""

    @property
    def author(self) -> Author:
        """In the organization they act in, never in one they merely asked for."""
        return self.actor.author if self.actor else Author(self.user_id)

    @property
    def person_id(self) -> UUID | None:
        """As an actor's."""
        return self.user_id if self.api_key_id is None else None

    def require_person(self) -> None:
        """Raises PermissionDenied for an API key: accounts are their owners' business."""
        if self.api_key_id is not None:
            raise PermissionDenied("An API key may not do this: log in", code="person_needed")
