"""Reports for programs keep the schemas that their standards publish.

``tests/schemas`` holds them as published; its README says whence they come.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from services.rendering.formats import ReportFormat
from services.rendering.render_json import REPORT_VERSION, SCHEMA_FILE
from tests.unit.rendering.hostile import a_hostile_report
from tests.unit.rendering.samples import NOON, Sample, a_report, findings_of

_SCHEMAS = Path(__file__).parents[2] / "schemas"


def accepted_and_not() -> Sample:
    first, second, third, *rest = findings_of(30)
    return a_report(
        (
            replace(first, status="accepted_risk", resolution_note="Ends", accepted_until=NOON),
            replace(second, status="false_positive"),
            replace(third, status="in_progress", cvss_base_score=None, cvss_vector=None),
            *rest,
        )
    )


SAMPLES = {
    "ordinary": accepted_and_not,
    "empty": lambda: a_report((), changes=None, trend=(), compliance_matrix={}),
    "hostile": a_hostile_report,
    "italian": lambda: a_report(findings_of(12)).in_language("it"),
}


@pytest.fixture(params=list(SAMPLES))
def sample(request: pytest.FixtureRequest) -> Sample:
    return SAMPLES[request.param]()


@cache
def schema(name: str) -> dict[str, Any]:  # Any: a JSON Schema
    return json.loads((_SCHEMAS / name).read_text(encoding="utf-8"))


def test_json_keeps_our_schema() -> None:
    published = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(published)

    for name in ("ordinary", "empty", "italian"):
        report = json.loads(SAMPLES[name]().render(ReportFormat.JSON))
        Draft202012Validator(published).validate(report)  # pyright: ignore[reportUnknownMemberType] - no types
    assert published["$id"].endswith(f":{REPORT_VERSION}")


def test_the_schema_refuses_what_is_no_report() -> None:
    report = json.loads(a_report().render(ReportFormat.JSON))
    validator = Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))

    for path in (("summary",), ("findings", 0, "fingerprint"), ("metadata", "scan_id")):
        broken = json.loads(json.dumps(report))
        inner = broken
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        assert not validator.is_valid(broken), path  # pyright: ignore[reportUnknownMemberType] - no types


def test_sarif_keeps_the_schema_of_oasis(sample: Sample) -> None:
    log = json.loads(sample.render(ReportFormat.SARIF))

    Draft202012Validator(schema("sarif-2.1.0.json")).validate(log)  # pyright: ignore[reportUnknownMemberType] - no types
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == len(sample.findings)
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    suppressed = [f for f in sample.findings if f.status in {"accepted_risk", "false_positive"}]
    assert sum("suppressions" in r for r in run["results"]) == len(suppressed)


def test_oscal_keeps_the_schema_of_nist(sample: Sample) -> None:
    document = json.loads(sample.render(ReportFormat.OSCAL))

    Draft7Validator(_with_python_patterns(schema("oscal-1.2.3.json"))).validate(document)  # pyright: ignore[reportUnknownMemberType] - no types
    (result,) = document["assessment-results"]["results"]
    observations = {one["uuid"] for one in result.get("observations", [])}
    risks = {one["uuid"] for one in result.get("risks", [])}
    assert len(observations) == len(sample.findings)
    assert observations == {
        link["observation-uuid"]
        for risk in result.get("risks", [])
        for link in risk["related-observations"]
    }
    for finding in result.get("findings", []):
        assert finding["target"]["status"]["state"] == "not-satisfied"
        assert {link["risk-uuid"] for link in finding["related-risks"]} <= risks


def test_junit_keeps_the_schema_of_jenkins(sample: Sample) -> None:
    content = sample.render(ReportFormat.JUNIT)

    _assert_valid_xml(content, _SCHEMAS / "junit-10.xsd")
    (suite,) = ET.fromstring(content).iter("testsuite")  # noqa: S314 - our own
    elements = {name: len(list(suite.iter(name))) for name in ("testcase", "failure", "skipped")}
    assert int(suite.attrib["tests"]) == elements["testcase"]
    assert int(suite.attrib["failures"]) == elements["failure"]
    assert int(suite.attrib["skipped"]) == elements["skipped"]
    open_findings = [
        f
        for f in sample.findings
        if f.status not in {"accepted_risk", "false_positive"} and f.severity.value != "info"
    ]
    assert elements["failure"] == len(open_findings)


def _assert_valid_xml(content: bytes, schema_file: Path) -> None:
    from lxml import etree  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs, reportAttributeAccessIssue, reportUnknownVariableType] - no types

    xml = cast("Any", etree)  # as above
    xml.XMLSchema(xml.parse(str(schema_file))).assertValid(xml.fromstring(content))


def _with_python_patterns(node: Any) -> Any:  # noqa: ANN401 - JSON
    r"""ECMA-262's \p{L} and \p{N}, which ``re`` does not know, in its own words."""
    if isinstance(node, dict):
        members = cast("dict[str, Any]", node)
        return {key: _with_python_patterns(value) for key, value in members.items()}
    if isinstance(node, list):
        return [_with_python_patterns(value) for value in cast("list[Any]", node)]
    if isinstance(node, str) and r"\p{" in node:
        return node.replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d")
    return node
