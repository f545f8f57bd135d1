"""Importing assets from CSV: what becomes of each row."""

import asyncio

import pytest
from httpx2 import AsyncClient

from services.resources import Resources
from tests.members import Member
from tests.rest.csv_files import counts, imported, watched
from tests.statements import counted


async def test_every_column_is_taken(client: AsyncClient, admin: Member) -> None:
    await imported(
        client,
        admin,
        "name,target_type,target_value,tags,criticality,owner_email,description,is_active\n"
        'Shop,DOMAIN,HTTPS://Example.ORG/x,"a; b|A",Critical,Ada@Example.COM,"two\nlines",No\n',
    )

    (asset,) = await watched(client, admin)
    assert (asset["name"], asset["target_value"], asset["tags"]) == (
        "Shop",
        "example.org",
        ["a", "b"],
    )
    assert (asset["criticality"], asset["is_active"]) == ("critical", False)
    assert (asset["owner_email"], asset["description"]) == ("ada@example.com", "two\nlines")


async def test_what_is_left_out_has_a_default(client: AsyncClient, admin: Member) -> None:
    await imported(client, admin, "target_value,name,is_active\n192.0.2.1,,")

    (asset,) = await watched(client, admin)
    assert (asset["name"], asset["target_type"], asset["is_active"]) == ("192.0.2.1", "ip", True)
    assert (asset["criticality"], asset["tags"], asset["description"]) == ("normal", [], None)


async def test_a_row_that_may_not_be_scanned_is_refused(client: AsyncClient, admin: Member) -> None:
    """SSRF-2, SSRF-3: the tests' operator allows 127.0.0.0/8 alone."""
    report = await imported(
        client, admin, "target_value\n10.0.0.0/24\n169.254.169.254\n127.9.0.1\n192.0.2.1"
    )

    assert counts(report) == (2, 0, 0, 2)
    assert [detail["code"] for detail in report["details"]] == ["target_refused"] * 2
    assert "NIS2_SCAN_ALLOWED_NETWORKS" in report["errors"][0]


async def test_every_bad_row_is_named_and_the_good_ones_are_taken(
    client: AsyncClient, admin: Member
) -> None:
    lines = [
        "target_value,target_type,criticality,is_active,owner_email,tags,name",
        "good.example,,,,,,",
        "10.0.0.5/24,,,,,,",
        "example.org,ip,urgent,maybe,nobody,,",
        '"two.example","","","","","","a',
        'name of two lines"',
        "short.example",
        "long.example,,,,,,,more",
        f"tags.example,,,,,{'t' * 65},",
        f"name.example,,,,,,{'n' * 257}",
        "localhost,,,,,,",
        "spare.example,,,,,,,,  ,",
    ]

    report = await imported(client, admin, "\r\n".join(lines))

    assert counts(report) == (3, 0, 0, 7)
    assert [(detail["row"], detail["column"], detail["code"]) for detail in report["details"]] == [
        (3, "target_value", "invalid_target_value"),
        (4, "target_value", "invalid_target_value"),
        (4, "criticality", "invalid_criticality"),
        (4, "is_active", "invalid_is_active"),
        (4, "owner_email", "invalid_owner_email"),
        (7, None, "wrong_number_of_cells"),
        (8, None, "wrong_number_of_cells"),
        (9, "tags", "invalid_tags"),
        (10, "name", "invalid_name"),
        (11, "target_value", "invalid_target_value"),
    ]
    assert report["errors"][0].startswith("Row 3, target_value: ")
    assert "10.0.0.0/24" in report["errors"][0]
    assert report["details"][0]["value"] == "10.0.0.5/24"
    names = [asset["target_value"] for asset in await watched(client, admin)]
    assert names == ["good.example", "two.example", "spare.example"]


async def test_a_target_named_again_is_left_out_and_the_first_row_named(
    client: AsyncClient, admin: Member
) -> None:
    report = await imported(
        client, admin, "name,target_value\nfirst,example.org\n\nsecond,HTTPS://Example.org:443/"
    )

    assert counts(report) == (1, 0, 1, 0)
    (detail,) = report["details"]
    assert (detail["row"], detail["code"], detail["is_error"]) == (4, "duplicate_in_file", False)
    assert "row 2" in detail["message"]
    assert report["errors"] == []
    assert [asset["name"] for asset in await watched(client, admin)] == ["first"]


async def test_the_same_file_again_changes_nothing(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    file = "target_value,name\nexample.org,A\n192.0.2.1,B"

    first = await imported(client, admin, file)
    second = await imported(client, admin, file)
    updating = await imported(client, admin, file, on_conflict="update")
    elsewhere = await imported(client, stranger, file)

    assert counts(first) == (2, 0, 0, 0)
    assert counts(second) == (0, 0, 2, 0)
    assert {detail["code"] for detail in second["details"]} == {"asset_exists"}
    assert second["errors"] == []
    assert counts(updating) == (0, 0, 2, 0)
    assert counts(elsewhere) == (2, 0, 0, 0)


async def test_an_update_changes_what_the_file_names_and_nothing_else(
    client: AsyncClient, admin: Member
) -> None:
    await imported(
        client,
        admin,
        "target_value,name,tags,criticality,description\nexample.org,Old,a,high,text\nother.example,O,,,",
    )

    report = await imported(
        client,
        admin,
        "target_value,name,description\nexample.org,New,\nthird.example,T,",
        on_conflict="Update",
        default_tags="b",
    )

    assert counts(report) == (1, 1, 0, 0)
    changed, untouched, new = await watched(client, admin)
    assert (changed["name"], changed["description"], changed["tags"]) == ("New", None, ["a", "b"])
    assert changed["criticality"] == "high"
    assert changed["updated_at"] > changed["created_at"]
    assert untouched["tags"] == []
    assert (new["name"], new["tags"]) == ("T", ["b"])


async def test_a_conflict_may_be_an_error(client: AsyncClient, admin: Member) -> None:
    await imported(client, admin, "target_value\nexample.org")

    report = await imported(
        client, admin, "target_value\nnew.example\nexample.org", on_conflict="fail"
    )

    assert counts(report) == (1, 0, 0, 1)
    assert report["errors"] == ["Row 3, target_value: example.org is an asset already"]


@pytest.mark.parametrize("second", ["not a target", "example.org"])
async def test_an_atomic_import_with_an_error_writes_nothing(
    client: AsyncClient, admin: Member, second: str
) -> None:
    await imported(client, admin, "target_value\nexample.org")

    report = await imported(
        client, admin, f"target_value\nnew.example\n{second}", atomic="true", on_conflict="fail"
    )

    assert counts(report) == (0, 0, 0, 1)
    assert len(await watched(client, admin)) == 1


async def test_an_atomic_import_without_errors_is_written(
    client: AsyncClient, admin: Member
) -> None:
    report = await imported(client, admin, "target_value\na.example\nb.example", atomic="true")

    assert counts(report) == (2, 0, 0, 0)
    assert len(await watched(client, admin)) == 2


@pytest.mark.parametrize("way", ["query", "form"])
async def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    client: AsyncClient, admin: Member, way: str
) -> None:
    await imported(client, admin, "target_value,name\nexample.org,Old")

    options = {"dry_run": "true", "on_conflict": "update"}
    response = await client.post(
        "/api/v1/assets/import",
        files={"file": b"target_value,name\nexample.org,New\nnew.example,N\nnot a target,X"},
        data=options if way == "form" else None,
        params=options if way == "query" else None,
        headers=admin.headers,
    )

    assert (response.status_code, counts(response.json())) == (200, (1, 1, 0, 1))
    assert response.json()["dry_run"] is True
    assert [asset["name"] for asset in await watched(client, admin)] == ["Old"]


async def test_at_most_a_thousand_details_are_listed_errors_first(
    client: AsyncClient, admin: Member
) -> None:
    rows = ["target_value", *["same.example"] * 1500, "bad one", "bad two"]

    report = await imported(client, admin, "\n".join(rows))

    assert counts(report) == (1, 0, 1499, 2)
    assert (len(report["details"]), report["details_truncated"]) == (1000, True)
    assert [detail["row"] for detail in report["details"][:3]] == [1502, 1503, 3]
    assert len(report["errors"]) == 2


async def test_a_deleted_asset_does_not_stand_in_the_way(
    client: AsyncClient, admin: Member
) -> None:
    await imported(client, admin, "target_value\nexample.org")
    (first,) = await watched(client, admin)
    await client.delete(f"/api/v1/assets/{first['id']}", headers=admin.headers)

    report = await imported(client, admin, "target_value\nexample.org", on_conflict="fail")

    assert counts(report) == (1, 0, 0, 0)
    (second,) = await watched(client, admin)
    assert second["id"] != first["id"]


async def test_formulas_are_names_like_any_other(client: AsyncClient, admin: Member) -> None:
    file = (
        """name,target_value\n"=HYPERLINK(""x"")",a.example\n'=1+1,b.example\n'quoted',c.example"""
    )

    await imported(client, admin, file)

    names = [asset["name"] for asset in await watched(client, admin)]
    assert names == ['=HYPERLINK("x")', "=1+1", "'quoted'"]


async def test_the_number_of_statements_does_not_grow_with_the_file(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """IN-8: 10,000 rows in one go, and names are not looked up."""

    def file(rows: int, name: str) -> str:
        lines = [f"h{n}.of{rows}.example,{name}" for n in range(rows)]
        return "\n".join(["target_value,name", *lines])

    spent: list[list[int]] = []
    for rows in (1, 10_000):
        counted_here: list[int] = []
        for policy, name, expected in (
            ("skip", "first", (rows, 0, 0, 0)),
            ("skip", "second", (0, 0, rows, 0)),
            ("update", "third", (0, rows, 0, 0)),
        ):
            with counted(resources) as statements:
                report = await imported(client, admin, file(rows, name), on_conflict=policy)
            counted_here.append(len(statements))
            assert counts(report) == expected
        spent.append(counted_here)

    assert spent[0] == spent[1]
    assert max(spent[0]) <= 12


async def test_two_imports_at_once_make_each_asset_once(client: AsyncClient, admin: Member) -> None:
    lines = [f"h{n}.example" for n in range(300)]

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(imported(client, admin, "\n".join(["target_value", *order])))
            for order in (lines, lines[::-1])
        ]

    reports = [task.result() for task in tasks]
    assert sum(report["created"] for report in reports) == 300
    assert sum(report["skipped"] for report in reports) == 300
    assert all(report["failed"] == 0 for report in reports)
