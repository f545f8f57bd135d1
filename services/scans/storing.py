"""One target's result becomes rows: the result itself, its findings, its asset's date."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services import findings
from services.assets import Asset
from services.database import utcnow
from services.database.base import Json
from services.findings import Sighting
from services.identifiers import uuid7
from services.scanner.check import CheckResult, Severity
from services.scanner.result import TargetResult
from services.scans.leases import Lease
from services.scans.models import ScanResult


async def store_result(
    session: AsyncSession, lease: Lease, asset_id: UUID | None, seen: TargetResult
) -> bool:
    """Whether the result is new; a target that has one already is left as it is."""
    now = utcnow()
    result_id = uuid7()
    inserted = await session.scalar(
        insert(ScanResult)
        .values(_row(lease, result_id, seen))
        .on_conflict_do_nothing(index_elements=["scan_id", "target"])
        .returning(ScanResult.id)
    )
    if inserted is None:
        return False
    sighting = Sighting(lease.organization_id, lease.scan_id, result_id, asset_id, now)
    await findings.record_findings(session, sighting, seen.checks)
    if asset_id is not None:
        await session.execute(
            update(Asset)
            .where(Asset.organization_id == lease.organization_id, Asset.id == asset_id)
            .values(last_scanned_at=now)
        )
    return True


def _row(lease: Lease, result_id: UUID, seen: TargetResult) -> Json:
    now = utcnow()
    return {
        "id": result_id,
        "created_at": now,
        "updated_at": now,
        "organization_id": lease.organization_id,
        "scan_id": lease.scan_id,
        "target": seen.target.value,
        "ip": seen.addresses[0] if seen.addresses else None,
        "status": seen.status,
        "reason": seen.reason,
        "is_alive": seen.is_alive,
        "open_ports": list(seen.open_ports),
        "services": [dict(service) for service in seen.services],
        "http_info": dict(seen.http_info) or None,
        "tls_info": dict(seen.tls_info) or None,
        "dns_info": dict(seen.dns_info) or None,
        "mail_info": dict(seen.mail_info) or None,
        "ssh_info": dict(seen.ssh_info) or None,
        "whois_info": dict(seen.whois_info) or None,
        "secrets_found": [dict(secret) for secret in seen.secrets_found] or None,
        "checks": [stored_verdict(result) for result in seen.checks],
        "errors": list(seen.errors),
        "duration_ms": seen.duration_ms,
    }


def stored_verdict(result: CheckResult) -> Json:
    """A verdict in short: enough to score, to resolve what is gone and to say what was not seen."""
    verdict = result.verdict
    worst = min(
        ((problem.severity or result.check.severity) for problem in verdict.problems),
        key=lambda severity: severity.rank,
        default=None,
    )
    return {
        "id": result.check.id,
        "host": result.endpoint.host,
        "port": result.endpoint.port,
        "protocol": result.endpoint.protocol,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "applicable": verdict.is_applicable,
        "severity": _value(worst),
    }


def _value(severity: Severity | None) -> str | None:
    return severity.value if severity is not None else None
