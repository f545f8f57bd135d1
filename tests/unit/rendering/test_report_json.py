"""The JSON report keeps the keys that existing readers use."""

import json
from typing import Any

from services.compliance import DISCLAIMER
from services.rendering.formats import ReportFormat
from tests.unit.rendering.hostile import HOSTILE, a_hostile_report
from tests.unit.rendering.samples import Sample, a_report, findings_of


def report(sample: Sample) -> dict[str, Any]:  # Any: a JSON object
    return json.loads(sample.render(ReportFormat.JSON))


def test_the_documented_keys_are_there() -> None:
    sample = a_report(findings_of(12))

    got = report(sample)

    assert {
        *("version", "metadata", "summary", "compliance_matrix"),
        *("executive_summary", "findings", "assets"),
    } <= set(got)
    assert {"scan_id", "scan_name", "generated_at", "generator"} <= set(got["metadata"])
    assert got["metadata"]["generated_at"] == "2026-11-23T12:00:00Z"
    assert got["summary"]["findings_critical"] == 1
    assert got["summary"]["findings_medium"] == 6
    assert got["summary"]["total_score"] == sample.document.score.score
    assert {
        *("severity", "category", "message", "target", "remediation", "cvss_base_score"),
        *("cvss_vector", "compliance_article", "status"),
    } <= set(got["findings"][0])
    assert {"target", "ip", "is_alive", "open_ports"} <= set(got["assets"][0])
    assert list(got["compliance_matrix"]) == [f"art21_{letter}" for letter in "abcdefghij"]
    assert got["disclaimer"] == DISCLAIMER


def test_what_was_not_tested_is_listed() -> None:
    got = report(a_report(findings_of(1)))

    assert got["not_tested"] == [
        {
            "target": "host0000.example.org",
            "check_id": "tls.cert.revoked",
            "reason": "The OCSP responder did not answer",
        }
    ]


def test_hostile_words_come_through_unchanged() -> None:
    got = report(a_hostile_report())

    assert got["findings"][0]["message"].startswith(HOSTILE)
