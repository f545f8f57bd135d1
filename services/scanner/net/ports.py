"""Which ports a scan tries: data files, read once."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from services.scanner.profile import Profile, ScanType

WEB_PORTS = (80, 443, 8080, 8443)
"""Tried when the port scan is switched off and web checks are not."""
_HIGHEST = 65_535


@cache
def read_ports(name: str) -> tuple[int, ...]:
    """The ports of ``ports_NAME.txt``, sorted, each once. Raises ValueError for a bad line."""
    text = files("services.scanner.data").joinpath(f"ports_{name}.txt").read_text("ascii")
    return tuple(sorted(set(parse_ports(text))))


def parse_ports(text: str) -> Iterator[int]:
    """Numbers between blanks; a hash starts a comment. Raises ValueError."""
    for number, line in enumerate(text.splitlines(), start=1):
        for word in line.partition("#")[0].split():
            port = int(word) if word.isdecimal() else 0
            if not 0 < port <= _HIGHEST:
                raise ValueError(f"line {number}: {word!r} is no TCP port")
            yield port


def ports_of(profile: Profile) -> tuple[int, ...]:
    """What the sweep of this profile tries; empty when it looks at no port at all."""
    if profile.ports:
        return profile.ports
    if profile.features.port_scan:
        return read_ports("quick" if profile.scan_type is ScanType.QUICK else "full")
    return WEB_PORTS if profile.features.web_checks else ()
