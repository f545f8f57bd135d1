"""Verdicts as the score wants them: one unit per check, host and port."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.compliance.measures import point_of
from services.scanner.check import Outcome, Severity


@dataclass(frozen=True, slots=True)
class ScoredVerdict:
    """What one check concluded at one endpoint."""

    check_id: str
    host: str
    port: int | None
    outcome: Outcome
    severity: Severity | None
    """Of the worst problem; None where the check did not fail, or failed at its default."""
    default_severity: Severity
    letter: str
    """Of Article 21(2)."""
    point: str
    """The check's primary point in the annex; sub-points are cut off."""
    is_applicable: bool = True


@dataclass(frozen=True, slots=True)
class HostVerdicts:
    """All verdicts of one target. A host may come twice (two assets that overlap); it counts once.

    A verdict may be about another host than its target: a mail server of a domain.
    """

    host: str
    verdicts: Sequence[ScoredVerdict]
    is_reachable: bool = True
    """False: dead, unresolved, blocked or skipped. Its verdicts say nothing, good or bad."""


@dataclass(slots=True)
class Unit:
    """One check at one host and port: at most one loss, whatever the number of URLs or cookies."""

    check_id: str
    host: str
    port: int | None
    letter: str
    point: str
    default_severity: Severity
    severity: Severity | None = None
    """Of the worst failure; None when none was seen."""
    is_evaluated: bool = False

    def take(self, verdict: ScoredVerdict) -> None:
        """Add what one more verdict saw; the worst one wins."""
        if verdict.outcome is Outcome.NOT_EVALUATED:
            return
        self.is_evaluated = True
        if verdict.outcome is Outcome.FAILED:
            severity = verdict.severity or verdict.default_severity
            if self.severity is None or severity.rank < self.severity.rank:
                self.severity = severity


@dataclass(frozen=True, slots=True)
class Units:
    by_host: Mapping[str, Sequence[Unit]]
    """Applicable units of each host, in the order of first appearance."""
    targets_evaluated: int
    """Targets at which at least one check came to a conclusion."""


def merge_verdicts(targets: Iterable[HostVerdicts]) -> Units:
    """One unit per check, host and port, of the targets that could be looked at.

    Raises KeyError for a verdict whose point is not in the annex.
    """
    merged: dict[str, dict[tuple[str, int | None], Unit]] = {}
    evaluated: set[str] = set()
    for target in targets:
        for verdict in _applicable(target):
            _unit_of(verdict, merged.setdefault(verdict.host, {})).take(verdict)
            if verdict.outcome is not Outcome.NOT_EVALUATED:
                evaluated.add(target.host)
    by_host = {host: tuple(units.values()) for host, units in merged.items()}
    return Units(by_host, len(evaluated))


def _applicable(target: HostVerdicts) -> Iterator[ScoredVerdict]:
    if target.is_reachable:
        yield from (verdict for verdict in target.verdicts if verdict.is_applicable)


def _unit_of(verdict: ScoredVerdict, units: dict[tuple[str, int | None], Unit]) -> Unit:
    unit = units.get((verdict.check_id, verdict.port))
    if unit is None:
        unit = units[verdict.check_id, verdict.port] = Unit(
            check_id=verdict.check_id,
            host=verdict.host,
            port=verdict.port,
            letter=verdict.letter,
            point=point_of(verdict.point).id,
            default_severity=verdict.default_severity,
        )
    return unit
