"""The report as SARIF 2.1.0 (OASIS), for code hosts and pipelines.

Every finding is a result; what a person accepted or ruled out is a suppressed one. A place is an
address on a network, not a file, so it stands as a URI and as a logical location.
"""

from typing import BinaryIO
from urllib.parse import quote

from services.rendering.document import Json, ReportDocument, ReportFinding, ReportRows
from services.rendering.json_stream import JsonStream
from services.rendering.presentation import printable
from services.scanner.check import Severity

SARIF_VERSION = "2.1.0"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_INFORMATION = "https://eur-lex.europa.eu/eli/dir/2022/2555/oj"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# What a reader that sorts by CVSS is told of a check that has no vector.
_SCORES = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 2.5,
    Severity.INFO: 0.0,
}
_SUPPRESSED = ("accepted_risk", "false_positive")


def render_sarif(document: ReportDocument, rows: ReportRows, out: BinaryIO) -> None:
    """One run, UTF-8. The rules come after the results: only then is it known which there are."""
    stream = JsonStream(out)
    rules: dict[str, Json] = {}
    with stream.object():
        stream.member("$schema", SARIF_SCHEMA)
        stream.member("version", SARIF_VERSION)
        with stream.array("runs"), stream.object():
            with stream.array("results"):
                for finding in rows.findings:
                    rules.setdefault(finding.check_id, _rule(finding))
                    index = list(rules).index(finding.check_id)
                    stream.item(_result(finding, index))
            stream.member("tool", {"driver": _driver(document, list(rules.values()))})
            stream.member("automationDetails", {"id": f"nis2-gateway/{document.scan.id}"})
            with stream.array("invocations"), stream.object():
                _invocation(stream, document, rows)
            stream.member("language", document.options.locale)
            stream.member("columnKind", "unicodeCodePoints")
            stream.member("properties", _properties(document))


def _driver(document: ReportDocument, rules: list[Json]) -> Json:
    name, _, version = document.versions.product.rpartition(" ")
    return {
        "name": name or document.versions.product,
        "version": version,
        "informationUri": _INFORMATION,
        "language": document.options.locale,
        "rules": rules,
    }


def _rule(finding: ReportFinding) -> Json:
    level = _LEVELS[finding.severity]
    score = finding.cvss_base_score
    return {
        "id": finding.check_id,
        "name": finding.title,
        "shortDescription": {"text": finding.title},
        "fullDescription": {"text": finding.rationale or finding.title},
        "help": {"text": finding.remediation or finding.title},
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": ["security", "nis2", finding.category],
            "precision": "high",
            "security-severity": f"{_SCORES[finding.severity] if score is None else score:.1f}",
            "complianceArticle": finding.compliance_article or "",
            "annexPoint": finding.annex_point or "",
            "reference": finding.reference or "",
        },
    }


def _result(finding: ReportFinding, rule: int) -> Json:
    result: Json = {
        "ruleId": finding.check_id,
        "ruleIndex": rule,
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": printable(finding.message) or finding.title},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri_of(finding)}},
                "logicalLocations": [
                    {"fullyQualifiedName": printable(finding.endpoint), "kind": "resource"}
                ],
            }
        ],
        "partialFingerprints": {"nis2Finding/v1": finding.fingerprint},
        "properties": {
            "severity": finding.severity,
            "status": finding.status,
            "firstSeen": finding.first_seen_at,
            "evidence": finding.evidence,
        },
    }
    if finding.status in _SUPPRESSED:
        note = printable(finding.resolution_note or "")
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                **({"justification": note} if note else {}),
            }
        ]
    return result


def uri_of(finding: ReportFinding) -> str:
    """``tcp://host:port``; whatever a stranger put into either is percent-encoded."""
    scheme = finding.protocol or ""
    if not (scheme.isascii() and scheme.isalnum() and scheme[0].isalpha()):
        scheme = "host"
    return f"{scheme}://{quote(printable(finding.endpoint), safe='[]:.-_')}"


def _invocation(stream: JsonStream, document: ReportDocument, rows: ReportRows) -> None:
    scan = document.scan
    stream.member("executionSuccessful", not scan.is_partial)
    for name, moment in (("startTimeUtc", scan.started_at), ("endTimeUtc", scan.completed_at)):
        if moment is not None:
            stream.member(name, moment)
    for _ in rows.assets:
        pass
    with stream.array("toolExecutionNotifications"):
        for row in rows.not_tested:
            text = f"{row.check_id} at {printable(row.target)}: {printable(row.reason)}"
            stream.item({"level": "note", "message": {"text": text}})


def _properties(document: ReportDocument) -> Json:
    return {
        "organization": document.organization_name,
        "scanName": document.scan.name,
        "generatedAt": document.generated_at,
        "score": document.score.score,
        "scoreLower": document.score.score_lower,
        "grade": document.score.grade,
        "catalogVersion": document.versions.catalog,
        "scoringVersion": document.versions.scoring,
    }
