"""A context that may look at loopback, and a server's certificate."""

import ssl
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from services.scanner.address import AddressPolicy
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext, ProbeOptions
from services.scanner.http import WebSubject
from services.scanner.resolver import AddressAnswer, Resolver
from tests.lab.certificates import Authority, Identity

NAME = "shop.example.test"


class NamesOfTheTest(Resolver):
    """Knows the names it is given, and nothing else."""

    def __init__(self, names: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__()
        self._names = names

    async def addresses(self, name: str) -> AddressAnswer:
        found = self._names.get(name, ())
        return AddressAnswer(tuple(ip_address(a) for a in found), "" if found else "unknown here")


def make_context(
    names: Mapping[str, tuple[str, ...]] | None = None, *, exchange_timeout_s: float = 5
) -> ProbeContext:
    known = {NAME: ("127.0.0.1",), f"www.{NAME}": ("127.0.0.1",)} if names is None else names
    return ProbeContext(
        ProbeOptions(user_agent="Lab (+https://lab.test)", exchange_timeout_s=exchange_timeout_s),
        NamesOfTheTest(known),
        Connector(
            AddressPolicy((ip_network("127.0.0.0/8"),)),
            connections_per_address=4,
            connections_per_second=1000,
        ),
    )


def at(port: int, *, is_tls: bool = False, host: str = NAME) -> WebSubject:
    return WebSubject(host, ip_address("127.0.0.1"), port, is_tls)


@pytest.fixture
def context() -> ProbeContext:
    return make_context()


@pytest.fixture(scope="session")
def identity() -> Identity:
    return Authority.create("HTTP Lab Root").issue([NAME])


@pytest.fixture
def tls(identity: Identity, tmp_path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.write(tmp_path))
    return context
