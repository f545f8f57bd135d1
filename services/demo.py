"""An organization to look around in: invented hosts, scanned three times by a scripted scanner.

Every name and address is reserved for documentation (RFC 2606, RFC 5737, RFC 3849). Nothing is
connected to. All else is real: rows go through the services that a user's rows go through, and
findings, score and reports are computed as they always are.
"""

import secrets
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

from services import assets, auth, findings, reports, scans, schedules
from services.actor import Actor, Role
from services.audit import append_entries
from services.auth import Identity
from services.database import Database, Scope, utcnow
from services.errors import InvalidRequest
from services.events import Event
from services.findings import FindingStatus
from services.pagination import PageRequest
from services.queue import Job
from services.reports import ReportFormat, ReportRequest
from services.resources import Resources
from services.scanner.address import AddressPolicy
from services.scanner.check import CheckResult, Endpoint, Verdict
from services.scanner.engine import CATALOGUE
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult, TargetStatus
from services.scanner.target import Target

EMAIL = "demo@example.org"
_RUNS = ("Before the clean-up", "A month later", "Now")
_Runs = range(1, len(_RUNS) + 1)
_PROTOCOLS = {
    "tls": ("tls", 443),
    "http": ("https", 443),
    "sectxt": ("https", 443),
    "ssh": ("ssh", 22),
    "dns": ("dns", None),
    "mail": ("mail", None),
    "reg": ("dns", None),
}


@dataclass(frozen=True, slots=True)
class _Fault:
    check_id: str
    message: str
    runs: Sequence[int] = _Runs
    """In which of the scans it is seen."""


@dataclass(frozen=True, slots=True)
class _Host:
    address: str
    ports: tuple[int, ...]
    categories: tuple[str, ...]
    faults: tuple[_Fault, ...] = ()
    services: Mapping[int, str] = field(default_factory=dict[int, str])


_WEB = ("tls", "http", "sectxt")
_NAME = ("dns", "mail", "reg")
_HOSTS: Mapping[str, _Host] = {
    "example.org": _Host(
        "192.0.2.10",
        (80, 443),
        (*_WEB, *_NAME),
        (
            _Fault("http.csp.missing", "No Content-Security-Policy is sent"),
            _Fault("http.hsts.missing", "No Strict-Transport-Security is sent", [1]),
            _Fault("tls.protocol.tls10", "TLS 1.0 is accepted", [1, 2]),
            _Fault("mail.dmarc.policy_none", "DMARC says p=none: forged mail is delivered"),
            _Fault("mail.spf.softfail", "SPF ends with ~all"),
            _Fault("dns.dnssec.missing", "The zone is not signed", [1, 2]),
            _Fault("sectxt.missing", "There is no /.well-known/security.txt", [1]),
        ),
        {80: "http", 443: "https"},
    ),
    "shop.example.org": _Host(
        "192.0.2.20",
        (80, 443),
        _WEB,
        (
            _Fault("http.cookie.no_secure", "The cookie session is sent without Secure", [1]),
            _Fault("http.info.server_version", "Server tells its version: Apache/2.4.49"),
            _Fault("tls.cert.expiring_soon", "The certificate ends in 6 days", [3]),
            _Fault("http.files.git", "/.git/HEAD can be read", [1]),
        ),
        {80: "http", 443: "https"},
    ),
    "vpn.example.org": _Host(
        "198.51.100.7",
        (443,),
        ("tls", "http"),
        (
            _Fault("tls.cert.self_signed", "The certificate is signed by itself"),
            _Fault("tls.kex.dh_weak", "Diffie-Hellman with 1024 bits", [1, 2]),
        ),
        {443: "https"},
    ),
    "203.0.113.4": _Host(
        "203.0.113.4",
        (22, 3306),
        ("ssh",),
        (
            _Fault("ssh.kex.weak", "diffie-hellman-group1-sha1 is offered"),
            _Fault("ssh.terrapin", "chacha20-poly1305 without strict key exchange", [1, 2]),
        ),
        {22: "ssh", 3306: "mysql"},
    ),
    "203.0.113.5": _Host("203.0.113.5", (22,), ("ssh",), (), {22: "ssh"}),
}
_ASSETS = (
    ("Web site", "example.org", ["web", "public"]),
    ("Shop", "shop.example.org", ["web", "payments"]),
    ("VPN", "vpn.example.org", ["remote access"]),
    ("Data center", "203.0.113.4/30", ["servers"]),
)


_DOCUMENTATION = AddressPolicy(
    tuple(ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
)


@dataclass(frozen=True, slots=True)
class DemoScanner:
    """Answers from the table above, as it stands at one of the scans."""

    run: int

    async def scan(
        self,
        target: Target,
        profile: Profile,  # noqa: ARG002 - the engine's Protocol
        known: Collection[Known] = (),  # noqa: ARG002 - as above
    ) -> TargetResult:
        started_at = datetime.now(UTC)
        host = _HOSTS.get(target.value)
        if host is None:
            unreachable = TargetStatus.UNREACHABLE
            return TargetResult(target, unreachable, started_at, 0, reason="no port answered")
        return TargetResult(
            target,
            TargetStatus.EVALUATED,
            started_at,
            duration_ms=1800,
            addresses=(host.address,),
            is_alive=True,
            open_ports=host.ports,
            services=tuple(
                {"port": port, "protocol": "tcp", "service": host.services[port], "banner": ""}
                for port in host.ports
            ),
            checks=tuple(self._verdicts(target.value, host)),
        )

    def _verdicts(self, name: str, host: _Host) -> list[CheckResult]:
        seen = {fault.check_id: fault.message for fault in host.faults if self.run in fault.runs}
        results = [
            CheckResult(
                CATALOGUE["net.port.open"],
                Endpoint(name, port, "tcp"),
                Verdict.failed(f"Port {port} is open ({host.services[port]})"),
            )
            for port in host.ports
        ]
        for info in CATALOGUE.values():
            if info.category in host.categories:
                protocol, port = _PROTOCOLS[info.category]
                verdict = (
                    Verdict.failed(seen[info.id]) if info.id in seen else Verdict.passed("In order")
                )
                results.append(CheckResult(info, Endpoint(name, port, protocol), verdict))
        return results


@dataclass(frozen=True, slots=True)
class Demo:
    """What was made, and how to get in."""

    email: str
    password: str
    organization: str
    findings: int


async def make_demo(resources: Resources) -> Demo:
    """Fill a new organization. Raises Conflict when the demo account is there already.

    Raises InvalidRequest when a worker interferes: it is meant for a quiet installation.
    """
    work_list = _WorkList(resources.database)
    password = secrets.token_urlsafe(12)
    # The operator's command: it may register where visitors may not.
    settings = resources.settings.model_copy(update={"registration": "on"})
    identity = Identity.of(settings)
    try:
        async with work_list.database.transaction(Scope()) as work:
            session = await auth.register(
                work,
                identity,
                email=EMAIL,
                password=password,
                full_name="Dana Demo",
                organization_name="Example Utilities",
            )
    finally:
        identity.passwords.close()
    active = session.profile.active
    if active is None:
        raise ValueError("whoever registers has an organization")
    actor = Actor(session.profile.user.id, active.organization.id, Role.ADMIN)
    asset_ids = await _make_assets(work_list.database, actor)
    scan_id = await _make_scans(work_list, actor, asset_ids)
    number = await _follow_up(work_list.database, actor)
    await _make_schedule_and_reports(work_list, actor, asset_ids, scan_id)
    return Demo(EMAIL, password, "Example Utilities", number)


class _WorkList:
    """Does the jobs of a transaction itself: no worker may scan the invented hosts."""

    def __init__(self, database: Database) -> None:
        self._jobs: deque[Job] = deque()
        self.database = Database(database.engine, self._put, self._ignore, append_entries)

    async def _put(self, job: Job) -> None:
        self._jobs.append(job)

    async def _ignore(self, event: Event) -> None:
        """Nobody watches an organization that is being invented."""

    async def finish(self, run: int = len(_RUNS)) -> None:
        worker = scans.Worker(self.database, DemoScanner(run), name="demo")
        while self._jobs:
            job = self._jobs.popleft()
            ids = (job.organization_id, job.subject_id)
            match job.name:
                case scans.PLAN_SCAN:
                    await scans.plan_next_scan(
                        self.database, ids[0], batch_size=16, quota=scans.UNLIMITED
                    )
                case scans.RUN_BATCH:
                    await scans.run_next_batch(worker, only=ids[0])
                case scans.FINALIZE_SCAN:
                    await scans.finalize_scan(self.database, *ids)
                case reports.RUN_REPORT:
                    await reports.run_report(self.database, *ids, lifetime=_REPORT_LIFETIME)
                case _:
                    pass  # mail: nobody reads it at example.org


_REPORT_LIFETIME = timedelta(days=30)


async def _make_assets(database: Database, actor: Actor) -> Sequence[UUID]:
    async with database.transaction(_scope(actor)) as work:
        return [
            (
                await assets.create_asset(
                    work,
                    actor,
                    _DOCUMENTATION,
                    name=name,
                    target_type=None,
                    target_value=target,
                    values={"tags": tags},
                )
            ).asset.id
            for name, target, tags in _ASSETS
        ]


async def _make_scans(work_list: _WorkList, actor: Actor, asset_ids: Sequence[UUID]) -> UUID:
    """One after the other, so that the later ones find out what is gone; gives back the last."""
    scan_id: UUID | None = None
    for run, name in zip(_Runs, _RUNS, strict=True):
        async with work_list.database.transaction(_scope(actor)) as work:
            request = scans.ScanRequest(asset_ids, name=f"Demo: {name}")
            scan_id = (await scans.create_scan(work, actor, request, scans.UNLIMITED)).id
        await work_list.finish(run)
        async with work_list.database.read(_scope(actor)) as session:
            scan = await scans.get_scan(session, actor, scan_id)
        if scan.hosts_alive != len(_HOSTS):
            raise InvalidRequest(
                "A worker took the invented hosts for real ones: stop the workers, delete what was"
                " made, and try again"
            )
    if scan_id is None:
        raise ValueError("a demo has at least one scan")
    return scan_id


async def _follow_up(database: Database, actor: Actor) -> int:
    """What people do with findings: accept, assign, postpone. Gives back how many there are."""
    now = utcnow()
    async with database.transaction(_scope(actor)) as work:
        page = await findings.list_findings(
            work.session, actor, findings.FindingFilter(), PageRequest(page_size=100)
        )
        by_check = {view.finding.check_id: view.finding.id for view in page.items}
        for check_id, changes in (
            (
                "mail.spf.softfail",
                {
                    "status": FindingStatus.ACCEPTED_RISK,
                    "accepted_until": now + timedelta(days=90),
                    "resolution_note": "Until the last mail relay is listed",
                },
            ),
            (
                "tls.cert.self_signed",
                {
                    "status": FindingStatus.IN_PROGRESS,
                    "assigned_to": actor.user_id,
                    "due_at": now + timedelta(days=14),
                },
            ),
            ("http.csp.missing", {"status": FindingStatus.ACKNOWLEDGED}),
        ):
            await findings.update_finding(work, actor, by_check[check_id], changes)
    return len(page.items)


async def _make_schedule_and_reports(
    work_list: _WorkList, actor: Actor, asset_ids: Sequence[UUID], scan_id: UUID
) -> None:
    """The schedule rests: it would scan what does not exist."""
    async with work_list.database.transaction(_scope(actor)) as work:
        request = schedules.ScheduleRequest(
            name="Every Monday at three",
            cron_expression="0 3 * * 1",
            asset_ids=asset_ids,
            is_active=False,
            timezone="Europe/Rome",
        )
        await schedules.create_schedule(work, actor, request)
        for format_ in (ReportFormat.PDF, ReportFormat.CSV):
            await reports.generate_report(work, actor, ReportRequest(scan_id, format_))
    await work_list.finish()


def _scope(actor: Actor) -> Scope:
    return Scope(organization_id=actor.organization_id, user_id=actor.user_id)
