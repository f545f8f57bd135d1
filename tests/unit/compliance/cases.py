"""Short ways to write down what a scan saw."""

from collections.abc import Iterable

from services.compliance import Assessment, HostVerdicts, ScoredVerdict, assess
from services.scanner.check import Outcome, Severity

C, H, M, L = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW


def verdict(
    check_id: str,
    *,
    host: str = "a.example",
    port: int | None = 443,
    outcome: Outcome = Outcome.FAILED,
    severity: Severity = Severity.MEDIUM,
    point: str = "6.7.2(k)",
    letter: str = "e",
    is_applicable: bool = True,
) -> ScoredVerdict:
    failed = severity if outcome is Outcome.FAILED else None
    return ScoredVerdict(
        check_id, host, port, outcome, failed, severity, letter, point, is_applicable
    )


def host(
    name: str, severities: Iterable[Severity], *, point: str = "6.7.2(k)", letter: str = "e"
) -> HostVerdicts:
    """A host with one failed check per severity and one that passed."""
    failed = [
        verdict(f"check.{letter}.{index}", host=name, severity=severity, point=point, letter=letter)
        for index, severity in enumerate(severities)
    ]
    passed = verdict(
        f"check.{letter}.passed", host=name, outcome=Outcome.PASSED, point=point, letter=letter
    )
    return HostVerdicts(name, [*failed, passed])


def scan(*hosts: Iterable[Severity]) -> Assessment:
    made = [host(f"h{index:05}.example", severities) for index, severities in enumerate(hosts)]
    return assess(made, targets_in_scope=len(made))
