"""Everything a report prints, as plain values.

The document is what stands once; the rows (findings, targets, checks that could not run) are as
many as there are, so they come as streams and no format needs to hold them all. Both travel to the
rendering process as JSON (``msgspec``), so they hold no live object.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
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

    fingerprint: str
    """Hex; the same problem has the same one in every scan."""
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
    reference: str | None = None
    """The standards that ask for it."""
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


class Paper(StrEnum):
    A4 = "a4"
    LETTER = "letter"


class Template(StrEnum):
    """How much of a report people get: programs' formats are always whole."""

    FULL = "full"
    MANAGEMENT = "management"
    """Cover, management page, exceptions and method; no list of findings."""


@dataclass(frozen=True, slots=True)
class Branding:
    """How an organization wants its reports to look; None leaves ours."""

    primary_color: str | None = None
    """``#rrggbb``, as is the next."""
    accent_color: str | None = None
    footer: str | None = None
    classification: str | None = None
    """Printed on the cover and on every page."""
    logo: bytes | None = None
    """Sanitized when it was stored."""
    logo_type: str | None = None
    """``image/png`` or ``image/svg+xml``."""
    logo_size: tuple[float, float] | None = None
    """Width and height, in any unit."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One scan of the same scope, this one included; oldest first in a report."""

    scan_id: str
    completed_at: datetime
    score: int | None
    scoring_version: str
    catalog_version: str


@dataclass(frozen=True, slots=True)
class ChangedFinding:
    severity: Severity
    title: str
    target: str


@dataclass(frozen=True, slots=True)
class ReportChanges:
    """Against the scan of the same scope before this one."""

    baseline_name: str
    baseline_date: datetime
    score_delta: int | None
    new: int
    resolved: int
    persistent: int
    not_rescanned: int
    severity_changed: int
    reasons: tuple[str, ...]
    """Why the two are not quite comparable; empty: they are."""
    new_listed: tuple[ChangedFinding, ...] = ()
    """The worst few."""
    resolved_listed: tuple[ChangedFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What the one who asked may choose."""

    locale: str = "en"
    title: str | None = None
    template: Template = Template.FULL
    paper: Paper = Paper.A4
    include_accepted: bool = True
    """False leaves accepted risks and false positives out of the findings."""


@dataclass(frozen=True, slots=True)
class ReportDocument:
    organization_name: str
    generated_at: datetime
    """The stamp: everything else is the same for the same scan in the same state."""
    options: ReportOptions
    branding: Branding
    scan: ReportScan
    score: ReportScore
    hosts_scanned: int
    hosts_alive: int
    counts: dict[Severity, int]
    """Findings that the scan saw, per severity."""
    omitted: int
    """Those that ``include_accepted`` leaves out of the rows."""
    passed: dict[str, int]
    """At how many endpoints each check passed."""
    executive_summary: str
    compliance_matrix: Json
    """As ``services.compliance.assess`` gives it: ``art21_a`` to ``art21_j``."""
    trend: tuple[TrendPoint, ...]
    changes: ReportChanges | None
    """None where this scan is the first of its scope."""
    versions: ReportVersions

    @property
    def findings_total(self) -> int:
        return sum(self.counts.values())

    def count(self, severity: Severity) -> int:
        return self.counts.get(severity, 0)


@dataclass(frozen=True, slots=True)
class ReportRows:
    """The long lists. Each may be read once, and in this order: they may be streams."""

    findings: Iterable[ReportFinding]
    """Worst severity first, then by check and host."""
    assets: Iterable[ReportAsset]
    """By target."""
    not_tested: Iterable[NotTested]
    """By target."""


def matrix_rows(matrix: Mapping[str, Any]) -> Sequence[Json]:  # Any: a JSON object
    """The letters of a compliance matrix in order; empty for a scan that has none."""
    return [matrix[key] for key in sorted(matrix) if key.startswith("art21_")]
