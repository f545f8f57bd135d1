"""The executive summary: a few plain sentences, each one a fact of the scan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.compliance.assessment import Assessment
from services.compliance.matrix import MatrixStatus
from services.compliance.measures import MEASURES
from services.scanner.check import Severity
from services.translations import DEFAULT_LOCALE, N_, Translator, translator

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


def executive_summary(facts: SummaryFacts, locale: str = DEFAULT_LOCALE) -> str:
    """Sentences for a management page; no claim about compliance."""
    return " ".join(_Summary(facts, translator(locale)).sentences())


@dataclass(frozen=True, slots=True)
class _Summary:
    facts: SummaryFacts
    language: Translator

    def sentences(self) -> Iterator[str]:
        facts = self.facts
        if facts.is_partial:
            yield self._(
                N_("This scan did not run to its end; what follows covers only the part that did.")
            )
        yield self._scope()
        yield from self._score()
        if facts.assessment.score is not None:
            yield self._findings()
        yield from self._worst()
        yield from self._gaps()
        yield from self._not_tested()

    def _scope(self) -> str:
        examined = self.language.count(
            N_("%(n)s target examined from outside"),
            N_("%(n)s targets examined from outside"),
            self.facts.hosts_scanned,
        )
        if not self.facts.hosts_alive:
            return self._(N_("%(examined)s; none answered."), examined=examined)
        answered = self.language.number(self.facts.hosts_alive)
        return self._(
            N_("%(examined)s; %(answered)s answered."), examined=examined, answered=answered
        )

    def _score(self) -> Iterator[str]:
        assessment = self.facts.assessment
        if assessment.score is None:
            yield self._(
                N_(
                    "No check could be evaluated, so there is no score and no statement on any"
                    " measure."
                )
            )
            return
        yield self._(
            N_(
                "The technical exposure score is %(score)s of 100 (grade %(grade)s); it follows"
                " the worst host and is not a degree of compliance."
            ),
            score=assessment.score,
            grade=assessment.grade,
        )
        if assessment.is_incomplete:
            yield self._(
                N_(
                    "The result is incomplete: had every check that could not run failed, the"
                    " score would be %(lower)s."
                ),
                lower=assessment.score_lower,
            )

    def _findings(self) -> str:
        counted = [
            f"{self.language.number(count)} {self._(severity.value)}"
            for severity in Severity
            if (count := self.facts.findings.get(severity))
        ]
        if not counted:
            return self._(N_("In what was tested, no problem was found."))
        total = self.language.count(
            N_("%(n)s finding"), N_("%(n)s findings"), sum(self.facts.findings.values())
        )
        return self._(
            N_("%(total)s: %(counted)s."), total=total, counted=self.language.listed(counted)
        )

    def _worst(self) -> Iterator[str]:
        named = [
            self._(
                N_("%(title)s (%(severity)s, %(hosts)s)"),
                title=self._(problem.title),
                severity=self._(problem.severity.value),
                hosts=self.language.count(N_("%(n)s host"), N_("%(n)s hosts"), problem.hosts),
            )
            for problem in self.facts.worst[:_PROBLEMS_NAMED]
        ]
        if named:
            yield self._(N_("Most urgent: %(named)s."), named="; ".join(named))

    def _gaps(self) -> Iterator[str]:
        matrix = self.facts.assessment.matrix
        letters = [
            f"({measure.letter}) {self.language.inside(self._(measure.title))}"
            for measure in MEASURES
            if matrix[measure.key]["status"] == MatrixStatus.GAP_INDICATED
        ]
        if letters:
            yield self._(
                N_("Gaps are indicated under Article 21(2) %(letters)s."),
                letters=self.language.listed(letters),
            )
        manual = [f"({measure.letter})" for measure in MEASURES if measure.is_manual]
        yield self._(
            N_("Letters %(letters)s cannot be examined by a scan and need a person."),
            letters=self.language.listed(manual),
        )

    def _not_tested(self) -> Iterator[str]:
        reasons = self.facts.not_tested
        if not reasons:
            return
        ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        number = self.language.number
        parts = [
            f"{self.language.said(reason)} ({number(count)})"
            for reason, count in ordered[:_REASONS_NAMED]
        ]
        if others := sum(count for _, count in ordered[_REASONS_NAMED:]):
            parts.append(f"{self._(N_('other reasons'))} ({number(others)})")
        yield self.language.count(
            N_("%(n)s target could not be evaluated: %(reasons)s."),
            N_("%(n)s targets could not be evaluated: %(reasons)s."),
            sum(reasons.values()),
            reasons="; ".join(parts),
        )

    def _(self, message: str, /, **values: object) -> str:
        return self.language.text(message, **values)
