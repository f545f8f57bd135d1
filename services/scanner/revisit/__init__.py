"""The page asked again: with foreign origins (CORS), and to see whether its nonces are fresh."""

from services.scanner.revisit.checks import CHECKS
from services.scanner.revisit.facts import RevisitFacts, describe
from services.scanner.revisit.probe import probe_revisit
from services.scanner.site import Site
from services.scanner.suite import Suite

SUITE: Suite[Site, RevisitFacts] = Suite("revisit", probe_revisit, CHECKS)

__all__ = ["SUITE", "RevisitFacts", "describe"]
