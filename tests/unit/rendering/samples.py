"""Reports to render: an ordinary one, and any number of findings."""

import hashlib
import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.compliance import (
    LEGAL_DATA_VERSION,
    SCORING_VERSION,
    HostVerdicts,
    ProblemCount,
    ScoredVerdict,
    SummaryFacts,
    assess,
    executive_summary,
)
from services.rendering.document import (
    Branding,
    ChangedFinding,
    NotTested,
    ReportAsset,
    ReportChanges,
    ReportDocument,
    ReportFinding,
    ReportLoss,
    ReportOptions,
    ReportRows,
    ReportScan,
    ReportScore,
    ReportVersions,
    TrendPoint,
)
from services.rendering.formats import ReportFormat
from services.rendering.render_child import render
from services.scanner.check import Outcome, Severity, catalogue_entries
from services.scanner.engine import CATALOGUE

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CHECKS = (
    "svc.db.exposed",
    "tls.protocol.tls10",
    "tls.cert.expired",
    "http.hsts.missing",
    "http.csp.missing",
    "http.nosniff.missing",
    "mail.spf.missing",
    "mail.dmarc.missing",
    "dns.dnssec.missing",
    "dns.ns.same_network",
    "http.sri.missing",
    "svc.db.unauthenticated",
)
PORTS = {"svc.db.exposed": 5432, "svc.db.unauthenticated": 6379, "mail.spf.missing": None}


@dataclass(frozen=True, slots=True)
class Sample:
    """A report that can be rendered again and again: its rows are no streams."""

    document: ReportDocument
    rows: ReportRows
    facts: SummaryFacts
    """What its summary is made of."""

    @property
    def findings(self) -> tuple[ReportFinding, ...]:
        return tuple(self.rows.findings)

    def render(self, format: ReportFormat) -> bytes:
        out = io.BytesIO()
        render(self.document, self.rows, format, out)
        return out.getvalue()

    def in_language(self, locale: str) -> "Sample":
        options = replace(self.document.options, locale=locale)
        summary = executive_summary(self.facts, locale)
        document = replace(self.document, options=options, executive_summary=summary)
        return replace(self, document=document)


def a_finding(check_id: str, target: str, **overrides: Any) -> ReportFinding:  # noqa: ANN401 - of any field
    entry = catalogue_entries()[check_id]
    values: dict[str, Any] = {  # Any: of any field
        "fingerprint": hashlib.sha256(f"{check_id} {target}".encode()).hexdigest(),
        "severity": Severity(entry["severity"]),
        "category": check_id.partition(".")[0],
        "check_id": check_id,
        "title": entry["title"],
        "message": f"{entry['title']}: seen at {target}",
        "target": target,
        "status": "open",
        "port": PORTS.get(check_id, 443),
        "protocol": "tcp",
        "remediation": CATALOGUE[check_id].remediation,
        "rationale": CATALOGUE[check_id].rationale,
        "reference": "; ".join(CATALOGUE[check_id].sources),
        "cvss_base_score": 7.5,
        "cvss_vector": entry["cvss"],
        "compliance_article": f"NIS2 Art. 21(2)({entry['letter']})",
        "annex_point": entry["points"][0],
        "first_seen_at": NOON - timedelta(days=20),
        "evidence": {"version": "TLS 1.0", "seen": 3},
    }
    return ReportFinding(**{**values, **overrides})


def findings_of(count: int) -> tuple[ReportFinding, ...]:
    """Spread over the checks, most of them mild, as in life."""
    return tuple(
        a_finding(CHECKS[i % len(CHECKS)], f"host{i // len(CHECKS):04}.example.org")
        for i in range(count)
    )


def a_report(
    findings: tuple[ReportFinding, ...] | None = None,
    **overrides: Any,  # noqa: ANN401 - of any field
) -> Sample:
    """A whole report; its score and matrix are those of its findings."""
    given = findings_of(40) if findings is None else findings
    found = tuple(sorted(given, key=lambda f: (f.severity.rank, f.check_id, f.target)))
    counts = {s: sum(f.severity is s for f in found) for s in Severity}
    hosts = sorted({f.target for f in found})
    assessment = assess(_verdicts(found, hosts), targets_in_scope=len(hosts) + 2)
    assets = [
        ReportAsset(h, "evaluated", "192.0.2.10", is_alive=True, open_ports=(80, 443))
        for h in hosts
    ]
    assets += [
        ReportAsset("old.example.org", "unresolved", reason="The name has no address"),
        ReportAsset("198.51.100.7", "unreachable", "198.51.100.7", reason="No port answered"),
    ]
    by_title = {f.title: f.severity for f in sorted(found, key=lambda f: f.severity.rank)}
    worst = [
        ProblemCount(title, severity, sum(f.title == title for f in found))
        for title, severity in by_title.items()
    ]
    facts = SummaryFacts(
        assessment,
        hosts_scanned=len(assets),
        hosts_alive=len(hosts),
        findings=counts,
        worst=worst[:3],
        not_tested={"The name has no address": 1, "No port answered": 1},
    )
    values: dict[str, Any] = {  # Any: of any field
        "organization_name": "Stadtwerke Musterstadt GmbH",
        "generated_at": NOON,
        "options": ReportOptions(),
        "branding": Branding(),
        "scan": ReportScan(
            id="01939f4e-6c1d-7a10-9d9a-0c5f0a1b2c3d",
            name="Public services, weekly",
            scan_type="full",
            status="completed",
            started_at=NOON - timedelta(minutes=7),
            completed_at=NOON - timedelta(minutes=2),
            duration_seconds=301.4,
            config={"domains": ["example.org"], "concurrency": 50, "features": {"port_scan": True}},
        ),
        "score": ReportScore(
            score=assessment.score,
            score_exact=assessment.score_exact,
            score_lower=assessment.score_lower,
            grade=assessment.grade,
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
                    title=catalogue_entries()[loss.check_id]["title"],
                )
                for loss in assessment.top_losses
            ),
        ),
        "hosts_scanned": len(assets),
        "hosts_alive": len(hosts),
        "counts": counts,
        "omitted": 0,
        "passed": {"http.secret.body": len(hosts)},
        "executive_summary": executive_summary(facts),
        "compliance_matrix": dict(assessment.matrix),
        "trend": _TREND,
        "changes": _CHANGES,
        "versions": ReportVersions(
            "NIS2 Gateway 0.1", SCORING_VERSION, "2026.11", LEGAL_DATA_VERSION
        ),
    }
    not_tested = tuple(
        NotTested(h, "tls.cert.revoked", "The OCSP responder did not answer") for h in hosts
    )
    return Sample(
        ReportDocument(**{**values, **overrides}),
        ReportRows(found, tuple(assets), not_tested),
        facts,
    )


_TREND = tuple(
    TrendPoint(f"scan-{week}", NOON - timedelta(weeks=8 - week), score, SCORING_VERSION, "2026.11")
    for week, score in enumerate((22, 25, 25, 40, 38, 52, 55, 61))
)
_CHANGES = ReportChanges(
    baseline_name="Public services, weekly",
    baseline_date=NOON - timedelta(weeks=1),
    score_delta=6,
    new=2,
    resolved=3,
    persistent=38,
    not_rescanned=1,
    severity_changed=1,
    reasons=("catalog_version_differs",),
    new_listed=(ChangedFinding(Severity.HIGH, "Certificate expired", "host0000.example.org:443"),),
    resolved_listed=(ChangedFinding(Severity.LOW, "nosniff missing", "host0001.example.org:443"),),
)


def _verdicts(found: tuple[ReportFinding, ...], hosts: list[str]) -> list[HostVerdicts]:
    verdicts = {host: [_passed(host), _not_evaluated(host)] for host in hosts}
    for f in found:
        entry = catalogue_entries()[f.check_id]
        verdicts[f.target].append(
            ScoredVerdict(
                *(f.check_id, f.target, f.port, Outcome.FAILED, f.severity, f.severity),
                *(entry["letter"], entry["points"][0]),
            )
        )
    return [HostVerdicts(host, of_host) for host, of_host in verdicts.items()]


def _passed(host: str) -> ScoredVerdict:
    return ScoredVerdict(
        *("http.secret.body", host, 443, Outcome.PASSED, None, Severity.CRITICAL, "i", "11.6.2(b)")
    )


def _not_evaluated(host: str) -> ScoredVerdict:
    return ScoredVerdict(
        *("tls.cert.revoked", host, 443, Outcome.NOT_EVALUATED, None, Severity.CRITICAL),
        *("h", "9.2(c)(vii)"),
    )
