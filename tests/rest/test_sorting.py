"""The order and the filters of lists."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update

from services.resources import Resources
from services.scanner.check import Severity, Verdict
from services.scanner.target import parse_target
from services.scans import Scan
from tests.members import Member
from tests.rest.csv_files import imported
from tests.scanners import at
from tests.seeing import see
from tests.statements import counted

Json = dict[str, Any]  # Any: a JSON object


async def _list(client: AsyncClient, member: Member, path: str) -> list[Json]:
    response = await client.get(f"/api/v1{path}", headers=member.headers)
    assert response.status_code == 200, response.text
    return response.json()["items"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["Alpha", "beta", "Gamma"]),
        ("-name", ["Gamma", "beta", "Alpha"]),
        ("target_value", ["Gamma", "Alpha", "beta"]),
        ("criticality", ["Alpha", "beta", "Gamma"]),
        ("-criticality", ["Gamma", "beta", "Alpha"]),
        ("created_at", ["beta", "Alpha", "Gamma"]),
        ("-created_at", ["Gamma", "Alpha", "beta"]),
        ("", ["Gamma", "Alpha", "beta"]),
    ],
)
async def test_assets_are_sorted(
    client: AsyncClient, admin: Member, sort: str, expected: list[str]
) -> None:
    for line in ("beta,c.example,normal", "Alpha,b.example,low", "Gamma,a.example,critical"):
        await imported(client, admin, f"name,target_value,criticality\n{line}")

    items = await _list(client, admin, f"/assets?sort={sort}")

    assert [item["name"] for item in items] == expected
    assert len(await _list(client, admin, "/assets?criticality=LOW")) == 1


async def test_findings_are_sorted_by_rank_and_ties_are_broken(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """IN-7: not by alphabet, and not by a time that all findings of a scan share."""
    target = parse_target("a.example")
    await see(
        resources,
        admin,
        [
            at(target, "tls.protocol.tls10", Verdict.failed("old", severity=severity), port=port)
            for port, severity in enumerate([*Severity, *reversed(Severity), *Severity], 1000)
        ],
    )
    worst_first = [severity.value for severity in Severity for _ in range(3)]

    down = await _list(client, admin, "/findings?sort=-severity&page_size=100")
    up = await _list(client, admin, "/findings?sort=severity,-created_at&page_size=100")

    assert [item["severity"] for item in down] == worst_first
    assert [item["severity"] for item in up] == worst_first[::-1]
    for sort in ("-severity", "first_seen_at", "-last_seen_at", "created_at,severity"):
        whole = await _list(client, admin, f"/findings?sort={sort}&page_size=100")
        paged: list[Json] = []
        for page in range(1, 5):
            paged += await _list(client, admin, f"/findings?sort={sort}&page={page}&page_size=4")
        assert [item["id"] for item in paged] == [item["id"] for item in whole]
        assert len({item["id"] for item in paged}) == 15


async def _three_scans(resources: Resources, member: Member) -> list[str]:
    """Oldest first: B without a score, a with 90, C with 10."""
    ids = [await see(resources, member, [], name=name) for name in ("B", "a", "C")]
    async with resources.database.transaction(member.scope) as work:
        for scan_id, score in zip(ids, (None, 90, 10), strict=True):
            await work.session.execute(
                update(Scan).where(Scan.id == scan_id).values(total_score=score)
            )
    return [str(id_) for id_ in ids]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", "aBC"),
        ("-name", "CBa"),
        ("total_score", "CaB"),
        ("-total_score", "aCB"),
        ("created_at", "BaC"),
        ("-created_at", "CaB"),
    ],
)
async def test_scans_are_sorted_and_those_without_a_score_come_last(
    client: AsyncClient, resources: Resources, admin: Member, sort: str, expected: str
) -> None:
    await _three_scans(resources, admin)

    items = await _list(client, admin, f"/scans?sort={sort}")

    assert "".join(item["name"] for item in items) == expected


async def test_scans_are_filtered_by_time_and_name(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    ids = await _three_scans(resources, admin)
    by_id = {item["id"]: item for item in await _list(client, admin, "/scans")}
    second = by_id[ids[1]]["created_at"]
    moment = datetime.fromisoformat(second)
    later = (moment + timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")

    async def found(query: str) -> list[str]:
        return [item["id"] for item in await _list(client, admin, f"/scans?{query}")]

    assert await found(f"created_from={second}") == [ids[2], ids[1]]
    assert await found(f"created_to={second}") == [ids[1], ids[0]]
    assert await found(f"created_from={later}&created_to=2999-01-01T00:00:00Z") == [ids[2]]
    assert await found("q=A") == [ids[1]]
    assert await found("q=%25") == []
    assert await found("status=completed&q=b") == [ids[0]]


async def test_scans_are_filtered_by_the_asset_they_were_asked_for(
    client: AsyncClient, admin: Member
) -> None:
    made: dict[str, str] = {}
    for value in ("a.example", "b.example"):
        asset = await client.post(
            "/api/v1/assets", json={"target_value": value}, headers=admin.headers
        )
        scan = await client.post(
            "/api/v1/scans", json={"asset_ids": [asset.json()["id"]]}, headers=admin.headers
        )
        made[asset.json()["id"]] = scan.json()["id"]

    for asset_id, scan_id in made.items():
        items = await _list(client, admin, f"/scans?asset_id={asset_id}")
        assert [item["id"] for item in items] == [scan_id]


@pytest.mark.parametrize("path", ["/assets", "/findings", "/scans"])
@pytest.mark.parametrize(
    "sort",
    ["id", "--name", "name,", "created_at,-created_at", "created_at;drop", "created_at desc"],
)
async def test_an_order_that_is_not_on_the_list_is_422(
    client: AsyncClient, admin: Member, path: str, sort: str
) -> None:
    response = await client.get(f"/api/v1{path}", params={"sort": sort}, headers=admin.headers)

    assert response.status_code == 422
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize(
    "query", ["created_from=yesterday", "created_to=2027-01-01T00:00:00", "asset_id=x", "q=%00"]
)
async def test_an_unknown_filter_value_is_422(
    client: AsyncClient, admin: Member, query: str
) -> None:
    response = await client.get(f"/api/v1/scans?{query}", headers=admin.headers)

    assert response.status_code == 422


@pytest.mark.parametrize(
    "path", ["/assets?sort=name", "/findings?sort=-severity", "/scans?sort=name"]
)
async def test_a_longer_page_costs_as_many_statements(
    client: AsyncClient, resources: Resources, admin: Member, path: str
) -> None:
    """Issue 3: every list has a constant number of statements whatever the page size."""
    target = parse_target("a.example")
    for port in range(1000, 1005):
        await see(
            resources, admin, [at(target, "tls.protocol.tls10", Verdict.failed("old"), port=port)]
        )
        await imported(client, admin, f"target_value\nh{port}.example")
    spent: list[int] = []

    for size in (1, 5):
        with counted(resources) as statements:
            items = await _list(client, admin, f"{path}&page_size={size}")
        assert len(items) == size
        spent.append(len(statements))

    assert spent[0] == spent[1]
