"""Which question a service gets, by the name that identification gave it."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from services.scanner.context import ProbeContext
from services.scanner.service import databases, desktops, files
from services.scanner.service.facts import ServiceFacts, ServiceSubject
from services.scanner.service.line import Line
from services.scanner.service.web_apis import ask_web
from services.scanner.suite import ProbeError

_QUESTIONS: Mapping[str, Callable[[Line], Awaitable[ServiceFacts]]] = MappingProxyType(
    {
        "redis": databases.ask_redis,
        "memcached": databases.ask_memcached,
        "mongodb": databases.ask_mongodb,
        "postgresql": databases.ask_postgresql,
        "mysql": databases.ask_mysql,
        "mssql": databases.ask_tds,
        "oracle": databases.ask_oracle,
        "vnc": desktops.ask_vnc,
        "rdp": desktops.ask_rdp,
        "x11": desktops.ask_x11,
        "smb": files.ask_smb,
        "ftp": files.ask_ftp,
        "ftps": files.ask_ftp,
        "telnet": files.ask_telnet,
        "http": ask_web,
        "https": ask_web,
    }
)


async def probe_service(context: ProbeContext, subject: ServiceSubject) -> ServiceFacts:
    """One service's answer to its own question.

    Raises ProbeError when the answer is not of that protocol, OSError when there is none.
    """
    try:
        return await _QUESTIONS[subject.service](Line(context, subject))
    except TimeoutError:
        raise ProbeError("the service did not answer in time") from None
