"""A scanner's context that may look at loopback, with short times."""

from ipaddress import ip_network

import pytest

from services.scanner.address import AddressPolicy
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext, ProbeOptions
from services.scanner.net.probe import PortSweeper
from services.scanner.resolver import Resolver

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture
def policy() -> AddressPolicy:
    return AddressPolicy(LOOPBACK)


@pytest.fixture
def options() -> ProbeOptions:
    return ProbeOptions(
        port_timeout_s=0.4,
        connect_timeout_s=1.0,
        exchange_timeout_s=1.0,
        connections_per_second=1000.0,
    )


@pytest.fixture
def sweeper(policy: AddressPolicy, options: ProbeOptions) -> PortSweeper:
    return PortSweeper(policy, options)


@pytest.fixture
def context(policy: AddressPolicy, options: ProbeOptions) -> ProbeContext:
    connector = Connector(policy, connections_per_address=4, connections_per_second=1000.0)
    return ProbeContext(options, Resolver(), connector)
