"""The long lists of a report, read once and kept as far as pages show them.

However many rows come, what is kept is bounded: the rows of each cause up to a limit, counts and a
few examples of the rest. Whoever wants every row takes CSV or JSON.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.compliance import annex_points
from services.rendering.document import NotTested, ReportAsset, ReportFinding, ReportRows
from services.scanner.check import Severity

EXAMPLES = 5
_EVALUATED = "evaluated"
_ACCEPTED = "accepted_risk"
_MOST_REASONS = 2_000
_OTHER = ""


@dataclass(frozen=True, slots=True)
class DigestLimits:
    rows_per_group: int
    rows: int
    """Of all groups together; each shows at least one."""
    listed: int
    """Of findings, and of assets, for an annex."""
    exceptions: int = 500


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
    reference: str
    compliance_article: str
    annex_point: str
    annex_heading: str
    cvss: str
    total: int
    hosts: int
    rows: Sequence[ReportFinding]
    """Those shown here."""

    @property
    def hidden(self) -> int:
        return self.total - len(self.rows)


@dataclass(slots=True)
class Examples:
    """How many there were, and the first few different ones."""

    total: int = 0
    names: dict[str, None] = field(default_factory=dict[str, None])

    def add(self, name: str) -> None:
        self.total += 1
        if len(self.names) < EXAMPLES:
            self.names[name] = None

    @property
    def shown(self) -> list[str]:
        return list(self.names)


@dataclass(frozen=True, slots=True)
class Untested:
    """A check that could not be evaluated for one reason, at one or many targets."""

    check_id: str
    reason: str
    targets: Examples


@dataclass(frozen=True, slots=True)
class Digest:
    groups: Sequence[FindingGroup]
    """Worst first."""
    findings_total: int
    listed: Sequence[ReportFinding]
    """The first findings, worst first; empty where the groups show them all."""
    exceptions: Sequence[ReportFinding]
    """Accepted risks, worst first: they stand in every report, with their reason or without."""
    exceptions_total: int
    assets: Sequence[ReportAsset]
    """Those that answered first: a network is mostly empty addresses."""
    assets_total: int
    unevaluated: Sequence[tuple[str, str, Examples]]
    """Status, reason and examples of the targets that could not be evaluated, or not wholly."""
    untested: Sequence[Untested]
    """Most frequent first."""
    untested_total: int

    @property
    def hidden(self) -> int:
        """Findings that no group shows."""
        return sum(group.hidden for group in self.groups)


@dataclass(slots=True)
class _Group:
    rows: list[ReportFinding] = field(default_factory=list[ReportFinding])
    total: int = 0
    hosts: set[str] = field(default_factory=set[str])


def read_digest(rows: ReportRows, limits: DigestLimits) -> Digest:
    """Reads all three lists to their ends."""
    by_check: defaultdict[str, _Group] = defaultdict(_Group)
    listed: list[ReportFinding] = []
    exceptions: list[ReportFinding] = []
    totals = Counter[str]()
    for finding in rows.findings:
        totals["findings"] += 1
        group = by_check[finding.check_id]
        group.total += 1
        group.hosts.add(finding.target)
        if len(group.rows) < limits.rows_per_group:
            group.rows.append(finding)
        if len(listed) < limits.listed:
            listed.append(finding)
        if finding.status == _ACCEPTED:
            totals["exceptions"] += 1
            if len(exceptions) < limits.exceptions:
                exceptions.append(finding)
    groups = _groups(by_check, limits.rows)
    is_cut = any(group.hidden for group in groups)
    assets, assets_total, unevaluated = _read_assets(rows.assets, limits.listed)
    untested, untested_total = _read_untested(rows.not_tested)
    return Digest(
        groups=groups,
        findings_total=totals["findings"],
        listed=listed if is_cut else (),
        exceptions=exceptions,
        exceptions_total=totals["exceptions"],
        assets=assets,
        assets_total=assets_total,
        unevaluated=unevaluated,
        untested=untested,
        untested_total=untested_total,
    )


def _groups(by_check: dict[str, _Group], left: int) -> list[FindingGroup]:
    ordered = sorted(
        by_check.values(),
        key=lambda group: (group.rows[0].severity.rank, -group.total, group.rows[0].title),
    )
    groups: list[FindingGroup] = []
    for number, group in enumerate(ordered, start=1):
        # One row is always shown: a group without an example explains nothing.
        shown = group.rows[: max(1, left)]
        left -= len(shown)
        groups.append(_group(f"finding-{number}", group, shown))
    return groups


def _group(anchor: str, group: _Group, shown: Sequence[ReportFinding]) -> FindingGroup:
    worst = group.rows[0]
    point = worst.annex_point or ""
    known = annex_points().get(".".join(point.split("(")[0].split(".")[:2]))
    score = "" if worst.cvss_base_score is None else f"{worst.cvss_base_score:.1f}"
    return FindingGroup(
        anchor=anchor,
        check_id=worst.check_id,
        title=worst.title,
        severity=worst.severity,
        rationale=worst.rationale or "",
        remediation=worst.remediation or "",
        reference=worst.reference or "",
        compliance_article=worst.compliance_article or "",
        annex_point=point,
        annex_heading=known.heading if known else "",
        cvss=f"{score} {worst.cvss_vector or ''}".strip(),
        total=group.total,
        hosts=len(group.hosts),
        rows=shown,
    )


def _read_assets(
    assets: Iterable[ReportAsset], limit: int
) -> tuple[list[ReportAsset], int, list[tuple[str, str, Examples]]]:
    alive: list[ReportAsset] = []
    silent: list[ReportAsset] = []
    reasons: defaultdict[tuple[str, str], Examples] = defaultdict(Examples)
    total = 0
    for asset in assets:
        total += 1
        some = alive if asset.is_alive else silent
        if len(some) < limit:
            some.append(asset)
        if asset.status != _EVALUATED:
            reasons[_bounded(reasons, asset.status, asset.reason)].add(asset.target)
    ordered = sorted(reasons.items(), key=lambda item: (-item[1].total, item[0]))
    unevaluated = [(status, reason, names) for (status, reason), names in ordered]
    return [*alive, *silent][:limit], total, unevaluated


def _read_untested(rows: Iterable[NotTested]) -> tuple[list[Untested], int]:
    reasons: defaultdict[tuple[str, str], Examples] = defaultdict(Examples)
    for row in rows:
        reasons[_bounded(reasons, row.check_id, row.reason)].add(row.target)
    ordered = sorted(reasons.items(), key=lambda item: (-item[1].total, item[0]))
    untested = [Untested(check_id, reason, names) for (check_id, reason), names in ordered]
    return untested, sum(names.total for names in reasons.values())


def _bounded(known: dict[tuple[str, str], Examples], subject: str, reason: str) -> tuple[str, str]:
    """The reason may quote a stranger: beyond so many different ones they are counted together."""
    key = (subject, reason)
    return key if key in known or len(known) < _MOST_REASONS else (subject, _OTHER)
