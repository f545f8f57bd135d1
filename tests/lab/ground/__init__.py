"""The rooms of the lab: each adds targets of one area, and says what is true of them."""

from collections.abc import Callable, Iterator, Mapping

from tests.lab.ground import (
    certificates,
    content,
    crowd,
    dns,
    files,
    headers,
    hosts,
    mail,
    old_tls,
    registration,
    services,
    sessions,
    ssh,
    tls,
    web,
)
from tests.lab.lab import Lab
from tests.lab.truth import Case

ROOMS: Mapping[str, Callable[[Lab], Iterator[Case]]] = {
    "tls": tls.cases,
    "old_tls": old_tls.cases,
    "certificates": certificates.cases,
    "web": web.cases,
    "headers": headers.cases,
    "sessions": sessions.cases,
    "content": content.cases,
    "files": files.cases,
    "services": services.cases,
    "ssh": ssh.cases,
    "dns": dns.cases,
    "mail": mail.cases,
    "registration": registration.cases,
    "hosts": hosts.cases,
    "crowd": crowd.cases,
}
