"""The second look of a full scan: what a target's web endpoints say beside their root.

It begins when every port is known, so that nobody's first look waits for it, and asks one endpoint
after the other, the encrypted ones first: all of them share the target's allowance of requests.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from services.scanner import disclosure, exposure, leaks, revisit
from services.scanner.check import Endpoint
from services.scanner.record import Record
from services.scanner.site import Site
from services.scanner.suite import Suite

Subject = TypeVar("Subject")
Facts = TypeVar("Facts")
Describe = Callable[[Facts], Mapping[str, Any]]  # Any: a JSON object

_HTTPS_PORT = 443
_MOST_SECRETS = 100
"""Of one target (TGT-9)."""

# Any: a tuple cannot say that each suite fits itself; each is typed where it is made.
SITE_SUITES: tuple[Suite[Site, Any], ...] = (
    disclosure.SUITE,
    exposure.SUITE,
    revisit.SUITE,
    leaks.SUITE,
)


class Run(Protocol):
    """Runs a suite into the record and gives back what it saw; None when it could not look."""

    async def __call__(
        self,
        suite: Suite[Subject, Facts],
        subject: Subject,
        endpoint: Endpoint,
        describe: Describe[Facts] | None = None,
    ) -> Facts | None: ...


def expect_site(record: Record, endpoint: Endpoint) -> None:
    """An endpoint that will be looked at again, if there is time and a root to begin at."""
    for suite in _suites_of(endpoint):
        record.unfinished[suite.name, endpoint] = suite.without_facts


def skip_site(record: Record, endpoint: Endpoint, reason: str) -> None:
    """There is nothing to look at again."""
    for suite in _suites_of(endpoint):
        record.unfinished.pop((suite.name, endpoint), None)
        record.checks.extend(suite.without_facts(endpoint, reason))


async def look_at_sites(record: Record, run: Run) -> None:
    """Every endpoint whose root was seen. security.txt is asked for once a host."""
    sites = [
        (endpoint, Site(record.sites[endpoint])) for endpoint in sorted(record.sites, key=_rank)
    ]
    for number, (endpoint, site) in enumerate(sites):
        if number == 0 and endpoint.protocol == "https":
            await run(disclosure.SUITE, site, endpoint, disclosure.describe)
        else:
            record.unfinished.pop((disclosure.SUITE.name, endpoint), None)
        await run(exposure.SUITE, site, endpoint, exposure.describe)
        await run(revisit.SUITE, site, endpoint, revisit.describe)
        found = await run(leaks.SUITE, site, endpoint, leaks.describe)
        secrets = [leak.as_info() for leak in (found.leaks if found else ())]
        record.secrets_found.extend(secrets[: _MOST_SECRETS - len(record.secrets_found)])


def _suites_of(endpoint: Endpoint) -> tuple[Suite[Site, Any], ...]:
    """security.txt is a matter of https (RFC 9116 section 3)."""
    return SITE_SUITES if endpoint.protocol == "https" else SITE_SUITES[1:]


def _rank(endpoint: Endpoint) -> tuple[bool, bool, int]:
    return endpoint.protocol != "https", endpoint.port != _HTTPS_PORT, endpoint.port or 0
