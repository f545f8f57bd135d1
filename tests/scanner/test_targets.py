"""What a person types becomes a canonical target, or a clear refusal (SSRF-6, SSRF-7)."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import InvalidInput
from services.scanner.target import Target, TargetType, parse_target, split_port

_LABELS = st.from_regex(r"\A[a-z]([a-z0-9-]{0,10}[a-z0-9])?\Z").filter(lambda x: "--" not in x)
_DOMAINS = st.lists(_LABELS, min_size=2, max_size=5).map(".".join)
_TEXTS = st.one_of(
    st.text(max_size=60),
    st.text("0123456789abcdefx.:/[]%@-_ ", max_size=40),
    _DOMAINS,
    st.ip_addresses().map(str),
)


@given(_TEXTS)
def test_any_text_is_a_target_or_a_refusal(text: str) -> None:
    try:
        target = parse_target(text)
    except InvalidInput:
        return
    assert parse_target(str(target)) == target
    assert target.value.isascii()


@given(_DOMAINS)
def test_a_domain_is_the_same_in_every_spelling(name: str) -> None:
    expected = Target(TargetType.DOMAIN, name)

    for spelling in (name, name.upper(), f" {name}. ", f"https://{name}:8443/path?q=1#f"):
        assert parse_target(spelling) == expected


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_the_same_mapped_into_ipv6(address: object) -> None:
    assert parse_target(f"::ffff:{address}") == parse_target(str(address))


@given(st.integers(16, 31), st.integers(0, 2**32 - 1))
def test_a_network_yields_every_address_once_and_no_other(prefix: int, number: int) -> None:
    network = ip_network((number, prefix), strict=False)
    target = parse_target(str(network))

    hosts = target.hosts()
    assert next(hosts) == Target(TargetType.IP, str(network.network_address))
    assert target.host_count == network.num_addresses == 2 ** (32 - prefix)


def test_a_small_network_is_walked_to_its_end() -> None:
    hosts = [host.value for host in parse_target("192.0.2.4/30").hosts()]

    assert hosts == ["192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"]


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("Example.COM", "example.com", TargetType.DOMAIN),
        ("bücher.example", "xn--bcher-kva.example", TargetType.DOMAIN),
        ("192.0.2.1/32", "192.0.2.1", TargetType.IP),
        ("2001:DB8::0001", "2001:db8::1", TargetType.IP),
        ("[2001:db8::1]", "2001:db8::1", TargetType.IP),
        ("https://[2001:db8::1]:8443/", "2001:db8::1", TargetType.IP),
        ("2001:db8::/112", "2001:db8::/112", TargetType.CIDR),
        ("10.0.0.0/16", "10.0.0.0/16", TargetType.CIDR),
    ],
)
def test_a_target_has_one_canonical_form(text: str, value: str, kind: TargetType) -> None:
    assert parse_target(text) == Target(kind, value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "localhost", "com", "a..b", "-a.example", "a_b", "a b.example"),
        # Numeric spellings of 127.0.0.1 that some resolvers understand.
        *("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.0.0.1", "127.0.0.0x1"),
        *("\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "256.1.1.1", "1.2.3.4.5"),
        *("10.0.0.0/15", "2001:db8::/111", "0.0.0.0/0", "10.0.0.5/24", "10.0.0.0/33", "x/24"),
        *("user@example.com", "example.com:80", "fe80::1%eth0", "example.com/path"),
        *("metadata.google.internal", "METADATA.google.internal."),
        *("_dmarc._tcp.example".replace("example", "com"), "a" * 64 + ".example"),
        ".".join(["abcdefgh"] * 32),
        *("exa\x00mple.com", "exam\nple.com", "example.com\u202e", "\ud800.com"),
    ],
    ids=ascii,
)
def test_what_is_no_target_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_target(text)


def test_the_expected_type_is_enforced() -> None:
    with pytest.raises(InvalidInput, match="of type ip, not domain"):
        parse_target("192.0.2.1", TargetType.DOMAIN)
    assert parse_target("192.0.2.1/32", TargetType.CIDR).type is TargetType.IP


def test_a_target_of_host_bits_names_the_network_meant() -> None:
    with pytest.raises(InvalidInput, match=r"10\.0\.0\.0/24"):
        parse_target("10.0.0.5/24")


@given(st.ip_addresses())
def test_an_address_is_its_own_only_host(address: object) -> None:
    target = parse_target(str(address))

    assert list(target.hosts()) == [target]
    assert str(ip_address(target.value)) == target.value


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("example.org", "example.org", None),
        ("example.org:8443", "example.org", 8443),
        ("192.0.2.1:22", "192.0.2.1", 22),
        ("[2001:db8::1]:443", "[2001:db8::1]", 443),
        ("2001:db8::1", "2001:db8::1", None),
        ("::1", "::1", None),
        ("https://example.org:8443/x", "https://example.org:8443/x", 8443),
        ("https://example.org/", "https://example.org/", None),
        ("192.0.2.0/28", "192.0.2.0/28", None),
    ],
)
def test_a_port_is_split_off(text: str, host: str, port: int | None) -> None:
    assert split_port(text) == (host, port)


@pytest.mark.parametrize("text", ["example.org:0", "example.org:65536", "https://x.example:99999/"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        split_port(text)
