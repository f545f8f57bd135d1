"""TLS: what a port accepts and which certificate it shows, asked by hellos of our own.

``probe`` looks (``exchange`` is one connection, ``codec``, ``hello`` and ``wire`` the protocol),
``facts`` is what it saw, the ``…checks`` judge it, ``describe`` shows it.
"""

from services.scanner.suite import Suite
from services.scanner.tls import (
    absence,
    caa_checks,
    certificate_checks,
    checks,
    choice_checks,
    cipher_checks,
    revocation_checks,
    trust_checks,
)
from services.scanner.tls.absence import HTTPS_PORTS, AbsenceFacts, AbsenceSubject
from services.scanner.tls.describe import describe
from services.scanner.tls.facts import TlsFacts, TlsSubject
from services.scanner.tls.probe import probe_absence, probe_tls, speaks_tls

SUITE: Suite[TlsSubject, TlsFacts] = Suite(
    "tls",
    probe_tls,
    checks.CHECKS
    + certificate_checks.CHECKS
    + trust_checks.CHECKS
    + caa_checks.CHECKS
    + revocation_checks.CHECKS
    + cipher_checks.CHECKS
    + choice_checks.CHECKS,
)

ABSENCE_SUITE: Suite[AbsenceSubject, AbsenceFacts] = Suite(
    "TLS absence", probe_absence, absence.CHECKS
)

__all__ = [
    "ABSENCE_SUITE",
    "HTTPS_PORTS",
    "SUITE",
    "AbsenceFacts",
    "AbsenceSubject",
    "TlsFacts",
    "TlsSubject",
    "describe",
    "speaks_tls",
]
