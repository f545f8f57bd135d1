"""The sentences of a report: every text of the page formats that depends on what was found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.compliance import EvidenceClass, annex_points
from services.rendering.digest import Digest, FindingGroup
from services.rendering.document import Json, ReportDocument, Template, matrix_rows
from services.rendering.presentation import DASH, MATRIX_STATUSES, Words
from services.scanner.check import Severity
from services.translations import DEFAULT_LOCALE, N_

INCOMPLETE_FROM_POINTS = 10
_PORTS_SHOWN = 20
_REASONS_NAMED = 3
_CHANGES_NAMED = 3
# Shape says what colour says, for grey and for colour-blind readers. All are in DejaVu Sans.
STATUS_SIGNS: Mapping[str, str] = {
    "gap_indicated": "■",
    "attention": "▲",
    "partially_evaluated": "◐",
    "no_contrary_evidence": "○",
    "not_evaluated": DASH,
    "manual": "✎",
}
HEADINGS: Mapping[str, str] = {
    "management": N_("For management"),
    "matrix": N_("NIS2 Article 21(2), letter by letter"),
    "points": N_("The points of the annex"),
    "findings": N_("Findings"),
    "exceptions": N_("Accepted risks"),
    "scope": N_("Scope and what was not tested"),
    "method": N_("Method"),
}
_MANAGEMENT = ("management", "matrix", "exceptions", "method")


@dataclass(frozen=True, slots=True)
class Sentences:
    document: ReportDocument
    digest: Digest
    words: Words

    def headings(self) -> dict[str, str]:
        return {key: self._(text) for key, text in HEADINGS.items()}

    def contents(self) -> list[tuple[str, str]]:
        """Anchor and heading of each chapter that this report has."""
        is_full = self.document.options.template is Template.FULL
        return [
            (key, self._(text))
            for key, text in HEADINGS.items()
            if (is_full or key in _MANAGEMENT) and (key != "exceptions" or self.digest.exceptions)
        ]

    def title(self) -> str:
        name = self.document.options.title or self.document.scan.name
        return self._(N_("NIS2 exposure report: %(name)s"), name=name)

    def scope(self) -> str:
        language = self.words.language
        scanned = language.count(
            N_("%(n)s target examined from outside"),
            N_("%(n)s targets examined from outside"),
            self.document.hosts_scanned,
        )
        return self._(
            N_("%(scanned)s; answered: %(alive)s"),
            scanned=scanned,
            alive=language.number(self.document.hosts_alive),
        )

    def partial(self) -> str:
        status = self.words.scan_status(self.document.scan.status)
        return self._(N_("not everything could be examined (%(status)s)"), status=status)

    def score_label(self) -> str:
        score = self.document.score
        if score.score is None or score.score_lower is None or score.score_lower >= score.score:
            return self._(N_("Technical exposure score"))
        return self._(
            N_("Technical exposure score, between %(lower)s and %(score)s"),
            lower=score.score_lower,
            score=score.score,
        )

    def score_note(self) -> str:
        score = self.document.score
        if score.score is None:
            return self._(N_("Nothing could be evaluated, so there is no number."))
        if score.score_lower is not None and score.score - score.score_lower > (
            INCOMPLETE_FROM_POINTS
        ):
            return self._(
                N_(
                    "Incomplete: had every check that could not run failed, the score would be"
                    " %(lower)s."
                ),
                lower=score.score_lower,
            )
        return self._(N_("The score follows the worst host. It is not a degree of compliance."))

    def changes(self) -> list[str]:
        """What is new, gone and unknown since the scan before."""
        changes = self.document.changes
        if changes is None:
            return [self._(N_("There is no earlier scan of this scope to compare with."))]
        number = self.words.language.number
        lines = [
            self._(
                N_(
                    "Since %(date)s: %(new)s new, %(resolved)s resolved, %(persistent)s still"
                    " there, %(unknown)s not looked at again."
                ),
                date=self.words.day(changes.baseline_date),
                new=number(changes.new),
                resolved=number(changes.resolved),
                persistent=number(changes.persistent),
                unknown=number(changes.not_rescanned),
            )
        ]
        if changes.score_delta is not None:
            delta = f"{changes.score_delta:+d}"
            lines.append(self._(N_("Change of the score: %(delta)s points."), delta=delta))
        if changes.new_listed:
            named = "; ".join(
                f"{one.title} ({one.target})" for one in changes.new_listed[:_CHANGES_NAMED]
            )
            lines.append(self._(N_("New: %(named)s."), named=named))
        if changes.reasons:
            reasons = self.words.language.listed(
                [self.words.difference(reason) for reason in changes.reasons]
            )
            lines.append(self._(N_("Compare with care: %(reasons)s."), reasons=reasons))
        return lines

    def exceptions(self) -> str:
        if not self.digest.exceptions_total:
            return self._(N_("No risk is accepted."))
        severe = sum(row.severity.rank <= Severity.HIGH.rank for row in self.digest.exceptions)
        unfounded = sum(not row.resolution_note for row in self.digest.exceptions)
        return self.words.language.count(
            N_(
                "%(n)s accepted risk: %(severe)s critical or high, %(unfounded)s without a"
                " recorded reason."
            ),
            N_(
                "%(n)s accepted risks: %(severe)s critical or high, %(unfounded)s without a"
                " recorded reason."
            ),
            self.digest.exceptions_total,
            severe=self.words.language.number(severe),
            unfounded=self.words.language.number(unfounded),
        )

    def gaps(self) -> list[str]:
        """What this scan says nothing about."""
        return list(self._gaps())

    def _gaps(self) -> Iterator[str]:
        statuses = self._letters_by_status()
        if letters := statuses.get("manual"):
            yield self._(
                N_("Article 21(2) %(letters)s: a person must answer these."), letters=letters
            )
        if letters := statuses.get("not_evaluated"):
            yield self._(N_("Not evaluated in this scan: %(letters)s."), letters=letters)
        for status, reason, examples in self.digest.unevaluated[:_REASONS_NAMED]:
            yield self.words.language.count(
                N_("%(n)s target: %(reason)s."),
                N_("%(n)s targets: %(reason)s."),
                examples.total,
                reason=(reason or self.words.target_status(status)).rstrip("."),
            )
        if self.digest.untested_total:
            yield self.words.language.count(
                N_("%(n)s check could not be evaluated."),
                N_("%(n)s checks could not be evaluated."),
                self.digest.untested_total,
            )

    def hosts(self) -> list[str]:
        return list(self._hosts())

    def _hosts(self) -> Iterator[str]:
        score, number = self.document.score, self.words.language.number
        if score.coverage:
            yield self._(
                N_(
                    "Evaluated: %(evaluated)s of %(scope)s targets in scope, %(checks)s of"
                    " %(applicable)s applicable checks."
                ),
                evaluated=number(score.coverage["targets_evaluated"]),
                scope=number(score.coverage["targets_in_scope"]),
                checks=number(score.coverage["checks_evaluated"]),
                applicable=number(score.coverage["checks_applicable"]),
            )
        if score.mean_host_score is not None:
            mean = self.words.language.decimal(score.mean_host_score)
            yield self._(N_("Mean of the hosts: %(mean)s."), mean=mean)
        if score.hosts_by_grade:
            grades = ", ".join(
                f"{grade} {number(count)}" for grade, count in score.hosts_by_grade.items()
            )
            yield self._(N_("Hosts per grade: %(grades)s."), grades=grades)

    def tiles_legend(self) -> str:
        legend = "; ".join(
            f"{sign} {self.words.matrix_status(status)}" for status, sign in STATUS_SIGNS.items()
        )
        return self._(
            N_("Sign and number of each tile: status and score of the letter. %(legend)s."),
            legend=legend,
        )

    def points(self) -> str:
        return self._(
            N_(
                "Regulation (EU) 2024/2690 details the measures in %(points)s points. A scan sees"
                " something of the %(observable)s below and proves none of them fulfilled. Strong"
                " evidence: a failed check speaks against the point by itself. Indicative: it is"
                " a hint that a person must judge."
            ),
            points=len(annex_points()),
            observable=sum(p.evidence_class.is_observable for p in annex_points().values()),
        )

    def points_of_class(self, evidence_class: EvidenceClass) -> Sequence[tuple[str, str]]:
        """Number and heading of the points that a scan can say so much about."""
        return [
            (point.id, self._(point.heading))
            for point in annex_points().values()
            if point.evidence_class is evidence_class
        ]

    def problems(self, point: Json) -> str:
        """Of one point: how many of which severity."""
        counted = [
            f"{self.words.language.number(count)} {self.words.severity(Severity(severity))}"
            for severity, count in point["counts"].items()
            if count
        ]
        if counted:
            return ", ".join(counted)
        was_tested = point["status"] in {"no_contrary_evidence", "partially_evaluated"}
        return self._(N_("none")) if was_tested else DASH

    def findings(self) -> str:
        language = self.words.language
        total = language.count(
            N_("%(n)s finding"), N_("%(n)s findings"), self.digest.findings_total
        )
        causes = language.count(N_("%(n)s cause"), N_("%(n)s causes"), len(self.digest.groups))
        return self._(
            N_(
                "%(total)s; %(causes)s. Each cause is shown once, with its remedy and the"
                " endpoints it affects."
            ),
            total=total,
            causes=causes,
        )

    def omitted(self) -> str:
        """Empty where nothing was left out."""
        if not self.document.omitted:
            return ""
        return self.words.language.count(
            N_(
                "%(n)s finding is an accepted risk or a false positive and was left out by the"
                " choice of whoever made this report."
            ),
            N_(
                "%(n)s findings are accepted risks or false positives and were left out by the"
                " choice of whoever made this report."
            ),
            self.document.omitted,
        )

    def quotation(self) -> str:
        """Whose words stand under what was seen; empty where they are the report's language."""
        if self.words.language.locale == DEFAULT_LOCALE:
            return ""
        return self._(
            N_("What was seen is quoted from the scanner and from the servers, word for word.")
        )

    def group_facts(self, group: FindingGroup) -> str:
        """The law that a cause stands under."""
        parts = [group.compliance_article]
        if group.annex_point:
            heading = f" ({self._(group.annex_heading)})" if group.annex_heading else ""
            point = self._(N_("annex point %(point)s"), point=group.annex_point)
            parts.append(f"{point}{heading}")
        return ", ".join(part for part in parts if part)

    def occurrences(self, group: FindingGroup) -> str:
        language = self.words.language
        findings = language.count(N_("%(n)s finding"), N_("%(n)s findings"), group.total)
        targets = language.count(N_("%(n)s target"), N_("%(n)s targets"), group.hosts)
        return self._(N_("%(findings)s at %(targets)s"), findings=findings, targets=targets)

    def ports(self, ports: Sequence[int]) -> str:
        if not ports:
            return self._(N_("none"))
        return self.words.some([str(port) for port in ports[:_PORTS_SHOWN]], len(ports))

    def more_elsewhere(self, count: int) -> str:
        """Where the rows are that a page has no room for."""
        return self.words.language.count(
            N_("%(n)s more stands in the CSV and JSON reports of scan %(scan)s."),
            N_("%(n)s more stand in the CSV and JSON reports of scan %(scan)s."),
            count,
            scan=self.document.scan.id,
        )

    def method(self) -> list[str]:
        return [
            self._(
                N_(
                    "The targets were looked at from outside, without credentials, without login"
                    " attempts, without exploits and without changing any state. Every check ends"
                    " as passed, failed or not evaluated; what could not be seen is neither good"
                    " nor bad. A problem counts once per check, host and port."
                )
            ),
            self._(
                N_(
                    "The technical exposure score takes a share for each problem: critical 60,"
                    " high 35, medium 15, low 4 hundredths, info none. Within a host each further"
                    " problem weighs 0.7 of the one before, across hosts 0.5, worst first. So a"
                    " disaster is not averaged away by clean hosts, and many small flaws do not"
                    " add up to one. The lower bound assumes that every applicable check that"
                    " could not run had failed. Grades: A from 90, B from 80, C from 70, D from"
                    " 60, F below."
                )
            ),
            self._(
                N_(
                    "Triage does not change the score of a scan: accepted risks and false"
                    " positives count as the scan saw them, and are shown beside it."
                )
            ),
        ]

    def method_rows(self) -> list[tuple[str, str]]:
        scan, versions = self.document.scan, self.document.versions
        acts = self._(N_("Directive (EU) 2022/2555, Implementing Regulation (EU) 2024/2690"))
        return [
            (self._(N_("Duration")), self.words.duration(scan.duration_seconds)),
            *self.words.configuration(scan.config),
            (self._(N_("Product")), versions.product),
            (self._(N_("Catalogue of checks")), versions.catalog),
            (self._(N_("Scoring")), versions.scoring),
            (self._(N_("Legal data")), f"{versions.legal_data}; {acts}"),
        ]

    def _letters_by_status(self) -> dict[str, str]:
        letters: dict[str, list[str]] = {status: [] for status in MATRIX_STATUSES}
        for row in matrix_rows(self.document.compliance_matrix):
            letters.setdefault(str(row["status"]), []).append(f"({row['letter']})")
        return {status: ", ".join(found) for status, found in letters.items()}

    def _(self, message: str, /, **values: object) -> str:
        return self.words.language.text(message, **values)
