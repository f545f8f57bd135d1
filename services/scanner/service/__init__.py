"""Services that should not face the internet: databases, desktops, shares, old protocols.

Identification says what a port speaks; ``probe`` asks it one harmless question (``databases``,
``desktops``, ``files``, ``web_apis``; ``datagrams`` for UDP), ``facts`` is what came back, the
``…checks`` judge it. Each suite asks what makes sense for one kind of service.
"""

from collections.abc import Mapping
from types import MappingProxyType

from services.scanner.service.checks import CONTAINER_CHECKS, DATABASE_CHECKS
from services.scanner.service.datagrams import probe_resolver, probe_snmp
from services.scanner.service.facts import ServiceFacts, ServiceSubject
from services.scanner.service.probe import probe_service
from services.scanner.service.remote_checks import (
    FTP_CHECKS,
    REMOTE_CHECKS,
    RESOLVER_CHECKS,
    SMB_CHECKS,
    SNMP_CHECKS,
    TERMINAL_CHECKS,
    VNC_CHECKS,
)
from services.scanner.suite import Suite

ServiceSuite = Suite[ServiceSubject, ServiceFacts]

DATABASE_SUITE: ServiceSuite = Suite("database", probe_service, DATABASE_CHECKS)
WEB_API_SUITE: ServiceSuite = Suite(
    "web API", probe_service, DATABASE_CHECKS[:2] + CONTAINER_CHECKS + REMOTE_CHECKS
)
VNC_SUITE: ServiceSuite = Suite("VNC", probe_service, VNC_CHECKS)
DESKTOP_SUITE: ServiceSuite = Suite("remote administration", probe_service, REMOTE_CHECKS)
SMB_SUITE: ServiceSuite = Suite("SMB", probe_service, SMB_CHECKS)
FTP_SUITE: ServiceSuite = Suite("FTP", probe_service, FTP_CHECKS)
TERMINAL_SUITE: ServiceSuite = Suite("Telnet", probe_service, TERMINAL_CHECKS)
RESOLVER_SUITE: ServiceSuite = Suite("resolver", probe_resolver, RESOLVER_CHECKS)
SNMP_SUITE: ServiceSuite = Suite("SNMP", probe_snmp, SNMP_CHECKS)

SUITES_BY_SERVICE: Mapping[str, ServiceSuite] = MappingProxyType(
    {
        **dict.fromkeys(
            ("redis", "memcached", "mongodb", "postgresql", "mysql", "mssql", "oracle"),
            DATABASE_SUITE,
        ),
        **dict.fromkeys(("http", "https"), WEB_API_SUITE),
        **dict.fromkeys(("rdp", "x11"), DESKTOP_SUITE),
        **dict.fromkeys(("ftp", "ftps"), FTP_SUITE),
        "vnc": VNC_SUITE,
        "smb": SMB_SUITE,
        "telnet": TERMINAL_SUITE,
    }
)
"""By the name that identification gives."""

SUITES_BY_USUAL_PORT: Mapping[int, ServiceSuite] = MappingProxyType(
    {
        **dict.fromkeys((1433, 1521, 3306, 5432, 6379, 11_211, 27_017), DATABASE_SUITE),
        **dict.fromkeys((2375, 5984, 6443, 9200, 10_250), WEB_API_SUITE),
        21: FTP_SUITE,
        23: TERMINAL_SUITE,
        445: SMB_SUITE,
        3389: DESKTOP_SUITE,
        5900: VNC_SUITE,
    }
)
"""Where a refused connection answers the question: what is closed is not exposed."""

SUITES = (*dict.fromkeys(SUITES_BY_SERVICE.values()), RESOLVER_SUITE, SNMP_SUITE)

__all__ = [
    "RESOLVER_SUITE",
    "SNMP_SUITE",
    "SUITES",
    "SUITES_BY_SERVICE",
    "SUITES_BY_USUAL_PORT",
    "ServiceFacts",
    "ServiceSubject",
    "ServiceSuite",
]
