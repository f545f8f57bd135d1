"""How an organization stands: the posture, what it rests on, and what people attest."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from services.actor import Role
from services.resources import Resources
from services.scanner.check import CheckResult, Severity, Verdict
from services.scanner.target import Target
from tests.conftest import RunJobs
from tests.jobs.conftest import StartScan, start_scan
from tests.members import Member, join
from tests.scanners import StubScanner, at

Json = dict[str, Any]  # Any: a JSON object
_ = start_scan  # a fixture
_RANK = {severity.value: severity.rank for severity in Severity}


def _judge(target: Target) -> Sequence[CheckResult]:
    """One critical, one high, one low, and what passed and could not be seen."""
    return [
        at(target, "tls.cert.expired", Verdict.failed("ended", severity=Severity.CRITICAL)),
        at(target, "tls.protocol.tls10", Verdict.failed("accepted", severity=Severity.HIGH)),
        at(target, "http.hsts.missing", Verdict.failed("absent", severity=Severity.LOW)),
        at(target, "tls.protocol.no_tls13", Verdict.passed("offered")),
        at(target, "tls.cert.expiring_soon", Verdict.not_evaluated("no certificate")),
    ]


@pytest.fixture
async def scan_id(start_scan: StartScan, run_jobs: RunJobs) -> UUID:
    scan_id = await start_scan("a.example", "192.0.2.0/31")
    await run_jobs(StubScanner(_judge))
    return scan_id


async def _get(client: AsyncClient, member: Member, path: str) -> Json:
    response = await client.get(f"/api/v1{path}", headers=member.headers)
    assert response.status_code == 200, response.text
    return response.json()


async def _all(client: AsyncClient, member: Member, path: str) -> list[Json]:
    joint = "&" if "?" in path else "?"
    return (await _get(client, member, f"{path}{joint}page_size=100"))["items"]


def _worst_units(findings: Sequence[Json]) -> Counter[str]:
    """Failed checks by severity: one for each check, host and port, at its worst."""
    worst: dict[tuple[str, str], str] = {}
    for finding in findings:
        key = (finding["check_id"], finding["target"])
        severity = finding["severity"]
        if key not in worst or _RANK[severity] < _RANK[worst[key]]:
            worst[key] = severity
    return Counter(worst.values())


def _status(counts: Counter[str], evaluated: int, applicable: int) -> str:
    """As the vocabulary defines it, from what was walked to."""
    if not evaluated:
        return "not_evaluated"
    if counts["critical"] or counts["high"]:
        return "gap_indicated"
    if counts["medium"] or counts["low"]:
        return "attention"
    return "partially_evaluated" if evaluated < applicable else "no_contrary_evidence"


async def test_every_number_of_a_matrix_leads_to_verdicts_and_findings(
    client: AsyncClient, admin: Member, scan_id: UUID
) -> None:
    """From the status of each letter and point down to what stands behind it."""
    scan = await _get(client, admin, f"/scans/{scan_id}")
    results = await _all(client, admin, f"/scans/{scan_id}/results")
    verdicts = [check for result in results for check in result["checks"] if check["applicable"]]
    walked: set[str] = set()

    for letter in scan["compliance_matrix"].values():
        path = f"/scans/{scan_id}/findings?letter={letter['letter']}"
        found = await _all(client, admin, path)
        counts = _worst_units(found)
        walked |= {finding["id"] for finding in found}
        assert {k: n for k, n in letter["counts"].items() if n} == dict(counts), letter["letter"]
        coverage = letter["coverage"]
        failed = [v for v in verdicts if v["outcome"] == "failed" and v["id"] in _checks(found)]
        assert len(failed) == sum(counts.values())
        if letter["status"] != "manual":
            evaluated, applicable = coverage["checks_evaluated"], coverage["checks_applicable"]
            assert letter["status"] == _status(counts, evaluated, applicable)
        else:
            assert (found, letter["score"], coverage["checks_applicable"]) == ([], None, 0)
        of_points = Counter[str]()
        for point in letter["points"]:
            behind = await _all(client, admin, f"{path}&point={point['point']}")
            units = _worst_units(behind)
            assert {k: n for k, n in point["counts"].items() if n} == dict(units), point["point"]
            of_points += units
        assert of_points == counts

    every = {finding["id"] for finding in await _all(client, admin, f"/scans/{scan_id}/findings")}
    assert walked == every
    assert sum(
        letter["coverage"]["checks_applicable"] for letter in scan["compliance_matrix"].values()
    ) == len(verdicts)
    assert sum(
        letter["coverage"]["checks_evaluated"] for letter in scan["compliance_matrix"].values()
    ) == sum(verdict["outcome"] != "not_evaluated" for verdict in verdicts)


def _checks(findings: Sequence[Json]) -> set[str]:
    return {finding["check_id"] for finding in findings}


async def test_the_posture_leads_to_the_same_findings_and_to_the_scans_behind_it(
    client: AsyncClient, admin: Member, scan_id: UUID
) -> None:
    posture = await _get(client, admin, "/compliance")
    scan = await _get(client, admin, f"/scans/{scan_id}")

    assert (posture["score"], posture["grade"]) == (scan["total_score"], scan["grade"])
    assert [each["id"] for each in posture["scans"]] == [str(scan_id)]
    assert (posture["unresolved"], posture["hosts_with_problems"]) == (9, 3)
    assert posture["coverage"]["active_assets"] == posture["coverage"]["scanned_assets"] == 2
    for letter, seen in zip(posture["letters"], scan["compliance_matrix"].values(), strict=True):
        for name in ("letter", "status", "counts", "coverage", "score"):
            assert letter[name] == seen[name], (letter["letter"], name)
        found = await _all(client, admin, f"/findings?letter={letter['letter']}&status=open")
        assert {k: n for k, n in letter["counts"].items() if n} == dict(_worst_units(found))
    one = await _get(client, admin, "/compliance/letters/h")
    point = await _get(client, admin, "/compliance/points/9.2")
    assert one == posture["letters"][7]
    assert point in one["points"]


async def test_triage_moves_the_posture_as_far_as_it_says_something_and_never_a_scan(
    client: AsyncClient, admin: Member, scan_id: UUID
) -> None:
    """nis2 8.2, rule 2: an accepted risk is a risk, a false positive is none."""
    before = await _get(client, admin, f"/scans/{scan_id}")
    scores = [(await _get(client, admin, "/compliance"))["score"]]
    critical = await _all(client, admin, "/findings?severity=critical")
    ids = [finding["id"] for finding in critical]
    for status in ("accepted_risk", "false_positive", "resolved"):
        response = await client.post(
            "/api/v1/findings/bulk-update",
            json={"finding_ids": ids, "status": status, "resolution_note": "x"},
            headers=admin.headers,
        )
        assert response.json()["updated"] == 3
        posture = await _get(client, admin, "/compliance")
        scores.append(posture["score"])
        expected = {"accepted_risk": (3, 0), "false_positive": (0, 3), "resolved": (0, 0)}[status]
        assert (posture["accepted_risks"], posture["false_positives"]) == expected

    start, accepted, dismissed, resolved = scores
    assert start == accepted < dismissed == resolved
    after = await _get(client, admin, f"/scans/{scan_id}")
    for name in ("total_score", "score_lower", "grade", "compliance_matrix", "assessment"):
        assert after[name] == before[name], name


async def test_assets_that_are_not_watched_are_no_part_of_the_posture(
    client: AsyncClient, admin: Member, scan_id: UUID
) -> None:
    assets = await _all(client, admin, "/assets")
    by_type = {asset["target_type"]: asset["id"] for asset in assets}
    await client.patch(
        f"/api/v1/assets/{by_type['cidr']}", json={"is_active": False}, headers=admin.headers
    )
    switched_off = await _get(client, admin, "/compliance")
    await client.delete(f"/api/v1/assets/{by_type['domain']}", headers=admin.headers)
    deleted = await _get(client, admin, "/compliance")

    assert scan_id
    assert (switched_off["unresolved"], switched_off["hosts_with_problems"]) == (3, 1)
    assert (deleted["score"], deleted["unresolved"], deleted["scans"]) == (None, 0, [])


async def test_before_any_scan_nothing_is_claimed(client: AsyncClient, admin: Member) -> None:
    posture = await _get(client, admin, "/compliance")

    assert (posture["score"], posture["grade"], posture["scans"]) == (None, None, [])
    statuses = {letter["letter"]: letter["status"] for letter in posture["letters"]}
    assert {statuses[letter] for letter in "abfgj"} == {"manual"}
    assert {statuses[letter] for letter in "cdehi"} == {"not_evaluated"}
    assert "not compliance" in posture["disclaimer"]


@pytest.mark.parametrize("path", ["/compliance/letters/k", "/compliance/points/5.3"])
async def test_a_letter_or_point_that_the_law_does_not_have_is_not_found(
    client: AsyncClient, admin: Member, path: str
) -> None:
    assert (await client.get(f"/api/v1{path}", headers=admin.headers)).status_code == 404


async def test_an_attestation_stands_beside_the_status_until_it_is_withdrawn(
    client: AsyncClient, admin: Member, start_scan: StartScan, run_jobs: RunJobs
) -> None:
    async def attest(**body: object) -> Json:
        response = await client.post(
            "/api/v1/compliance/attestations", json=body, headers=admin.headers
        )
        assert response.status_code == 201, response.text
        return response.json()

    url = "https://wiki.example.org/plan"
    await attest(subject="4.1", statement="Written", valid_until="2031-01-01T00:00:00Z")
    exercised = await attest(subject="4.1", statement="Exercised", evidence_url=url)
    await attest(subject="A", statement="The board decided")
    scan_id = await start_scan("a.example")
    await run_jobs(StubScanner(_judge))
    point = await _get(client, admin, "/compliance/points/4.1")
    letter = await _get(client, admin, "/compliance/letters/a")
    removed = await client.delete(
        f"/api/v1/compliance/attestations/{exercised['id']}", headers=admin.headers
    )
    again = await client.delete(
        f"/api/v1/compliance/attestations/{exercised['id']}", headers=admin.headers
    )
    before = await _get(client, admin, "/compliance/points/4.1")

    assert (point["status"], letter["status"]) == ("manual", "manual")
    assert point["attestation"]["statement"] == "Exercised"
    assert point["attestation"]["evidence_url"] == url
    assert point["attestation"]["attested_by_name"] == "Ada Lovelace"
    assert letter["attestation"]["statement"] == "The board decided"
    assert (removed.status_code, again.status_code) == (204, 404)
    assert before["attestation"]["statement"] == "Written"
    assert before["attestation"]["is_expired"] is False
    record = await _all(client, admin, "/compliance/attestations?subject=4.1")
    assert [(item["statement"], item["withdrawn_at"] is None) for item in record] == [
        ("Exercised", False),
        ("Written", True),
    ]
    scan = await _get(client, admin, f"/scans/{scan_id}")
    (then,) = [p for p in scan["compliance_matrix"]["art21_c"]["points"] if p["point"] == "4.1"]
    assert then["attestation"]["statement"] == "Exercised"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"subject": "5.3", "statement": "x"}, 422),
        ({"subject": "k", "statement": "x"}, 422),
        ({"subject": "1.1", "statement": " "}, 422),
        ({"subject": "1.1", "statement": "x", "evidence_url": "javascript:alert(1)"}, 422),
        ({"subject": "1.1", "statement": "x", "evidence_url": "https://"}, 422),
        ({"subject": "1.1", "statement": "x", "valid_until": "2020-01-01T00:00:00Z"}, 400),
    ],
)
async def test_an_attestation_that_cannot_be_is_refused(
    client: AsyncClient, admin: Member, body: Json, status: int
) -> None:
    response = await client.post(
        "/api/v1/compliance/attestations", json=body, headers=admin.headers
    )

    assert response.status_code == status, response.text


async def test_a_viewer_reads_the_posture_and_attests_nothing(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    viewer = await join(client, resources, admin, Role.VIEWER)
    body = {"subject": "1.1", "statement": "x"}
    url = "/api/v1/compliance/attestations"

    refused = await client.post(url, json=body, headers=viewer.headers)
    made = await client.post(url, json=body, headers=admin.headers)
    foreign = await client.delete(f"{url}/{made.json()['id']}", headers=stranger.headers)

    assert (refused.status_code, made.status_code, foreign.status_code) == (403, 201, 404)
    assert (await _get(client, viewer, "/compliance"))["score"] is None
    assert await _all(client, stranger, "/compliance/attestations") == []
