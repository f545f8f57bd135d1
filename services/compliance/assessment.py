"""From the verdicts of a scan to everything that is said about it in numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from services.compliance.matrix import Json, compliance_matrix
from services.compliance.score import (
    SCORING_VERSION,
    WEIGHTS,
    Grade,
    host_loss,
    one_decimal,
    scan_score,
    whole,
)
from services.compliance.tally import Tallies
from services.compliance.verdicts import HostVerdicts, Unit, merge_verdicts
from services.scanner.check import Severity

TOP_LOSSES = 10
INCOMPLETE_FROM_POINTS = 10
"""A wider interval than this makes the report say "incomplete"."""

# Damping halves the weight of each further host: the loss of the 40th counts 2**-40 of its size.
_HOSTS_THAT_MATTER = 40
_UNITS_THAT_MATTER = 40


@dataclass(frozen=True, slots=True)
class TopLoss:
    """One problem and the points that the scan would gain without it."""

    check_id: str
    host: str
    port: int | None
    severity: Severity
    points: float

    def as_json(self) -> dict[str, Any]:  # Any: a JSON object
        return {
            "check_id": self.check_id,
            "host": self.host,
            "port": self.port,
            "severity": self.severity.value,
            "points": self.points,
        }


@dataclass(frozen=True, slots=True)
class Assessment:
    """The technical exposure score of a scan and its companions. Not a degree of compliance."""

    score: int | None
    """0 to 100, rounded down, an upper bound; None when nothing was evaluated."""
    score_exact: float | None
    """The same with one decimal, rounded down."""
    score_lower: int | None
    """As if every applicable check that did not run had failed."""
    grade: Grade | None
    scoring_version: str
    matrix: Mapping[str, Any]  # Any: a JSON object
    coverage: Mapping[str, Any]  # Any: a JSON object
    hosts_by_grade: Mapping[str, int]
    mean_host_score: float | None
    """Plain mean over the hosts evaluated, one decimal."""
    top_losses: Sequence[TopLoss]
    """Worst first: the order in which fixing pays most."""

    @property
    def is_incomplete(self) -> bool:
        """Too much could not be tested for the score to be read without its interval."""
        if self.score is None or self.score_lower is None:
            return True
        return self.score - self.score_lower > INCOMPLETE_FROM_POINTS


@dataclass(frozen=True, slots=True)
class JudgedHost:
    name: str
    failed: Sequence[Unit]
    loss: float


def judge_host(name: str, units: Iterable[Unit]) -> JudgedHost:
    failed = [unit for unit in units if unit.severity is not None]
    return JudgedHost(name, failed, host_loss(_weight(unit) for unit in failed))


def assess(
    hosts: Iterable[HostVerdicts],
    *,
    targets_in_scope: int,
    attestations: Mapping[str, Json] | None = None,
) -> Assessment:
    """Judge a scan. Time is linear in the verdicts, but for sorting the hosts by loss.

    ``attestations`` stand in the matrix, by letter or point, and change nothing else.

    Raises KeyError for a verdict whose point is not in the annex.
    """
    units = merge_verdicts(hosts)
    tallies = Tallies()
    evaluated: list[JudgedHost] = []
    for name, host_units in units.by_host.items():
        tallies.add(host_units)
        if any(unit.is_evaluated for unit in host_units):
            evaluated.append(judge_host(name, host_units))
    score, lower = tallies.scan.score, tallies.scan.score_lower
    return Assessment(
        score=None if score is None else whole(score),
        score_exact=None if score is None else one_decimal(score),
        score_lower=None if lower is None else whole(lower),
        grade=None if score is None else Grade.of(score),
        scoring_version=SCORING_VERSION,
        matrix=compliance_matrix(tallies, attestations or {}),
        coverage=_coverage(tallies, targets_in_scope, units.targets_evaluated),
        hosts_by_grade=_hosts_by_grade(evaluated),
        mean_host_score=_mean_host_score(evaluated),
        top_losses=top_losses(evaluated),
    )


def _coverage(tallies: Tallies, in_scope: int, evaluated: int) -> Mapping[str, Any]:  # Any: JSON
    return {
        "targets_in_scope": in_scope,
        "targets_evaluated": evaluated,
        "checks_applicable": tallies.scan.applicable,
        "checks_evaluated": tallies.scan.evaluated,
        "not_evaluated": [
            {"check_id": check_id, "endpoints": count}
            for check_id, count in sorted(tallies.not_evaluated.items())
        ],
    }


def _hosts_by_grade(hosts: Iterable[JudgedHost]) -> Mapping[str, int]:
    counts = {grade.value: 0 for grade in Grade}
    for host in hosts:
        counts[Grade.of(100.0 * (1.0 - host.loss)).value] += 1
    return counts


def _mean_host_score(hosts: Sequence[JudgedHost]) -> float | None:
    if not hosts:
        return None
    return round(100.0 * (1.0 - sum(host.loss for host in hosts) / len(hosts)), 1)


def top_losses(hosts: Iterable[JudgedHost]) -> Sequence[TopLoss]:
    """The failed checks that give back most. Exact but for hosts too mild to move the score."""
    worst = nsmallest(_HOSTS_THAT_MATTER, hosts, key=lambda host: (-host.loss, host.name))
    losses = [host.loss for host in worst]
    score = scan_score(losses)
    found: list[TopLoss] = []
    for place, host in enumerate(worst):
        units = nsmallest(_UNITS_THAT_MATTER, host.failed, key=_order)
        weights = [_weight(unit) for unit in units]
        for index, unit in enumerate(units):
            if not weights[index]:
                continue
            without = host_loss(weights[:index] + weights[index + 1 :])
            better = scan_score([*losses[:place], without, *losses[place + 1 :]])
            found.append(_top_loss(unit, better - score))
    return tuple(nsmallest(TOP_LOSSES, found, key=lambda loss: (-loss.points, *_tie(loss))))


def _top_loss(unit: Unit, points: float) -> TopLoss:
    severity = unit.severity or unit.default_severity
    return TopLoss(unit.check_id, unit.host, unit.port, severity, round(points, 1))


def _weight(unit: Unit) -> float:
    return 0.0 if unit.severity is None else WEIGHTS[unit.severity]


def _order(unit: Unit) -> tuple[float, str, int]:
    return (-_weight(unit), unit.check_id, unit.port or 0)


def _tie(loss: TopLoss) -> tuple[int, str, str, int]:
    return (loss.severity.rank, loss.host, loss.check_id, loss.port or 0)
