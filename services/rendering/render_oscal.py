"""The report as OSCAL assessment-results (NIST, version 1.2.3), for GRC tools.

Each finding of ours is an observation; the observations of one check make a risk; a point of the
annex with risks is an OSCAL finding, ``not-satisfied``. Nothing is ever called satisfied: that no
contrary evidence was found is not a proof (see the disclaimer). All ids are UUIDv5 of what they
name, so that the same scan gives the same ones.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO
from uuid import UUID, uuid5

from services.compliance import DISCLAIMER
from services.rendering.document import Json, ReportDocument, ReportFinding, ReportRows
from services.rendering.json_stream import JsonStream
from services.rendering.presentation import printable
from services.scanner.check import Severity
from services.translations import translator

OSCAL_VERSION = "1.2.3"
_NAMESPACE = UUID("6f2d1e0a-5a0e-4c53-9d4e-0c6b6a1f7d21")
_PROPERTIES = "urn:nis2-gateway:oscal"
_CONTROLS = "https://eur-lex.europa.eu/eli/reg_impl/2024/2690/oj"
_OPEN = "open"
_ACCEPTED = "deviation-approved"
_CLOSED = "closed"
_STATUSES = {
    "accepted_risk": _ACCEPTED,
    "false_positive": _CLOSED,
    "resolved": _CLOSED,
    "in_progress": "remediating",
}


@dataclass(slots=True)
class _Risk:
    """What the findings of one check have in common, and their observations."""

    worst: ReportFinding
    statuses: set[str] = field(default_factory=set[str])
    observations: list[str] = field(default_factory=list[str])

    @property
    def status(self) -> str:
        """One open finding keeps the risk open."""
        for status in (_OPEN, "remediating", _ACCEPTED):
            if status in self.statuses:
                return status
        return _CLOSED


def render_oscal(document: ReportDocument, rows: ReportRows, out: BinaryIO) -> None:
    """One result, UTF-8."""
    ids = _Ids(document.scan.id)
    stream = JsonStream(out)
    words = translator(document.options.locale)
    with stream.object(), stream.object("assessment-results"):
        stream.member("uuid", ids.of("assessment-results", document.generated_at.isoformat()))
        stream.member("metadata", _metadata(document, ids))
        stream.member("import-ap", {"href": f"#{ids.of('plan')}"})
        with stream.array("results"), stream.object():
            stream.member("uuid", ids.of("result"))
            stream.member("title", printable(document.scan.name) or "scan")
            stream.member("description", words.text(DISCLAIMER))
            stream.member("start", _start(document))
            if document.scan.completed_at is not None:
                stream.member("end", document.scan.completed_at)
            stream.member("props", _score_properties(document))
            stream.member("reviewed-controls", _reviewed(document))
            risks = _observations(stream, document, rows.findings, ids)
            _judgements(stream, risks, ids)
        stream.member("back-matter", _back_matter(document, ids))


class _Ids:
    def __init__(self, scan_id: str) -> None:
        self._scan_id = scan_id

    def of(self, *names: str) -> str:
        return str(uuid5(_NAMESPACE, "\0".join((self._scan_id, *names))))


def _metadata(document: ReportDocument, ids: _Ids) -> Json:
    return {
        "title": printable(document.options.title or document.scan.name) or "scan",
        "last-modified": document.generated_at,
        "version": document.versions.catalog or "1",
        "oscal-version": OSCAL_VERSION,
        "roles": [{"id": "assessor", "title": "Assessor"}],
        "parties": [
            {
                "uuid": ids.of("organization"),
                "type": "organization",
                "name": printable(document.organization_name) or "organization",
            }
        ],
    }


def _score_properties(document: ReportDocument) -> list[Json]:
    score = document.score
    values = {
        "technical-exposure-score": score.score,
        "score-lower-bound": score.score_lower,
        "grade": score.grade,
        "scoring-version": document.versions.scoring or None,
        "generator": document.versions.product,
    }
    return [_property(name, str(value)) for name, value in values.items() if value is not None]


def _property(name: str, value: str) -> Json:
    return {"name": name, "ns": _PROPERTIES, "value": " ".join(printable(value).split()) or "-"}


def _reviewed(document: ReportDocument) -> Json:
    """The points that a scan can see something of, whatever it saw."""
    points = sorted(
        {
            point["point"]
            for row in document.compliance_matrix.values()
            for point in row["points"]
            if point["evidence_class"] in {"S", "I"}
        },
        key=lambda number: tuple(map(int, number.split("."))),
    )
    if not points:
        return {"control-selections": [{"include-all": {}}]}
    included = [{"control-id": _control(point)} for point in points]
    return {"control-selections": [{"include-controls": included}]}


def _observations(
    stream: JsonStream, document: ReportDocument, findings: Iterable[ReportFinding], ids: _Ids
) -> dict[str, _Risk]:
    """Write them all, and give back what they add up to, by check."""
    collected = _start(document)
    risks: dict[str, _Risk] = {}
    with ExitStack() as stack:
        for finding in findings:
            if not risks:  # an empty array is not allowed
                stack.enter_context(stream.array("observations"))
            id_ = ids.of("observation", finding.fingerprint)
            risk = risks.setdefault(finding.check_id, _Risk(finding))
            risk.statuses.add(_STATUSES.get(finding.status, _OPEN))
            risk.observations.append(id_)
            stream.item(_observation(finding, id_, collected, ids))
    return risks


def _observation(finding: ReportFinding, id_: str, collected: datetime, ids: _Ids) -> Json:
    endpoint = printable(finding.endpoint) or "-"
    return {
        "uuid": id_,
        "title": printable(finding.title) or finding.check_id,
        "description": printable(finding.message) or finding.title,
        "props": [
            _property("severity", finding.severity.value),
            _property("check-id", finding.check_id),
            _property("status", finding.status),
        ],
        "methods": ["TEST-AUTOMATED"],
        "types": ["finding"],
        "subjects": [
            {
                "subject-uuid": ids.of("subject", endpoint),
                "type": "inventory-item",
                "title": endpoint,
            }
        ],
        "collected": collected,
    }


def _judgements(stream: JsonStream, risks: dict[str, _Risk], ids: _Ids) -> None:
    """Risks by check, and findings by the point of the annex that they speak against."""
    if not risks:
        return
    with stream.array("risks"):
        for check_id, risk in risks.items():
            stream.item(_risk(check_id, risk, ids))
    by_point: defaultdict[str, list[_Risk]] = defaultdict(list)
    for risk in risks.values():
        if risk.worst.severity is not Severity.INFO:  # told, and speaks against nothing
            by_point[_point(risk.worst)].append(risk)
    if by_point:
        with stream.array("findings"):
            for point, members in by_point.items():
                stream.item(_finding(point, members, ids))


def _risk(check_id: str, risk: _Risk, ids: _Ids) -> Json:
    worst = risk.worst
    answer: Json = {
        "uuid": ids.of("risk", check_id),
        "title": printable(worst.title) or check_id,
        "description": printable(worst.rationale or worst.title) or check_id,
        "statement": printable(worst.rationale or worst.title) or check_id,
        "props": [_property("severity", worst.severity.value)],
        "status": risk.status,
        "related-observations": [{"observation-uuid": id_} for id_ in risk.observations],
    }
    if worst.remediation:
        answer["remediations"] = [
            {
                "uuid": ids.of("remediation", check_id),
                "lifecycle": "recommendation",
                "title": printable(worst.title) or check_id,
                "description": printable(worst.remediation),
            }
        ]
    return answer


def _finding(point: str, risks: list[_Risk], ids: _Ids) -> Json:
    titles = "; ".join(dict.fromkeys(printable(risk.worst.title) for risk in risks))
    return {
        "uuid": ids.of("finding", point),
        "title": f"Annex point {point}",
        "description": titles or point,
        "target": {
            "type": "objective-id",
            "target-id": _control(point),
            "status": {"state": "not-satisfied", "reason": "other"},
        },
        "related-risks": [{"risk-uuid": ids.of("risk", risk.worst.check_id)} for risk in risks],
    }


def _back_matter(document: ReportDocument, ids: _Ids) -> Json:
    scan = document.scan
    plan = f"Scan of type {scan.scan_type}, id {scan.id}"
    return {
        "resources": [
            {"uuid": ids.of("plan"), "title": printable(scan.name) or "scan", "description": plan},
            {
                "uuid": ids.of("controls"),
                "title": "Commission Implementing Regulation (EU) 2024/2690, annex",
                "rlinks": [{"href": _CONTROLS}],
            },
        ]
    }


def _start(document: ReportDocument) -> datetime:
    return document.scan.started_at or document.generated_at


def _point(finding: ReportFinding) -> str:
    """``9.2(c)(v)`` counts for 9.2."""
    number = (finding.annex_point or "").split("(")[0].split(".")
    return ".".join(number[:2]) if all(part.isdecimal() for part in number) else "other"


def _control(point: str) -> str:
    """A token, as OSCAL wants its identifiers."""
    return f"cir-2024-2690_{point}"
