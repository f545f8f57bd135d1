"""What a scan stored of its checks, as the score wants it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.compliance import HostVerdicts, ScoredVerdict
from services.scanner.check import Outcome, Severity
from services.scanner.engine import CATALOGUE
from services.scanner.result import TargetStatus

LOOKED_AT = (TargetStatus.EVALUATED, TargetStatus.PARTIALLY_EVALUATED)
"""How a target ends that could be judged at all."""

StoredChecks = Sequence[Mapping[str, Any]]  # Any: JSON, see ScanResult.checks


def host_verdicts(target: str, status: TargetStatus, checks: StoredChecks) -> HostVerdicts:
    return HostVerdicts(
        host=target, verdicts=tuple(_scored(checks)), is_reachable=status in LOOKED_AT
    )


def _scored(checks: StoredChecks) -> Iterator[ScoredVerdict]:
    """The stored verdicts of one target; a check this version no longer has is left out."""
    for stored in checks:
        info = CATALOGUE.get(stored["id"])
        if info is None:
            continue
        yield ScoredVerdict(
            check_id=info.id,
            host=stored["host"],
            port=stored["port"],
            outcome=Outcome(stored["outcome"]),
            severity=Severity(stored["severity"]) if stored["severity"] else None,
            default_severity=info.severity,
            letter=info.letter,
            point=info.points[0],
            is_applicable=stored["applicable"],
        )
