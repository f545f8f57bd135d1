"""A probe context whose resolver is the lab's, for tests and for the README's lab."""

from ipaddress import ip_address
from pathlib import Path

from services.scanner.address import AddressPolicy, Network
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext, ProbeOptions
from services.scanner.resolver import Resolver
from tests.lab.dns_server import DnsLab


def dns_context(
    lab: DnsLab,
    directory: Path,
    *,
    timeout_s: float = 0.4,
    allowed: tuple[Network, ...] = (),
) -> ProbeContext:
    """Fresh, with an empty cache; the lab's anchor is written into ``directory``."""
    options = ProbeOptions(
        dns_servers=((ip_address(lab.host), lab.port),),
        dnssec_anchor_file=lab.write_anchor(directory / f"anchor-{lab.port}.txt"),
        connect_timeout_s=timeout_s,
    )
    connector = Connector(
        AddressPolicy(allowed), connections_per_address=8, connections_per_second=1000
    )
    return ProbeContext(options, Resolver(options.dns_servers, timeout_s), connector)
