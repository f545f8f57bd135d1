"""What a registry says of a domain."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Registration:
    """A domain's entry in its registry, as far as it is published."""

    domain: str
    """The registered domain: the target or an ancestor of it."""
    expires_at: datetime | None = None
    registered_at: datetime | None = None
    changed_at: datetime | None = None
    registrar: str = ""
    statuses: tuple[str, ...] = ()
    """EPP states in the words of RFC 8056, such as ``client transfer prohibited``."""
    name_servers: tuple[str, ...] = ()
    source: str = ""
    """The address that answered."""


@dataclass(frozen=True, slots=True)
class RegistrationFacts:
    name: str
    observed_at: datetime
    """The clock that dates are judged by."""
    registration: Registration | None = None
    reason: str = ""
    """Why there is no registration to judge."""
