"""The platform never scans itself."""

from ipaddress import ip_network

import pytest

from services.own_endpoints import own_endpoints
from services.scanner.address import AddressPolicy, AddressRefused
from services.settings import Settings


def _settings(**values: object) -> Settings:
    return Settings.model_validate(
        {
            "database_url": "postgresql://app@/nis2?host=/run/sockets",
            "redis_url": "unix:///run/redis.sock",
            "secret_key": "s" * 32,
            **values,
        }
    )


async def test_gateway_database_and_redis_are_refused_also_on_allowed_networks() -> None:
    """SSRF-2."""
    settings = _settings(
        port=8123,
        database_url="postgresql://app@127.0.0.1:5433/nis2",
        redis_url="redis://127.0.0.1",
    )
    policy = AddressPolicy((ip_network("127.0.0.0/8"),), await own_endpoints(settings))

    for port in (8123, 5433, 6379):
        with pytest.raises(AddressRefused, match="own servers"):
            policy.check("127.0.0.1", port)
    assert policy.check("127.0.0.1", 8124)
    assert policy.check("127.0.0.2", 8123)


async def test_a_gateway_on_every_address_is_refused_on_every_address() -> None:
    policy = AddressPolicy(
        (ip_network("127.0.0.0/8"),), await own_endpoints(_settings(host="0.0.0.0", port=8123))
    )

    with pytest.raises(AddressRefused, match="own servers"):
        policy.check("127.0.0.2", 8123)
    with pytest.raises(AddressRefused, match="own servers"):
        policy.check("::ffff:127.0.0.2", 8123)


async def test_servers_on_sockets_have_no_address_to_refuse() -> None:
    assert await own_endpoints(_settings(host="127.0.0.1", port=8123)) == (
        (ip_network("127.0.0.1"), 8123),
    )
