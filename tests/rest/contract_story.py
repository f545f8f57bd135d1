"""One organization's life, told through every documented row: what each answered."""

from dataclasses import dataclass, field
from json import dumps
from typing import Any
from uuid import UUID

from httpx2 import AsyncClient, Response

from services.scanner.check import CheckResult, Verdict
from services.scanner.target import Target
from tests.conftest import RunJobs
from tests.members import PASSWORD, Member
from tests.rest.contract_errors import Refusal
from tests.scanners import StubScanner, at

Json = Any  # any JSON value

_CSV = b"target_value,name\nimported.example.org,Imported\nnot a target,Bad\n"


def _with_problems(target: Target) -> list[CheckResult]:
    return [
        at(target, "tls.cert.expired", Verdict.failed("ended yesterday")),
        at(target, "tls.protocol.tls10", Verdict.failed("TLS 1.0 is accepted")),
    ]


def _with_other_problems(target: Target) -> list[CheckResult]:
    return [
        at(target, "tls.cert.expired", Verdict.passed("in date")),
        at(target, "tls.protocol.tls10", Verdict.failed("TLS 1.0 is accepted")),
        at(target, "tls.protocol.no_tls13", Verdict.failed("no TLS 1.3")),
    ]


@dataclass
class Story:
    """Answers by row; ``ids`` are what a later chapter needs of an earlier one."""

    client: AsyncClient
    run_jobs: RunJobs
    answers: dict[str, Response] = field(default_factory=dict[str, Response])
    ids: dict[str, str] = field(default_factory=dict[str, str])

    async def ask(
        self, row: str, *, query: str = "", json: Json = None, files: Json = None
    ) -> Json:
        """Ask a row, with the ids of the story in its path; gives back the JSON."""
        method, _, path = row.partition(" ")
        url = f"/api/v1{path.format_map(self.ids)}{query}"
        response = await self.client.request(method, url, json=json, files=files)
        assert response.is_success, (row, response.status_code, response.text)
        self.answers[row] = response
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return response.json() if is_json and response.content else None

    async def tell(self) -> None:
        """From registering to deleting; every row at least once."""
        await self.begin()
        await self._tidy_up()

    async def begin(self) -> None:
        """All but the end: everything is there."""
        await self._sign_in()
        await self._watch()
        await self._scan()
        await self._judge()
        await self._schedule()
        await self._report()
        await self._invite()

    async def _sign_in(self) -> None:
        await self.ask(
            "POST /auth/register",
            json={
                "email": "ada@example.com",
                "password": PASSWORD,
                "full_name": "Ada Lovelace",
                "org_name": "Acme",
            },
        )
        await self.ask("POST /auth/login", json={"email": "ada@example.com", "password": PASSWORD})
        refresh_token = self.answers["POST /auth/login"].json()["refresh_token"]
        tokens = await self.ask("POST /auth/refresh", json={"refresh_token": refresh_token})
        self.client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        self.ids["org_id"] = tokens["org_id"]
        await self.ask("GET /auth/me")
        await self.ask("PATCH /auth/me", json={"full_name": "Ada King"})

    async def _watch(self) -> None:
        body = {"name": "Site", "target_type": "domain", "target_value": "example.org"}
        asset = await self.ask("POST /assets", json={**body, "tags": ["web"]})
        self.ids["asset_id"] = asset["id"]
        await self.ask("GET /assets")
        await self.ask("GET /assets/{asset_id}")
        await self.ask("PATCH /assets/{asset_id}", json={"name": "Web site"})
        await self.ask("POST /assets/import", files={"file": ("assets.csv", _CSV, "text/csv")})

    async def _scan(self) -> None:
        self.ids["other_id"] = await self._completed(StubScanner(_with_problems))
        self.ids["scan_id"] = await self._completed(StubScanner(_with_other_problems))
        await self.ask("GET /scans")
        await self.ask("GET /scans/{scan_id}")
        await self.ask("GET /scans/{scan_id}/results")
        await self.ask("GET /scans/{scan_id}/findings")
        await self.ask("GET /scans/{scan_id}/compare/{other_id}")

    async def _completed(self, scanner: StubScanner) -> str:
        asset_ids = [self.ids["asset_id"]]
        scan = await self.ask("POST /scans", json={"name": "Scan", "asset_ids": asset_ids})
        await self.run_jobs(scanner)
        return scan["id"]

    async def _judge(self) -> None:
        findings = await self.ask("GET /findings")
        self.ids["finding_id"] = findings["items"][0]["id"]
        await self.ask("GET /findings/stats")
        await self.ask("GET /findings/{finding_id}")
        await self.ask(
            "PATCH /findings/{finding_id}",
            json={"status": "acknowledged", "resolution_note": "Known"},
        )
        finding_ids = [finding["id"] for finding in findings["items"]]
        await self.ask(
            "POST /findings/bulk-update",
            json={"finding_ids": finding_ids, "status": "in_progress"},
        )

    async def _schedule(self) -> None:
        body = {"name": "Nightly", "cron_expression": "30 2 * * *"}
        asset_ids = [self.ids["asset_id"]]
        schedule = await self.ask("POST /schedules", json={**body, "asset_ids": asset_ids})
        self.ids["schedule_id"] = schedule["id"]
        await self.ask("GET /schedules")
        await self.ask("PATCH /schedules/{schedule_id}", json={"is_active": False})
        run = await self.ask("POST /schedules/{schedule_id}/run")
        # Nobody has worked on it yet.
        current, self.ids["scan_id"] = self.ids["scan_id"], run["scan_id"]
        await self.ask("POST /scans/{scan_id}/cancel")
        self.ids["scan_id"] = current

    async def _report(self) -> None:
        query = f"?scan_id={self.ids['scan_id']}&format=csv"
        ticket = await self.ask("POST /reports/generate", query=query)
        self.ids["task_id"] = ticket["task_id"]
        await self.run_jobs(StubScanner())
        await self.ask("GET /reports/status/{task_id}")
        await self.ask("GET /reports/download/{task_id}")

    async def _invite(self) -> None:
        await self.ask("GET /organizations")
        await self.ask("GET /organizations/{org_id}")
        await self.ask("PATCH /organizations/{org_id}", json={"name": "Acme Europe"})
        invited = await self.ask(
            "POST /organizations/{org_id}/members", json={"email": "bob@example.com"}
        )
        self.ids["member_id"] = invited["id"]
        await self.ask("GET /organizations/{org_id}/members")
        await self.ask("PATCH /organizations/{org_id}/members/{member_id}", query="?role=auditor")

    async def _tidy_up(self) -> None:
        await self.ask("DELETE /organizations/{org_id}/members/{member_id}")
        await self.ask("DELETE /schedules/{schedule_id}")
        await self.ask("DELETE /scans/{scan_id}")
        await self.ask("DELETE /assets/{asset_id}")
        await self.ask("GET /health")
        await self.ask("GET /health/ready")

    async def add_what_refusals_need(self) -> None:
        """A scan that nobody works on, and the only admin's membership."""
        members = await self.ask("GET /organizations/{org_id}/members")
        self.ids["own_member_id"] = next(each["id"] for each in members if each["user"])
        asset_ids = [self.ids["asset_id"]]
        scan = await self.ask("POST /scans", json={"name": "Next", "asset_ids": asset_ids})
        self.ids["pending_id"] = scan["id"]

    async def refused(self, refusal: Refusal) -> Response:
        method, _, path = refusal.row.partition(" ")
        ids = {**self.ids, **refusal.ids}
        url = f"/api/v1{(path + refusal.query).format_map(ids)}"
        body = dumps(refusal.json).replace('"{asset_id}"', f'"{self.ids["asset_id"]}"')
        request: dict[str, Any] = {"files": refusal.files}  # Any: httpx's own
        if refusal.json is not None:
            request = {"content": body, "headers": {"Content-Type": "application/json"}}
        return await self.client.request(method, url, **request)

    @property
    def member(self) -> Member:
        """The admin of the story."""
        tokens = self.answers["POST /auth/refresh"].json()
        return Member(
            user_id=UUID(tokens["user"]["id"]),
            organization_id=UUID(tokens["org_id"]),
            email=tokens["user"]["email"],
            access_token=tokens["access_token"],
            refresh_token=tokens["refresh_token"],
        )
