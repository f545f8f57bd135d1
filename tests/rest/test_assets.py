"""Assets through the REST door."""

from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient, Response

from services.resources import Resources
from services.scanner.check import Verdict
from services.scanner.target import parse_target
from tests.members import Member
from tests.scanners import at
from tests.seeing import see

_UNKNOWN = "0190b1d0-0000-7000-8000-000000000000"


async def _create(client: AsyncClient, member: Member, **body: object) -> Response:
    return await client.post("/api/v1/assets", json=body, headers=member.headers)


@pytest.mark.parametrize(
    ("typed", "type_", "value"),
    [
        ("https://Example.ORG:8443/path", "domain", "example.org"),
        ("bücher.example", "domain", "xn--bcher-kva.example"),
        ("192.0.2.7", "ip", "192.0.2.7"),
        ("2001:DB8::1", "ip", "2001:db8::1"),
        ("::ffff:192.0.2.7", "ip", "192.0.2.7"),
        ("192.0.2.0/24", "cidr", "192.0.2.0/24"),
        ("192.0.2.7/32", "ip", "192.0.2.7"),
    ],
)
async def test_a_target_is_made_canonical(
    client: AsyncClient, admin: Member, typed: str, type_: str, value: str
) -> None:
    response = await _create(client, admin, target_value=typed)

    body = response.json()
    assert response.status_code == 201
    assert (body["target_type"], body["target_value"], body["name"]) == (type_, value, value)
    assert (body["tags"], body["is_active"], body["open_findings"]) == ([], True, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"target_value": "localhost"},
        {"target_value": "10.0.0.5/24"},
        {"target_value": "10.0.0.0/8"},
        {"target_value": "127.1"},
        {"target_value": "example.org", "target_type": "ip"},
        {"target_value": "example.org", "target_type": "host"},
        {"target_value": ""},
        {"target_value": "example.org", "name": ""},
        {"target_value": "example.org", "tags": ["x" * 65]},
        {"target_value": "example.org", "tags": [f"tag{n}" for n in range(51)]},
        {"target_value": "example.org", "is_active": None},
        {"name": "no target"},
        {"target_value": "exa\0mple.org"},
    ],
)
async def test_a_bad_asset_is_422_and_nothing_is_written(
    client: AsyncClient, admin: Member, body: dict[str, Any]
) -> None:
    response = await _create(client, admin, **body)
    listed = await client.get("/api/v1/assets", headers=admin.headers)

    assert response.status_code == 422
    assert isinstance(response.json()["detail"], str)
    assert listed.json()["total"] == 0


_FORBIDDEN = (
    *("10.0.0.5", "192.168.0.0/24", "169.254.169.254", "fe80::1", "fd00::/112", "224.0.0.1"),
    *("::ffff:10.0.0.5", "64:ff9b::a00:5", "100.64.0.1", "0.0.0.0"),
)
"""The tests' operator allows 127.0.0.0/8 alone."""


@pytest.mark.parametrize("typed", _FORBIDDEN)
async def test_a_target_that_may_not_be_scanned_is_422_with_what_to_do(
    client: AsyncClient, admin: Member, typed: str
) -> None:
    """SSRF-2, SSRF-3."""
    asset = (await _create(client, admin, target_value="example.org")).json()
    created = await _create(client, admin, target_value=typed)
    changed = await client.patch(
        f"/api/v1/assets/{asset['id']}", json={"target_value": typed}, headers=admin.headers
    )

    for response in (created, changed):
        assert response.status_code == 422
        detail = response.json()["detail"]
        assert "NIS2_SCAN_ALLOWED_NETWORKS" in detail or "never scanned" in detail


async def test_a_network_that_the_operator_allows_is_taken(
    client: AsyncClient, admin: Member
) -> None:
    response = await _create(client, admin, target_value="127.9.0.0/24")

    assert response.status_code == 201


async def test_the_same_target_twice_is_409_and_names_the_first(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    first = await _create(client, admin, target_value="example.org")
    again = await _create(client, admin, target_value="EXAMPLE.org.")
    elsewhere = await _create(client, stranger, target_value="example.org")

    assert (again.status_code, again.json()["code"]) == (409, "asset_exists")
    assert again.json()["errors"][0]["existing_id"] == first.json()["id"]
    assert elsewhere.status_code == 201


async def test_a_list_is_filtered_paged_and_newest_first(
    client: AsyncClient, admin: Member
) -> None:
    for number in range(5):
        await _create(
            client, admin, target_value=f"host{number}.example", tags=["Web", f"n{number}"]
        )
    await _create(client, admin, target_value="192.0.2.1")

    async def names(query: str) -> tuple[list[str], int]:
        body = (await client.get(f"/api/v1/assets?{query}", headers=admin.headers)).json()
        return [item["name"] for item in body["items"]], body["total"]

    assert await names("page_size=2") == (["192.0.2.1", "host4.example"], 6)
    assert await names("page=3&limit=2") == (["host1.example", "host0.example"], 6)
    assert await names("page=99") == ([], 6)
    assert await names("target_type=IP") == (["192.0.2.1"], 1)
    assert await names("q=HOST3") == (["host3.example"], 1)
    assert await names("q=%25") == ([], 0)
    assert await names("tag=Web&tag=n1") == (["host1.example"], 1)


@pytest.mark.parametrize("query", ["page=0", "page_size=101", "page=3000000000", "target_type=x"])
async def test_a_page_out_of_bounds_is_422(client: AsyncClient, admin: Member, query: str) -> None:
    response = await client.get(f"/api/v1/assets?{query}", headers=admin.headers)

    assert response.status_code == 422


async def test_a_patch_changes_only_what_was_given(client: AsyncClient, admin: Member) -> None:
    asset = (await _create(client, admin, target_value="example.org", tags=["a"])).json()
    url = f"/api/v1/assets/{asset['id']}"

    renamed = await client.patch(url, json={"name": "Shop"}, headers=admin.headers)
    moved = await client.patch(url, json={"target_value": "example.net"}, headers=admin.headers)
    empty = await client.patch(url, json={"unknown": 1}, headers=admin.headers)
    null = await client.patch(url, json={"name": None}, headers=admin.headers)

    assert (renamed.json()["name"], renamed.json()["tags"]) == ("Shop", ["a"])
    assert renamed.json()["updated_at"] > asset["updated_at"]
    assert moved.json()["target_value"] == "example.net"
    assert (empty.status_code, empty.json()["code"]) == (400, "nothing_to_update")
    assert null.status_code == 422


async def test_deleting_resolves_its_findings_and_frees_the_target(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    asset_id = (await _create(client, admin, target_value="example.org")).json()["id"]
    target = parse_target("example.org")
    await see(
        resources,
        admin,
        [at(target, "tls.cert.expired", Verdict.failed("ended"))],
        asset_id=UUID(asset_id),
    )
    url = f"/api/v1/assets/{asset_id}"

    counted = await client.get(url, headers=admin.headers)
    deleted = [(await client.delete(url, headers=admin.headers)).status_code for _ in range(2)]
    again = await _create(client, admin, target_value="example.org")
    findings = await client.get("/api/v1/findings", headers=admin.headers)

    assert counted.json()["open_findings"] == 1
    assert deleted == [204, 404]
    assert again.status_code == 201
    assert again.json()["id"] != asset_id
    (finding,) = findings.json()["items"]
    assert (finding["status"], finding["resolution_note"]) == ("resolved", "asset_removed")


@pytest.mark.parametrize("asset_id", ["garbage", "1", _UNKNOWN])
async def test_an_unknown_asset_is_404_and_garbage_is_422(
    client: AsyncClient, admin: Member, asset_id: str
) -> None:
    response = await client.get(f"/api/v1/assets/{asset_id}", headers=admin.headers)

    assert response.status_code == (404 if len(asset_id) == 36 else 422)
