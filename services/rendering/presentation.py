"""What both page formats (HTML and PDF) show: grouped, counted, put into words. No markup here."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from services.compliance import EvidenceClass, annex_points
from services.rendering.document import (
    Json,
    NotTested,
    ReportAsset,
    ReportDocument,
    ReportFinding,
)
from services.scanner.check import Severity

STATUS_LABELS: Mapping[str, str] = {
    "manual": "Manual",
    "not_evaluated": "Not evaluated",
    "partially_evaluated": "Partly evaluated",
    "no_contrary_evidence": "No contrary evidence",
    "attention": "Attention",
    "gap_indicated": "Gap indicated",
}
EVIDENCE_CLASS_LABELS: Mapping[str, str] = {
    "S": "strong",
    "I": "indicative",
    "P": "process",
    "M": "manual",
}

_EVALUATED = "evaluated"
DASH = "\N{EN DASH}"
"""Stands where there is nothing to print."""
_SAMPLE_TARGETS = 5


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings of one check: one cause, one remedy, many endpoints."""

    anchor: str
    check_id: str
    title: str
    severity: Severity
    """The worst one in the group."""
    rationale: str
    remediation: str
    compliance_article: str
    annex_point: str
    annex_heading: str
    cvss: str
    total: int
    hosts: int
    rows: Sequence[ReportFinding]
    """Those shown here; the others stand in the annex."""

    @property
    def hidden(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class Untested:
    """A check that could not be evaluated for one reason, at one or many targets."""

    check_id: str
    reason: str
    total: int
    targets: str
    """A few of them, and how many more."""


def group_findings(
    findings: Iterable[ReportFinding], *, rows_per_group: int | None = None, rows: int | None = None
) -> Sequence[FindingGroup]:
    """By check, worst first. At most ``rows_per_group`` in each and ``rows`` in all are shown."""
    by_check: defaultdict[str, list[ReportFinding]] = defaultdict(list)
    for finding in findings:
        by_check[finding.check_id].append(finding)
    for members in by_check.values():
        members.sort(key=lambda f: (f.severity.rank, f.target, f.port or 0, f.message))
    ordered = sorted(
        by_check.values(), key=lambda group: (group[0].severity.rank, -len(group), group[0].title)
    )
    groups: list[FindingGroup] = []
    left = sum(map(len, ordered)) if rows is None else rows
    for number, members in enumerate(ordered, start=1):
        # One row is always shown: a group without an example explains nothing.
        limit = max(1, min(left, rows_per_group or len(members)))
        groups.append(_group(f"finding-{number}", members, limit))
        left -= len(groups[-1].rows)
    return groups


def group_untested(rows: Iterable[NotTested]) -> Sequence[Untested]:
    """By check and reason, most frequent first."""
    targets: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        targets[row.check_id, row.reason].append(row.target)
    return [
        Untested(check_id, reason, len(names), _some(names))
        for (check_id, reason), names in sorted(
            targets.items(), key=lambda item: (-len(item[1]), item[0])
        )
    ]


def unevaluated_by_reason(assets: Iterable[ReportAsset]) -> Sequence[tuple[str, int, str]]:
    """Reason, count and examples of the targets that could not be evaluated."""
    targets: defaultdict[str, list[str]] = defaultdict(list)
    for asset in assets:
        if asset.status != _EVALUATED:
            targets[asset.reason or in_words(asset.status)].append(asset.target)
    ordered = sorted(targets.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(reason, len(names), _some(names)) for reason, names in ordered]


def exceptions(document: ReportDocument) -> Sequence[ReportFinding]:
    """Accepted risks, worst first: they stand in every report, with their reason or without."""
    accepted = [finding for finding in document.findings if finding.status == "accepted_risk"]
    return sorted(accepted, key=lambda finding: (finding.severity.rank, finding.target))


def statuses(rows: Iterable[Json]) -> Mapping[str, str]:
    """Which letters have which status: ``{"manual": "(a), (b)"}``; every status is a key."""
    letters: dict[str, list[str]] = {status: [] for status in STATUS_LABELS}
    for row in rows:
        letters.setdefault(str(row["status"]), []).append(f"({row['letter']})")
    return {status: ", ".join(found) for status, found in letters.items()}


def points_of_class(evidence_class: EvidenceClass) -> Sequence[tuple[str, str]]:
    """Number and heading of the annex points that a scan can say so much about."""
    return [
        (point.id, point.heading)
        for point in annex_points().values()
        if point.evidence_class is evidence_class
    ]


def severity_counts(document: ReportDocument) -> Sequence[tuple[Severity, int]]:
    return [(severity, document.count(severity)) for severity in Severity]


def config_rows(config: Mapping[str, Any]) -> Sequence[tuple[str, str]]:  # Any: a JSON object
    """The scan's configuration in words, without what the cover already says."""
    return [
        (in_words(key).capitalize(), _value(value))
        for key, value in config.items()
        if key not in {"name", "scan_type"} and value not in (None, [], {}, "")
    ]


def evidence_text(evidence: Mapping[str, Any]) -> str:  # Any: a JSON object
    """``key: value; key: value``."""
    return "; ".join(f"{in_words(key)}: {_value(value)}" for key, value in evidence.items())


def printable(text: object, limit: int | None = None) -> str:
    """Without control and direction characters, which print as boxes or turn text around.

    Cut to ``limit`` characters with an ellipsis: a renderer may take seconds for one endless cell.
    """
    kept = "".join(c for c in str(text) if c == "\n" or unicodedata.category(c) not in _UNPRINTED)
    return kept if limit is None or len(kept) <= limit else f"{kept[: limit - 1]}…"


_UNPRINTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def in_words(identifier: str) -> str:
    return identifier.replace("_", " ")


def moment(value: datetime | None) -> str:
    """In UTC, for people; a dash where there is none."""
    if value is None:
        return DASH
    return f"{value.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def day(value: datetime | None) -> str:
    return DASH if value is None else f"{value.astimezone(UTC):%Y-%m-%d}"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return DASH
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _group(anchor: str, members: Sequence[ReportFinding], limit: int) -> FindingGroup:
    worst = members[0]
    point = worst.annex_point or ""
    number = ".".join(point.split("(")[0].split(".")[:2])
    known = annex_points().get(number)
    score = "" if worst.cvss_base_score is None else f"{worst.cvss_base_score:.1f}"
    return FindingGroup(
        anchor=anchor,
        check_id=worst.check_id,
        title=worst.title,
        severity=worst.severity,
        rationale=worst.rationale or "",
        remediation=worst.remediation or "",
        compliance_article=worst.compliance_article or "",
        annex_point=point,
        annex_heading=known.heading if known else "",
        cvss=f"{score} {worst.cvss_vector or ''}".strip(),
        total=len(members),
        hosts=len(Counter(finding.target for finding in members)),
        rows=members[:limit],
    )


def _some(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    shown = ", ".join(unique[:_SAMPLE_TARGETS])
    more = len(unique) - _SAMPLE_TARGETS
    return f"{shown} and {more:,} more" if more > 0 else shown


def _value(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            items = cast("dict[str, object]", value)  # JSON has no other keys
            return ", ".join(f"{in_words(key)} {_value(item)}" for key, item in items.items())
        case list():
            return ", ".join(_value(item) for item in cast("list[object]", value))  # of JSON values
        case _:
            return str(value)
