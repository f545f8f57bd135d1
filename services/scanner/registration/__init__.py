"""Registration: until when the domain is the organisation's own, as its registry says (RDAP).

``probe`` finds the registry and the registered domain, ``client`` fetches, ``rdap`` reads.
"""

from datetime import datetime

from services.scanner.registration.checks import CHECKS
from services.scanner.registration.facts import RegistrationFacts
from services.scanner.registration.probe import probe_registration
from services.scanner.suite import Suite

SUITE: Suite[str, RegistrationFacts] = Suite("registration", probe_registration, CHECKS)
"""The subject is a domain name in A-label form."""


def describe(facts: RegistrationFacts) -> dict[str, object]:
    """The facts as JSON, for ``whois_info``."""
    found = facts.registration
    if found is None:
        return {"domain": None, "reason": facts.reason}
    return {
        "domain": found.domain,
        "registrar": found.registrar or None,
        "status": list(found.statuses),
        "registered_at": _text(found.registered_at),
        "changed_at": _text(found.changed_at),
        "expires_at": _text(found.expires_at),
        "name_servers": list(found.name_servers),
        "source": found.source,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


__all__ = ["SUITE", "RegistrationFacts", "describe"]
