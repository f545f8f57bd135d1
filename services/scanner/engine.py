"""The engine: every suite there is, the catalogue of their checks, and the scanner itself."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from services.scanner import http, name_scan, service, ssh, tls
from services.scanner.address import AddressPolicy
from services.scanner.check import CheckInfo
from services.scanner.connector import Connector, Pace
from services.scanner.context import ProbeContext, ProbeOptions
from services.scanner.data_file import require_readable
from services.scanner.dns.trust_anchor import load_anchors
from services.scanner.gone import judge_known
from services.scanner.http.preload import load_preload_list
from services.scanner.net.probe import PortSweeper
from services.scanner.net.verdicts import INFOS as NET_CHECKS
from services.scanner.profile import Profile
from services.scanner.resolver import Resolver
from services.scanner.result import Known, TargetResult
from services.scanner.site_scan import SITE_SUITES
from services.scanner.suite import Suite
from services.scanner.target import Target
from services.scanner.target_scan import TargetScan

# Any: a tuple cannot say that each suite fits itself; each is typed where it is made.
SUITES: tuple[Suite[Any, Any], ...] = (
    tls.SUITE,
    tls.ABSENCE_SUITE,
    http.HTTPS_SUITE,
    http.HTTP_SUITE,
    *SITE_SUITES,
    *name_scan.SUITES,
    ssh.SUITE,
    *service.SUITES,
)

CATALOGUE: Mapping[str, CheckInfo] = MappingProxyType(
    {
        info.id: info
        for info in (*NET_CHECKS, *(check.info for suite in SUITES for check in suite.checks))
    }
)
"""Every implemented check by its id. HTTP and HTTPS share some of theirs."""


def catalogue_of(check_id: str) -> CheckInfo:
    """What is the same for each finding of a check. Raises KeyError for one we do not have."""
    return CATALOGUE[check_id]


@asynccontextmanager
async def open_context(
    options: ProbeOptions, policy: AddressPolicy
) -> AsyncGenerator[ProbeContext]:
    """What the probes of a process share, for as long as the block lasts.

    Raises DataFileError for a file of the operator's that cannot be used: at the start of the
    process, and not in the middle of its first scan.
    """
    await asyncio.to_thread(_require_data_files, options)
    yield ProbeContext(
        options,
        Resolver(options.dns_servers),
        Connector(
            policy,
            connections_per_address=options.connections_per_address,
            connections_per_second=options.connections_per_second,
        ),
    )


def _require_data_files(options: ProbeOptions) -> None:
    require_readable("NIS2_SCAN_DNSSEC_ANCHOR_FILE", options.dnssec_anchor_file, load_anchors)
    require_readable("NIS2_SCAN_HSTS_PRELOAD_FILE", options.hsts_preload_file, load_preload_list)


class NetworkScanner:
    """Looks at targets over the network. One per process; safe for concurrent scans."""

    def __init__(self, context: ProbeContext) -> None:
        self._context = context
        self._sweeper = PortSweeper(context.connector.policy, context.options)
        self._paces: WeakValueDictionary[str, Pace] = WeakValueDictionary()

    async def addresses(self, target: Target) -> Sequence[str]:
        """Every address of a target; none for a name that has none, or that nobody knows of."""
        if target.name is None:
            return (target.value,)
        answer = await self._context.resolver.addresses(target.name)
        return [str(address) for address in answer.addresses]

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        """One target within its time limit. Cancelled, it leaves no socket and no thread.

        A network is not a target of its own: ``Target.hosts`` gives the single ones.
        """
        scan = TargetScan.of(self._context_for(profile.payer), self._sweeper, target, profile)
        record = await scan.run()
        if record.ports is not None:
            record.conclude(judge_known(known, CATALOGUE, record.ports, record.services))
        return record.result()

    def _context_for(self, payer: str) -> ProbeContext:
        """A payer's pace lives for as long as something is scanned at it."""
        if not payer:
            return self._context
        pace = self._paces.get(payer)
        if pace is None:
            pace = Pace(self._context.options.connections_per_second_per_payer)
            self._paces[payer] = pace
        return replace(self._context, connector=self._context.connector.at(pace))
