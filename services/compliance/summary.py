"""The executive summary: a few plain sentences, each one a fact of the scan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.compliance.assessment import Assessment
from services.compliance.matrix import MatrixStatus
from services.compliance.measures import MEASURES
from services.scanner.check import Severity

_PROBLEMS_NAMED = 3
_REASONS_NAMED = 3


@dataclass(frozen=True, slots=True)
class ProblemCount:
    """A check that failed, and at how many hosts."""

    title: str
    severity: Severity
    hosts: int


@dataclass(frozen=True, slots=True)
class SummaryFacts:
    assessment: Assessment
    hosts_scanned: int
    hosts_alive: int
    findings: Mapping[Severity, int]
    worst: Sequence[ProblemCount] = ()
    """Worst first; the first three are named."""
    not_tested: Mapping[str, int] = field(default_factory=dict[str, int])
    """Targets that could not be evaluated, by reason in plain words."""
    is_partial: bool = False
    """The scan was cancelled or failed on its way."""


def executive_summary(facts: SummaryFacts) -> str:
    """English sentences for a management page; no claim about compliance."""
    return " ".join(_sentences(facts))


def _sentences(facts: SummaryFacts) -> Iterator[str]:
    if facts.is_partial:
        yield "This scan did not run to its end; what follows covers only the part that did."
    yield _scope(facts)
    yield from _score(facts.assessment)
    if facts.assessment.score is not None:
        yield _findings(facts)
    yield from _worst(facts.worst)
    yield from _gaps(facts.assessment)
    yield from _not_tested(facts.not_tested)


def _scope(facts: SummaryFacts) -> str:
    answered = "none answered" if not facts.hosts_alive else f"{facts.hosts_alive} answered"
    return f"{_counted(facts.hosts_scanned, 'target')} examined from outside; {answered}."


def _score(assessment: Assessment) -> Iterator[str]:
    if assessment.score is None:
        yield "No check could be evaluated, so there is no score and no statement on any measure."
        return
    yield (
        f"The technical exposure score is {assessment.score} of 100 (grade {assessment.grade}); "
        "it follows the worst host and is not a degree of compliance."
    )
    if assessment.is_incomplete:
        yield (
            f"The result is incomplete: had every check that could not run failed, "
            f"the score would be {assessment.score_lower}."
        )


def _findings(facts: SummaryFacts) -> str:
    counted = [
        f"{facts.findings[severity]} {severity.value}"
        for severity in Severity
        if facts.findings.get(severity)
    ]
    if not counted:
        return "In what was tested, no problem was found."
    total = sum(facts.findings.values())
    return f"{_counted(total, 'finding')}: {_listed(counted)}."


def _worst(problems: Sequence[ProblemCount]) -> Iterator[str]:
    named = [
        f"{problem.title} ({problem.severity.value}, {_counted(problem.hosts, 'host')})"
        for problem in problems[:_PROBLEMS_NAMED]
    ]
    if named:
        yield f"Most urgent: {'; '.join(named)}."


def _gaps(assessment: Assessment) -> Iterator[str]:
    letters = [
        f"({measure.letter}) {measure.title.lower()}"
        for measure in MEASURES
        if assessment.matrix[measure.key]["status"] == MatrixStatus.GAP_INDICATED
    ]
    if letters:
        yield f"Gaps are indicated under Article 21(2) {_listed(letters)}."
    manual = [f"({measure.letter})" for measure in MEASURES if measure.is_manual]
    yield f"Letters {_listed(manual)} cannot be examined by a scan and need a person."


def _not_tested(reasons: Mapping[str, int]) -> Iterator[str]:
    if not reasons:
        return
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{reason} ({count:,})" for reason, count in ordered[:_REASONS_NAMED]]
    if others := sum(count for _, count in ordered[_REASONS_NAMED:]):
        parts.append(f"other reasons ({others:,})")
    total = _counted(sum(reasons.values()), "target")
    yield f"{total} could not be evaluated: {'; '.join(parts)}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _listed(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
