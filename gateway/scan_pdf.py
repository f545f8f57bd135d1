"""``nis2 scan --pdf``: the report of a scan that no database knows."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gateway.scan_run import Scanned
from services.compliance import (
    LEGAL_DATA_VERSION,
    Assessment,
    HostVerdicts,
    ProblemCount,
    ScoredVerdict,
    SummaryFacts,
    assess,
    executive_summary,
)
from services.findings.fingerprint import fingerprint
from services.rendering.document import (
    Branding,
    NotTested,
    ReportAsset,
    ReportDocument,
    ReportFinding,
    ReportLoss,
    ReportOptions,
    ReportScan,
    ReportScore,
    ReportVersions,
)
from services.rendering.formats import ReportFormat
from services.rendering.render import RenderLimits, render_in_child
from services.rendering.rows import Row
from services.scanner.check import CATALOGUE_VERSION, CheckResult, Outcome, Problem, Severity
from services.scanner.cvss import base_score
from services.scanner.engine import CATALOGUE
from services.scanner.profile import Profile
from services.scanner.result import TargetStatus
from services.version import PRODUCT

_LOOKED_AT = frozenset({TargetStatus.EVALUATED, TargetStatus.PARTIALLY_EVALUATED})
_TIME_LIMIT_S = 300.0
_MOST_NAMED = 60
"""Characters of the targets in the report's title."""
_Found = tuple[Severity, CheckResult, Problem]


async def write_pdf(
    file: Path, results: Sequence[Scanned], profile: Profile, started_at: datetime
) -> None:
    """The full report, as the platform makes it of a stored scan. Raises RenderError, OSError."""
    document = _document(results, profile, started_at)
    with file.open("wb") as out:
        await render_in_child(
            document,
            ReportFormat.PDF,
            _rows(results, started_at),
            out,
            limits=RenderLimits(_TIME_LIMIT_S),
        )


def _document(results: Sequence[Scanned], profile: Profile, started_at: datetime) -> ReportDocument:
    now = datetime.now(UTC)
    assessment = assess(map(_host_verdicts, results), targets_in_scope=len(results))
    found = list(_found(results))
    counts = Counter(severity for severity, _, _ in found)
    alive = sum(scanned.result.is_alive for scanned in results)
    is_partial = any(s.result.status is not TargetStatus.EVALUATED for s in results)
    return ReportDocument(
        organization_name="",
        generated_at=now,
        options=ReportOptions(),
        branding=Branding(),
        scan=ReportScan(
            id="",
            name=_name(results),
            scan_type=profile.scan_type.value,
            status="completed",
            started_at=started_at,
            completed_at=now,
            duration_seconds=(now - started_at).total_seconds(),
            is_partial=is_partial,
        ),
        score=_score(assessment),
        hosts_scanned=sum(scanned.result.status in _LOOKED_AT for scanned in results),
        hosts_alive=alive,
        counts={severity: counts[severity] for severity in Severity},
        omitted=0,
        passed=dict(_passed(results)),
        executive_summary=executive_summary(
            SummaryFacts(
                assessment=assessment,
                hosts_scanned=len(results),
                hosts_alive=alive,
                findings=counts,
                worst=_worst(found),
                not_tested=Counter(
                    s.result.reason or s.result.status.value
                    for s in results
                    if s.result.status not in _LOOKED_AT
                ),
                is_partial=is_partial,
            )
        ),
        compliance_matrix=dict(assessment.matrix),
        trend=(),
        changes=None,
        versions=ReportVersions(
            PRODUCT, assessment.scoring_version, CATALOGUE_VERSION, LEGAL_DATA_VERSION
        ),
    )


def _name(results: Sequence[Scanned]) -> str:
    names = ", ".join(dict.fromkeys(scanned.asked for scanned in results))
    return names if len(names) <= _MOST_NAMED else names[: _MOST_NAMED - 1] + "…"


def _host_verdicts(scanned: Scanned) -> HostVerdicts:
    verdicts = tuple(
        ScoredVerdict(
            check_id=result.check.id,
            host=result.endpoint.host,
            port=result.endpoint.port,
            outcome=result.verdict.outcome,
            severity=_worst_of(result),
            default_severity=result.check.severity,
            letter=result.check.letter,
            point=result.check.points[0],
            is_applicable=result.verdict.is_applicable,
        )
        for result in scanned.result.checks
    )
    is_reachable = scanned.result.status in _LOOKED_AT
    return HostVerdicts(scanned.result.target.value, verdicts, is_reachable=is_reachable)


def _worst_of(result: CheckResult) -> Severity | None:
    severities = (p.severity or result.check.severity for p in result.verdict.problems)
    return min(severities, key=lambda severity: severity.rank, default=None)


def _found(results: Sequence[Scanned]) -> Iterator[_Found]:
    """Every problem of every target."""
    for scanned in results:
        for result in scanned.result.checks:
            for problem in result.verdict.problems:
                yield problem.severity or result.check.severity, result, problem


def _passed(results: Sequence[Scanned]) -> Counter[str]:
    return Counter(
        result.check.id
        for scanned in results
        for result in scanned.result.checks
        if result.verdict.outcome is Outcome.PASSED
    )


def _worst(found: Sequence[_Found]) -> Sequence[ProblemCount]:
    """Each check that failed, the worst and most frequent first."""
    hosts: dict[str, set[str]] = {}
    severities: dict[str, Severity] = {}
    for severity, result, _ in found:
        hosts.setdefault(result.check.id, set()).add(result.endpoint.host)
        known = severities.get(result.check.id, severity)
        severities[result.check.id] = min(known, severity, key=lambda s: s.rank)
    problems = [
        ProblemCount(CATALOGUE[check_id].title, severities[check_id], len(names))
        for check_id, names in hosts.items()
    ]
    return sorted(problems, key=lambda p: (p.severity.rank, -p.hosts, p.title))


def _score(assessment: Assessment) -> ReportScore:
    return ReportScore(
        score=assessment.score,
        score_exact=assessment.score_exact,
        score_lower=assessment.score_lower,
        grade=assessment.grade.value if assessment.grade else None,
        mean_host_score=assessment.mean_host_score,
        hosts_by_grade=dict(assessment.hosts_by_grade),
        coverage=dict(assessment.coverage),
        top_losses=tuple(
            ReportLoss(
                loss.check_id,
                loss.host,
                loss.port,
                loss.severity,
                loss.points,
                CATALOGUE[loss.check_id].title,
            )
            for loss in assessment.top_losses
        ),
    )


async def _rows(results: Sequence[Scanned], seen_at: datetime) -> AsyncGenerator[Sequence[Row]]:
    """Findings from worst to mildest, then the targets, then what could not be tested."""
    found = sorted(_found(results), key=lambda f: (f[0].rank, f[1].check.id, str(f[1].endpoint)))
    yield [_finding(*one, seen_at) for one in found]
    yield [_asset(scanned) for scanned in results]
    yield [
        NotTested(scanned.result.target.value, result.check.id, result.verdict.reason)
        for scanned in results
        for result in scanned.result.checks
        if result.verdict.outcome is Outcome.NOT_EVALUATED and result.verdict.is_applicable
    ]


def _finding(
    severity: Severity, result: CheckResult, problem: Problem, seen_at: datetime
) -> ReportFinding:
    info, endpoint = result.check, result.endpoint
    return ReportFinding(
        fingerprint=fingerprint(info.id, endpoint, problem.discriminator).hex(),
        severity=severity,
        category=info.category,
        check_id=info.id,
        title=info.title,
        message=problem.message,
        target=endpoint.host,
        status="open",
        port=endpoint.port,
        protocol=endpoint.protocol,
        remediation=info.remediation,
        rationale=info.rationale,
        cvss_base_score=base_score(info.cvss_vector) if info.cvss_vector else None,
        cvss_vector=info.cvss_vector,
        compliance_article=f"Art. 21(2)({info.letter})",
        annex_point=info.points[0],
        first_seen_at=seen_at,
        reference="; ".join(info.sources),
        evidence=dict(problem.evidence),
    )


def _asset(scanned: Scanned) -> ReportAsset:
    result = scanned.result
    return ReportAsset(
        target=result.target.value,
        status=result.status.value,
        ip=result.addresses[0] if result.addresses else None,
        is_alive=result.is_alive,
        open_ports=result.open_ports,
        reason=result.reason,
    )
