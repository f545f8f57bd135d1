"""What the engine gives back for one target."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from services.scanner.check import CheckResult, Endpoint
from services.scanner.profile import Profile
from services.scanner.target import Target


class TargetStatus(StrEnum):
    """How far a target could be looked at."""

    EVALUATED = "evaluated"
    PARTIALLY_EVALUATED = "partially_evaluated"
    UNREACHABLE = "unreachable"
    """It has an address, and nothing answered there."""
    UNRESOLVED = "unresolved"
    """It has no address."""
    BLOCKED = "blocked"
    """Its address may not be scanned."""
    SKIPPED = "skipped"


Info = Mapping[str, Any]  # Any: a JSON object; its keys are those of the contract


@dataclass(frozen=True, slots=True)
class TargetResult:
    """Facts, verdicts and errors of one target. The ``…_info`` mappings are ready for JSON."""

    target: Target
    status: TargetStatus
    started_at: datetime
    duration_ms: int
    reason: str = ""
    """Why it could not be evaluated, or not wholly."""
    addresses: tuple[str, ...] = ()
    """Every address of the target, as resolved; the first is the one that was scanned."""
    is_alive: bool = False
    open_ports: tuple[int, ...] = ()
    services: tuple[Info, ...] = ()
    """``{port, protocol, service, banner}``; a service is named by what it says."""
    http_info: Info = field(default_factory=dict[str, Any])
    """By port as text."""
    tls_info: Info = field(default_factory=dict[str, Any])
    """By port as text."""
    dns_info: Info = field(default_factory=dict[str, Any])
    mail_info: Info = field(default_factory=dict[str, Any])
    ssh_info: Info = field(default_factory=dict[str, Any])
    """By port as text."""
    whois_info: Info = field(default_factory=dict[str, Any])
    """What the registry says of the domain."""
    secrets_found: tuple[Info, ...] = ()
    """Masked, never the value (SEC-1): ``{kind, url, preview, hash, is_public_by_design}``."""
    checks: tuple[CheckResult, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier finding that is still open: what failed, and where."""

    check_id: str
    endpoint: Endpoint


class Scanner(Protocol):
    """Looks at one target; what the target does never raises, only our own bugs do."""

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        """``known`` are findings of this target, so that those are told that are proven gone."""
        ...
