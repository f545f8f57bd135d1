"""What a service that should not face the internet said to one harmless question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.scanner.address import Address
from services.scanner.tls.facts import Support


class Kind(StrEnum):
    """What a service is for; decides which checks have something to say."""

    DATABASE = "database"
    CONTAINER_API = "container_api"
    DESKTOP = "desktop"
    """Remote administration: RDP, VNC, X11, WinRM."""
    FILE_SHARE = "file_share"
    TERMINAL = "terminal"
    FTP = "ftp"
    RESOLVER = "resolver"
    MANAGEMENT = "management"
    OTHER = "other"


class Access(StrEnum):
    """Whether it does what a stranger asks."""

    OPEN = "open"
    DENIED = "denied"
    """It asks for a login, or refuses."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ServiceSubject:
    """One open port, and the service that was recognised there by what it said."""

    address: Address
    port: int
    service: str
    """The name that identification gave: ``redis``, ``http``, ``vnc`` …"""
    is_tls: bool = False
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What answered, and how far it let a stranger in."""

    kind: Kind
    product: str
    """``Redis``, ``Docker`` …; empty when nothing of the kind was recognised."""
    access: Access = Access.UNKNOWN
    proof: str = ""
    """The line that proves it, cleaned; never more than a line, for it may hold data."""
    tls: Support = Support.UNKNOWN
    """Whether the service offers TLS on a connection that begins in the clear."""
    legacy: Support = Support.UNKNOWN
    """Whether it takes the obsolete dialect of its protocol: SMB 1."""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])  # Any: JSON values
    problem: str = ""
    """Why something is not known; empty when all is."""

    @property
    def evidence(self) -> dict[str, Any]:  # Any: JSON values
        return {"product": self.product, "answer": self.proof, **self.details}
