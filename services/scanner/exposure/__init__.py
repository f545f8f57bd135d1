"""What a web server hands out that was not meant for strangers: files, listings, stack traces.

``candidates`` says what is asked for and what proves a hit, ``reading`` reads the answers,
``probe`` asks, ``checks`` judge. Of a file only the proof is kept, never its content.
"""

from services.scanner.exposure.checks import CHECKS
from services.scanner.exposure.facts import ExposureFacts, describe
from services.scanner.exposure.probe import probe_exposure
from services.scanner.site import Site
from services.scanner.suite import Suite

SUITE: Suite[Site, ExposureFacts] = Suite("exposure", probe_exposure, CHECKS)

__all__ = ["SUITE", "ExposureFacts", "describe"]
