"""What is looked at by name alone, whatever listens at the name's addresses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.scanner import dns, mail, registration
from services.scanner.profile import Profile, ScanType
from services.scanner.suite import Suite


@dataclass(frozen=True, slots=True)
class NameSuite:
    """A suite whose subject is a domain name in A-label form."""

    suite: Suite[str, Any]  # Any: a tuple cannot say that each suite fits itself
    protocol: str
    """Of the endpoint, and the section of the result that its facts go to."""
    describe: Callable[[Any], Mapping[str, Any]]


_DNS = NameSuite(dns.SUITE, "dns", dns.describe)
_MAIL = NameSuite(mail.SUITE, "mail", mail.describe)
_TRANSPORT = NameSuite(mail.TRANSPORT_SUITE, "mail", mail.describe_transport)
_REGISTRATION = NameSuite(registration.SUITE, "registration", registration.describe)
SUITES = (dns.SUITE, mail.SUITE, mail.TRANSPORT_SUITE, registration.SUITE)


def suites_of_name(profile: Profile) -> tuple[NameSuite, ...]:
    """A quick scan talks to no mail server and asks no registry."""
    features, is_quick = profile.features, profile.scan_type is ScanType.QUICK
    chosen: tuple[NameSuite, ...] = ()
    if features.dns_checks:
        chosen += (_DNS, _MAIL) if is_quick else (_DNS, _MAIL, _TRANSPORT)
    if features.whois_checks and not is_quick:
        chosen += (_REGISTRATION,)
    return chosen
