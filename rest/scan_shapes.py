"""The JSON inside of a scan and of its results.

Stored rows may be older than this code, so what an older version did not write has a default, and
what a newer one adds is passed on.
"""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.compliance import MatrixStatus
from services.scanner.check import Outcome, Severity
from services.scanner.profile import ScanType


class Stored(BaseModel):
    model_config = ConfigDict(extra="allow")


class FeatureSnapshot(Stored):
    port_scan: bool = True
    web_checks: bool = True
    dns_checks: bool = True
    whois_checks: bool = True


class ConfigSnapshot(Stored):
    """Scope and options as they were asked for; never changed."""

    name: str = ""
    domains: list[str] = []
    ip_ranges: list[str] = []
    asset_ids: list[UUID] = []
    scan_type: ScanType = ScanType.FULL
    features: FeatureSnapshot = FeatureSnapshot()
    concurrency: int | None = None
    scan_timeout: int | None = None
    max_hosts: int | None = None


class CheckCoverage(Stored):
    checks_applicable: int
    checks_evaluated: int


class AttestationSnapshot(Stored):
    """What a person stated, as it stood then."""

    id: UUID
    statement: str
    evidence_url: str | None
    attested_by: UUID | None
    attested_by_name: str | None
    attested_at: datetime
    valid_until: datetime | None
    is_expired: bool


class MatrixPoint(Stored):
    """A point of the annex of Regulation (EU) 2024/2690."""

    point: str
    heading: str
    letters: list[str]
    status: MatrixStatus
    evidence_class: str = Field(description="S strong, I indicative, P process, M manual.")
    counts: dict[Severity, int] = Field(description="Failed checks by severity.")
    coverage: CheckCoverage
    score: int | None
    score_exact: float | None
    score_lower: int | None
    note: str
    iso_27001: list[str] = []
    csf_2: list[str] = []
    cis_8: list[str] = []
    attestation: AttestationSnapshot | None = Field(
        default=None, description="A person's statement; it changes no status."
    )


class MatrixLetter(Stored):
    """A letter of NIS2 Article 21(2)."""

    letter: str
    title: str
    description: str
    status: MatrixStatus
    counts: dict[Severity, int] = Field(description="Failed checks by severity.")
    coverage: CheckCoverage
    score: int | None
    score_exact: float | None
    score_lower: int | None
    points: list[MatrixPoint]
    limits: str
    disclaimer: str
    legal_data_version: str
    attestation: AttestationSnapshot | None = Field(
        default=None, description="A person's statement; it changes no status."
    )


class NotEvaluatedCheck(Stored):
    check_id: str
    endpoints: int


class ScanCoverage(CheckCoverage):
    targets_in_scope: int
    targets_evaluated: int
    not_evaluated: list[NotEvaluatedCheck]


class TopLossResponse(Stored):
    check_id: str
    host: str
    port: int | None
    severity: Severity
    points: float = Field(description="What the score would gain without this problem.")


class AssessmentResponse(Stored):
    """What stands beside the score."""

    coverage: ScanCoverage
    hosts_by_grade: dict[str, int]
    mean_host_score: float | None
    top_losses: list[TopLossResponse]


class CheckVerdictResponse(Stored):
    """What one check concluded at one endpoint."""

    id: str
    host: str
    port: int | None
    protocol: str
    outcome: Outcome
    reason: str
    applicable: bool = True
    severity: Severity | None = Field(default=None, description="The worst, of a failed check.")


class ServiceResponse(Stored):
    """What answers at an open port."""

    port: int
    protocol: str | None = None
    service: str | None = None
    banner: str | None = None


class SecretResponse(Stored):
    """A secret that stands in public; masked, never the value."""

    kind: str
    url: str
    preview: str
    hash: str
    is_public_by_design: bool = False


# What a probe saw: its keys are the probe's, and differ from one to the next.
Facts = dict[str, JsonValue]
