"""Ground truth, and how a scan is measured against it.

A case is one target with the checks that must fail there and the traps that must not. Whatever
else fails above ``info`` is a false hit, unless the case says that it may.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.scanner.check import catalogue_entries

RECALL, PRECISION, IN_EACH_AREA = 0.97, 0.98, 0.95


def ids(text: str) -> frozenset[str]:
    """Check ids between blanks."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Case:
    """One target and what a right scanner says of it."""

    name: str
    """What is special, in a few words without blanks; unique."""
    target: str
    must: frozenset[str] = frozenset()
    traps: frozenset[str] = frozenset()
    """Checks that a careless scanner fails here."""
    may: frozenset[str] = frozenset()
    """Neither asked for nor wrong."""


@dataclass(slots=True)
class Count:
    found: int = 0
    required: int = 0
    false: int = 0

    @property
    def recall(self) -> float:
        return self.found / self.required if self.required else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false) if self.found + self.false else 1.0


@dataclass(slots=True)
class Measurement:
    """What came out; ``lines`` names every miss and every false hit."""

    areas: dict[str, Count] = field(default_factory=dict[str, Count])
    misses: list[str] = field(default_factory=list[str])
    false_hits: list[str] = field(default_factory=list[str])
    fallen_traps: list[str] = field(default_factory=list[str])
    traps: int = 0
    shown: set[str] = field(default_factory=set[str])
    """Check ids that a case demands, and that were found there."""

    @property
    def overall(self) -> Count:
        counts = self.areas.values()
        return Count(
            sum(c.found for c in counts),
            sum(c.required for c in counts),
            sum(c.false for c in counts),
        )

    @property
    def shortfalls(self) -> list[str]:
        """Every aim that is not reached; empty when the lab is passed."""
        whole = self.overall
        short = [f"trap fallen: {trap}" for trap in self.fallen_traps]
        if whole.recall < RECALL:
            short.append(f"recall {whole.recall:.3f} is below {RECALL}")
        if whole.precision < PRECISION:
            short.append(f"precision {whole.precision:.3f} is below {PRECISION}")
        for area, count in self.areas.items():
            worst = min(count.recall, count.precision)
            if worst < IN_EACH_AREA:
                short.append(f"{area}: {worst:.3f} is below {IN_EACH_AREA}")
        return short


_AREAS = (
    ("cookies", re.compile(r"http\.cookie\.")),
    ("cors", re.compile(r"http\.cors\.")),
    ("headers", re.compile(r"http\.(csp|frame|nosniff|referrer|permissions|isolation)\b")),
    ("content", re.compile(r"http\.(sri|mixed|info|listing|cdn|waf)\b")),
    ("files", re.compile(r"http\.files\.")),
    ("secrets", re.compile(r"http\.secret\.")),
    ("cert", re.compile(r"tls\.(cert|ocsp)\.")),
)


def area_of(check_id: str) -> str:
    named = next((area for area, pattern in _AREAS if pattern.match(check_id)), None)
    return named or check_id.partition(".")[0]


Verdicts = Sequence[Mapping[str, Any]]  # Any: the objects of ``nis2 scan --json``


def measure(cases: Iterable[Case], verdicts: Verdicts) -> Measurement:
    """Compare what a scan said of each target with the truth."""
    failed: dict[str, dict[str, Mapping[str, Any]]] = {}
    seen = {verdict["target"] for verdict in verdicts}
    for verdict in verdicts:
        if verdict["outcome"] == "failed":
            of_target = failed.setdefault(verdict["target"], {})
            known = of_target.get(verdict["check_id"])
            if known is None or known["severity"] == "info":
                of_target[verdict["check_id"]] = verdict
    result = Measurement()
    for case in cases:
        if case.target not in seen:
            result.misses.append(f"{case.name} ({case.target}): nothing was said of it")
        _measure_case(case, failed.get(case.target, {}), verdicts, result)
    return result


def _measure_case(
    case: Case, failed: Mapping[str, Mapping[str, Any]], verdicts: Verdicts, result: Measurement
) -> None:
    def count(check_id: str) -> Count:
        return result.areas.setdefault(area_of(check_id), Count())

    result.traps += len(case.traps)
    where = f"{case.name} ({case.target})"
    for check_id in sorted(case.must):
        count(check_id).required += 1
        if check_id in failed:
            count(check_id).found += 1
            result.shown.add(check_id)
        else:
            result.misses.append(f"{where}: {check_id}: {_said(case.target, check_id, verdicts)}")
    for check_id in sorted(set(failed) - case.must - case.may):
        verdict = failed[check_id]
        is_mild = verdict["severity"] == "info"
        if check_id in case.traps and not (is_mild and not _is_always_mild(check_id)):
            result.fallen_traps.append(f"{where}: {check_id}: {verdict['reason'][:160]}")
        elif is_mild:
            continue
        count(check_id).false += 1
        result.false_hits.append(
            f"{where}: {check_id} ({verdict['severity']}): {verdict['reason'][:200]}"
        )


def _is_always_mild(check_id: str) -> bool:
    """Such a check falls into a trap by an info finding too; others say that there is little."""
    return catalogue_entries()[check_id]["severity"] == "info"


def _said(target: str, check_id: str, verdicts: Verdicts) -> str:
    said = Counter(
        f"{v['outcome']} at port {v['port']}: {v['reason'][:120]}"
        for v in verdicts
        if v["target"] == target and v["check_id"] == check_id
    )
    return "; ".join(list(said)[:3]) or "not mentioned"
