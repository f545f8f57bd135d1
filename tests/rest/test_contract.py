"""The documented platform, row by row: each exists, and answers as its clients expect."""

from collections.abc import Iterator
from pathlib import Path

from httpx2 import AsyncClient

from services.actor import Role
from services.resources import Resources
from tests.conftest import RunJobs
from tests.members import join
from tests.rest.contract_errors import FORBIDDEN, REFUSALS, Refusal
from tests.rest.contract_fields import ROWS, misfits
from tests.rest.contract_story import Story
from tests.rest.openapi_checks import find_operation, read_document, shape_of, violations

_TABLE = Path(__file__).with_name("contract.txt")


def _documented() -> Iterator[tuple[str, bool]]:
    """Rows as ``GET /scans`` and whether they need a token."""
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            method, path, needs_token = line.split()
            yield f"{method} {path.removeprefix('/api/v1')}", needs_token == "yes"


def test_the_table_has_every_row_and_each_has_its_fields() -> None:
    rows = [row for row, _ in _documented()]

    assert len(rows) == len(set(rows)) == 41
    assert set(rows) == set(ROWS)


async def test_every_documented_row_exists_and_says_whether_it_needs_a_token(
    client: AsyncClient,
) -> None:
    document = await read_document(client)

    for row, needs_token in _documented():
        operation = find_operation(document, row)
        assert bool(operation["security"]) is needs_token, row
        assert str(ROWS[row][0]) in operation["responses"], row


async def test_every_row_answers_with_its_documented_fields(
    client: AsyncClient, run_jobs: RunJobs
) -> None:
    document = await read_document(client)
    story = Story(client, run_jobs)
    await story.tell()

    found: list[str] = []
    for row, (status, shape) in ROWS.items():
        response = story.answers[row]
        if response.status_code != status:
            found.append(f"{row}: {response.status_code} instead of {status}")
        found += [f"{row}: {each}" for each in violations(document, row, response)]
        if shape is not None:
            found += [f"{row}: {each}" for each in misfits(response.json(), shape)]

    assert found == []
    assert set(story.answers) == set(ROWS)


async def test_a_report_comes_as_a_file_with_a_name(client: AsyncClient, run_jobs: RunJobs) -> None:
    story = Story(client, run_jobs)
    await story.tell()

    download = story.answers["GET /reports/download/{task_id}"]

    assert download.headers["Content-Disposition"].startswith("attachment; filename=")
    header = download.content.decode("utf-8-sig").splitlines()[0].replace('"', "")
    assert header.startswith(
        "Severity,Category,Message,Target,Remediation,CVSS Score,CVSS Vector,"
        "Compliance Article,Status"
    )


async def test_every_guarded_row_is_401_without_a_token(client: AsyncClient) -> None:
    document = await read_document(client)

    for row, needs_token in _documented():
        if not needs_token:
            continue
        method, _, path = row.partition(" ")
        response = await client.request(method, f"/api/v1{shape_of(path).replace('{}', '0')}")
        assert response.status_code == 401, row
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert violations(document, row, response) == [], row


async def test_every_documented_error_occurs_and_is_documented(
    client: AsyncClient, run_jobs: RunJobs
) -> None:
    document = await read_document(client)
    story = Story(client, run_jobs)
    await story.begin()
    await story.add_what_refusals_need()

    found: list[str] = []
    for refusal in REFUSALS:
        response = await story.refused(refusal)
        if response.status_code != refusal.status:
            found.append(f"{refusal}: {response.status_code} {response.text}")
        found += [f"{refusal}: {each}" for each in violations(document, refusal.row, response)]
        if not isinstance(response.json()["detail"], str):
            found.append(f"{refusal}: no sentence")

    assert found == []


async def test_a_viewer_gets_403_whatever_they_send(
    client: AsyncClient, resources: Resources, run_jobs: RunJobs
) -> None:
    document = await read_document(client)
    story = Story(client, run_jobs)
    await story.begin()
    viewer = await join(client, resources, story.member, Role.VIEWER)
    client.headers["Authorization"] = viewer.headers["Authorization"]

    for row in FORBIDDEN:
        response = await story.refused(Refusal(403, row, json={"rubbish": True}))
        assert response.status_code == 403, (row, response.text)
        assert violations(document, row, response) == [], row
