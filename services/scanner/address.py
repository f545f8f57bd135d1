"""Which addresses may be probed: one function decides about one address.

Called for literals, every DNS answer, every redirect hop and the peer of every socket.
"""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Never scanned because a user asked: link-local with the clouds' metadata services, "this
# network", multicast and reserved space, the unspecified address.
_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fd00:ec2::/32",
        "ff00::/8",
        "100.100.100.200/32",
        "168.63.129.16/32",
    )
)
# Scanned only where the operator lists them: loopback, RFC 1918, RFC 6598 (CGN), RFC 4193 (ULA).
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
    )
)
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


class AddressRefused(OSError):  # an OSError: to a probe it is one more reason not to connect
    """The address may not be probed; the message says which rule and how to allow it."""


def unwrap(address: Address) -> Address:
    """The IPv4 address inside an IPv6 form that carries one, else the address itself.

    IPv4-mapped and -compatible (RFC 4291 2.5.5), 6to4 (RFC 3056), Teredo (RFC 4380) and NAT64
    (RFC 6052).
    """
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    # ::1 and :: are addresses of their own, not IPv4-compatible ones.
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


class AddressPolicy:
    """The operator's answer to "may this address be probed?"."""

    def __init__(
        self,
        allowed: tuple[Network, ...] = (),
        own_endpoints: tuple[tuple[Network, int], ...] = (),
    ) -> None:
        self._allowed = allowed
        self._own_endpoints = own_endpoints

    def check(self, address: Address | str, port: int | None = None) -> Address:
        """The address, parsed. Raises AddressRefused, also for what is no address.

        With a port, the platform's own servers are refused too, whatever networks are allowed.
        """
        try:
            parsed = ip_address(address) if isinstance(address, str) else address
        except ValueError:
            raise AddressRefused(f"{address!r} is no IP address") from None
        inner = unwrap(parsed)
        if port is not None and any(
            port == own_port and inner in network for network, own_port in self._own_endpoints
        ):
            raise AddressRefused("this is one of the platform's own servers: never scanned")
        for candidate in {parsed, inner}:
            if not self._is_allowed(candidate):
                self._refuse_forbidden(parsed, candidate)
        return parsed

    def check_network(self, network: Network) -> None:
        """Every address of the network at once. Raises AddressRefused when one is forbidden."""
        for candidate in {network, *_unwrapped(network)}:
            for forbidden in (*_NEVER, *_PRIVATE):
                shared = _shared(candidate, forbidden)
                if shared is not None and not any(_holds(a, shared) for a in self._allowed):
                    self._refuse_forbidden(network, shared[0])

    def permits(self, address: Address | str) -> bool:
        try:
            self.check(address)
        except AddressRefused:
            return False
        return True

    def _is_allowed(self, address: Address) -> bool:
        return any(address in network for network in self._allowed)

    def _refuse_forbidden(self, given: Address | Network, candidate: Address) -> None:
        if any(candidate in network for network in _NEVER):
            raise AddressRefused(
                f"{given} is link-local, metadata, multicast or reserved: never scanned"
            )
        if any(candidate in network for network in _PRIVATE):
            raise AddressRefused(
                f"{given} is loopback or private: an operator must list its network"
                " in NIS2_SCAN_ALLOWED_NETWORKS"
            )


def _unwrapped(network: Network) -> tuple[Network, ...]:
    """The IPv4 networks inside an IPv6 one that carries IPv4 addresses."""
    first, last = sorted((unwrap(network[0]), unwrap(network[-1])), key=int)
    if isinstance(first, IPv4Address) and isinstance(last, IPv4Address):
        return tuple(summarize_address_range(first, last))
    return ()


def _shared(one: Network, other: Network) -> Network | None:
    """The addresses of both; of two networks that overlap, the smaller one."""
    if _holds(one, other):
        return other
    return one if _holds(other, one) else None


def _holds(outer: Network, inner: Network) -> bool:
    return inner[0] in outer and inner[-1] in outer
