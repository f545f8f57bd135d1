"""One change for many findings."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient, Response
from sqlalchemy import select

from services.actor import Role
from services.findings import Finding, FindingEvent, FindingEventKind
from services.resources import Resources
from services.scanner.check import CheckResult, Verdict
from services.scanner.target import parse_target
from tests.members import Member, join
from tests.scanners import at
from tests.seeing import see
from tests.statements import counted

URL = "/api/v1/findings/bulk-update"
Json = dict[str, Any]  # Any: a JSON object


def _problems(count: int) -> list[CheckResult]:
    target = parse_target("example.org")
    return [
        at(target, "tls.protocol.tls10", Verdict.failed("TLS 1.0"), port=1000 + n)
        for n in range(count)
    ]


async def _ids(resources: Resources, member: Member) -> list[str]:
    async with resources.database.read(member.scope) as session:
        return [str(id_) for id_ in await session.scalars(select(Finding.id).order_by(Finding.id))]


async def _found(resources: Resources, member: Member, count: int) -> list[str]:
    await see(resources, member, _problems(count))
    return await _ids(resources, member)


async def _change(client: AsyncClient, member: Member, **body: object) -> Response:
    return await client.post(URL, json=body, headers=member.headers)


async def _read(client: AsyncClient, member: Member, finding_id: str) -> Json:
    return (await client.get(f"/api/v1/findings/{finding_id}", headers=member.headers)).json()


async def _events(resources: Resources, member: Member) -> list[FindingEvent]:
    """The changes of status, oldest first."""
    statement = select(FindingEvent).where(FindingEvent.kind == FindingEventKind.STATUS)
    async with resources.database.read(member.scope) as session:
        return list(await session.scalars(statement.order_by(FindingEvent.id)))


async def test_many_findings_change_at_once_and_each_keeps_its_history(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    ids = await _found(resources, admin, 3)

    response = await _change(
        client, admin, finding_ids=ids[:2], status="Accepted_Risk", resolution_note="legacy"
    )

    assert (response.status_code, response.json()) == (
        200,
        {"updated": 2, "total_requested": 2, "unchanged": 0, "not_found": []},
    )
    first, last = await _read(client, admin, ids[0]), await _read(client, admin, ids[2])
    assert (first["status"], first["resolution_note"]) == ("accepted_risk", "legacy")
    assert first["accepted_until"] is not None
    assert first["updated_at"] > first["created_at"]
    assert (last["status"], last["resolution_note"]) == ("open", None)
    events = await _events(resources, admin)
    assert {(event.finding_id, event.before, event.after) for event in events} == {
        (UUID(id_), "open", "accepted_risk") for id_ in ids[:2]
    }
    assert {(event.actor_id, event.note) for event in events} == {(admin.user_id, "legacy")}


async def test_it_does_to_each_finding_what_a_patch_does(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    patched, bulk = await _found(resources, admin, 2)
    steps: list[Json] = [
        {"status": "resolved", "resolution_note": "done"},
        {"status": "open"},
        {"status": "accepted_risk"},
        {"status": "accepted_risk", "resolution_note": "again"},
        {"status": "false_positive"},
    ]
    changing = ("status", "resolution_note", "resolved_at", "accepted_until")

    for step in steps:
        await client.patch(f"/api/v1/findings/{patched}", json=step, headers=admin.headers)
        await _change(client, admin, finding_ids=[bulk], **step)
        one, other = await _read(client, admin, patched), await _read(client, admin, bulk)
        for column in changing:
            if column.endswith(("_at", "_until")):
                assert (one[column] is None) == (other[column] is None), (step, column)
            else:
                assert one[column] == other[column], (step, column)

    by_finding: dict[UUID, list[tuple[object, ...]]] = {}
    for event in await _events(resources, admin):
        steps_of = by_finding.setdefault(event.finding_id, [])
        steps_of.append((event.before, event.after, event.note))
    assert by_finding[UUID(patched)] == by_finding[UUID(bulk)]
    assert len(by_finding[UUID(bulk)]) == 4


async def test_what_is_as_asked_for_stays_as_it_is(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    ids = await _found(resources, admin, 2)
    await _change(client, admin, finding_ids=ids[:1], status="resolved", resolution_note="done")
    before = await _read(client, admin, ids[0])

    response = await _change(
        client, admin, finding_ids=[*ids, *ids], status="resolved", resolution_note=None
    )

    assert response.json() == {
        "updated": 1,
        "total_requested": 2,
        "unchanged": 1,
        "not_found": [],
    }
    assert await _read(client, admin, ids[0]) == before
    assert len(await _events(resources, admin)) == 2


async def test_unknown_and_foreign_ids_are_given_back_and_not_touched(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    """TEN-7."""
    own = await _found(resources, admin, 1)
    foreign = await _found(resources, stranger, 1)
    unknown = str(uuid4())

    response = await _change(
        client, admin, finding_ids=[unknown, *foreign, *own], status="resolved"
    )

    assert (response.status_code, response.json()) == (
        200,
        {"updated": 1, "total_requested": 3, "unchanged": 0, "not_found": [unknown, *foreign]},
    )
    assert (await _read(client, stranger, foreign[0]))["status"] == "open"
    assert await _events(resources, stranger) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"finding_ids": [], "status": "open"},
        {"finding_ids": [str(uuid4()) for _ in range(1001)], "status": "open"},
        {"finding_ids": ["x"], "status": "open"},
        {"finding_ids": [str(uuid4())]},
        {"finding_ids": [str(uuid4())], "status": None},
        {"finding_ids": [str(uuid4())], "status": "closed"},
        {"finding_ids": [str(uuid4())], "status": "open", "resolution_note": "x" * 10_001},
        {"finding_ids": [str(uuid4())], "status": "open", "resolution_note": "\0"},
    ],
)
async def test_what_does_not_fit_is_422(client: AsyncClient, admin: Member, body: Json) -> None:
    response = await _change(client, admin, **body)

    assert response.status_code == 422, response.text
    assert isinstance(response.json()["detail"], str)


async def test_a_viewer_may_not(client: AsyncClient, resources: Resources, admin: Member) -> None:
    ids = await _found(resources, admin, 1)
    viewer = await join(client, resources, admin, Role.VIEWER)

    response = await _change(client, viewer, finding_ids=ids, status="resolved")

    assert response.status_code == 403
    assert (await _read(client, admin, ids[0]))["status"] == "open"


async def test_a_thousand_findings_cost_as_many_statements_as_one(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    ids = await _found(resources, admin, 1000)
    spent: list[int] = []

    for some, status in ((ids[:1], "acknowledged"), (ids, "resolved")):
        with counted(resources) as statements:
            response = await _change(client, admin, finding_ids=some, status=status)
        assert response.json()["updated"] == len(some)
        spent.append(len(statements))

    assert spent[0] == spent[1]
    assert len(await _events(resources, admin)) == 1001
