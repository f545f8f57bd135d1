"""One target, once: resolve, sweep, identify, and run the suites that apply.

Everything that is learned goes into the record at once, so that a time limit loses only what
is still under way.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any, TypeVar

import dns.rdatatype

from services.metrics import SUITE_DURATION, timed
from services.scanner import http, tls
from services.scanner.address import Address, AddressRefused
from services.scanner.allowance import MOST_REQUESTS, Allowance
from services.scanner.check import Endpoint
from services.scanner.connector import Budget
from services.scanner.context import ProbeContext
from services.scanner.name_scan import suites_of_name
from services.scanner.net.checks import NameFacts, ScopeFacts
from services.scanner.net.facts import HostFacts, PortFacts, Service
from services.scanner.net.identify import Door, identify, ports_to_ask
from services.scanner.net.ports import ports_of
from services.scanner.net.probe import PortSweeper
from services.scanner.net.verdicts import judge_host, judge_name, judge_scope, without_sweep
from services.scanner.profile import Profile
from services.scanner.record import TIME_LIMIT, Record
from services.scanner.result import TargetStatus
from services.scanner.service_scan import judge_refused, look_at_service, look_at_udp, look_for_tls
from services.scanner.site_scan import expect_site, look_at_sites, skip_site
from services.scanner.suite import Suite
from services.scanner.target import Target
from services.tracing import span

Subject = TypeVar("Subject")
Facts = TypeVar("Facts")

Describe = Callable[[Facts], Mapping[str, Any]]  # Any: a JSON object

_LONGEST_WAITS = 10
"""Time limits of a target that it waits for its turn, before it goes on beside the others."""
_WEB_SUITES = (
    (tls.SUITE, "tls"),
    (tls.ABSENCE_SUITE, "tls"),
    (http.HTTPS_SUITE, "https"),
    (http.HTTP_SUITE, "http"),
)


@dataclass(frozen=True, slots=True)
class TargetScan:
    """What one scan of one target works with."""

    context: ProbeContext
    sweeper: PortSweeper
    profile: Profile
    record: Record

    @classmethod
    def of(
        cls, context: ProbeContext, sweeper: PortSweeper, target: Target, profile: Profile
    ) -> "TargetScan":
        """No exchange may take longer than the profile gives to a probe (TGT-1)."""
        limit_s = profile.probe_timeout_s
        options = replace(
            context.options,
            exchange_timeout_s=min(context.options.exchange_timeout_s, limit_s),
            connect_timeout_s=min(context.options.connect_timeout_s, limit_s),
        )
        context = replace(context, options=options, allowance=Allowance(MOST_REQUESTS))
        return cls(context, sweeper, profile, Record(target))

    async def run(self) -> Record:
        """Look for as long as the profile allows; what the target does never raises."""
        try:
            async with asyncio.timeout(self.profile.target_timeout_s) as limit:
                await self._look(limit)
        except TimeoutError:
            self._stop_at_time_limit()
        self._judge_ports()
        return self.record

    async def _look(self, limit: asyncio.Timeout) -> None:
        addresses = await self._resolve()
        if self.record.status is TargetStatus.BLOCKED:
            return
        async with asyncio.TaskGroup() as tasks:
            name = self.record.target.name
            if name is not None:
                tasks.create_task(self._look_at_name(name))
            if addresses:
                tasks.create_task(self._look_at_host(addresses, limit))

    async def _look_at_name(self, name: str) -> None:
        async with asyncio.TaskGroup() as tasks:
            for about in suites_of_name(self.profile):
                endpoint = Endpoint(name, None, about.protocol)
                tasks.create_task(self._run(about.suite, name, endpoint, about.describe))

    async def _resolve(self) -> Sequence[Address]:
        """Every address of the target, vetted: one that is refused refuses the target (SSRF-4)."""
        record = self.record
        if record.target.name is None:
            addresses: tuple[Address, ...] = (ip_address(record.host),)
        else:
            answer = await self.context.resolver.addresses(record.target.name)
            addresses = answer.addresses
            if not addresses:
                await self._note_unresolved(record.target.name, answer.reason)
                return ()
        record.addresses = tuple(str(address) for address in addresses)
        refused = tuple(self._refused(addresses))
        record.checks.extend(judge_scope(ScopeFacts(record.host, record.addresses, refused)))
        if refused:
            record.downgrade(TargetStatus.BLOCKED, "; ".join(reason for _, reason in refused))
        return addresses

    def _refused(self, addresses: Sequence[Address]) -> list[tuple[str, str]]:
        refused: list[tuple[str, str]] = []
        for address in addresses:
            try:
                self.context.connector.policy.check(address)
            except AddressRefused as error:
                refused.append((str(address), str(error)))
        return refused

    async def _note_unresolved(self, name: str, reason: str) -> None:
        """Absent is a fact; a resolver that does not know is not."""
        resolver = self.context.resolver
        answers = [
            await resolver.lookup(name, rdtype) for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        ]
        is_known = all(answer.is_absent for answer in answers)
        self.record.checks.extend(judge_name(NameFacts(name, reason, is_known=is_known)))
        self.record.checks.extend(judge_scope(ScopeFacts(name, ())))
        self.record.downgrade(TargetStatus.UNRESOLVED, reason)
        self._skip_web("the name has no address" if is_known else reason)

    async def _look_at_host(self, addresses: Sequence[Address], limit: asyncio.Timeout) -> None:
        ports = ports_of(self.profile)
        if not ports:
            return
        async with asyncio.TaskGroup() as tasks:
            if self.profile.features.port_scan and not self.profile.ports:
                tasks.create_task(look_at_udp(self.record, self._run, addresses[0]))
            sweep = tasks.create_task(self._sweep(addresses, ports))
        facts = sweep.result()
        if not facts.open_ports:
            self._note_dead(facts)
            return
        # Held until the end: the budget of an address lives as long as somebody holds it.
        budget = self.context.connector.budget(facts.address)
        async with self._turn(budget, limit):
            async with asyncio.TaskGroup() as tasks:
                for port in ports_to_ask(facts):
                    tasks.create_task(self._look_at_port(facts.address, port))
            if self.profile.features.web_checks:
                await look_for_tls(self.record, self._run, facts)
            if self.profile.looks_beside_roots:
                await look_at_sites(self.record, self._run)
        del budget

    @asynccontextmanager
    async def _turn(self, budget: Budget, limit: asyncio.Timeout) -> AsyncGenerator[None]:
        """A place among the targets of an address; the wait for it is not of the target's time."""
        loop, end_s = asyncio.get_running_loop(), limit.when()
        started_s, has_place = loop.time(), False
        limit.reschedule(None)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_WAITS * self.profile.target_timeout_s):
                    has_place = await budget.targets.acquire()
        finally:
            waited_s = loop.time() - started_s
            limit.reschedule(None if end_s is None else end_s + waited_s)
        try:
            yield
        finally:
            if has_place:
                budget.targets.release()

    async def _sweep(self, addresses: Sequence[Address], ports: Sequence[int]) -> PortFacts:
        """Of the first address, or of the first one of the other family where that is dead."""
        first = addresses[0]
        other = next((a for a in addresses if a.version != first.version), None)
        facts = await self.sweeper.sweep(first, ports)
        if not facts.open_ports and other is not None:
            of_other = await self.sweeper.sweep(other, ports)
            facts = of_other if of_other.open_ports else facts
        self.record.ports = facts
        scanned = str(facts.address)
        rest = (a for a in self.record.addresses if a != scanned)
        self.record.addresses = (scanned, *rest)
        return facts

    def _note_dead(self, facts: PortFacts) -> None:
        reason = "no port is open" if facts.is_alive else "no port answered"
        has_zone = self.record.target.name is not None and self.profile.features.dns_checks
        status = TargetStatus.PARTIALLY_EVALUATED if has_zone else TargetStatus.UNREACHABLE
        self.record.downgrade(status, reason)
        self._skip_web(reason)

    def _skip_web(self, reason: str) -> None:
        """The checks that would have run if there were something to connect to."""
        if self.profile.features.web_checks:
            for suite, protocol in _WEB_SUITES:
                endpoint = Endpoint(self.record.host, None, protocol)
                self.record.checks.extend(suite.without_facts(endpoint, reason))
                if self.profile.looks_beside_roots and protocol != "tls":
                    skip_site(self.record, endpoint, reason)

    async def _look_at_port(self, address: Address, port: int) -> None:
        name = self.record.target.name
        service = await identify(self.context, Door(address, port, name))
        self.record.services[port] = service
        features = self.profile.features
        async with asyncio.TaskGroup() as tasks:
            # What speaks HTTP is asked for an API where the web is looked at at all.
            if features.port_scan and (features.web_checks or not service.is_web):
                tasks.create_task(look_at_service(self.record, self._run, address, service))
            if not features.web_checks:
                return
            if service.is_tls:
                tasks.create_task(self._look_at_tls(tls.TlsSubject(address, port, name)))
            if service.is_web:
                tasks.create_task(self._look_at_web(address, service))

    async def _look_at_tls(self, subject: tls.TlsSubject) -> None:
        endpoint = Endpoint(self.record.host, subject.port, "tls")
        await self._run(tls.SUITE, subject, endpoint, tls.describe)

    async def _look_at_web(self, address: Address, service: Service) -> None:
        subject = http.WebSubject(self.record.host, address, service.port, service.is_tls)
        suite = http.HTTPS_SUITE if service.is_tls else http.HTTP_SUITE
        endpoint = Endpoint(self.record.host, service.port, "https" if service.is_tls else "http")
        if self.profile.looks_beside_roots:
            expect_site(self.record, endpoint)
        facts = await self._run(suite, subject, endpoint, http.describe)
        if facts is not None:
            self.record.sites[endpoint] = facts
        elif self.profile.looks_beside_roots:
            skip_site(self.record, endpoint, "the web endpoint could not be looked at")

    async def _run(
        self,
        suite: Suite[Subject, Facts],
        subject: Subject,
        endpoint: Endpoint,
        describe: Describe[Facts] | None = None,
    ) -> Facts | None:
        record = self.record
        record.unfinished[suite.name, endpoint] = suite.without_facts
        with span(f"suite {suite.name}", endpoint=str(endpoint)), timed(SUITE_DURATION, suite.name):
            seen = await suite.run(self.context, subject, endpoint)
        del record.unfinished[suite.name, endpoint]
        record.checks.extend(seen.results)
        if seen.facts is not None and describe is not None:
            info = dict(describe(seen.facts))
            where = record.info[endpoint.protocol]
            if endpoint.port is not None:  # several suites may tell about one port
                where = where.setdefault(str(endpoint.port), {})
            where.update(info)
        if seen.error is not None:
            record.errors.append(f"{endpoint.protocol} at {endpoint}: {seen.error}")
            reason = f"{endpoint.protocol} could not be looked at: {seen.error}"
            record.downgrade(TargetStatus.PARTIALLY_EVALUATED, reason)
        return seen.facts

    def _stop_at_time_limit(self) -> None:
        record = self.record
        record.stop_unfinished(TIME_LIMIT)
        record.errors.append(f"{TIME_LIMIT} ({self.profile.target_timeout_s:g} s)")
        record.downgrade(TargetStatus.PARTIALLY_EVALUATED, TIME_LIMIT)
        if record.ports is None and ports_of(self.profile):
            self._skip_web(TIME_LIMIT)
            return
        asked = ports_to_ask(record.ports) if record.ports is not None else ()
        record.errors.extend(
            f"port {port} was not identified: {TIME_LIMIT}"
            for port in asked
            if port not in record.services
        )

    def _judge_ports(self) -> None:
        """The port scan's own checks, of whatever was seen."""
        record = self.record
        if not self.profile.features.port_scan or record.status in _NOT_SWEPT:
            return
        if record.ports is None:
            record.checks.extend(without_sweep(record.host, record.reason))
        else:
            record.checks.extend(judge_host(HostFacts(record.host, record.ports, record.services)))
            judge_refused(record, record.ports)


_NOT_SWEPT = frozenset({TargetStatus.BLOCKED, TargetStatus.UNRESOLVED})
