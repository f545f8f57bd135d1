"""The life of a finding: due dates, accepted risks, false positives, history, comments."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text

from services import findings
from services.actor import Role
from services.resources import Resources
from services.scanner.check import CheckResult, Severity, Verdict
from services.scanner.target import parse_target
from tests.members import Member, join
from tests.scanners import at
from tests.seeing import see

Json = dict[str, Any]  # Any: a JSON object
HOST = "a.example"


def _failed(severity: Severity | None = None, **evidence: object) -> CheckResult:
    verdict = Verdict.failed("bad", severity=severity, evidence=evidence)
    return at(parse_target(HOST), "tls.cert.expired", verdict)


def _passed() -> CheckResult:
    return at(parse_target(HOST), "tls.cert.expired", Verdict.passed("fine"))


@pytest.fixture
async def finding_id(client: AsyncClient, resources: Resources, admin: Member) -> str:
    """A finding of severity high."""
    await see(resources, admin, [_failed()], host=HOST)
    listed = await client.get("/api/v1/findings", headers=admin.headers)
    return listed.json()["items"][0]["id"]


async def _read(client: AsyncClient, member: Member, finding_id: str) -> Json:
    response = await client.get(f"/api/v1/findings/{finding_id}", headers=member.headers)
    assert response.status_code == 200
    return response.json()


async def _patch(
    client: AsyncClient, member: Member, finding_id: str, expected: int = 200, **body: object
) -> Json:
    response = await client.patch(
        f"/api/v1/findings/{finding_id}", json=body, headers=member.headers
    )
    assert response.status_code == expected, response.text
    return response.json()


async def _history(client: AsyncClient, member: Member, finding_id: str) -> list[Json]:
    """Oldest first."""
    response = await client.get(f"/api/v1/findings/{finding_id}/history", headers=member.headers)
    assert response.status_code == 200
    return response.json()["items"][::-1]


async def _set(client: AsyncClient, member: Member, **settings: object) -> None:
    response = await client.patch(
        f"/api/v1/organizations/{member.organization_id}",
        json={"settings": settings},
        headers=member.headers,
    )
    assert response.status_code == 200, response.text


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def _end_acceptance_in(resources: Resources, member: Member, days: float) -> None:
    async with resources.database.transaction(member.scope) as work:
        await work.session.execute(
            text("update findings set accepted_until = now() + make_interval(secs => :seconds)"),
            {"seconds": days * 86_400},
        )
    await findings.keep_up_findings(resources.database)


async def test_a_due_date_follows_severity_and_the_days_of_the_organization(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    by_default = await _read(client, admin, finding_id)
    await _set(client, admin, sla_days={"high": 5, "critical": 1})
    await see(resources, admin, [_failed()], host=HOST)
    by_setting = await _read(client, admin, finding_id)
    await see(resources, admin, [_failed(Severity.CRITICAL)], host=HOST)
    worse = await _read(client, admin, finding_id)
    await see(resources, admin, [_failed(Severity.INFO)], host=HOST)
    mild = await _read(client, admin, finding_id)

    first_seen = _time(by_default["first_seen_at"])
    assert _time(by_default["due_at"]) - first_seen == timedelta(days=30)
    assert _time(by_setting["due_at"]) - first_seen == timedelta(days=5)
    assert _time(worse["due_at"]) - first_seen == timedelta(days=1)
    assert mild["due_at"] is None
    assert {each["first_seen_at"] for each in (by_setting, worse, mild)} == {
        by_default["first_seen_at"]
    }


async def test_a_due_date_that_a_person_set_stays_until_the_problem_is_back(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    await _patch(client, admin, finding_id, due_at="2031-01-01T00:00:00Z")
    await see(resources, admin, [_failed(Severity.LOW)], host=HOST)
    kept = await _read(client, admin, finding_id)
    await see(resources, admin, [_passed()], host=HOST)
    await see(resources, admin, [_failed()], host=HOST)
    back = await _read(client, admin, finding_id)

    assert kept["due_at"] == "2031-01-01T00:00:00.000000Z"
    assert back["opened_at"] > back["first_seen_at"] == kept["first_seen_at"]
    assert _time(back["due_at"]) - _time(back["opened_at"]) == timedelta(days=30)
    assert back["reopened_count"] == 1


async def test_what_is_overdue_is_flagged_counted_and_found(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    async def found(answer: str) -> int:
        response = await client.get(f"/api/v1/findings?overdue={answer}", headers=admin.headers)
        return response.json()["total"]

    assert (await found("true"), await found("false")) == (0, 1)
    await _patch(client, admin, finding_id, due_at="2020-01-01T00:00:00Z")

    stats = (await client.get("/api/v1/findings/stats", headers=admin.headers)).json()
    assert (await found("true"), await found("false")) == (1, 0)
    assert (stats["overdue"], stats["overdue_by_severity"]["high"]) == (1, 1)
    assert (await _read(client, admin, finding_id))["flags"] == ["overdue"]
    assert (await _patch(client, admin, finding_id, status="resolved"))["flags"] == []


async def test_an_accepted_risk_has_an_approver_and_an_end(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    bare = await _patch(client, admin, finding_id, status="accepted_risk")
    assert bare["accepted_by"] == str(admin.user_id)
    assert timedelta(days=179) < _time(bare["accepted_until"]) - datetime.now(UTC)
    assert _time(bare["accepted_until"]) - datetime.now(UTC) < timedelta(days=181)
    assert set(bare["flags"]) == {"justification_missing", "severe_risk_accepted"}

    noted = await _patch(client, admin, finding_id, resolution_note="replaced in March")
    endless = await _patch(client, admin, finding_id, accepted_until=None)
    opened = await _patch(client, admin, finding_id, status="open")

    assert noted["flags"] == ["severe_risk_accepted"]
    assert endless["accepted_until"] is not None
    assert (opened["accepted_until"], opened["accepted_by"]) == (None, None)


async def test_an_acceptance_comes_back_by_itself_after_two_notices(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    await _patch(client, admin, finding_id, status="accepted_risk", resolution_note="legacy device")
    for days in (30, 13, 13, 2, 2):
        await _end_acceptance_in(resources, admin, days)
    ending = await _read(client, admin, finding_id)
    await _end_acceptance_in(resources, admin, -1)
    back = await _read(client, admin, finding_id)

    assert (ending["status"], "acceptance_ending" in ending["flags"]) == ("accepted_risk", True)
    assert (back["status"], back["accepted_until"], back["reopened_count"]) == ("open", None, 0)
    events = await _history(client, admin, finding_id)
    notices = [event["after"] for event in events if event["kind"] == "notice"]
    assert notices == ["14", "3"]
    last = events[-1]
    assert (last["before"], last["after"], last["actor_id"]) == ("accepted_risk", "open", None)
    assert last["note"].startswith("accepted until 20")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"accepted_until": "2031-01-01T00:00:00Z"}, "not_accepted"),
        (
            {"status": "accepted_risk", "accepted_until": "2020-01-01T00:00:00Z"},
            "accepted_until_past",
        ),
    ],
)
async def test_an_end_that_cannot_be_is_refused(
    client: AsyncClient, admin: Member, finding_id: str, body: Json, code: str
) -> None:
    assert (await _patch(client, admin, finding_id, 400, **body))["code"] == code


async def test_an_organization_may_want_reasons_and_admins(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    auditor = await join(client, resources, admin, Role.AUDITOR)
    await _set(client, admin, require_justification=True, four_eyes_acceptance=True)
    accept: Json = {"status": "accepted_risk"}

    bare = await _patch(client, admin, finding_id, 400, **accept)
    blank = await _patch(client, admin, finding_id, 400, **accept, resolution_note="  ")
    reason: Json = {"resolution_note": "legacy"}
    severe = await _patch(client, auditor, finding_id, 403, **accept, **reason)
    bulk = await client.post(
        "/api/v1/findings/bulk-update",
        json={"finding_ids": [finding_id], **accept},
        headers=admin.headers,
    )
    await _patch(client, admin, finding_id, **accept, **reason)
    stripped = await _patch(client, admin, finding_id, 400, resolution_note=None)

    assert {bare["code"], blank["code"], stripped["code"]} == {"justification_required"}
    assert (severe["code"], bulk.status_code) == ("acceptance_needs_admin", 400)
    assert finding_id in bulk.json()["detail"]
    await see(resources, admin, [_failed(Severity.LOW)], host=HOST)
    mild = await _patch(client, auditor, finding_id, status="open")
    assert mild["severity"] == "low"
    await _patch(client, auditor, finding_id, **accept, **reason)


async def test_a_false_positive_that_looks_different_is_to_be_reviewed(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    await _patch(client, admin, finding_id, status="false_positive", resolution_note="a decoy")
    await see(resources, admin, [_failed()], host=HOST)
    same = await _read(client, admin, finding_id)
    await see(resources, admin, [_failed(port="other")], host=HOST)
    other = await _read(client, admin, finding_id)
    reviewed = await _patch(client, admin, finding_id, status="false_positive")
    await see(resources, admin, [_failed(Severity.CRITICAL, port="other")], host=HOST)
    worse = await _read(client, admin, finding_id)

    assert {each["status"] for each in (same, other, reviewed, worse)} == {"false_positive"}
    flags = [each["flags"] for each in (same, other, reviewed, worse)]
    assert flags == [[], ["needs_review"], [], ["needs_review"]]
    listed = await client.get("/api/v1/findings?needs_review=true", headers=admin.headers)
    assert listed.json()["total"] == 1
    kinds = [event["after"] for event in await _history(client, admin, finding_id)]
    assert [after for after in kinds if after in {"needed", "done"}] == ["needed", "done", "needed"]


async def test_the_history_says_who_changed_what_and_which_scan_saw_it(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    await _patch(client, admin, finding_id, assigned_to=str(admin.user_id), resolution_note="mine")
    await _patch(client, admin, finding_id, status="in_progress")
    await _patch(client, admin, finding_id, status="in_progress")
    worse = await see(resources, admin, [_failed(Severity.CRITICAL)], host=HOST)
    gone = await see(resources, admin, [_passed()], host=HOST)
    back = await see(resources, admin, [_failed(Severity.CRITICAL)], host=HOST)

    events = await _history(client, admin, finding_id)
    told = [(e["kind"], e["before"], e["after"], e["actor_name"], e["scan_id"]) for e in events]
    first = told[0]
    name = "Ada Lovelace"
    assert (first[0], first[1], first[2]) == ("first_seen", None, "open")
    assert first[4] is not None
    assert set(told[1:3]) == {  # one change of two things
        ("note", None, "mine", name, None),
        ("assignee", None, str(admin.user_id), name, None),
    }
    assert told[3:] == [
        ("status", "open", "in_progress", name, None),
        ("severity", "high", "critical", None, str(worse)),
        ("status", "in_progress", "resolved", None, str(gone)),
        ("status", "resolved", "open", None, str(back)),
    ]
    finding = await _read(client, admin, finding_id)
    assert finding["assigned_to"] == str(admin.user_id)


async def test_a_look_that_is_older_than_the_sighting_resolves_nothing(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    """Two scans at once: what the slower one looked at early says nothing of later."""
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text("update findings set last_seen_at = now() + interval '1 hour'")
        )
    await see(resources, admin, [_passed()], host=HOST)

    assert (await _read(client, admin, finding_id))["status"] == "open"


async def test_a_deleted_asset_resolves_and_counts_nothing_and_the_next_scan_reopens(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    async def watch() -> str:
        created = await client.post(
            "/api/v1/assets", json={"target_value": HOST}, headers=admin.headers
        )
        return created.json()["id"]

    async def total() -> int:
        stats = await client.get("/api/v1/findings/stats", headers=admin.headers)
        return stats.json()["total"]

    asset_id = await watch()
    await see(resources, admin, [_failed()], host=HOST, asset_id=UUID(asset_id))
    of_asset = await client.get(f"/api/v1/assets/{asset_id}/findings", headers=admin.headers)
    (finding,) = of_asset.json()["items"]
    before = await total()
    await client.delete(f"/api/v1/assets/{asset_id}", headers=admin.headers)
    removed, after = await _read(client, admin, finding["id"]), await total()
    gone = await client.get(f"/api/v1/assets/{asset_id}/findings", headers=admin.headers)
    again = await watch()
    await see(resources, admin, [_failed()], host=HOST, asset_id=UUID(again))
    back = await _read(client, admin, finding["id"])

    assert (before, after, await total(), gone.status_code) == (1, 0, 1, 404)
    assert (removed["status"], removed["resolution"]) == ("resolved", "asset_removed")
    assert (back["status"], back["asset_id"], back["reopened_count"]) == ("open", again, 1)
    assert back["first_seen_at"] == finding["first_seen_at"]


async def test_deleting_a_scan_takes_back_what_only_it_knew(
    client: AsyncClient, resources: Resources, admin: Member, finding_id: str
) -> None:
    first = await _read(client, admin, finding_id)
    second = await see(resources, admin, [_failed(Severity.LOW)], host=HOST)
    await see(resources, admin, [_failed(Severity.CRITICAL)], host=HOST, name="third")
    third = await _read(client, admin, finding_id)

    await client.delete(f"/api/v1/scans/{third['scan_id']}", headers=admin.headers)
    without_third = await _read(client, admin, finding_id)
    await client.delete(f"/api/v1/scans/{first['scan_id']}", headers=admin.headers)
    without_first = await _read(client, admin, finding_id)
    await client.delete(f"/api/v1/scans/{second}", headers=admin.headers)
    without_all = await client.get(f"/api/v1/findings/{finding_id}", headers=admin.headers)

    assert (third["occurrences"], third["severity"]) == (3, "critical")
    assert (without_third["occurrences"], without_third["severity"]) == (2, "low")
    assert without_third["first_seen_at"] == first["first_seen_at"]
    assert without_third["last_seen_at"] < third["last_seen_at"]
    assert (without_first["occurrences"], without_first["scan_id"]) == (1, str(second))
    assert without_first["first_seen_at"] == without_first["opened_at"] > first["first_seen_at"]
    assert without_all.status_code == 404


async def test_people_talk_about_a_finding(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member, finding_id: str
) -> None:
    viewer = await join(client, resources, admin, Role.VIEWER)
    url = f"/api/v1/findings/{finding_id}/comments"

    async def say(member: Member, said: str) -> int:
        response = await client.post(url, json={"text": said}, headers=member.headers)
        return response.status_code

    statuses = [await say(admin, "Is it ours?"), await say(admin, "It is.")]
    refused = [await say(viewer, "no"), await say(admin, ""), await say(stranger, "no")]

    assert (statuses, refused) == ([201, 201], [403, 422, 404])
    listed = (await client.get(url, headers=viewer.headers)).json()
    assert [(item["text"], item["author_name"]) for item in listed["items"]] == [
        ("Is it ours?", "Ada Lovelace"),
        ("It is.", "Ada Lovelace"),
    ]
    foreign = await client.get(url, headers=stranger.headers)
    assert foreign.status_code == 404


@pytest.mark.parametrize(
    ("query", "total"), [("letter=h", 1), ("letter=e", 0), ("point=9.2", 1), ("point=6.7", 0)]
)
async def test_findings_are_found_by_letter_and_point(
    client: AsyncClient, admin: Member, finding_id: str, query: str, total: int
) -> None:
    listed = await client.get(f"/api/v1/findings?{query}", headers=admin.headers)
    counted = await client.get(f"/api/v1/findings/stats?{query}", headers=admin.headers)

    assert finding_id
    assert listed.json()["total"] == counted.json()["total"] == total
    assert counted.json()["by_letter"]["h"] == total
    assert counted.json()["by_category"] == ({"tls": 1} if total else {})
