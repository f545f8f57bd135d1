"""What a scan saw becomes findings and observations, in a handful of set-based statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, and_, case, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.findings.fingerprint import fingerprint
from services.findings.history_models import FindingEventKind
from services.findings.history_queries import EventRow, store_events
from services.findings.models import Finding, FindingStatus, Observation
from services.findings.rules import LifeRules, read_rules
from services.identifiers import uuid7
from services.scanner.check import CheckResult, Outcome, Severity


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where and when something was seen."""

    organization_id: UUID
    scan_id: UUID
    scan_result_id: UUID
    asset_id: UUID | None
    seen_at: datetime


async def record_findings(
    session: AsyncSession, sighting: Sighting, results: Sequence[CheckResult]
) -> None:
    """File every problem of one target: new, seen again or back.

    The caller holds the scan result's unique key, so that this happens once per target. Rows are
    locked in the order of their fingerprint: two targets with a problem in common cannot
    deadlock.
    """
    if not any(result.verdict.outcome is Outcome.FAILED for result in results):
        return
    rules = await read_rules(session, sighting.organization_id)
    rows = _rows(sighting, rules, results)
    known = await _lock_known(session, sighting.organization_id, list(rows))
    stored = await _upsert(session, list(rows.values()))
    await session.execute(
        insert(Observation)
        .values(
            [
                {
                    "organization_id": sighting.organization_id,
                    "scan_id": sighting.scan_id,
                    "finding_id": stored[key].id,
                    "scan_result_id": sighting.scan_result_id,
                    "severity": row["severity"],
                    "message": row["message"],
                    "evidence": row["evidence"],
                    "seen_at": sighting.seen_at,
                }
                for key, row in rows.items()
            ]
        )
        .on_conflict_do_nothing()
    )
    await store_events(
        session,
        sighting.organization_id,
        [event for key, now in stored.items() for event in _events(known.get(key), now)],
        sighting.seen_at,
        scan_id=sighting.scan_id,
    )


@dataclass(frozen=True, slots=True)
class _State:
    """What an event may be about."""

    id: UUID
    status: FindingStatus
    severity: Severity
    needs_review: bool
    is_new: bool = False


def _events(before: _State | None, after: _State) -> Iterator[EventRow]:
    """What this sighting changed. Nothing of a finding that another target has just filed."""
    if after.is_new:
        yield EventRow(after.id, FindingEventKind.FIRST_SEEN, None, after.status)
    if before is None:
        return
    if before.status is not after.status:
        yield EventRow(after.id, FindingEventKind.STATUS, before.status, after.status)
    if before.severity is not after.severity:
        yield EventRow(after.id, FindingEventKind.SEVERITY, before.severity, after.severity)
    if after.needs_review and not before.needs_review:
        yield EventRow(after.id, FindingEventKind.REVIEW, None, "needed")


Row = dict[str, Any]  # Any: column values of one row


def _rows(
    sighting: Sighting, rules: LifeRules, results: Sequence[CheckResult]
) -> Mapping[bytes, Row]:
    """One row per fingerprint, sorted by it; of two problems with one identity the worse."""
    rows: dict[bytes, Row] = {}
    for result in results:
        if result.verdict.outcome is not Outcome.FAILED:
            continue
        for problem in result.verdict.problems:
            key = fingerprint(result.check.id, result.endpoint, problem.discriminator)
            severity = problem.severity or result.check.severity
            twin = rows.get(key)
            if twin is not None and twin["severity"].rank <= severity.rank:
                continue
            rows[key] = _row(sighting, result, key, severity) | {
                "discriminator": problem.discriminator,
                "message": problem.message,
                "evidence": dict(problem.evidence),
                "due_at": rules.due_at(severity, sighting.seen_at),
            }
    return dict(sorted(rows.items()))


def _row(sighting: Sighting, result: CheckResult, key: bytes, severity: Severity) -> Row:
    return {
        "id": uuid7(),
        "organization_id": sighting.organization_id,
        "fingerprint": key,
        "check_id": result.check.id,
        "category": result.check.category,
        "asset_id": sighting.asset_id,
        "host": result.endpoint.host,
        "port": result.endpoint.port,
        "protocol": result.endpoint.protocol,
        "severity": severity,
        "status": FindingStatus.OPEN,
        "first_seen_at": sighting.seen_at,
        "last_seen_at": sighting.seen_at,
        "last_scan_id": sighting.scan_id,
        "opened_at": sighting.seen_at,
        "occurrences": 1,
        "reopened_count": 0,
        "created_at": sighting.seen_at,
        "updated_at": sighting.seen_at,
    }


async def _lock_known(
    session: AsyncSession, organization_id: UUID, keys: Sequence[bytes]
) -> dict[bytes, _State]:
    statement = (
        select(
            Finding.fingerprint, Finding.id, Finding.status, Finding.severity, Finding.needs_review
        )
        .where(Finding.organization_id == organization_id, Finding.fingerprint.in_(keys))
        .order_by(Finding.fingerprint)
        .with_for_update()
    )
    rows = await session.execute(statement)
    return {
        key: _State(finding_id, status, severity, needs_review)
        for key, finding_id, status, severity, needs_review in rows
    }


async def _upsert(session: AsyncSession, rows: Sequence[Row]) -> dict[bytes, _State]:
    """The findings by fingerprint, new and known alike."""
    statement = insert(Finding).values(list(rows))
    new, status = statement.excluded, Finding.status
    was_resolved = status == FindingStatus.RESOLVED
    is_back = or_(was_resolved, Finding.is_retired)
    looks_different = and_(
        status == FindingStatus.FALSE_POSITIVE,
        or_(new.severity < Finding.severity, new.evidence != Finding.evidence),
    )
    # The new row's clock began with this sighting, so its own two dates hold the days allowed.
    due_at = case(
        (is_back, new.due_at),
        (Finding.is_due_fixed, Finding.due_at),
        else_=Finding.opened_at + (new.due_at - new.opened_at),
    )
    stored = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id", "fingerprint"],
            set_={
                "asset_id": new.asset_id,
                "severity": new.severity,
                "message": new.message,
                "evidence": new.evidence,
                "last_seen_at": func.greatest(Finding.last_seen_at, new.last_seen_at),
                "last_scan_id": new.last_scan_id,
                "updated_at": new.updated_at,
                "occurrences": Finding.occurrences + 1,
                "status": case((was_resolved, FindingStatus.OPEN.value), else_=status),
                "reopened_count": Finding.reopened_count + case((was_resolved, 1), else_=0),
                "opened_at": case((is_back, new.opened_at), else_=Finding.opened_at),
                "due_at": due_at,
                "is_due_fixed": and_(Finding.is_due_fixed, ~is_back),
                "resolved_at": None,
                "resolution": None,
                "resolution_note": case((was_resolved, None), else_=Finding.resolution_note),
                "needs_review": or_(Finding.needs_review, looks_different),
                "is_retired": False,
            },
        ).returning(
            Finding.fingerprint,
            Finding.id,
            Finding.status,
            Finding.severity,
            Finding.needs_review,
            literal_column("findings.xmax = 0", Boolean()).label(
                "is_new"
            ),  # only a row that was there has been locked
        )
    )
    return {
        key: _State(finding_id, status, severity, needs_review, is_new)
        for key, finding_id, status, severity, needs_review, is_new in stored
    }
