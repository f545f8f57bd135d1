"""What was seen of a host's ports and of the services behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.scanner.address import Address

UNKNOWN_SERVICE = "unknown"

_FEW = 10
"""Below so many probed ports a share of them says nothing."""
_MOST = 0.8


class PortState(StrEnum):
    """How one TCP port answered a connection."""

    OPEN = "open"
    CLOSED = "closed"
    """Refused by a reset: something is there and says no."""
    SILENT = "silent"
    """No answer in time: a firewall that drops, or nobody."""
    UNREACHABLE = "unreachable"
    """A router, or our own host, says that there is no way."""


@dataclass(frozen=True, slots=True)
class PortFacts:
    """What a sweep saw of one address."""

    address: Address
    states: Mapping[int, PortState]
    """Every port that was probed."""
    elapsed_ms: int = 0

    @property
    def open_ports(self) -> tuple[int, ...]:
        return self._ports(PortState.OPEN)

    @property
    def closed_ports(self) -> tuple[int, ...]:
        return self._ports(PortState.CLOSED)

    @property
    def is_alive(self) -> bool:
        """Somebody answered, be it with a refusal."""
        return any(state in {PortState.OPEN, PortState.CLOSED} for state in self.states.values())

    @property
    def accepts_nearly_everything(self) -> bool:
        """At least four of five ports are open: more likely a proxy in front than services."""
        return len(self.states) >= _FEW and len(self.open_ports) >= _MOST * len(self.states)

    def _ports(self, wanted: PortState) -> tuple[int, ...]:
        return tuple(sorted(port for port, state in self.states.items() if state is wanted))


@dataclass(frozen=True, slots=True)
class Service:
    """What one open port said about itself; never derived from its number."""

    port: int
    name: str = UNKNOWN_SERVICE
    """``http``, ``https``, ``ssh``, ``smtps`` …; ``tls`` when TLS hides something unknown."""
    banner: str = ""
    """The first line it said, cleaned and cut."""
    is_tls: bool = False
    is_web: bool = False
    """It answers HTTP, in TLS or not."""
    has_spoken: bool = True
    """False: it accepted, and then neither sent a byte nor answered a TLS hello."""

    def as_info(self) -> dict[str, Any]:  # Any: a JSON object
        return {
            "port": self.port,
            "protocol": "tcp",
            "service": self.name,
            "banner": self.banner or None,
        }


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One host as a whole: its ports, and the services that were asked who they are."""

    host: str
    ports: PortFacts
    services: Mapping[int, Service] = field(default_factory=dict[int, Service])

    @property
    def is_proxied(self) -> bool:
        """Nearly every port accepts and nearly none of them speaks: a SYN proxy or CDN edge."""
        if not self.ports.accepts_nearly_everything or not self.services:
            return False
        silent = sum(not service.has_spoken for service in self.services.values())
        return silent >= _MOST * len(self.services)


@dataclass(frozen=True, slots=True)
class PortView:
    """One probed port as a check sees it."""

    port: int
    state: PortState
    service: Service | None = None
    """None when the port is not open or was not asked."""
    is_proxied: bool = False
