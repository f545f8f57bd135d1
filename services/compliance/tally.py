"""Counting: what was tested, what failed and what it costs, of a whole scan or of a part of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.compliance.score import WEIGHTS, host_loss, scan_score
from services.compliance.verdicts import Unit
from services.scanner.check import Severity


@dataclass(slots=True)
class Tally:
    """Grows unit by unit; one for the scan, one per letter, one per point."""

    applicable: int = 0
    evaluated: int = 0
    knows_missing: bool = True
    """Whether it was told which checks did not run, and not only how many."""
    failed: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))
    _weights: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _missing: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, unit: Unit) -> None:
        self.applicable += 1
        if not unit.is_evaluated:
            self._missing[unit.host].append(WEIGHTS[unit.default_severity])
            return
        self.evaluated += 1
        if unit.severity is not None:
            self.failed[unit.severity] += 1
            self._weights[unit.host].append(WEIGHTS[unit.severity])

    @property
    def score(self) -> float | None:
        """Exact, an upper bound; None when nothing was evaluated."""
        if not self.evaluated:
            return None
        return scan_score(host_loss(weights) for weights in self._weights.values())

    @property
    def score_lower(self) -> float | None:
        """Exact; as if every check that did not run had failed at its default severity."""
        if not self.evaluated or not self.knows_missing:
            return None
        hosts = self._weights.keys() | self._missing.keys()
        return scan_score(
            host_loss(self._weights.get(host, []) + self._missing.get(host, [])) for host in hosts
        )

    @property
    def worst(self) -> Severity | None:
        return next((severity for severity in Severity if self.failed[severity]), None)


@dataclass(slots=True)
class Tallies:
    """Of the whole scan, of each letter and of each point that a check is mapped to."""

    scan: Tally = field(default_factory=Tally)
    letters: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    points: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    not_evaluated: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How many endpoints each check could not be evaluated at."""

    def add(self, units: Iterable[Unit]) -> None:
        for unit in units:
            self.scan.add(unit)
            self.letters[unit.letter].add(unit)
            self.points[unit.point].add(unit)
            if not unit.is_evaluated:
                self.not_evaluated[unit.check_id] += 1
