"""The documented refusals, each with the request that earns it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

_UNKNOWN = str(UUID(int=7))
_NOBODY = {"email": "ada@example.com", "full_name": "A", "org_name": "B"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """``{…}`` in row and query are ids of the story, unless given here."""

    status: int
    row: str
    query: str = ""
    json: Any = None  # Any: a JSON body
    upload: bytes | None = None
    ids: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def files(self) -> dict[str, Any] | None:  # Any: httpx's own
        return {"file": ("a.csv", self.upload, "text/csv")} if self.upload is not None else None


_CRON = {"name": "N", "asset_ids": ["{asset_id}"]}

REFUSALS: list[Refusal] = [
    # 400: well-formed, but not acceptable.
    Refusal(400, "PATCH /auth/me", json={"unknown": 1}),
    Refusal(400, "POST /scans", json={"name": "S", "asset_ids": [_UNKNOWN]}),
    Refusal(400, "POST /scans/{scan_id}/cancel"),
    Refusal(400, "GET /scans/{scan_id}/compare/{pending_id}"),
    Refusal(400, "GET /findings", "?page=50000&page_size=100"),
    Refusal(400, "PATCH /findings/{finding_id}", json={}),
    Refusal(400, "PATCH /findings/{finding_id}", json={"assigned_to": _UNKNOWN}),
    Refusal(400, "PATCH /assets/{asset_id}", json={}),
    Refusal(400, "PATCH /assets/{asset_id}", json={"target_value": "other.example"}),
    Refusal(400, "POST /assets/import", upload=b""),
    Refusal(400, "POST /assets/import", upload=b"name,color\nx,red\n"),
    Refusal(400, "POST /schedules", json={**_CRON, "cron_expression": "99 99 * * *"}),
    Refusal(400, "PATCH /schedules/{schedule_id}", json={"cron_expression": "* * * * *"}),
    Refusal(400, "POST /reports/generate", "?scan_id={pending_id}"),
    Refusal(400, "PATCH /organizations/{org_id}", json={}),
    Refusal(400, "PATCH /organizations/{org_id}/members/{own_member_id}", "?role=viewer"),
    Refusal(400, "DELETE /organizations/{org_id}/members/{own_member_id}"),
    # 401 where a token was not needed, but something else is wrong.
    Refusal(401, "POST /auth/login", json={"email": "ada@example.com", "password": "wrong"}),
    Refusal(401, "POST /auth/login", json={"email": "no@example.com", "password": "wrong"}),
    Refusal(401, "POST /auth/refresh", json={"refresh_token": "no token of ours"}),
    # 404: absent.
    Refusal(404, "GET /scans/{scan_id}", ids={"scan_id": _UNKNOWN}),
    Refusal(404, "DELETE /scans/{scan_id}", ids={"scan_id": _UNKNOWN}),
    Refusal(404, "GET /scans/{scan_id}/results", ids={"scan_id": _UNKNOWN}),
    Refusal(404, "GET /scans/{scan_id}/findings", ids={"scan_id": _UNKNOWN}),
    Refusal(404, "POST /scans/{scan_id}/cancel", ids={"scan_id": _UNKNOWN}),
    Refusal(404, "GET /scans/{scan_id}/compare/{other_id}", ids={"other_id": _UNKNOWN}),
    Refusal(404, "GET /findings/{finding_id}", ids={"finding_id": _UNKNOWN}),
    Refusal(
        404, "PATCH /findings/{finding_id}", json={"status": "open"}, ids={"finding_id": _UNKNOWN}
    ),
    Refusal(404, "GET /assets/{asset_id}", ids={"asset_id": _UNKNOWN}),
    Refusal(404, "PATCH /assets/{asset_id}", json={"name": "x"}, ids={"asset_id": _UNKNOWN}),
    Refusal(404, "DELETE /assets/{asset_id}", ids={"asset_id": _UNKNOWN}),
    Refusal(
        404,
        "PATCH /schedules/{schedule_id}",
        json={"is_active": True},
        ids={"schedule_id": _UNKNOWN},
    ),
    Refusal(404, "DELETE /schedules/{schedule_id}", ids={"schedule_id": _UNKNOWN}),
    Refusal(404, "POST /schedules/{schedule_id}/run", ids={"schedule_id": _UNKNOWN}),
    Refusal(404, "POST /reports/generate", f"?scan_id={_UNKNOWN}"),
    Refusal(404, "GET /reports/status/{task_id}", ids={"task_id": _UNKNOWN}),
    Refusal(404, "GET /reports/status/{task_id}", ids={"task_id": "garbage"}),
    Refusal(404, "GET /reports/download/{task_id}", ids={"task_id": _UNKNOWN}),
    Refusal(404, "GET /organizations/{org_id}", ids={"org_id": _UNKNOWN}),
    Refusal(404, "PATCH /organizations/{org_id}", json={"name": "x"}, ids={"org_id": _UNKNOWN}),
    Refusal(404, "GET /organizations/{org_id}/members", ids={"org_id": _UNKNOWN}),
    Refusal(
        404,
        "POST /organizations/{org_id}/members",
        json={"email": "x@example.com"},
        ids={"org_id": _UNKNOWN},
    ),
    Refusal(
        404,
        "PATCH /organizations/{org_id}/members/{member_id}",
        "?role=viewer",
        ids={"member_id": _UNKNOWN},
    ),
    Refusal(404, "DELETE /organizations/{org_id}/members/{member_id}", ids={"member_id": _UNKNOWN}),
    # 409: duplicates only.
    Refusal(409, "POST /auth/register", json={**_NOBODY, "password": "long enough for it"}),
    Refusal(409, "POST /assets", json={"target_value": "EXAMPLE.org."}),
    Refusal(409, "POST /organizations/{org_id}/members", json={"email": "bob@example.com"}),
    Refusal(409, "POST /organizations/{org_id}/members", json={"email": "ada@example.com"}),
    # 422: does not fit the schema.
    Refusal(422, "POST /auth/register", json={**_NOBODY, "password": "short"}),
    Refusal(422, "POST /auth/login", json={"email": "ada@example.com"}),
    Refusal(422, "POST /auth/refresh", json={"refresh_token": 7}),
    Refusal(422, "PATCH /auth/me", json={"full_name": None}),
    Refusal(422, "GET /scans", "?status=unknown"),
    Refusal(422, "GET /scans", "?page=0"),
    Refusal(422, "POST /scans", json={"name": "S", "asset_ids": []}),
    Refusal(422, "GET /scans/{scan_id}", ids={"scan_id": "garbage"}),
    Refusal(422, "DELETE /scans/{scan_id}", ids={"scan_id": "garbage"}),
    Refusal(422, "GET /scans/{scan_id}/results", "?page_size=101"),
    Refusal(422, "GET /scans/{scan_id}/findings", "?page=2147483648"),
    Refusal(422, "GET /scans/{scan_id}/compare/{other_id}", ids={"other_id": "garbage"}),
    Refusal(422, "POST /scans/{scan_id}/cancel", ids={"scan_id": "garbage"}),
    Refusal(422, "GET /findings", "?severity=urgent"),
    Refusal(422, "GET /findings/stats", "?status=unknown"),
    Refusal(422, "GET /findings/{finding_id}", ids={"finding_id": "garbage"}),
    Refusal(422, "PATCH /findings/{finding_id}", json={"status": None}),
    Refusal(422, "POST /findings/bulk-update", json={"finding_ids": [], "status": "open"}),
    Refusal(422, "POST /findings/bulk-update", json={"finding_ids": [_UNKNOWN]}),
    Refusal(422, "GET /assets", "?target_type=planet"),
    Refusal(422, "POST /assets", json={"target_value": "127.0.0.1/8"}),
    Refusal(422, "POST /assets", json={"name": "no target"}),
    Refusal(422, "PATCH /assets/{asset_id}", json={"name": None}),
    Refusal(422, "GET /assets/{asset_id}", ids={"asset_id": "garbage"}),
    Refusal(422, "DELETE /assets/{asset_id}", ids={"asset_id": "garbage"}),
    Refusal(415, "POST /assets/import"),
    Refusal(422, "POST /assets/import", "?on_conflict=explode", upload=b"target_value\n"),
    Refusal(422, "POST /schedules", json={**_CRON, "cron_expression": "x"}),
    Refusal(422, "PATCH /schedules/{schedule_id}", json={"name": None}),
    Refusal(422, "DELETE /schedules/{schedule_id}", ids={"schedule_id": "garbage"}),
    Refusal(422, "POST /schedules/{schedule_id}/run", ids={"schedule_id": "garbage"}),
    Refusal(422, "POST /reports/generate"),
    Refusal(422, "POST /reports/generate", "?scan_id={scan_id}&format=docx"),
    Refusal(422, "GET /organizations/{org_id}", ids={"org_id": "garbage"}),
    Refusal(422, "PATCH /organizations/{org_id}", json={"name": ""}),
    Refusal(422, "GET /organizations/{org_id}/members", ids={"org_id": "garbage"}),
    Refusal(422, "POST /organizations/{org_id}/members", json={"email": "no address"}),
    Refusal(422, "PATCH /organizations/{org_id}/members/{member_id}", "?role=owner"),
    Refusal(
        422, "DELETE /organizations/{org_id}/members/{member_id}", ids={"member_id": "garbage"}
    ),
]

# Rows that a viewer may not use, whatever they send.
FORBIDDEN = (
    "POST /scans",
    "DELETE /scans/{scan_id}",
    "POST /scans/{scan_id}/cancel",
    "PATCH /findings/{finding_id}",
    "POST /findings/bulk-update",
    "POST /assets",
    "PATCH /assets/{asset_id}",
    "DELETE /assets/{asset_id}",
    "POST /assets/import",
    "POST /schedules",
    "PATCH /schedules/{schedule_id}",
    "DELETE /schedules/{schedule_id}",
    "POST /schedules/{schedule_id}/run",
    "PATCH /organizations/{org_id}",
    "POST /organizations/{org_id}/members",
    "PATCH /organizations/{org_id}/members/{member_id}",
    "DELETE /organizations/{org_id}/members/{member_id}",
)
