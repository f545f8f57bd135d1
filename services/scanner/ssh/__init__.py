"""SSH: the protocol version and the algorithms a server offers, read before any key exchange.

``probe`` looks (``kexinit`` is the protocol), ``facts`` is what it saw, ``checks`` judge it.
"""

from services.scanner.ssh.checks import CHECKS
from services.scanner.ssh.facts import SshFacts, SshSubject, describe
from services.scanner.ssh.probe import probe_ssh
from services.scanner.suite import Suite

SUITE: Suite[SshSubject, SshFacts] = Suite("ssh", probe_ssh, CHECKS)

__all__ = ["SUITE", "SshFacts", "SshSubject", "describe"]
