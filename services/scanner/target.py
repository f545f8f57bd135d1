"""What may be scanned: parsing and normalising of domains, addresses and networks.

A target is what a person typed, made canonical once, at the edge; inside the platform it is a
``Target``, never a string.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import idna

from services.errors import InvalidInput
from services.scanner.address import Address, Network

_LARGEST_IPV4_PREFIX = 16
_LARGEST_IPV6_PREFIX = 112
_MAX_DOMAIN_LENGTH = 253
_HIGHEST_PORT = 65_535
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")
_FORBIDDEN_NAMES = ("metadata.google.internal", "metadata.azure.internal", "instance-data")


class TargetType(StrEnum):
    DOMAIN = "domain"
    IP = "ip"
    CIDR = "cidr"


@dataclass(frozen=True, slots=True)
class Target:
    """A canonical target. ``value`` is an A-label name, an address or a network in CIDR form."""

    type: TargetType
    value: str

    @property
    def name(self) -> str | None:
        """The host name, where there is one."""
        return self.value if self.type is TargetType.DOMAIN else None

    @property
    def host_count(self) -> int:
        """How many hosts this target stands for."""
        return ip_network(self.value).num_addresses if self.type is TargetType.CIDR else 1

    def hosts(self) -> Iterator["Target"]:
        """The single hosts of this target, lazily. A network yields every address in it."""
        if self.type is not TargetType.CIDR:
            yield self
            return
        for address in ip_network(self.value):
            yield Target(TargetType.IP, str(address))

    def __str__(self) -> str:
        return self.value


def parse_target(text: str, expected: TargetType | None = None) -> Target:
    """A domain, address or network as a person types it. Raises InvalidInput.

    A pasted URL gives its host. ``expected`` refuses what turns out to be of another type.
    """
    cleaned = text.strip()
    if not cleaned:
        raise InvalidInput("A target is needed: a domain, an address or a network")
    target = _network(cleaned) or _address(cleaned) or _domain(cleaned)
    if expected is not None and target.type is not expected and not _is_single(target, expected):
        raise InvalidInput(f"{cleaned!r} is of type {target.type}, not {expected}")
    return target


def split_port(text: str) -> tuple[str, int | None]:
    """A target and the one port of it that is meant: ``host:port``, ``[address]:port``, a URL.

    Raises InvalidInput for a number that is no port.
    """
    cleaned = text.strip()
    if "://" in cleaned:
        try:
            return cleaned, urlsplit(cleaned).port
        except ValueError as error:
            raise InvalidInput(f"{cleaned!r} has no valid port (1 to 65535)") from error
    host, separator, port = cleaned.rpartition(":")
    is_whole_address = ":" in host and not host.endswith("]")  # of IPv6, without brackets
    if not separator or not port.isdecimal() or is_whole_address or not host:
        return cleaned, None
    if not 0 < int(port) <= _HIGHEST_PORT:
        raise InvalidInput(f"{cleaned!r} has no valid port (1 to {_HIGHEST_PORT})")
    return host, int(port)


def _is_single(target: Target, expected: TargetType) -> bool:
    """A /32 or /128 typed as a network is the address it names."""
    return expected is TargetType.CIDR and target.type is TargetType.IP


def _network(text: str) -> Target | None:
    if "/" not in text or "://" in text:
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    _refuse_host_bits(text, network)
    if network.num_addresses == 1:
        return _address(str(network.network_address))
    largest = _LARGEST_IPV4_PREFIX if isinstance(network, IPv4Network) else _LARGEST_IPV6_PREFIX
    if network.prefixlen < largest:
        raise InvalidInput(f"{text} is too large: /{largest} is the largest network")
    return Target(TargetType.CIDR, str(network))


def _refuse_host_bits(text: str, network: Network) -> None:
    """Never scan more than was typed: 10.0.0.5/24 is a question, not a network."""
    typed = ip_address(text.partition("/")[0])
    if typed != network.network_address:
        raise InvalidInput(f"{text} has host bits set: the network meant is {network}")


def _address(text: str) -> Target | None:
    try:
        address: Address = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise InvalidInput(f"{text}: an address with a zone id is local to one machine")
        address = address.ipv4_mapped or address
    return Target(TargetType.IP, str(address))


def _domain(text: str) -> Target:
    host = _host_of_url(text)
    if (address := _address(host)) is not None:
        return address
    try:
        ascii_name = idna.encode(host.rstrip(".").lower(), uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        # Names with an underscore are outside IDNA and inside DNS.
        ascii_name = host.rstrip(".").lower()
    _refuse_bad_name(text, ascii_name)
    return Target(TargetType.DOMAIN, ascii_name)


def _host_of_url(text: str) -> str:
    if "://" not in text:
        return text
    try:
        return urlsplit(text).hostname or text
    except ValueError:
        return text


def _refuse_bad_name(text: str, name: str) -> None:
    labels = name.split(".")
    if len(labels) < 2:  # noqa: PLR2004 - one label is a TLD or a local name
        raise InvalidInput(f"{text!r} is no domain, address or network")
    if len(name) > _MAX_DOMAIN_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidInput(f"{text!r} is no valid domain name (RFC 1035)")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        raise InvalidInput(f"{text!r} looks like an address but is none")
    if all(label.startswith("_") for label in labels[:-1]):
        raise InvalidInput(f"{text!r} is a service label, not a host or domain")
    if name in _FORBIDDEN_NAMES:
        raise InvalidInput(f"{text!r} is a cloud metadata name: never scanned")
