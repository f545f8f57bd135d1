"""Ten scans over a changing lab, each a day after the last: states, counts, sets and the trend."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from httpx2 import AsyncClient
from sqlalchemy import text

from services import findings
from services.database import utcnow
from services.resources import Resources
from services.scanner.check import CheckResult, Severity, Verdict
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult, TargetStatus
from services.scanner.target import Target
from tests.conftest import RunJobs
from tests.jobs.conftest import StartScan
from tests.members import Member
from tests.scanners import StubScanner, at

Json = dict[str, Any]  # Any: a JSON object

EXPIRED, TLS10, SOON = "tls.cert.expired", "tls.protocol.tls10", "tls.cert.expiring_soon"
A, B = "a.example", "b.example"

# Everything the platform wrote so far becomes a day older.
_A_DAY_PASSES = (
    """
update findings
   set first_seen_at = first_seen_at - interval '1 day',
       last_seen_at = last_seen_at - interval '1 day',
       opened_at = opened_at - interval '1 day', due_at = due_at - interval '1 day',
       resolved_at = resolved_at - interval '1 day',
       accepted_until = accepted_until - interval '1 day'
    """,
    "update observations set seen_at = seen_at - interval '1 day'",
    "update scan_results set created_at = created_at - interval '1 day'",
    """
update scans
   set completed_at = completed_at - interval '1 day', started_at = started_at - interval '1 day',
       created_at = created_at - interval '1 day'
    """,
    "update finding_counts set day = day - 1",
    "update asset_finding_counts set day = day - 1",
)


@dataclass
class Lab:
    """What is wrong where: check to severity (None: passed), by host. A host without is dark."""

    hosts: dict[str, Mapping[str, Severity | None]] = field(
        default_factory=dict[str, Mapping[str, Severity | None]]
    )

    def _judge(self, target: Target) -> Sequence[CheckResult]:
        return [
            at(
                target,
                check,
                Verdict.failed(f"{check} is bad", severity=severity)
                if severity
                else Verdict.passed("fine"),
            )
            for check, severity in self.hosts[target.value].items()
        ]

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        is_dark = target.value not in self.hosts
        status = TargetStatus.UNREACHABLE if is_dark else TargetStatus.EVALUATED
        return await StubScanner(self._judge, status).scan(target, profile, known)


HIGH, MEDIUM, LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW


async def test_ten_scans_tell_the_story_of_a_changing_lab(  # noqa: C901, PLR0915 - one story
    client: AsyncClient,
    resources: Resources,
    admin: Member,
    start_scan: StartScan,
    run_jobs: RunJobs,
) -> None:
    lab, begun = Lab(), utcnow()
    ids: list[UUID] = []

    async def scan(*targets: str) -> UUID:
        if ids:
            async with resources.database.transaction(admin.scope) as work:
                for statement in _A_DAY_PASSES:
                    await work.session.execute(text(statement))
            await findings.keep_up_findings(resources.database)
        ids.append(await start_scan(*targets))
        await run_jobs(lab)
        return ids[-1]

    async def get(path: str) -> Json:
        response = await client.get(f"/api/v1{path}", headers=admin.headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def states() -> dict[tuple[str, str], tuple[str, str, int, int]]:
        listed = (await get("/findings?page_size=100"))["items"]
        return {
            (item["target"].partition(":")[0], item["check_id"]): (
                item["status"],
                item["severity"],
                item["occurrences"],
                item["reopened_count"],
            )
            for item in listed
        }

    async def compared(newer: int, older: int) -> Json:
        return (await get(f"/scans/{ids[newer]}/compare/{ids[older]}"))["summary"]

    def summary(**changed: int) -> Json:
        names = ("new", "resolved", "persistent", "not_rescanned", "severity_changed")
        return dict.fromkeys(names, 0) | changed

    # 1: two problems on A, one on B.
    lab.hosts = {A: {EXPIRED: HIGH, TLS10: MEDIUM, SOON: None}, B: {TLS10: MEDIUM}}
    await scan(A, B)
    assert await states() == {
        (A, EXPIRED): ("open", "high", 1, 0),
        (A, TLS10): ("open", "medium", 1, 0),
        (B, TLS10): ("open", "medium", 1, 0),
    }

    # 2: the same again. Nothing new, nothing resolved, the same fingerprints.
    fingerprints = {item["fingerprint"] for item in (await get("/findings"))["items"]}
    await scan(A, B)
    assert {seen for _, _, seen, _ in (await states()).values()} == {2}
    assert {item["fingerprint"] for item in (await get("/findings"))["items"]} == fingerprints
    assert await compared(1, 0) == summary(persistent=3)

    # 3: the certificate is renewed, and ends soon.
    lab.hosts[A] = {EXPIRED: None, TLS10: MEDIUM, SOON: LOW}
    await scan(A, B)
    assert (await states())[A, EXPIRED] == ("resolved", "high", 2, 0)
    assert await compared(2, 1) == summary(new=1, resolved=1, persistent=2)

    # 4: the old certificate is back.
    lab.hosts[A] = {EXPIRED: HIGH, TLS10: MEDIUM, SOON: None}
    await scan(A, B)
    assert (await states())[A, EXPIRED] == ("open", "high", 3, 1)
    assert (await states())[A, SOON] == ("resolved", "low", 1, 0)
    assert await compared(3, 2) == summary(new=1, resolved=1, persistent=2)

    # 5: everything is dark: nothing is resolved, and there is no score.
    dark, lab.hosts = lab.hosts, {}
    await scan(A, B)
    assert (await states())[A, EXPIRED] == ("open", "high", 3, 1)
    assert (await get(f"/scans/{ids[4]}"))["total_score"] is None
    assert await compared(4, 3) == summary(not_rescanned=3)
    lab.hosts = dark

    # 6: cancelled before it began: nothing is seen and nothing is resolved.
    ids.append(await start_scan(A, B))
    cancelled = await client.post(f"/api/v1/scans/{ids[5]}/cancel", headers=admin.headers)
    await run_jobs(lab)
    assert (cancelled.json()["status"], (await get(f"/scans/{ids[5]}"))["status"]) == (
        "cancelled",
        "cancelled",
    )
    assert (await states())[A, EXPIRED] == ("open", "high", 3, 1)
    refused = await client.get(f"/api/v1/scans/{ids[5]}/compare/{ids[4]}", headers=admin.headers)
    assert refused.status_code == 400

    # 7: the remaining life is shorter, so the severity is higher: one finding, reopened.
    lab.hosts[A] = {EXPIRED: HIGH, TLS10: MEDIUM, SOON: HIGH}
    await scan(A, B)
    assert (await states())[A, SOON] == ("open", "high", 2, 1)
    assert await compared(6, 2) == summary(new=1, persistent=3, severity_changed=1)

    # 8: B's problem is accepted until tomorrow; tomorrow it is open again by itself, and seen.
    (of_b,) = (await get("/findings?q=b.example"))["items"]
    (asset_of_b,) = [a["id"] for a in (await get("/assets"))["items"] if a["name"] == B]
    accepted = await client.patch(
        f"/api/v1/findings/{of_b['id']}",
        json={
            "status": "accepted_risk",
            "resolution_note": "replaced tomorrow",
            "accepted_until": (utcnow() + timedelta(hours=12)).isoformat(),
        },
        headers=admin.headers,
    )
    assert accepted.json()["accepted_by"] == str(admin.user_id)
    assert (await states())[B, TLS10][0] == "accepted_risk"
    await scan(A, B)
    assert (await states())[B, TLS10] == ("open", "medium", 6, 0)
    assert await compared(7, 6) == summary(persistent=4)

    # 9: B is watched no longer: resolved, but nothing was fixed, and compare says so.
    await client.delete(f"/api/v1/assets/{asset_of_b}", headers=admin.headers)
    await scan(A)
    assert (await get(f"/findings/{of_b['id']}"))["resolution"] == "asset_removed"
    assert await compared(8, 7) == summary(persistent=3, not_rescanned=1)
    assert (await get(f"/scans/{ids[8]}/compare/{ids[7]}"))["reasons"] == ["scope_differs"]

    # 10: all is well on A.
    lab.hosts[A] = {EXPIRED: None, TLS10: None, SOON: None}
    await scan(A)
    assert await states() == {
        (A, EXPIRED): ("resolved", "high", 6, 1),
        (A, TLS10): ("resolved", "medium", 7, 0),
        (A, SOON): ("resolved", "high", 4, 1),
        (B, TLS10): ("resolved", "medium", 6, 0),
    }
    assert await compared(9, 8) == summary(resolved=3)
    assert (await get(f"/scans/{ids[9]}"))["total_score"] == 100
    stats = await get("/findings/stats")
    assert (stats["total"], stats["resolved"], stats["open"], stats["overdue"]) == (3, 3, 0, 0)

    trend = await get("/stats/trends")
    assert (trend["appeared"], trend["fixed"], trend["fixed_late"]) == (6, 5, 0)
    # Two days and one, then five, eight and three.
    assert round(trend["mean_seconds_to_resolve"] / 86_400, 1) == 3.8
    assert [point["score"] for point in trend["scores"]][4] is None
    assert [point["breaks"] for point in trend["scores"]] == [
        [["scope_differs"], []][number != 7] for number in range(9)
    ]
    if utcnow().date() == begun.date():  # else midnight has put one more day in between
        days = trend["days"][-9:]
        assert [day["unresolved"] for day in days] == [3, 3, 3, 3, 3, 3, 3, 3, 0]
        assert [day["appeared"] for day in days] == [3, 0, 1, 1, 0, 1, 0, 0, 0]
        assert [day["fixed"] for day in days] == [0, 0, 1, 1, 0, 0, 0, 0, 3]
        assert [day["by_status"]["accepted_risk"] for day in days] == [0, 0, 0, 0, 0, 1, 0, 0, 0]
