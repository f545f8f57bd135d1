"""What the SSH probe saw at one endpoint: plain values, judged by the checks."""

from dataclasses import dataclass

from services.scanner.address import Address


@dataclass(frozen=True, slots=True)
class SshSubject:
    """One SSH endpoint."""

    address: Address
    port: int


@dataclass(frozen=True, slots=True)
class Algorithms:
    """The name-lists of a server's KEXINIT, each in the server's order (RFC 4253 7.1).

    Ciphers and MACs stand once from client to server and once from server to client.
    """

    kex: tuple[str, ...]
    host_keys: tuple[str, ...]
    ciphers_in: tuple[str, ...]
    ciphers_out: tuple[str, ...]
    macs_in: tuple[str, ...]
    macs_out: tuple[str, ...]
    compressions: tuple[str, ...] = ()

    @property
    def ciphers(self) -> tuple[str, ...]:
        """Of both directions, each once."""
        return tuple(dict.fromkeys((*self.ciphers_in, *self.ciphers_out)))

    @property
    def macs(self) -> tuple[str, ...]:
        """Of both directions, each once."""
        return tuple(dict.fromkeys((*self.macs_in, *self.macs_out)))


@dataclass(frozen=True, slots=True)
class SshFacts:
    """What a server says before a key is exchanged."""

    identification: str
    """The line that begins with ``SSH-``, cleaned."""
    version: tuple[int, int]
    """The protocol version of that line, such as (2, 0) or (1, 99)."""
    algorithms: Algorithms | None = None
    problem: str = ""
    """Why ``algorithms`` is None."""


def describe(facts: SshFacts) -> dict[str, object]:
    """The facts as a JSON-ready document, for a target's ``ssh_info``."""
    offered = facts.algorithms
    return {
        "identification": facts.identification,
        "protocol": f"{facts.version[0]}.{facts.version[1]}",
        "problem": facts.problem or None,
        "algorithms": None
        if offered is None
        else {
            "kex": list(offered.kex),
            "host_keys": list(offered.host_keys),
            "ciphers": list(offered.ciphers),
            "macs": list(offered.macs),
            "compressions": list(offered.compressions),
        },
    }
