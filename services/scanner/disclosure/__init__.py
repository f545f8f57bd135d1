"""security.txt: whether somebody who finds a hole learns whom to tell (RFC 9116).

``security_txt`` reads the file, ``probe`` fetches it, ``checks`` judge it.
"""

from services.scanner.disclosure.checks import CHECKS
from services.scanner.disclosure.facts import DisclosureFacts, describe
from services.scanner.disclosure.probe import probe_disclosure
from services.scanner.site import Site
from services.scanner.suite import Suite

SUITE: Suite[Site, DisclosureFacts] = Suite("disclosure", probe_disclosure, CHECKS)

__all__ = ["SUITE", "DisclosureFacts", "describe"]
