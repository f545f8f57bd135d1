"""Findings of a test, filed as a scan would file them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.database import utcnow
from services.findings import Sighting, record_findings, resolve_gone
from services.identifiers import uuid7
from services.resources import Resources
from services.scanner.check import CheckResult
from services.scanner.profile import ScanType
from services.scanner.result import TargetStatus
from services.scans import Scan, ScanResult, ScanStatus
from services.scans.storing import stored_verdict
from tests.members import Member


async def see(
    resources: Resources,
    member: Member,
    results: Sequence[CheckResult],
    *,
    asset_id: UUID | None = None,
    host: str | None = None,
    name: str = "test",
) -> UUID:
    """A completed scan that saw this; gives back its id.

    With a host it also keeps the result of this target, and resolves what is gone there.
    """
    async with resources.database.transaction(member.scope) as work:
        scan = Scan(
            organization_id=member.organization_id,
            created_by=member.user_id,
            name=name,
            scan_type=ScanType.FULL,
            config_snapshot={"asset_ids": []},
            deadline_at=utcnow() + timedelta(hours=1),
            status=ScanStatus.COMPLETED,
        )
        work.session.add(scan)
        await work.session.flush()
        now = utcnow()
        if host is not None:
            work.session.add(_result(scan, host, results))
            await work.session.flush()
        sighting = Sighting(member.organization_id, scan.id, uuid7(), asset_id, now)
        await record_findings(work.session, sighting, results)
    # As in life: the end of a scan is a transaction of its own.
    async with resources.database.transaction(member.scope) as work:
        await resolve_gone(work.session, member.organization_id, scan.id, now)
    return scan.id


def _result(scan: Scan, host: str, results: Sequence[CheckResult]) -> ScanResult:
    return ScanResult(
        organization_id=scan.organization_id,
        scan_id=scan.id,
        target=host,
        ip=None,
        status=TargetStatus.EVALUATED,
        reason="",
        is_alive=True,
        open_ports=None,
        services=None,
        http_info=None,
        tls_info=None,
        dns_info=None,
        mail_info=None,
        ssh_info=None,
        whois_info=None,
        secrets_found=None,
        checks=[stored_verdict(result) for result in results],
        errors=[],
        duration_ms=1,
    )
