"""The live exposure of an organization: what is unresolved now, weighed as a scan is. Pure.

Unlike a scan's score it moves with triage, but only as far as triage says something about the
systems: an accepted risk is still there and counts, a false positive is left out (nis2 8.2).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.compliance.assessment import JudgedHost, TopLoss, judge_host, top_losses
from services.compliance.matrix import Json, compliance_matrix
from services.compliance.measures import letter_of_point, point_of
from services.compliance.score import SCORING_VERSION, Grade, one_decimal, whole
from services.compliance.tally import Tallies, Tally
from services.compliance.verdicts import Unit
from services.scanner.check import CheckInfo, Severity


@dataclass(frozen=True, slots=True)
class LiveProblem:
    """A check that fails at a host and port, with the worst severity still there."""

    check: CheckInfo
    host: str
    port: int | None
    severity: Severity

    def as_unit(self) -> Unit:
        return Unit(
            check_id=self.check.id,
            host=self.host,
            port=self.port,
            letter=self.check.letter,
            point=point_of(self.check.points[0]).id,
            default_severity=self.check.severity,
            severity=self.severity,
            is_evaluated=True,
        )


@dataclass(frozen=True, slots=True)
class Looked:
    """How much was looked at: checks at endpoints."""

    applicable: int = 0
    evaluated: int = 0

    def __add__(self, other: "Looked") -> "Looked":
        return Looked(self.applicable + other.applicable, self.evaluated + other.evaluated)


@dataclass(frozen=True, slots=True)
class Exposure:
    """As an ``Assessment``, of now. It knows no lower bound: what did not run is not kept."""

    score: int | None
    """None when nothing was evaluated."""
    score_exact: float | None
    grade: Grade | None
    scoring_version: str
    matrix: Mapping[str, Json]
    looked: Looked
    hosts_with_problems: int
    top_losses: Sequence[TopLoss]


def assess_exposure(
    problems: Iterable[LiveProblem],
    looked: Mapping[str, Looked],
    attestations: Mapping[str, Json],
) -> Exposure:
    """From what is unresolved and, by point, from how much the latest scans looked at."""
    by_host: defaultdict[str, list[Unit]] = defaultdict(list)
    for problem in problems:
        by_host[problem.host].append(problem.as_unit())
    tallies = Tallies()
    hosts: list[JudgedHost] = []
    for name, units in by_host.items():
        tallies.add(units)
        hosts.append(judge_host(name, units))
    _cover(tallies, looked)
    score = tallies.scan.score
    return Exposure(
        score=None if score is None else whole(score),
        score_exact=None if score is None else one_decimal(score),
        grade=None if score is None else Grade.of(score),
        scoring_version=SCORING_VERSION,
        matrix=compliance_matrix(tallies, attestations),
        looked=Looked(tallies.scan.applicable, tallies.scan.evaluated),
        hosts_with_problems=len(hosts),
        top_losses=top_losses(hosts),
    )


def _cover(tallies: Tallies, looked: Mapping[str, Looked]) -> None:
    """What was looked at includes what failed; a problem that no scan covers was looked at once."""
    letters: dict[str, Looked] = {}
    for point, seen in looked.items():
        letter = letter_of_point(point)
        letters[letter] = letters.get(letter, Looked()) + seen
        _widen(tallies.points[point], seen)
    for letter, seen in letters.items():
        _widen(tallies.letters[letter], seen)
    _widen(tallies.scan, sum(letters.values(), Looked()))
    for tally in (tallies.scan, *tallies.letters.values(), *tallies.points.values()):
        tally.knows_missing = False


def _widen(tally: Tally, seen: Looked) -> None:
    tally.evaluated = max(tally.evaluated, seen.evaluated)
    tally.applicable = max(tally.applicable, tally.evaluated, seen.applicable)
