"""What every probe is given: options, the resolver, and the one way to open a connection."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from services.scanner.address import Address
from services.scanner.allowance import Allowance
from services.scanner.connector import Connector
from services.scanner.resolver import Resolver


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How probes look, whatever the target. Times in seconds."""

    user_agent: str = "NIS2-Gateway (+https://example.org/nis2-gateway)"
    dns_servers: tuple[tuple[Address, int], ...] = ()
    """Resolvers to ask; empty means the system's."""
    ca_file: Path | None = None
    """Extra trusted roots (PEM), treated as public ones."""
    dnssec_anchor_file: Path | None = None
    """Root trust anchor as DS or DNSKEY lines; None means the IANA root."""
    hsts_preload_file: Path | None = None
    """Chromium's preload list; None means the one that is installed."""
    rdap_bootstrap_url: str = ""
    secret_hash_key: bytes = field(default=b"", repr=False)
    """Keys the hashes that stand for found secrets (SEC-1); empty: salted by the host alone."""
    tries_public_community: bool = False
    """Ask SNMP with the community "public": a guess at a password, so only where it is wanted."""
    connections_per_address: int = 4
    connections_per_second: float = 40.0
    """To one address."""
    connections_per_second_per_payer: float = 400.0
    """To all addresses that are scanned for one organization."""
    ports_in_flight: int = 500
    connect_timeout_s: float = 4.0
    """One TCP handshake."""
    exchange_timeout_s: float = 10.0
    """One whole exchange on an open connection: asked, answered, read."""
    port_timeout_s: float = 1.5
    """One port of the sweep."""


@dataclass(frozen=True, slots=True)
class ProbeContext:
    """Shared by all probes of a process; safe for concurrent use."""

    options: ProbeOptions
    resolver: Resolver
    connector: Connector
    allowance: Allowance = field(default_factory=Allowance)
    """Of the target that is being scanned; without a limit outside a scan."""


def parse_server(text: str) -> tuple[Address, int]:
    """``address``, ``address:port`` or ``[address]:port``. Raises ValueError."""
    host, separator, port = text.rpartition(":")
    if not separator or (":" in host and not host.endswith("]")):
        host, port = text, "53"
    number = int(port)
    if not 0 < number < 65_536:  # noqa: PLR2004 - RFC 768: ports are 16 bits
        raise ValueError(f"{text!r}: the port must be between 1 and 65535")
    return ip_address(host.strip("[]")), number
