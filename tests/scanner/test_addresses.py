"""One function decides about one address, whatever form it comes in (SSRF-1 to SSRF-3)."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.address import AddressPolicy, AddressRefused, unwrap

_NEVER = (
    *("169.254.169.254", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
    *("255.255.255.255", "100.100.100.200", "168.63.129.16"),
)
_NEVER_V6 = ("fe80::1", "::", "ff02::1", "fd00:ec2::254", "febf::1")
_PRIVATE = (
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "100.64.0.1", "100.127.255.255"),
)
_PRIVATE_V6 = ("::1", "fc00::1", "fd12:3456::1")
_PUBLIC = ("93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1", "2a00:1450::1")


def _forms(inner: IPv4Address) -> dict[str, IPv6Address]:
    """Every IPv6 form that carries an IPv4 address."""
    number = int(inner)
    forms = {
        "mapped": IPv6Address((0xFFFF << 32) | number),
        "nat64": IPv6Address((0x0064_FF9B << 96) | number),
        "6to4": IPv6Address((0x2002 << 112) | (number << 80) | 1),
        # RFC 4380: the client's address is sent with every bit flipped.
        "teredo": IPv6Address((0x2001_0000 << 96) | (number ^ 0xFFFF_FFFF)),
    }
    if number > 1:  # ::0 and ::1 are addresses of their own
        forms["compatible"] = IPv6Address(number)
    return forms


@given(st.ip_addresses(v=4))
def test_every_form_is_unwrapped_to_the_address_inside(inner: IPv4Address) -> None:
    """SSRF-1."""
    assert unwrap(inner) == inner
    for name, address in _forms(inner).items():
        assert unwrap(address) == inner, name


@pytest.mark.parametrize("text", [*_NEVER, *_PRIVATE])
def test_a_forbidden_address_is_refused_in_every_form(text: str) -> None:
    """SSRF-1, SSRF-2, SSRF-3."""
    policy = AddressPolicy()
    inner = IPv4Address(text)

    assert not policy.permits(text)
    for name, address in _forms(inner).items():
        assert not policy.permits(address), name
        assert not policy.permits(address.exploded), name


@pytest.mark.parametrize("text", [*_NEVER_V6, *_PRIVATE_V6])
def test_a_forbidden_ipv6_address_is_refused(text: str) -> None:
    assert not AddressPolicy().permits(text)


@pytest.mark.parametrize("text", _PUBLIC)
def test_a_public_address_may_be_scanned(text: str) -> None:
    assert AddressPolicy().check(text) == ip_address(text)


@pytest.mark.parametrize("text", ["localhost", "", "127.1", "0x7f000001", "1.2.3.4/32", "::1%lo"])
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    assert not AddressPolicy((ip_network("127.0.0.0/8"),)).permits(text)


@given(st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_an_allowed_network_is_allowed_in_every_form(inner: IPv4Address) -> None:
    """SSRF-3: what the operator lists may be scanned, and only that."""
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))

    assert policy.permits(inner)
    assert all(policy.permits(address) for address in _forms(inner).values())
    assert not policy.permits("::1")
    assert not policy.permits("10.0.0.1")


def test_a_refusal_says_what_an_operator_can_do() -> None:
    with pytest.raises(AddressRefused, match="NIS2_SCAN_ALLOWED_NETWORKS"):
        AddressPolicy().check("127.0.0.1")


@pytest.mark.parametrize(
    "text",
    [
        *("169.254.169.0/24", "224.0.0.0/24", "127.8.0.0/24", "10.1.0.0/16", "100.64.0.0/24"),
        *("100.100.100.0/24", "172.16.0.0/16", "fe80::/112", "fd00::/112", "::/112", "ff02::/120"),
        # Forms that carry IPv4: mapped, NAT64, 6to4, Teredo with the bits flipped.
        *("::ffff:10.0.0.0/120", "64:ff9b::a9fe:a900/120", "2002:a00:1::/112"),
        "2001::80ff:ff00/120",
    ],
)
def test_a_network_with_a_forbidden_address_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused, match=text.partition("/")[0][:4]):
        AddressPolicy().check_network(ip_network(text))


@pytest.mark.parametrize(
    "text", ["93.184.216.0/24", "192.0.2.0/24", "172.32.0.0/16", "2001:db8::/112", "11.0.0.0/16"]
)
def test_a_network_of_public_addresses_may_be_scanned(text: str) -> None:
    AddressPolicy().check_network(ip_network(text))


def test_a_network_is_allowed_only_as_far_as_the_operator_lists_it() -> None:
    policy = AddressPolicy((ip_network("10.1.0.0/24"), ip_network("127.0.0.0/8")))

    policy.check_network(ip_network("10.1.0.0/25"))
    policy.check_network(ip_network("127.8.0.0/16"))
    for wider in ("10.1.0.0/23", "10.2.0.0/24"):
        with pytest.raises(AddressRefused, match="NIS2_SCAN_ALLOWED_NETWORKS"):
            policy.check_network(ip_network(wider))


@given(st.ip_addresses(v=4), st.integers(min_value=16, max_value=32))
def test_a_network_is_refused_when_its_first_or_last_address_is(
    inner: IPv4Address, prefix: int
) -> None:
    policy, network = AddressPolicy(), ip_network((inner, prefix), strict=False)
    ends_permitted = policy.permits(network[0]) and policy.permits(network[-1])

    if not ends_permitted:
        with pytest.raises(AddressRefused):
            policy.check_network(network)


@pytest.mark.parametrize("text", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_the_platforms_own_servers_are_refused_in_allowed_networks_too(text: str) -> None:
    """SSRF-2."""
    own = ((ip_network("127.0.0.1/32"), 5432),)
    policy = AddressPolicy((ip_network("127.0.0.0/8"),), own)

    assert policy.check(text, 5433) == ip_address(text)
    with pytest.raises(AddressRefused, match="own servers"):
        policy.check(text, 5432)
