"""Two scans side by side: what came, what went, what nobody looked at again.

Sets are made by the database from observations; a scan that saw 50,000 findings is compared
without reading them.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission
from services.compliance import assess
from services.errors import InvalidRequest, NotFound
from services.scanner.check import Endpoint, Severity
from services.scans import comparison_queries, queries
from services.scans.comparison_queries import ComparedRow, Kind
from services.scans.judged import host_verdicts
from services.scans.models import Scan, ScanStatus

MAX_LISTED = 1000
"""Findings listed of each set; the counts are whole."""


class Difference(StrEnum):
    """Why two scans cannot be compared without a word of caution."""

    PROFILE = "profile_differs"
    CATALOG = "catalog_version_differs"
    SCORING = "scoring_version_differs"
    SCOPE = "scope_differs"


@dataclass(frozen=True, slots=True)
class ComparedFinding:
    """A finding as the scan saw it that saw it last, of the two."""

    id: UUID
    fingerprint: str
    check_id: str
    category: str
    message: str
    target: str
    severity: Severity
    baseline_severity: Severity | None
    """As the baseline saw it; None where it did not."""


@dataclass(frozen=True, slots=True)
class FindingSet:
    """Worst first; ``count`` is whole where the list is cut."""

    count: int = 0
    listed: Sequence[ComparedFinding] = ()

    @property
    def is_truncated(self) -> bool:
        return len(self.listed) < self.count


@dataclass(frozen=True, slots=True)
class Comparison:
    """``scan`` is the newer view and ``baseline`` what it is held against, whatever the dates."""

    scan: Scan
    baseline: Scan
    new: FindingSet
    resolved: FindingSet
    """Seen by the baseline, looked for again at the same endpoint, and not there."""
    not_rescanned: FindingSet
    """Seen by the baseline, and nobody looked again: neither there nor gone."""
    severity_changed: FindingSet
    """Seen by both, with another severity; they are among ``persistent_count``."""
    persistent_count: int
    score_delta_same_scope: int | None
    """Over the targets that both could judge; None where there are none."""

    @property
    def score_delta(self) -> int | None:
        return score_delta(self.scan, self.baseline)

    @property
    def is_chronological(self) -> bool:
        return date_of(self.scan) >= date_of(self.baseline)

    @property
    def is_truncated(self) -> bool:
        sets = (self.new, self.resolved, self.not_rescanned, self.severity_changed)
        return any(findings.is_truncated for findings in sets)

    @property
    def reasons(self) -> tuple[Difference, ...]:
        """Empty: the two are comparable."""
        return tuple(differences(self.scan, self.baseline))


async def compare_scans(
    session: AsyncSession, actor: Actor, scan_id: UUID, baseline_id: UUID
) -> Comparison:
    """Raises NotFound for either, and InvalidRequest unless both have completed."""
    actor.require(Permission.SCANS_READ)
    actor.require(Permission.FINDINGS_READ)
    scan = await _completed(session, actor, scan_id)
    baseline = scan if baseline_id == scan_id else await _completed(session, actor, baseline_id)
    return await compare(session, actor.organization_id, scan, baseline)


async def compare(
    session: AsyncSession, organization_id: UUID, scan: Scan, baseline: Scan
) -> Comparison:
    """Two completed scans of one organization, for whoever may read them."""
    rows = await comparison_queries.compare_observations(
        session, organization_id, scan.id, baseline.id, at_most=MAX_LISTED
    )
    sets = _sets(rows)
    changed = sets.get(Kind.SEVERITY_CHANGED, FindingSet())
    unchanged = sets.get(Kind.PERSISTENT, FindingSet())
    return Comparison(
        scan=scan,
        baseline=baseline,
        new=sets.get(Kind.NEW, FindingSet()),
        resolved=sets.get(Kind.RESOLVED, FindingSet()),
        not_rescanned=sets.get(Kind.NOT_RESCANNED, FindingSet()),
        severity_changed=changed,
        persistent_count=changed.count + unchanged.count,
        score_delta_same_scope=await _same_scope_delta(session, organization_id, scan, baseline),
    )


def score_delta(scan: Scan, baseline: Scan) -> int | None:
    """Points gained since the baseline; None where either has no score."""
    if scan.total_score is None or baseline.total_score is None:
        return None
    return scan.total_score - baseline.total_score


def date_of(scan: Scan) -> datetime:
    """When a scan is said to have been."""
    return scan.completed_at or scan.started_at or scan.created_at


async def _completed(session: AsyncSession, actor: Actor, scan_id: UUID) -> Scan:
    scan = await queries.find_scan(session, actor.organization_id, scan_id)
    if scan is None:
        raise NotFound("scan")
    if scan.status is not ScanStatus.COMPLETED:
        raise InvalidRequest(
            f"Only completed scans can be compared: {scan.name!r} is {scan.status}",
            code="scan_not_completed",
        )
    return scan


def _sets(rows: Iterable[ComparedRow]) -> Mapping[Kind, FindingSet]:
    counts: dict[Kind, int] = {}
    listed: dict[Kind, list[ComparedFinding]] = {}
    for row in rows:
        counts[row.kind] = row.count
        listed.setdefault(row.kind, []).append(_compared(row))
    return {kind: FindingSet(count, listed[kind]) for kind, count in counts.items()}


def _compared(row: ComparedRow) -> ComparedFinding:
    return ComparedFinding(
        id=row.finding_id,
        fingerprint=row.fingerprint.hex(),
        check_id=row.check_id,
        category=row.category,
        message=row.message,
        target=str(Endpoint(row.host, row.port)),
        severity=row.severity,
        baseline_severity=row.baseline_severity,
    )


def differences(scan: Scan, baseline: Scan) -> Iterable[Difference]:
    """Why the two cannot be compared without a word of caution; none if they can."""
    if _profile(scan) != _profile(baseline):
        yield Difference.PROFILE
    if scan.catalog_version != baseline.catalog_version:
        yield Difference.CATALOG
    if scan.scoring_version != baseline.scoring_version:
        yield Difference.SCORING
    if _scope(scan) != _scope(baseline):
        yield Difference.SCOPE


def _profile(scan: Scan) -> tuple[object, object]:
    return scan.scan_type, scan.config_snapshot.get("features")


def _scope(scan: Scan) -> frozenset[str]:
    """The targets as they were asked for."""
    snapshot = scan.config_snapshot
    return frozenset((*snapshot.get("domains", ()), *snapshot.get("ip_ranges", ())))


async def _same_scope_delta(
    session: AsyncSession, organization_id: UUID, scan: Scan, baseline: Scan
) -> int | None:
    """The delta over the targets that both looked at, judged again unless they are all the same.

    Taking the worst host out of the scope raises a score; this number it does not move.
    """
    has_same_targets = await comparison_queries.looked_at_the_same(
        session, organization_id, scan.id, baseline.id
    )
    if has_same_targets and scan.scoring_version == baseline.scoring_version:
        return score_delta(scan, baseline)
    judged = await comparison_queries.common_verdicts(
        session, organization_id, scan.id, baseline.id
    )
    # Off the loop: the verdicts of 65,536 hosts take seconds to add up.
    mine, theirs = await asyncio.to_thread(
        lambda: [_score(judged.get(one.id, ())) for one in (scan, baseline)]
    )
    return None if mine is None or theirs is None else mine - theirs


def _score(verdicts: Sequence[comparison_queries.StoredTarget]) -> int | None:
    hosts = (host_verdicts(stored.target, stored.status, stored.checks) for stored in verdicts)
    return assess(hosts, targets_in_scope=len(verdicts)).score
