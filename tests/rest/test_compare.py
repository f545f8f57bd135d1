"""Two scans side by side."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient, Response
from sqlalchemy import update

from services.resources import Resources
from services.scanner.check import CheckResult, Severity, Verdict
from services.scanner.result import TargetStatus
from services.scanner.target import Target, parse_target
from services.scans import Scan
from tests.conftest import RunJobs
from tests.members import Member
from tests.scanners import StubScanner, at
from tests.seeing import see
from tests.statements import counted

Json = dict[str, Any]  # Any: a JSON object
Judge = Callable[[Target], Sequence[CheckResult]]
RunScan = Callable[..., Any]  # Any: an awaitable of the scan's id

HIGH, LOW = Severity.HIGH, Severity.LOW


def _failed(target: Target, check: str, severity: Severity | None = None) -> CheckResult:
    return at(target, check, Verdict.failed(f"{check} is bad", severity=severity))


def _passed(target: Target, check: str) -> CheckResult:
    return at(target, check, Verdict.passed("good"))


@pytest.fixture
def run_scan(client: AsyncClient, admin: Member, run_jobs: RunJobs) -> RunScan:
    """Scan these targets of the admin to the end; gives back the scan's id."""

    async def run(*targets: str, scanner: StubScanner, scan_type: str = "full") -> UUID:
        asset_ids: list[str] = []
        for value in targets:
            created = await client.post(
                "/api/v1/assets", json={"target_value": value}, headers=admin.headers
            )
            body = created.json()
            asset_ids.append(
                body["errors"][0]["existing_id"] if created.status_code == 409 else body["id"]
            )
        scan = await client.post(
            "/api/v1/scans",
            json={"asset_ids": asset_ids, "scan_type": scan_type},
            headers=admin.headers,
        )
        await run_jobs(scanner)
        return UUID(scan.json()["id"])

    return run


async def _get(client: AsyncClient, member: Member, scan: object, baseline: object) -> Response:
    return await client.get(f"/api/v1/scans/{scan}/compare/{baseline}", headers=member.headers)


async def _compare(client: AsyncClient, member: Member, scan: UUID, baseline: UUID) -> Json:
    response = await _get(client, member, scan, baseline)
    assert response.status_code == 200, response.text
    return response.json()


def _seen(listed: list[Json]) -> list[tuple[str, str]]:
    return [(finding["check_id"], finding["target"]) for finding in listed]


async def test_what_came_went_and_stayed(
    client: AsyncClient, admin: Member, run_scan: RunScan
) -> None:
    def before(target: Target) -> list[CheckResult]:
        return [
            _failed(target, "tls.cert.expired"),
            _failed(target, "tls.protocol.tls10"),
            _passed(target, "tls.protocol.no_tls13"),
        ]

    def after(target: Target) -> list[CheckResult]:
        return [
            _passed(target, "tls.cert.expired"),
            _failed(target, "tls.protocol.tls10"),
            _failed(target, "tls.protocol.no_tls13"),
        ]

    baseline = await run_scan("a.example", scanner=StubScanner(before))
    scan = await run_scan("a.example", scanner=StubScanner(after))

    body = await _compare(client, admin, scan, baseline)
    mirrored = await _compare(client, admin, baseline, scan)

    assert (body["scan_a"]["id"], body["scan_b"]["id"]) == (str(scan), str(baseline))
    assert _seen(body["new_findings"]) == [("tls.protocol.no_tls13", "a.example:443")]
    assert _seen(body["resolved_findings"]) == [("tls.cert.expired", "a.example:443")]
    assert (body["persistent_findings"], body["not_rescanned"]) == (1, [])
    assert body["summary"] == {
        "new": 1,
        "resolved": 1,
        "persistent": 1,
        "not_rescanned": 0,
        "severity_changed": 0,
    }
    assert body["score_delta"] == body["scan_a"]["score"] - body["scan_b"]["score"] > 0
    assert body["score_delta_same_scope"] == body["score_delta"]
    assert (body["comparable"], body["reasons"], body["chronological"]) == (True, [], True)
    assert body["truncated"] is False
    finding = body["new_findings"][0]
    assert finding["message"] == "tls.protocol.no_tls13 is bad"
    assert len(finding["fingerprint"]) == 64
    assert (finding["category"], finding["severity"]) == ("tls", "low")
    assert _seen(mirrored["new_findings"]) == _seen(body["resolved_findings"])
    assert (mirrored["score_delta"], mirrored["chronological"]) == (-body["score_delta"], False)


async def test_two_identical_scans_differ_in_nothing(
    client: AsyncClient, admin: Member, run_scan: RunScan
) -> None:
    scanner = StubScanner(lambda target: [_failed(target, "tls.cert.expired")])
    baseline = await run_scan("a.example", "192.0.2.0/30", scanner=scanner)
    scan = await run_scan("a.example", "192.0.2.0/30", scanner=scanner)

    for other in (baseline, scan):
        body = await _compare(client, admin, scan, other)
        assert body["persistent_findings"] == 5
        assert (body["new_findings"], body["resolved_findings"]) == ([], [])
        assert (body["not_rescanned"], body["severity_changed"]) == ([], [])
        assert (body["score_delta"], body["score_delta_same_scope"]) == (0, 0)
        assert (body["comparable"], body["chronological"]) == (True, True)


async def test_a_target_that_went_dark_resolves_nothing_and_has_no_score(
    client: AsyncClient, admin: Member, run_scan: RunScan
) -> None:
    def bad(target: Target) -> list[CheckResult]:
        return [_failed(target, "tls.cert.expired")]

    baseline = await run_scan("a.example", scanner=StubScanner(bad))
    scan = await run_scan("a.example", scanner=StubScanner(bad, status=TargetStatus.UNREACHABLE))

    body = await _compare(client, admin, scan, baseline)

    assert _seen(body["not_rescanned"]) == [("tls.cert.expired", "a.example:443")]
    assert (body["resolved_findings"], body["summary"]["resolved"]) == ([], 0)
    assert (body["score_delta"], body["score_delta_same_scope"]) == (None, None)
    assert (body["scan_a"]["score"], body["comparable"]) == (None, True)


async def test_only_the_same_endpoint_looked_at_by_the_same_check_resolves(
    client: AsyncClient, admin: Member, run_scan: RunScan
) -> None:
    def before(target: Target) -> list[CheckResult]:
        return [
            _failed(target, "tls.cert.expired"),
            _failed(target, "tls.protocol.tls10"),
            at(target, "tls.protocol.tls10", Verdict.failed("TLS 1.0"), port=8443),
        ]

    def after(target: Target) -> list[CheckResult]:
        return [
            at(target, "tls.cert.expired", Verdict.not_evaluated("no certificate")),
            _passed(target, "tls.protocol.tls10"),
        ]

    baseline = await run_scan("a.example", scanner=StubScanner(before))
    scan = await run_scan("a.example", scanner=StubScanner(after))

    body = await _compare(client, admin, scan, baseline)

    assert _seen(body["resolved_findings"]) == [("tls.protocol.tls10", "a.example:443")]
    assert sorted(_seen(body["not_rescanned"])) == [
        ("tls.cert.expired", "a.example:443"),
        ("tls.protocol.tls10", "a.example:8443"),
    ]


async def test_a_severity_that_changed_is_the_same_finding(
    client: AsyncClient, admin: Member, run_scan: RunScan
) -> None:
    """A certificate on day 30 and day 12: one finding, severity raised."""
    scans = [
        await run_scan(
            "a.example",
            scanner=StubScanner(
                lambda target, severity=severity: [
                    _failed(target, "tls.cert.expiring_soon", severity)
                ]
            ),
        )
        for severity in (LOW, HIGH)
    ]

    body = await _compare(client, admin, scans[1], scans[0])

    (change,) = body["severity_changed"]
    assert (change["severity"], change["baseline_severity"]) == ("high", "low")
    assert body["persistent_findings"] == body["summary"]["severity_changed"] == 1
    assert (body["new_findings"], body["resolved_findings"]) == ([], [])


async def test_a_host_taken_out_of_the_scope_does_not_move_the_same_scope_delta(
    client: AsyncClient, admin: Member, run_scan: RunScan
) -> None:
    def worst_is_b(target: Target) -> list[CheckResult]:
        bad = target.value == "b.example"
        check = "tls.cert.expired"
        return [_failed(target, check) if bad else _passed(target, check)]

    baseline = await run_scan("a.example", "b.example", scanner=StubScanner(worst_is_b))
    scan = await run_scan("a.example", scanner=StubScanner(worst_is_b), scan_type="quick")

    body = await _compare(client, admin, scan, baseline)

    assert body["score_delta"] > 0
    assert body["score_delta_same_scope"] == 0
    assert body["comparable"] is False
    assert body["reasons"] == ["profile_differs", "scope_differs"]
    assert _seen(body["not_rescanned"]) == [("tls.cert.expired", "b.example:443")]


async def test_another_catalog_or_scoring_makes_scans_incomparable(
    client: AsyncClient, admin: Member, resources: Resources, run_scan: RunScan
) -> None:
    scanner = StubScanner(lambda target: [_passed(target, "tls.cert.expired")])
    baseline = await run_scan("a.example", scanner=scanner)
    scan = await run_scan("a.example", scanner=scanner)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            update(Scan)
            .where(Scan.id == baseline)
            .values(catalog_version="2001.1", scoring_version="older")
        )

    body = await _compare(client, admin, scan, baseline)

    assert body["comparable"] is False
    assert body["reasons"] == ["catalog_version_differs", "scoring_version_differs"]


async def test_a_long_list_is_cut_and_its_count_is_not(
    client: AsyncClient, admin: Member, resources: Resources
) -> None:
    target = parse_target("a.example")
    mild = [
        at(target, "tls.protocol.tls10", Verdict.failed("old", severity=LOW), port=1000 + n)
        for n in range(1000)
    ]
    baseline = await see(resources, admin, [])
    scan = await see(resources, admin, [*mild, _failed(target, "tls.cert.expired", HIGH)])
    same = await see(resources, admin, mild[:5])
    spent: list[int] = []

    for other in (same, baseline):
        with counted(resources) as statements:
            body = await _compare(client, admin, scan, other)
        spent.append(len(statements))

    assert (body["summary"]["new"], len(body["new_findings"]), body["truncated"]) == (
        1001,
        1000,
        True,
    )
    assert body["new_findings"][0]["severity"] == "high"
    assert spent[0] == spent[1]


async def test_a_scan_that_has_not_completed_cannot_be_compared(
    client: AsyncClient, admin: Member, resources: Resources
) -> None:
    done = await see(resources, admin, [])
    asset = await client.post(
        "/api/v1/assets", json={"target_value": "a.example"}, headers=admin.headers
    )
    pending = await client.post(
        "/api/v1/scans", json={"asset_ids": [asset.json()["id"]]}, headers=admin.headers
    )
    pending_id = pending.json()["id"]

    first = await _get(client, admin, pending_id, done)
    second = await _get(client, admin, done, pending_id)
    await client.post(f"/api/v1/scans/{pending_id}/cancel", headers=admin.headers)
    cancelled = await _get(client, admin, pending_id, pending_id)

    for response in (first, second, cancelled):
        assert (response.status_code, response.json()["code"]) == (400, "scan_not_completed")


async def test_a_partial_scan_can_be_compared(
    client: AsyncClient, admin: Member, run_scan: RunScan
) -> None:
    bad = StubScanner(lambda target: [_failed(target, "tls.cert.expired")])
    baseline = await run_scan("a.example", scanner=bad)
    bad.status = TargetStatus.PARTIALLY_EVALUATED
    scan = await run_scan("a.example", scanner=bad)

    assert (await _get(client, admin, scan, baseline)).status_code == 200


async def test_an_unknown_scan_and_a_foreign_one_are_404_alike(
    client: AsyncClient, admin: Member, stranger: Member, resources: Resources
) -> None:
    """TEN-6."""
    own = await see(resources, stranger, [])
    foreign = await see(resources, admin, [])
    answers: list[Json] = []

    for pair in ((own, foreign), (foreign, own), (own, uuid4()), (uuid4(), own)):
        response = await _get(client, stranger, *pair)
        assert response.status_code == 404
        answers.append({k: v for k, v in response.json().items() if k != "request_id"})

    assert all(answer == answers[0] for answer in answers)
    assert (await _get(client, stranger, own, "garbage")).status_code == 422
