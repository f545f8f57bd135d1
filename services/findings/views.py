"""A finding as both doors show it: its row, what one scan saw of it, and its check's texts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.database import utcnow
from services.findings.models import UNRESOLVED, Finding, FindingStatus, Observation
from services.findings.rules import SEVERE
from services.scanner.check import CheckInfo, Severity
from services.scanner.cvss import base_score
from services.scanner.engine import CATALOGUE


class FindingFlag(StrEnum):
    """What a person should know before they trust the state of a finding."""

    OVERDUE = "overdue"
    """Unresolved past its due date."""
    NEEDS_REVIEW = "needs_review"
    """Called a false positive, and it looks different since."""
    JUSTIFICATION_MISSING = "justification_missing"
    """Its risk is accepted and nobody said why (point 6.10.3 of the annex)."""
    SEVERE_RISK_ACCEPTED = "severe_risk_accepted"
    """ENISA's guidance advises against accepting critical and high ones."""
    ACCEPTANCE_ENDING = "acceptance_ending"
    """Its risk is accepted for two weeks more at most."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """Without an observation: the last state. With one: what that scan saw."""

    finding: Finding
    scan_name: str | None
    observation: Observation | None = None

    @property
    def id(self) -> UUID:
        return self.finding.id

    @property
    def check(self) -> CheckInfo | None:
        """None for a check this version of the platform no longer has."""
        return CATALOGUE.get(self.finding.check_id)

    @property
    def title(self) -> str:
        return self.check.title if self.check else self.finding.check_id

    @property
    def scan_id(self) -> UUID | None:
        return self.observation.scan_id if self.observation else self.finding.last_scan_id

    @property
    def scan_result_id(self) -> UUID | None:
        return self.observation.scan_result_id if self.observation else None

    @property
    def severity(self) -> Severity:
        return (self.observation or self.finding).severity

    @property
    def message(self) -> str:
        return (self.observation or self.finding).message

    @property
    def evidence(self) -> Mapping[str, Any]:  # Any: a JSON object
        return (self.observation or self.finding).evidence

    @property
    def status(self) -> FindingStatus:
        return self.finding.status

    @property
    def target(self) -> str:
        """Host and port, as a person reads them."""
        host, port = self.finding.host, self.finding.port
        if port is None:
            return host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def rationale(self) -> str | None:
        return self.check.rationale if self.check else None

    @property
    def remediation(self) -> str | None:
        return self.check.remediation if self.check else None

    @property
    def reference(self) -> str | None:
        return "; ".join(self.check.sources) if self.check else None

    @property
    def cvss_vector(self) -> str | None:
        return self.check.cvss_vector if self.check else None

    @property
    def cvss_base_score(self) -> float | None:
        return base_score(self.cvss_vector) if self.cvss_vector else None

    @property
    def technical_detail(self) -> str | None:
        """The evidence in one line."""
        return "; ".join(f"{key}: {value}" for key, value in self.evidence.items()) or None

    @property
    def compliance_article(self) -> str | None:
        return f"Art. 21(2)({self.check.letter})" if self.check else None

    @property
    def annex_point(self) -> str | None:
        """The primary point of the annex of Regulation (EU) 2024/2690."""
        return self.check.points[0] if self.check else None

    @property
    def flags(self) -> list[FindingFlag]:
        """As of now."""
        return [flag for flag, is_raised in self._flags() if is_raised]

    def _flags(self) -> Iterator[tuple[FindingFlag, bool]]:
        row, now = self.finding, utcnow()
        is_unresolved = row.status in UNRESOLVED and not row.is_retired
        yield FindingFlag.OVERDUE, is_unresolved and row.due_at is not None and row.due_at < now
        yield FindingFlag.NEEDS_REVIEW, row.needs_review
        if row.status is FindingStatus.ACCEPTED_RISK:
            is_bare = not (row.resolution_note or "").strip()
            yield FindingFlag.JUSTIFICATION_MISSING, is_bare
            yield FindingFlag.SEVERE_RISK_ACCEPTED, row.severity in SEVERE
            yield FindingFlag.ACCEPTANCE_ENDING, row.acceptance_notice is not None

    @property
    def fingerprint(self) -> str:
        return self.finding.fingerprint.hex()

    @property
    def first_seen_at(self) -> datetime:
        return self.finding.first_seen_at
