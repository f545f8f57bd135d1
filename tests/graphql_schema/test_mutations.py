"""What can be changed: payloads, typed errors, roles, and other organizations' objects."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from graphql_schema.ids import Kind, global_id, parse_global_id
from services.actor import Role
from services.identifiers import uuid7
from services.resources import Resources
from tests.conftest import RunJobs
from tests.graphql_schema.asking import Answer, ask, create_asset, problems, refusal, start_scan
from tests.members import Member, join
from tests.scanners import StubScanner
from tests.seeing import see

_ERRORS = "errors { __typename message code path ... on ConflictError { existingId } }"


async def _do(client: AsyncClient, member: Member, name: str, input: Answer) -> Answer:
    """The payload of a mutation: its errors, and its object's id where it has one."""
    objects = {
        "createAsset": "asset { id name targetType targetValue tags criticality isActive }",
        "updateAsset": "asset { id name tags description isActive }",
        "deleteAsset": "deletedAssetId",
        "createScan": "scan { id status name scanType configSnapshot }",
        "cancelScan": "scan { id status completedAt }",
        "deleteScan": "deletedScanId",
        "updateFinding": "finding { id status resolutionNote resolvedAt dueAt acceptedUntil }",
        "generateReport": "report { id status format downloadUrl scan { id } } isDeduplicated",
    }
    type_ = f"{name[0].upper()}{name[1:]}Input!"
    query = (
        f"mutation ($input: {type_}) {{ {name}(input: $input) {{ {objects[name]} {_ERRORS} }} }}"
    )
    return (await ask(client, member, query, input=input))[name]


async def test_an_asset_lives_from_creation_to_deletion(client: AsyncClient, admin: Member) -> None:
    created = await _do(
        client,
        admin,
        "createAsset",
        {"targetValue": "Example.ORG", "tags": ["web", "Web"], "criticality": "HIGH"},
    )
    asset = created["asset"]
    changed = await _do(
        client,
        admin,
        "updateAsset",
        {"id": asset["id"], "name": "Shop", "tags": [], "description": "The shop"},
    )
    cleared = await _do(client, admin, "updateAsset", {"id": asset["id"], "description": None})
    deleted = await _do(client, admin, "deleteAsset", {"id": asset["id"]})
    left = await ask(client, admin, "{ assets { nodes { id } } }")

    assert (asset["name"], asset["targetType"], asset["targetValue"]) == (
        "example.org",
        "DOMAIN",
        "example.org",
    )
    assert (len(asset["tags"]), asset["criticality"], created["errors"]) == (1, "HIGH", [])
    assert (changed["asset"]["name"], changed["asset"]["tags"]) == ("Shop", [])
    assert (changed["asset"]["description"], cleared["asset"]["description"]) == ("The shop", None)
    assert cleared["asset"]["name"] == "Shop"
    assert deleted["deletedAssetId"] == asset["id"]
    assert left["assets"]["nodes"] == []


async def test_the_same_target_twice_is_a_conflict_that_names_the_first(
    client: AsyncClient, admin: Member
) -> None:
    first = await create_asset(client, admin)

    payload = await _do(client, admin, "createAsset", {"targetValue": "example.org"})

    error = payload["errors"][0]
    assert payload["asset"] is None
    assert (error["__typename"], error["code"]) == ("ConflictError", "ASSET_EXISTS")
    assert error["existingId"] == str(parse_global_id(first)[1])


@pytest.mark.parametrize(
    ("input", "path"),
    [
        ({"targetValue": "localhost"}, None),
        ({"targetValue": ""}, ["input", "targetValue"]),
        ({"targetValue": "x" * 513}, ["input", "targetValue"]),
        ({"targetValue": "a\0b.example.org"}, ["input", "targetValue"]),
        ({"targetValue": "example.org", "name": " "}, ["input", "name"]),
        ({"targetValue": "example.org", "name": "x" * 257}, ["input", "name"]),
        ({"targetValue": "example.org", "name": "a\0b"}, ["input", "name"]),
        ({"targetValue": "example.org", "tags": ["x" * 65]}, ["input", "tags"]),
        ({"targetValue": "example.org", "tags": ["a\0b"]}, ["input", "tags"]),
        ({"targetValue": "example.org", "description": "x" * 4097}, ["input", "description"]),
    ],
)
async def test_input_out_of_bounds_is_a_validation_error_with_its_path(
    client: AsyncClient, admin: Member, input: Answer, path: list[str] | None
) -> None:
    payload = await _do(client, admin, "createAsset", input)

    error = payload["errors"][0]
    assert (payload["asset"], error["__typename"]) == (None, "ValidationError")
    assert path is None or error["path"] == path


async def test_a_scan_lives_from_creation_to_deletion(
    client: AsyncClient, admin: Member, run_jobs: RunJobs
) -> None:
    asset_id = await create_asset(client, admin)
    created = await _do(
        client,
        admin,
        "createScan",
        {
            "assetIds": [asset_id],
            "scanType": "CUSTOM",
            "features": {"portScan": False},
            "scanTimeoutSeconds": 5,
        },
    )
    scan = created["scan"]
    cancelled = await _do(client, admin, "cancelScan", {"id": scan["id"]})
    again = await _do(client, admin, "cancelScan", {"id": scan["id"]})
    report = await _do(client, admin, "generateReport", {"scanId": scan["id"]})
    deleted = await _do(client, admin, "deleteScan", {"id": scan["id"]})

    assert (scan["status"], scan["scanType"]) == ("PENDING", "CUSTOM")
    assert scan["configSnapshot"]["features"]["port_scan"] is False
    assert scan["configSnapshot"]["scan_timeout"] == 5
    assert cancelled["scan"]["status"] == "CANCELLED"
    assert cancelled["scan"]["completedAt"].endswith("Z")
    assert [(e["__typename"], e["code"]) for e in again["errors"]] == [
        ("InvalidStateError", "SCAN_NOT_ACTIVE")
    ]
    assert [(e["__typename"], e["code"]) for e in report["errors"]] == [
        ("InvalidStateError", "SCAN_NOT_COMPLETED")
    ]
    assert deleted["deletedScanId"] == scan["id"]
    await run_jobs(StubScanner())
    assert (await ask(client, admin, "{ scans { nodes { id } } }"))["scans"]["nodes"] == []


@pytest.mark.parametrize(
    "input",
    [
        {"assetIds": []},
        {"concurrency": 0},
        {"concurrency": 201},
        {"scanTimeoutSeconds": 121},
        {"maxHosts": -1},
        {"name": ""},
        {"assetIds": ["garbage"]},
    ],
)
async def test_a_scan_out_of_bounds_is_a_validation_error(
    client: AsyncClient, admin: Member, input: Answer
) -> None:
    asset_id = await create_asset(client, admin)

    payload = await _do(client, admin, "createScan", {"assetIds": [asset_id], **input})

    assert payload["scan"] is None
    assert payload["errors"][0]["__typename"] == "ValidationError"


async def test_a_report_is_asked_for_once_and_followed(
    client: AsyncClient, admin: Member, run_jobs: RunJobs
) -> None:
    scan_id = await start_scan(client, admin, await create_asset(client, admin))
    await run_jobs(StubScanner(lambda _target: problems(1)))

    first = await _do(client, admin, "generateReport", {"scanId": scan_id, "format": "JSON"})
    second = await _do(client, admin, "generateReport", {"scanId": scan_id, "format": "JSON"})
    await run_jobs(StubScanner())
    data = await ask(
        client,
        admin,
        "query ($id: ID!) { report(id: $id) { status downloadUrl sizeBytes scan { id } } }",
        id=first["report"]["id"],
    )

    assert (first["report"]["status"], first["isDeduplicated"]) == ("PENDING", False)
    assert (second["report"]["id"], second["isDeduplicated"]) == (first["report"]["id"], True)
    report = data["report"]
    assert (report["status"], report["scan"]) == ("SUCCESS", {"id": scan_id})
    file = await client.get(report["downloadUrl"], headers=admin.headers)
    assert (file.status_code, len(file.content)) == (200, report["sizeBytes"])


async def test_a_finding_moves_and_only_what_was_given_changes(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    await see(resources, admin, problems(1))
    nodes = (await ask(client, admin, "{ findings { nodes { id } } }"))["findings"]["nodes"]
    finding_id = nodes[0]["id"]

    noted = await _do(
        client,
        admin,
        "updateFinding",
        {"id": finding_id, "resolutionNote": "seen", "dueAt": "2026-12-31T12:00:00+01:00"},
    )
    accepted = await _do(
        client, admin, "updateFinding", {"id": finding_id, "status": "ACCEPTED_RISK"}
    )
    cleared = await _do(client, admin, "updateFinding", {"id": finding_id, "resolutionNote": None})
    nothing = await _do(client, admin, "updateFinding", {"id": finding_id})

    assert noted["finding"]["dueAt"] == "2026-12-31T11:00:00.000000Z"
    assert (accepted["finding"]["status"], accepted["finding"]["resolutionNote"]) == (
        "ACCEPTED_RISK",
        "seen",
    )
    assert accepted["finding"]["acceptedUntil"] is not None
    assert (cleared["finding"]["status"], cleared["finding"]["resolutionNote"]) == (
        "ACCEPTED_RISK",
        None,
    )
    assert nothing["errors"][0]["code"] == "NOTHING_TO_UPDATE"


async def test_a_null_where_none_may_be_is_refused_before_anything_runs(
    client: AsyncClient, admin: Member
) -> None:
    asset_id = await create_asset(client, admin)

    error = await refusal(
        client,
        admin,
        "mutation ($input: UpdateAssetInput!) { updateAsset(input: $input) { asset { id } } }",
        input={"id": asset_id, "name": None},
    )

    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_time_without_an_offset_is_refused(client: AsyncClient, admin: Member) -> None:
    error = await refusal(
        client,
        admin,
        "mutation ($input: UpdateFindingInput!)"
        " { updateFinding(input: $input) { finding { id } } }",
        input={"id": global_id(Kind.FINDING, uuid7()), "dueAt": "2026-12-31T12:00:00"},
    )

    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_root_fields_of_one_mutation_see_what_came_before(
    client: AsyncClient, admin: Member
) -> None:
    """Each has its transaction; what one answers is not remembered by the next."""
    asset_id = await create_asset(client, admin)

    data = await ask(
        client,
        admin,
        """mutation ($id: ID!) {
          one: updateAsset(input: {id: $id, name: "One"}) { asset { name findings { totalCount } } }
          bad: updateAsset(input: {id: $id, name: ""}) { errors { code } }
          two: updateAsset(input: {id: $id, name: "Two"}) { asset { name findings { totalCount } } }
        }""",
        id=asset_id,
    )

    assert (data["one"]["asset"]["name"], data["two"]["asset"]["name"]) == ("One", "Two")
    assert data["bad"]["errors"] == [{"code": "VALIDATION_FAILED"}]


def _changes(ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    """An input for every mutation that names an object."""
    return {
        "updateAsset": {"id": ids["asset"], "name": "Mine"},
        "deleteAsset": {"id": ids["asset"]},
        "cancelScan": {"id": ids["scan"]},
        "deleteScan": {"id": ids["scan"]},
        "updateFinding": {"id": ids["finding"], "status": "RESOLVED"},
        "generateReport": {"scanId": ids["scan"]},
    }


async def _ids(client: AsyncClient, resources: Resources, member: Member) -> dict[str, str]:
    asset_id = await create_asset(client, member)
    scan = await see(resources, member, problems(1), asset_id=parse_global_id(asset_id)[1])
    data = await ask(client, member, "{ findings { nodes { id } } }")
    return {
        "asset": asset_id,
        "scan": global_id(Kind.SCAN, scan),
        "finding": data["findings"]["nodes"][0]["id"],
    }


async def test_nothing_of_another_organization_can_be_changed(
    client: AsyncClient, resources: Resources, admin: Member, stranger: Member
) -> None:
    ids = await _ids(client, resources, admin)

    for name, change in _changes(ids).items():
        payload = await _do(client, stranger, name, change)
        assert [error["code"] for error in payload["errors"]] == ["NOT_FOUND"], name
    started = await _do(client, stranger, "createScan", {"assetIds": [ids["asset"]]})
    assert [error["code"] for error in started["errors"]] == ["ASSET_NOT_USABLE"]

    after = await ask(
        client,
        admin,
        "query ($a: ID!, $f: ID!) { asset(id: $a) { name } finding(id: $f) { status } }",
        a=ids["asset"],
        f=ids["finding"],
    )
    assert after == {"asset": {"name": "example.org"}, "finding": {"status": "OPEN"}}


async def test_a_viewer_may_read_and_ask_for_reports_and_change_nothing(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    ids = await _ids(client, resources, admin)
    viewer = await join(client, resources, admin, Role.VIEWER)
    changes = _changes(ids) | {
        "createAsset": {"targetValue": "new.example.org"},
        "createScan": {"assetIds": [ids["asset"]]},
    }

    for name, change in changes.items():
        payload = await _do(client, viewer, name, change)
        expected = [] if name == "generateReport" else ["ForbiddenError"]
        assert [error["__typename"] for error in payload["errors"]] == expected, name
    data = await ask(client, viewer, "{ findings { totalCount } assets { totalCount } }")
    assert data == {"findings": {"totalCount": 1}, "assets": {"totalCount": 1}}


async def test_an_auditor_works_but_deletes_no_scan(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    ids = await _ids(client, resources, admin)
    auditor = await join(client, resources, admin, Role.AUDITOR)

    updated = await _do(client, auditor, "updateAsset", {"id": ids["asset"], "name": "Ours"})
    deleted = await _do(client, auditor, "deleteScan", {"id": ids["scan"]})

    assert updated["asset"]["name"] == "Ours"
    assert [error["__typename"] for error in deleted["errors"]] == ["ForbiddenError"]
