"""The report as Markdown (CommonMark with tables), for tickets, wikis and repositories.

Written row by row: findings of one check and severity stand together because they arrive so.
Whatever a stranger wrote is escaped: it cannot become a heading, a link, an image or HTML.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import BinaryIO

from services.compliance import DISCLAIMER
from services.rendering.digest import DigestLimits, read_digest
from services.rendering.document import (
    ReportDocument,
    ReportFinding,
    ReportRows,
    Template,
    matrix_rows,
)
from services.rendering.presentation import Words, printable
from services.rendering.sentences import STATUS_SIGNS, Sentences
from services.scanner.check import Severity
from services.translations import N_, translator

_LONGEST_CELL = 2_000
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>&~$@:])")
_NO_ROWS = DigestLimits(rows_per_group=1, rows=0, listed=1_000)


def render_markdown(document: ReportDocument, rows: ReportRows, out: BinaryIO) -> None:
    """UTF-8, every finding in it."""
    page = _Page(document, Words(translator(document.options.locale)))
    out.writelines(f"{line}\n".encode("utf-8", "replace") for line in page.lines(rows))


def escaped(text: object) -> str:
    """In one line, and meaning nothing but itself."""
    line = " ".join(printable(text, _LONGEST_CELL).split())
    return _SPECIAL.sub(r"\\\1", line)


class _Page:
    def __init__(self, document: ReportDocument, words: Words) -> None:
        self._document = document
        self._words = words
        self._text = words.language.text

    def lines(self, rows: ReportRows) -> Iterator[str]:
        is_full = self._document.options.template is Template.FULL
        accepted: list[ReportFinding] = []
        yield from self._cover()
        yield from self._matrix()
        findings = self._noting(rows.findings, accepted)
        if is_full:
            yield from self._findings(findings)
        else:
            for _ in findings:
                pass
        nothing = ReportRows(accepted, rows.assets, rows.not_tested)
        digest = read_digest(nothing, _NO_ROWS)
        say = Sentences(self._document, digest, self._words)
        yield from self._exceptions(accepted, say)
        yield from self._heading(2, say.headings()["scope"])
        for line in say.gaps():
            yield f"- {escaped(line)}"
        if is_full:
            yield ""
            yield from self._table(
                (N_("Target"), N_("Address"), N_("Result"), N_("Open ports")),
                (
                    (
                        asset.target,
                        asset.ip or "",
                        f"{self._words.target_status(asset.status)} {asset.reason}",
                        say.ports(asset.open_ports),
                    )
                    for asset in digest.assets
                ),
            )
            yield from self._table(
                (N_("Check"), N_("Reason"), N_("Times"), N_("Where")),
                (
                    (
                        row.check_id,
                        row.reason or self._text(N_("other reasons")),
                        self._words.language.number(row.targets.total),
                        self._words.some(row.targets.shown, row.targets.total),
                    )
                    for row in digest.untested
                ),
            )
        yield from self._heading(2, say.headings()["method"])
        for line in say.method():
            yield from (escaped(line), "")
        yield from self._table(
            (N_("Subject"), N_("Value")), ((name, value) for name, value in say.method_rows())
        )
        yield f"> {escaped(self._text(DISCLAIMER))}"

    def _cover(self) -> Iterator[str]:
        document = self._document
        scan, score, words = document.scan, document.score, self._words
        empty = read_digest(ReportRows((), (), ()), _NO_ROWS)
        say = Sentences(document, empty, words)
        yield from (f"# {escaped(say.title())}", "")
        period = self._text(
            N_("%(start)s to %(end)s"),
            start=words.moment(scan.started_at),
            end=words.moment(scan.completed_at),
        )
        number = "?" if score.score is None else f"{score.score} ({score.grade})"
        facts = (
            (N_("Organization"), document.organization_name),
            (N_("Classification"), document.branding.classification or ""),
            (N_("Period"), period),
            (N_("Scope"), say.scope()),
            (N_("Scan"), scan.id),
            (N_("Report made"), words.moment(document.generated_at)),
            (say.score_label(), number),
        )
        for name, value in facts:
            if value:
                yield f"- **{escaped(self._text(name))}:** {escaped(value)}"
        yield from ("", escaped(document.executive_summary), "")
        yield escaped(say.score_note())
        yield from self._heading(2, self._text(N_("Findings by severity")))
        yield from self._table(
            (N_("Severity"), N_("Findings")),
            (
                (words.severity(severity), words.language.number(document.count(severity)))
                for severity in Severity
            ),
        )
        yield from self._heading(2, self._text(N_("What changed")))
        for line in say.changes():
            yield f"- {escaped(line)}"

    def _matrix(self) -> Iterator[str]:
        headings = {"matrix": self._text(N_("NIS2 Article 21(2), letter by letter"))}
        yield from self._heading(2, headings["matrix"])
        yield from self._table(
            ("", N_("Measure"), N_("Status"), N_("Score"), N_("What was not looked at")),
            (
                (
                    row["letter"],
                    row["title"],
                    self._signed(row["status"]),
                    "" if row["score"] is None else row["score"],
                    row["limits"],
                )
                for row in matrix_rows(self._document.compliance_matrix)
            ),
        )

    def _findings(self, findings: Iterable[ReportFinding]) -> Iterator[str]:
        yield from self._heading(2, self._text(N_("Findings")))
        count = 0
        for _, group in groupby(findings, key=lambda f: (f.severity, f.check_id)):
            first = next(group)
            severity = self._words.severity(first.severity)
            yield from self._heading(3, f"{first.title} ({severity})")
            law = ", ".join(part for part in (first.compliance_article, first.annex_point) if part)
            yield from (f"`{first.check_id.replace('`', '')}` {escaped(law)}".strip(), "")
            for label, text in (
                (N_("Why it matters."), first.rationale),
                (N_("What to do."), first.remediation),
            ):
                if text:
                    yield from (f"**{escaped(self._text(label))}** {escaped(text)}", "")
            yield from self._table(
                (N_("Where"), N_("What was seen"), N_("Status"), N_("First seen")),
                (self._cells(finding) for finding in (first, *group)),
            )
            count += 1
        if not count:
            yield escaped(self._text(N_("No problem was found in what was tested.")))

    def _cells(self, finding: ReportFinding) -> Sequence[object]:
        evidence = self._words.evidence(finding.evidence)
        return (
            finding.endpoint,
            f"{finding.message} ({evidence})" if evidence else finding.message,
            self._words.finding_status(finding.status),
            self._words.day(finding.first_seen_at),
        )

    def _exceptions(self, accepted: list[ReportFinding], say: Sentences) -> Iterator[str]:
        if not accepted:
            return
        yield from self._heading(2, say.headings()["exceptions"])
        yield from self._table(
            (N_("Severity"), N_("Problem"), N_("Where"), N_("Reason"), N_("Until")),
            (
                (
                    self._words.severity(row.severity),
                    row.title,
                    row.endpoint,
                    row.resolution_note or self._text(N_("No reason recorded")),
                    self._words.day(row.accepted_until),
                )
                for row in accepted
            ),
        )

    @staticmethod
    def _noting(
        findings: Iterable[ReportFinding], accepted: list[ReportFinding]
    ) -> Iterator[ReportFinding]:
        for finding in findings:
            if finding.status == "accepted_risk":
                accepted.append(finding)
            yield finding

    def _signed(self, status: str) -> str:
        return f"{STATUS_SIGNS.get(status, '')} {self._words.matrix_status(status)}"

    def _heading(self, level: int, text: str) -> Iterator[str]:
        yield from ("", f"{'#' * level} {escaped(text)}", "")

    def _table(self, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
        yield f"| {' | '.join(escaped(self._text(name)) for name in header)} |"
        yield f"|{' --- |' * len(header)}"
        for row in rows:
            yield f"| {' | '.join(escaped(cell) for cell in row)} |"
        yield ""
