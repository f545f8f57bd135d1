"""Findings through the REST door."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from services.resources import Resources
from services.scanner.check import Severity, Verdict
from services.scanner.target import parse_target
from tests.members import Member
from tests.scanners import at
from tests.seeing import see


@pytest.fixture
async def findings(resources: Resources, admin: Member) -> None:
    """Three findings on two hosts: high and medium on one, low on the other."""
    first, second = parse_target("a.example"), parse_target("b.example")
    results = [
        at(first, "tls.cert.expired", Verdict.failed("ended yesterday")),
        at(first, "tls.protocol.tls10", Verdict.failed("TLS 1.0 accepted", evidence={"v": "1.0"})),
        at(second, "tls.protocol.no_tls13", Verdict.failed("no TLS 1.3", severity=Severity.LOW)),
    ]
    await see(resources, admin, results)


async def _list(
    client: AsyncClient, member: Member, query: str = ""
) -> dict[str, Any]:  # Any: JSON
    response = await client.get(f"/api/v1/findings?{query}", headers=member.headers)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.usefixtures("findings")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 3),
        ("severity=HIGH", 1),
        ("severity=high&severity=low", 2),
        ("status=open", 3),
        ("status=resolved", 0),
        ("category=TLS", 3),
        ("category=dns", 0),
        ("check_id=tls.cert.expired", 1),
        ("q=a.example", 2),
        ("q=yesterday", 1),
    ],
)
async def test_a_list_is_filtered(
    client: AsyncClient, admin: Member, query: str, expected: int
) -> None:
    assert (await _list(client, admin, query))["total"] == expected


@pytest.mark.usefixtures("findings")
async def test_a_finding_carries_what_its_check_says(client: AsyncClient, admin: Member) -> None:
    (finding,) = (await _list(client, admin, "check_id=tls.protocol.tls10"))["items"]

    assert finding["target"] == "a.example:443"
    assert finding["compliance_article"] == "Art. 21(2)(h)"
    assert finding["cvss_base_score"] == 4.8
    assert finding["remediation"]
    assert "RFC 8996" in finding["reference"]
    assert finding["technical_detail"] == "v: 1.0"


@pytest.mark.usefixtures("findings")
async def test_stats_count_each_problem_once(client: AsyncClient, admin: Member) -> None:
    response = await client.get("/api/v1/findings/stats", headers=admin.headers)

    body = response.json()
    assert (body["total"], body["high"], body["medium"], body["low"]) == (3, 1, 1, 1)
    assert (body["open"], body["resolved"], body["critical"]) == (3, 0, 0)
    assert body["matrix"]["high"]["open"] == 1


@pytest.mark.usefixtures("findings")
async def test_a_finding_goes_through_its_life(client: AsyncClient, admin: Member) -> None:
    finding = (await _list(client, admin))["items"][0]
    url = f"/api/v1/findings/{finding['id']}"

    async def patch(**body: object) -> dict[str, Any]:  # Any: JSON
        response = await client.patch(url, json=body, headers=admin.headers)
        assert response.status_code == 200, response.text
        return response.json()

    noted = await patch(resolution_note="looking into it")
    accepted = await patch(status="Accepted_Risk", assigned_to=str(admin.user_id))
    resolved = await patch(status="resolved")
    reopened = await patch(status="open")

    assert (noted["status"], noted["resolution_note"]) == ("open", "looking into it")
    assert accepted["accepted_until"] is not None
    assert accepted["assigned_to"] == str(admin.user_id)
    assert resolved["resolved_at"] is not None
    assert resolved["accepted_until"] is None
    assert reopened["resolved_at"] is None


@pytest.mark.usefixtures("findings")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"unknown": 1}, 400),
        ({"status": "closed"}, 422),
        ({"status": None}, 422),
        ({"assigned_to": "0190b1d0-0000-7000-8000-000000000000"}, 400),
        ({"assigned_to": None}, 200),
        ({"resolution_note": "x" * 10_001}, 422),
        ({"due_at": "2027-01-01T00:00:00"}, 422),
        ({"due_at": "2027-01-01T00:00:00Z"}, 200),
    ],
)
async def test_a_patch_refuses_what_cannot_be(
    client: AsyncClient, admin: Member, body: dict[str, Any], status: int
) -> None:
    finding = (await _list(client, admin))["items"][0]

    response = await client.patch(
        f"/api/v1/findings/{finding['id']}", json=body, headers=admin.headers
    )

    assert response.status_code == status, response.text


@pytest.mark.usefixtures("findings")
async def test_a_finding_of_another_organization_does_not_exist(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    finding = (await _list(client, admin))["items"][0]
    url = f"/api/v1/findings/{finding['id']}"

    read = await client.get(url, headers=stranger.headers)
    changed = await client.patch(url, json={"status": "resolved"}, headers=stranger.headers)

    assert (read.status_code, changed.status_code) == (404, 404)
    assert (await _list(client, stranger))["total"] == 0


@pytest.mark.parametrize("query", ["severity=urgent", "status=closed", "page=0", "asset_id=x"])
async def test_an_unknown_filter_value_is_422(
    client: AsyncClient, admin: Member, query: str
) -> None:
    response = await client.get(f"/api/v1/findings?{query}", headers=admin.headers)

    assert response.status_code == 422
