"""The whole path with nothing replaced: API, Redis, worker, real sockets, report."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient
from pypdf import PdfReader

from services.scanner.engine import NetworkScanner, open_context
from services.settings import Settings
from tests.conftest import RunJobs
from tests.lab.certificates import Authority, in_days
from tests.lab.web_server import Site, html, serve_site, server_context
from tests.members import Member

_SITE = Site(
    pages={"/": html("<title>Shop</title>", ("Set-Cookie", "session=1; Path=/"))},
    headers=(("Server", "Apache/2.4.29"),),
)
_EXPECTED = {
    "http.csp.missing",
    "http.cookie.no_secure",
    "http.info.server_version",
    "tls.cert.expiring_soon",
    "tls.cert.untrusted",
    "net.port.open",
}


async def _json(client: AsyncClient, path: str, member: Member) -> dict[str, Any]:  # Any: JSON
    response = await client.get(f"/api/v1{path}", headers=member.headers)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
async def scan(
    client: AsyncClient, admin: Member, settings: Settings, run_jobs: RunJobs, tmp_path: Path
) -> dict[str, Any]:  # Any: JSON
    """A finished scan of a TLS server on port 8443 of a loopback address of its own."""
    identity = Authority.create("Unknown Root").issue(["shop.example"], not_after=in_days(5))
    async with (
        serve_site(
            _SITE, host="127.0.77.1", port=8443, ssl_context=server_context(identity, tmp_path)
        ),
        open_context(settings.probe_options(), settings.address_policy()) as context,
    ):
        asset = await client.post(
            "/api/v1/assets", json={"target_value": "127.0.77.1"}, headers=admin.headers
        )
        created = await client.post(
            "/api/v1/scans", json={"asset_ids": [asset.json()["id"]]}, headers=admin.headers
        )
        await run_jobs(NetworkScanner(context))
    return await _json(client, f"/scans/{created.json()['id']}", admin)


async def test_a_scan_of_a_faulty_server_finds_its_faults(
    client: AsyncClient, admin: Member, scan: dict[str, Any]
) -> None:
    findings = await _json(client, f"/scans/{scan['id']}/findings?page_size=100", admin)
    results = await _json(client, f"/scans/{scan['id']}/results", admin)

    ranks = [
        ["critical", "high", "medium", "low", "info"].index(f["severity"])
        for f in findings["items"]
    ]
    (result,) = results["items"]
    assert (scan["status"], scan["hosts_alive"]) == ("completed", 1)
    assert scan["score_lower"] <= scan["total_score"] < 65
    assert {finding["check_id"] for finding in findings["items"]} >= _EXPECTED
    assert ranks == sorted(ranks)
    assert result["open_ports"] == [8443]
    assert result["tls_info"]["8443"]["versions"]
    assert result["http_info"]["8443"]["status"] == 200


@pytest.mark.parametrize("format", ["pdf", "json", "csv", "html"])
async def test_a_report_is_made_and_downloaded(
    client: AsyncClient,
    admin: Member,
    stranger: Member,
    scan: dict[str, Any],
    run_jobs: RunJobs,
    settings: Settings,
    format: str,
) -> None:
    ticket = await client.post(
        f"/api/v1/reports/generate?scan_id={scan['id']}&format={format}", headers=admin.headers
    )
    twin = await client.post(
        "/api/v1/reports/generate",
        json={"scan_id": scan["id"], "format": format.upper()},
        headers=admin.headers,
    )
    task_id = ticket.json()["task_id"]
    early = await client.get(f"/api/v1/reports/download/{task_id}", headers=admin.headers)
    async with open_context(settings.probe_options(), settings.address_policy()) as context:
        await run_jobs(NetworkScanner(context))
    status = await _json(client, f"/reports/status/{task_id}", admin)
    file = await client.get(f"/api/v1/reports/download/{task_id}", headers=admin.headers)
    foreign = await client.get(f"/api/v1/reports/download/{task_id}", headers=stranger.headers)

    assert (ticket.status_code, ticket.json()["status"]) == (202, "queued")
    assert (twin.json()["task_id"], twin.json()["deduplicated"]) == (task_id, True)
    assert (early.status_code, early.json()["code"]) == (404, "report_not_ready")
    assert (status["status"], status["size"]) == ("success", len(file.content))
    assert status["filename"].endswith(f".{format}")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert foreign.status_code == 404
    _require_content(format, file.content)


def _require_content(format: str, content: bytes) -> None:
    if format == "pdf":
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
        assert "No path to a trusted root" in text
    elif format == "json":
        assert json.loads(content)["summary"]["hosts_alive"] == 1
    else:
        assert "http.csp.missing" in content.decode("utf-8-sig") or b"Content-Security" in content
