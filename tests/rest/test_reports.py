"""Reports by REST: what may be asked for, limits, progress, ranges, verification."""

import csv
import hashlib
import io
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient, Response
from jsonschema import Draft202012Validator
from sqlalchemy import update

from services.reports import ReportFormat, queries
from services.reports.models import PART_BYTES, Report, ReportPart
from services.resources import Resources
from services.scanner.check import Verdict
from services.scanner.target import Target
from services.scans import Scan, ScanStatus
from tests.conftest import RunJobs
from tests.jobs.conftest import StartScan
from tests.members import Member
from tests.scanners import StubScanner, at

Make = Callable[..., Awaitable[str]]


def two_problems(target: Target) -> list[Any]:  # Any: check results
    return [
        at(target, "tls.cert.expired", Verdict.failed("ended on 2026-01-01")),
        at(target, "tls.cipher.rc4", Verdict.failed("accepts RC4")),
        at(target, "tls.heartbleed", Verdict.passed("closed the connection")),
        at(target, "tls.cert.revoked", Verdict.not_evaluated("no answer")),
    ]


@pytest.fixture
async def scan_id(start_scan: StartScan, run_jobs: RunJobs) -> UUID:
    """A completed scan with two findings."""
    scan_id = await start_scan("example.org")
    await run_jobs(StubScanner(two_problems))
    return scan_id


@pytest.fixture
def make(client: AsyncClient, admin: Member, run_jobs: RunJobs, scan_id: UUID) -> Make:
    """Have a report made, and give back its task id."""

    async def run(**query: Any) -> str:  # noqa: ANN401 - of any parameter
        asked = await client.post(
            "/api/v1/reports/generate",
            params={"scan_id": str(scan_id), **query},
            headers=admin.headers,
        )
        assert asked.status_code == 202, asked.text
        await run_jobs(StubScanner())
        return asked.json()["task_id"]

    return run


async def download(client: AsyncClient, member: Member, task_id: str, **headers: str) -> Response:
    return await client.get(
        f"/api/v1/reports/download/{task_id}", headers={**member.headers, **headers}
    )


@pytest.mark.parametrize("format", list(ReportFormat))
async def test_every_format_is_made_and_described(
    client: AsyncClient, admin: Member, make: Make, format: ReportFormat
) -> None:
    task_id = await make(format=format.value)

    status = await client.get(f"/api/v1/reports/status/{task_id}", headers=admin.headers)
    file = await download(client, admin, task_id)

    said = status.json()
    assert (said["status"], said["progress"]) == ("success", 100)
    assert said["sha256"] == hashlib.sha256(file.content).hexdigest()
    assert said["size"] == len(file.content)
    assert file.headers["content-type"] == said["content_type"]
    assert file.headers["cache-control"] == "private, no-store"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert said["filename"] in file.headers["content-disposition"]


async def test_the_json_report_keeps_its_published_schema(
    client: AsyncClient, admin: Member, make: Make
) -> None:
    schema = await client.get("/api/v1/reports/schema", headers=admin.headers)
    report = (await download(client, admin, await make(format="json"))).json()

    Draft202012Validator(schema.json()).validate(report)  # pyright: ignore[reportUnknownMemberType] - no types
    assert {finding["check_id"] for finding in report["findings"]} == {
        "tls.cert.expired",
        "tls.cipher.rc4",
    }
    assert report["summary"]["passed"] == {"tls.heartbleed": 1}
    assert report["not_tested"][0]["check_id"] == "tls.cert.revoked"
    assert report["changes"] is None


async def test_a_second_scan_is_compared_with_the_first(
    client: AsyncClient,
    admin: Member,
    make: Make,
    scan_id: UUID,
    start_scan: StartScan,
    run_jobs: RunJobs,
) -> None:
    second = await start_scan("example.org")
    await run_jobs(
        StubScanner(
            lambda target: [
                at(target, "tls.cert.expired", Verdict.failed("ended on 2026-01-01")),
                at(target, "tls.cipher.rc4", Verdict.passed("refused")),
                at(target, "tls.cipher.3des", Verdict.failed("accepts 3DES")),
            ]
        )
    )

    report = (await download(client, admin, await make(scan_id=str(second), format="json"))).json()

    changes = report["changes"]
    assert (changes["new"], changes["resolved"], changes["persistent"]) == (1, 1, 1)
    assert [point["scan_id"] for point in report["trend"]] == [str(scan_id), str(second)]


async def test_options_by_query_and_by_body_are_the_same_request(
    client: AsyncClient, admin: Member, scan_id: UUID
) -> None:
    options = {"locale": "it", "title": "Quarterly", "template": "management", "paper": "letter"}
    path = "/api/v1/reports/generate"

    first = await client.post(
        path, params={"scan_id": str(scan_id), **options}, headers=admin.headers
    )
    again = await client.post(
        path, json={"scan_id": str(scan_id), **options}, headers=admin.headers
    )
    other = await client.post(
        path, json={"scan_id": str(scan_id), **options, "locale": "de"}, headers=admin.headers
    )

    assert (first.status_code, first.json()["deduplicated"]) == (202, False)
    assert again.json()["task_id"] == first.json()["task_id"]
    assert again.json()["deduplicated"] is True
    assert other.json()["deduplicated"] is False


@pytest.mark.parametrize(
    "options",
    [{"locale": "xx"}, {"template": "none"}, {"paper": "a0"}, {"title": ""}, {"title": "x" * 161}],
)
async def test_what_nobody_can_make_is_refused(
    client: AsyncClient, admin: Member, scan_id: UUID, options: dict[str, str]
) -> None:
    asked = await client.post(
        "/api/v1/reports/generate",
        json={"scan_id": str(scan_id), **options},
        headers=admin.headers,
    )

    assert asked.status_code == 422


async def test_the_users_language_is_the_default(
    client: AsyncClient, admin: Member, make: Make
) -> None:
    await client.patch("/api/v1/auth/me", json={"locale": "de"}, headers=admin.headers)

    report = (await download(client, admin, await make(format="json"))).json()
    english = (await download(client, admin, await make(format="json", locale="en"))).json()

    assert report["metadata"]["locale"] == "de"
    assert english["metadata"]["locale"] == "en"


async def test_a_fourth_report_at_once_has_to_wait(
    client: AsyncClient, admin: Member, scan_id: UUID
) -> None:
    answers = [
        await client.post(
            f"/api/v1/reports/generate?scan_id={scan_id}&format={kind}", headers=admin.headers
        )
        for kind in ("pdf", "csv", "json", "html")
    ]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert answers[-1].json()["code"] == "too_many_reports"
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_scan_that_was_stopped_is_reported_on_request(
    client: AsyncClient,
    resources: Resources,
    admin: Member,
    scan_id: UUID,
    run_jobs: RunJobs,
) -> None:
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            update(Scan).where(Scan.id == scan_id).values(status=ScanStatus.CANCELLED)
        )
    path = f"/api/v1/reports/generate?scan_id={scan_id}&format=json"

    refused = await client.post(path, headers=admin.headers)
    asked = await client.post(f"{path}&allow_partial=true", headers=admin.headers)
    await run_jobs(StubScanner())

    assert (refused.status_code, refused.json()["code"]) == (400, "scan_not_completed")
    assert "allow_partial" in refused.json()["detail"]
    report = (await download(client, admin, asked.json()["task_id"])).json()
    assert report["metadata"]["partial"] is True


async def test_accepted_risks_can_be_left_out_and_are_counted(
    client: AsyncClient, admin: Member, make: Make
) -> None:
    listed = await client.get("/api/v1/findings", headers=admin.headers)
    finding = next(f for f in listed.json()["items"] if f["check_id"] == "tls.cipher.rc4")
    accepted = await client.patch(
        f"/api/v1/findings/{finding['id']}",
        json={"status": "accepted_risk", "resolution_note": "Old tills"},
        headers=admin.headers,
    )
    assert accepted.status_code == 200

    task_id = await make(format="json", include_accepted=False)

    report = (await download(client, admin, task_id)).json()
    assert [f["check_id"] for f in report["findings"]] == ["tls.cert.expired"]
    assert report["summary"]["findings_omitted"] == 1
    assert report["summary"]["findings_total"] == 2


async def test_a_large_file_is_kept_in_parts_and_served_in_ranges(
    client: AsyncClient, resources: Resources, admin: Member, make: Make
) -> None:
    task_id = await make(format="csv")
    content = await _grow(resources, admin, task_id, size=2 * PART_BYTES + 123)

    whole = await download(client, admin, task_id)
    tag = whole.headers["etag"]
    seam = await download(client, admin, task_id, Range=f"bytes={PART_BYTES - 3}-{PART_BYTES + 4}")
    tail = await download(client, admin, task_id, Range="bytes=-10")
    rest = await download(client, admin, task_id, Range=f"bytes={len(content) - 5}-")
    stale = await download(client, admin, task_id, Range="bytes=0-1", **{"If-Range": '"other"'})
    fresh = await download(client, admin, task_id, Range="bytes=0-1", **{"If-Range": tag})
    beyond = await download(client, admin, task_id, Range=f"bytes={len(content)}-")
    odd = await download(client, admin, task_id, Range="bytes=5-2,9-")
    known = await download(client, admin, task_id, **{"If-None-Match": tag})

    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["accept-ranges"] == "bytes"
    assert (seam.status_code, seam.content) == (206, content[PART_BYTES - 3 : PART_BYTES + 5])
    assert seam.headers["content-range"] == (
        f"bytes {PART_BYTES - 3}-{PART_BYTES + 4}/{len(content)}"
    )
    assert tail.content == content[-10:]
    assert rest.content == content[-5:]
    assert (stale.status_code, len(stale.content)) == (200, len(content))
    assert (fresh.status_code, fresh.content) == (206, content[:2])
    assert (beyond.status_code, beyond.headers["content-range"]) == (
        416,
        f"bytes */{len(content)}",
    )
    assert isinstance(beyond.json()["detail"], str)
    assert (odd.status_code, len(odd.content)) == (200, len(content))
    assert (known.status_code, known.content) == (304, b"")


async def test_a_hash_tells_whether_a_file_is_genuine(
    client: AsyncClient, admin: Member, stranger: Member, make: Make
) -> None:
    task_id = await make(format="csv")
    content = (await download(client, admin, task_id)).content
    path = f"/api/v1/reports/verify/{hashlib.sha256(content).hexdigest()}"

    ours = await client.get(path, headers=admin.headers)
    theirs = await client.get(path, headers=stranger.headers)
    changed = await client.get(
        f"/api/v1/reports/verify/{hashlib.sha256(content + b'x').hexdigest()}",
        headers=admin.headers,
    )
    garbage = await client.get("/api/v1/reports/verify/garbage", headers=admin.headers)

    assert (ours.json()["is_genuine"], ours.json()["task_id"]) == (True, task_id)
    assert ours.json()["made_at"]
    assert theirs.json()["is_genuine"] is False
    assert changed.json() == {
        **changed.json(),
        "is_genuine": False,
        "made_at": None,
        "scan_id": None,
    }
    assert garbage.status_code == 422


async def test_the_csv_names_every_finding(client: AsyncClient, admin: Member, make: Make) -> None:
    content = (await download(client, admin, await make(format="csv"))).content

    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["Check ID"] for row in rows] == ["tls.cert.expired", "tls.cipher.rc4"]


async def _grow(resources: Resources, member: Member, task_id: str, *, size: int) -> bytes:
    """Put a file of this size in the place of a small one."""
    content = b"".join(f"{number:07},".encode() for number in range(size // 8 + 1))[:size]
    async with resources.database.transaction(member.scope) as work:
        report = await work.session.get_one(Report, UUID(task_id))
        report.size, report.sha256 = size, hashlib.sha256(content).hexdigest()
        part = await work.session.get_one(ReportPart, (report.id, 0))
        await work.session.delete(part)
        await work.session.flush()
        for number in range(0, size, PART_BYTES):
            await queries.add_part(
                work.session, report, number // PART_BYTES, content[number : number + PART_BYTES]
            )
    return content
