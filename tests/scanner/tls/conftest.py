"""A context that may look at loopback, and one authority whose root it trusts."""

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from services.scanner.address import AddressPolicy
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext, ProbeOptions
from services.scanner.resolver import AddressAnswer, Resolver
from services.scanner.tls import TlsSubject
from tests.lab.certificates import Authority

NAME = "www.example.test"


class LoopbackResolver(Resolver):
    """Every name is this machine."""

    async def addresses(self, name: str) -> AddressAnswer:
        return AddressAnswer((ip_address("127.0.0.1"),), name)


def make_context(ca_file: Path | None = None, *, exchange_timeout_s: float = 5) -> ProbeContext:
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))
    return ProbeContext(
        ProbeOptions(ca_file=ca_file, exchange_timeout_s=exchange_timeout_s),
        LoopbackResolver(),
        Connector(policy, connections_per_address=4, connections_per_second=1000),
    )


def at(port: int, name: str | None = NAME) -> TlsSubject:
    return TlsSubject(ip_address("127.0.0.1"), port, name)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.create("TLS Lab Root")


@pytest.fixture
def context(authority: Authority, tmp_path: Path) -> ProbeContext:
    """Trusts the authority of these tests."""
    return make_context(authority.write(tmp_path))
