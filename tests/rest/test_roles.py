"""Every route that stands, for every kind of caller."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from services.actor import Role
from services.resources import Resources
from tests.members import Member, join

_UNKNOWN = str(uuid4())
_OWN = "{organization}"
_MEMBERS = f"/organizations/{_OWN}/members"
_VIEWERS = {Role.VIEWER, Role.AUDITOR, Role.ADMIN}
_AUDITORS = {Role.AUDITOR, Role.ADMIN}
_ADMINS = {Role.ADMIN}

# Method, path, body, and who may: the body does not fit or the row is not there, so whoever may
# gets anything but 401 and 403, and nobody else learns which.
_ROUTES: list[tuple[str, str, dict[str, Any] | None, set[Role]]] = [
    ("GET", "/auth/me", None, _VIEWERS),
    ("PATCH", "/auth/me", {}, _VIEWERS),
    ("POST", "/auth/switch-org", {}, _VIEWERS),
    ("POST", "/auth/change-password", {}, _VIEWERS),
    ("GET", "/scans", None, _VIEWERS),
    ("POST", "/scans", {}, _AUDITORS),
    ("GET", f"/scans/{_UNKNOWN}", None, _VIEWERS),
    ("DELETE", f"/scans/{_UNKNOWN}", None, _ADMINS),
    ("GET", f"/scans/{_UNKNOWN}/results", None, _VIEWERS),
    ("GET", f"/scans/{_UNKNOWN}/findings", None, _VIEWERS),
    ("POST", f"/scans/{_UNKNOWN}/cancel", None, _AUDITORS),
    ("GET", f"/scans/{_UNKNOWN}/compare/{_UNKNOWN}", None, _VIEWERS),
    ("GET", f"/scans/{_UNKNOWN}/events", None, _VIEWERS),
    ("GET", "/findings", None, _VIEWERS),
    ("GET", "/findings/stats", None, _VIEWERS),
    ("GET", f"/findings/{_UNKNOWN}", None, _VIEWERS),
    ("PATCH", f"/findings/{_UNKNOWN}", {"status": "open"}, _AUDITORS),
    ("POST", "/findings/bulk-update", {}, _AUDITORS),
    ("GET", f"/findings/{_UNKNOWN}/history", None, _VIEWERS),
    ("GET", f"/findings/{_UNKNOWN}/comments", None, _VIEWERS),
    ("POST", f"/findings/{_UNKNOWN}/comments", {}, _AUDITORS),
    ("GET", "/stats/trends", None, _VIEWERS),
    ("GET", "/compliance", None, _VIEWERS),
    ("GET", f"/compliance/letters/{_UNKNOWN}", None, _VIEWERS),
    ("GET", f"/compliance/points/{_UNKNOWN}", None, _VIEWERS),
    ("GET", "/compliance/attestations", None, _VIEWERS),
    ("POST", "/compliance/attestations", {}, _AUDITORS),
    ("DELETE", f"/compliance/attestations/{_UNKNOWN}", None, _AUDITORS),
    ("GET", "/assets", None, _VIEWERS),
    ("POST", "/assets", {}, _AUDITORS),
    ("POST", "/assets/import", {}, _AUDITORS),
    ("GET", "/assets/export", None, _VIEWERS),
    ("GET", f"/assets/{_UNKNOWN}", None, _VIEWERS),
    ("GET", f"/assets/{_UNKNOWN}/findings", None, _VIEWERS),
    ("PATCH", f"/assets/{_UNKNOWN}", {}, _AUDITORS),
    ("DELETE", f"/assets/{_UNKNOWN}", None, _AUDITORS),
    ("GET", "/schedules", None, _VIEWERS),
    ("POST", "/schedules", {}, _AUDITORS),
    ("PATCH", f"/schedules/{_UNKNOWN}", {}, _AUDITORS),
    ("DELETE", f"/schedules/{_UNKNOWN}", None, _AUDITORS),
    ("POST", f"/schedules/{_UNKNOWN}/run", None, _AUDITORS),
    ("POST", f"/reports/generate?scan_id={_UNKNOWN}", None, _VIEWERS),
    ("GET", f"/reports/status/{_UNKNOWN}", None, _VIEWERS),
    ("GET", f"/reports/download/{_UNKNOWN}", None, _VIEWERS),
    ("GET", f"/reports/verify/{'0' * 64}", None, _VIEWERS),
    ("GET", "/reports/schema", None, _VIEWERS),
    ("GET", "/organizations", None, _VIEWERS),
    ("GET", f"/organizations/{_UNKNOWN}", None, _VIEWERS),
    ("POST", "/organizations", {}, _VIEWERS),
    ("PATCH", f"/organizations/{_OWN}", {}, _ADMINS),
    ("GET", _MEMBERS, None, _VIEWERS),
    ("POST", _MEMBERS, {}, _ADMINS),
    ("PATCH", f"{_MEMBERS}/{_UNKNOWN}", {}, _ADMINS),
    ("DELETE", f"{_MEMBERS}/{_UNKNOWN}", None, _ADMINS),
    ("POST", f"{_MEMBERS}/{_UNKNOWN}/resend", None, _ADMINS),
    ("GET", "/api-keys", None, _AUDITORS),
    ("POST", "/api-keys", {}, _ADMINS),
    ("DELETE", f"/api-keys/{_UNKNOWN}", None, _ADMINS),
    ("GET", "/audit-log", None, _AUDITORS),
    ("GET", "/audit-log/export", None, _AUDITORS),
    ("POST", "/invitations/accept", {}, _VIEWERS),
]


def _shape(path: str) -> str:
    """The path of a row with ``{}`` for every id in it."""
    for each in (_UNKNOWN, _OWN, "0" * 64):
        path = path.replace(each, "{}")
    return path.partition("?")[0]


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_do_what_the_matrix_says(
    client: AsyncClient, resources: Resources, admin: Member, role: Role
) -> None:
    member = admin if role is Role.ADMIN else await join(client, resources, admin, role)

    for method, path, body, allowed in _ROUTES:
        url = f"/api/v1{path}".replace(_OWN, str(member.organization_id))
        response = await client.request(method, url, json=body, headers=member.headers)
        assert response.status_code < 500, (method, path, response.text)
        assert (response.status_code == 403) == (role not in allowed), (method, path, response.text)
        assert response.status_code != 401, (method, path)
        if response.is_error:
            assert isinstance(response.json()["detail"], str)
            assert response.json()["request_id"] == response.headers["X-Request-Id"]


async def test_without_a_token_every_guarded_route_is_401_before_it_reads_a_body(
    client: AsyncClient,
) -> None:
    for method, path, _, _ in _ROUTES:
        response = await client.request(
            method, f"/api/v1{path}", content=b"{not json", headers={"Content-Type": "text/plain"}
        )
        assert response.status_code == 401, (method, path)
        assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_every_route_of_the_application_is_in_the_table(client: AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    public = {
        "/auth/register",
        "/auth/login",
        "/auth/refresh",
        "/auth/logout",
        "/auth/forgot-password",
        "/auth/reset-password",
    }
    documented = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in document["paths"].items()
        for method in methods
        if path.removeprefix("/api/v1") not in public and "/health" not in path
    }
    listed = {(method, _shape(path)) for method, path, _, _ in _ROUTES}

    def shape(path: str) -> str:
        return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))

    assert {(method, shape(path)) for method, path in documented} == listed


async def test_a_stranger_finds_nothing(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    """TEN-6: a foreign id and an unknown one get the same answer, but for the request's id."""
    asset = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=admin.headers
    )
    scan = await client.post(
        "/api/v1/scans", json={"asset_ids": [asset.json()["id"]]}, headers=admin.headers
    )
    ids = {
        "/assets/{}": asset.json()["id"],
        "/scans/{}": scan.json()["id"],
        "/scans/{}/results": scan.json()["id"],
        "/scans/{}/findings": scan.json()["id"],
        "/organizations/{}": str(admin.organization_id),
        "/reports/status/{}": scan.json()["id"],
    }
    for path, foreign_id in ids.items():
        answers: list[dict[str, Any]] = []
        for subject in (foreign_id, str(uuid4())):
            response = await client.get(f"/api/v1{path.format(subject)}", headers=stranger.headers)
            assert response.status_code == 404, path
            answers.append({k: v for k, v in response.json().items() if k != "request_id"})
        assert answers[0] == answers[1], path


async def test_a_scan_of_a_foreign_asset_is_refused(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    """TEN-7."""
    asset = await client.post(
        "/api/v1/assets", json={"target_value": "example.org"}, headers=admin.headers
    )

    scan = await client.post(
        "/api/v1/scans", json={"asset_ids": [asset.json()["id"]]}, headers=stranger.headers
    )

    assert (scan.status_code, scan.json()["code"]) == (400, "asset_not_usable")
