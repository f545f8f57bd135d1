"""Everything a report prints, as plain values: read from the database once, then only rendered.

It travels to the rendering process as JSON (``msgspec``), so it holds no live object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.scanner.check import Severity

Json = dict[str, Any]  # Any: a JSON object


@dataclass(frozen=True, slots=True)
class ReportScan:
    """Which scan it is, and how it was asked for."""

    id: str
    name: str
    scan_type: str
    status: str
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_seconds: float | None = None
    config: Json = field(default_factory=dict[str, Any])
    """The scan's config snapshot."""
    is_partial: bool = False
    """It was cancelled or failed on its way: the report must say so."""


@dataclass(frozen=True, slots=True)
class ReportLoss:
    """A problem and the points its removal would give back."""

    check_id: str
    host: str
    port: int | None
    severity: Severity
    points: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class ReportScore:
    """The technical exposure score with its companions; None where nothing was evaluated."""

    score: int | None = None
    score_exact: float | None = None
    score_lower: int | None = None
    grade: str | None = None
    mean_host_score: float | None = None
    hosts_by_grade: dict[str, int] = field(default_factory=dict[str, int])
    coverage: Json = field(default_factory=dict[str, Any])
    """``targets_in_scope``, ``targets_evaluated``, ``checks_applicable``, ``checks_evaluated``."""
    top_losses: tuple[ReportLoss, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportFinding:
    """One finding as the scan saw it."""

    severity: Severity
    category: str
    check_id: str
    title: str
    message: str
    target: str
    status: str
    port: int | None = None
    protocol: str | None = None
    remediation: str | None = None
    rationale: str | None = None
    cvss_base_score: float | None = None
    cvss_vector: str | None = None
    compliance_article: str | None = None
    annex_point: str | None = None
    first_seen_at: datetime | None = None
    evidence: Json = field(default_factory=dict[str, Any])
    resolution_note: str | None = None
    """The reason given for accepting the risk, or for any other decision."""
    accepted_until: datetime | None = None

    @property
    def endpoint(self) -> str:
        """``host:port``, or the host alone."""
        if self.port is None:
            return self.target
        return (
            f"[{self.target}]:{self.port}" if ":" in self.target else f"{self.target}:{self.port}"
        )


@dataclass(frozen=True, slots=True)
class ReportAsset:
    """One target and how far it could be looked at."""

    target: str
    status: str
    ip: str | None = None
    is_alive: bool = False
    open_ports: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotTested:
    """A check that could not be evaluated at a target, and why."""

    target: str
    check_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportVersions:
    """What made the numbers; two reports compare only where these agree."""

    product: str
    scoring: str
    catalog: str
    legal_data: str


@dataclass(frozen=True, slots=True)
class ReportDocument:
    organization_name: str
    generated_at: datetime
    scan: ReportScan
    score: ReportScore
    hosts_scanned: int
    hosts_alive: int
    counts: dict[Severity, int]
    """Findings of the scan per severity, also those beyond a cap of ``findings``."""
    executive_summary: str
    compliance_matrix: Json
    """As ``services.compliance.assess`` gives it: ``art21_a`` to ``art21_j``."""
    findings: tuple[ReportFinding, ...]
    """Worst severity first."""
    assets: tuple[ReportAsset, ...]
    not_tested: tuple[NotTested, ...]
    versions: ReportVersions

    @property
    def findings_total(self) -> int:
        return sum(self.counts.values())

    def count(self, severity: Severity) -> int:
        return self.counts.get(severity, 0)


def matrix_rows(matrix: Mapping[str, Any]) -> Sequence[Json]:  # Any: a JSON object
    """The letters of a compliance matrix in order; empty for a scan that has none."""
    return [matrix[key] for key in sorted(matrix) if key.startswith("art21_")]
