"""How deep a scan looks: the scan types of the contract and their feature switches."""

from dataclasses import dataclass, field
from enum import StrEnum

PROBE_TIMEOUT_S = 10.0


class ScanType(StrEnum):
    QUICK = "quick"
    FULL = "full"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Features:
    """The switches of a custom scan; all on in a full one."""

    port_scan: bool = True
    web_checks: bool = True
    dns_checks: bool = True
    whois_checks: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """What one scan looks at on each target."""

    scan_type: ScanType = ScanType.FULL
    features: Features = field(default_factory=Features)
    probe_timeout_s: float = PROBE_TIMEOUT_S
    """Limit of one probe; one target may take six times as long (TGT-1)."""

    payer: str = ""
    """Whose pace the connections keep: an organization's id; empty: that of the address alone."""
    ports: tuple[int, ...] = ()
    """The only TCP ports that are tried, where somebody named them; empty: those of the type."""

    @property
    def looks_beside_roots(self) -> bool:
        """Whether web endpoints are asked for more than their root: never in a quick scan."""
        return self.features.web_checks and self.scan_type is not ScanType.QUICK

    @property
    def target_timeout_s(self) -> float:
        return 6 * self.probe_timeout_s
