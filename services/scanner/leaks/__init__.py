"""Secrets in pages and in the site's own scripts: found by format, verified, kept masked.

``formats`` names the providers' formats, ``verification`` tells a key from a look-alike,
``search`` goes through a text, ``probe`` fetches page and scripts, ``checks`` judge. A value never
leaves ``search``: what is kept is its kind, its place, a keyed hash and four characters (SEC-1).
"""

from services.scanner.leaks.checks import CHECKS
from services.scanner.leaks.facts import Leak, LeakFacts, describe
from services.scanner.leaks.probe import probe_leaks
from services.scanner.site import Site
from services.scanner.suite import Suite

SUITE: Suite[Site, LeakFacts] = Suite("leaks", probe_leaks, CHECKS)

__all__ = ["SUITE", "Leak", "LeakFacts", "describe"]
