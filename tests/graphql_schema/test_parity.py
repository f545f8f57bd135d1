"""Both doors lead to the same use cases: each row is asked by REST and by GraphQL.

Two organizations with the same content; one is asked by REST, the other by GraphQL, and what the
two answer must be the same. A REST operation without a row, or a reason in ``_REST_ONLY``, fails.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from string import Template
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update

from graphql_schema.ids import Kind, global_id, parse_global_id
from services.actor import Role
from services.database import utcnow
from services.organizations import Invitation, Membership
from services.resources import Resources
from services.users import User
from tests.graphql_schema.asking import Answer, ask, problems
from tests.members import Member, register
from tests.seeing import see

_SIGNS_IN = "gives out tokens or takes passwords: by aliases a mutation would guess many at once"
_IS_A_FILE = "moves a file"
_UNMADE = "0" * 64
"""A hash that no report has."""
_IS_FOR_MACHINES = "is asked by load balancers, without a user"
_IS_A_STREAM = "is a stream: the subscriptions scanProgress and scanCompleted"
_REST_ONLY = {
    "POST /auth/register": _SIGNS_IN,
    "POST /auth/login": _SIGNS_IN,
    "POST /auth/refresh": _SIGNS_IN,
    "POST /auth/logout": _SIGNS_IN,
    "POST /auth/switch-org": _SIGNS_IN,
    "POST /auth/forgot-password": _SIGNS_IN,
    "POST /auth/reset-password": _SIGNS_IN,
    "POST /auth/change-password": _SIGNS_IN,
    "POST /assets/import": _IS_A_FILE,
    "GET /assets/export": _IS_A_FILE,
    "GET /reports/download/{task_id}": _IS_A_FILE,
    "GET /reports/schema": _IS_A_FILE,
    "GET /audit-log/export": _IS_A_FILE,
    "GET /health": _IS_FOR_MACHINES,
    "GET /health/ready": _IS_FOR_MACHINES,
    "GET /scans/{scan_id}/events": _IS_A_STREAM,
}


@dataclass(frozen=True, slots=True)
class Twin:
    """One use case. ``$name`` in paths, bodies and documents is the world's thing of that name."""

    rest: str
    graphql: str
    picks: tuple[Callable[[Any], object], Callable[[Any], object]]  # Any: JSON
    """What is compared: of REST's answer, and of GraphQL's data."""
    body: dict[str, Any] | None = None


def _at(*path: str | int) -> Callable[[Any], object]:
    def pick(answer: Any) -> object:  # noqa: ANN401 - JSON
        for step in path:
            answer = answer[step]
        return answer.lower() if isinstance(answer, str) else answer

    return pick


def _each(member: str, *path: str) -> Callable[[Any], object]:
    def pick(answer: Any) -> object:  # noqa: ANN401 - JSON
        for step in path:
            answer = answer[step]
        return [str(item[member]).lower() for item in answer]

    return pick


def _is_empty(_answer: object) -> object:
    return None


_TWINS = {
    "the caller": Twin(
        "GET /auth/me",
        "{ viewer { user { fullName } permissions } }",
        (_at("full_name"), _at("viewer", "user", "fullName")),
    ),
    "change the profile": Twin(
        "PATCH /auth/me",
        'mutation { updateViewer(input: {fullName: "Grace"}) {'
        " viewer { user { fullName } } errors { message } } }",
        (_at("full_name"), _at("updateViewer", "viewer", "user", "fullName")),
        {"full_name": "Grace"},
    ),
    "list organizations": Twin(
        "GET /organizations",
        "{ organizations { nodes { plan } } }",
        (_each("plan"), _each("plan", "organizations", "nodes")),
    ),
    "found an organization": Twin(
        "POST /organizations",
        'mutation { createOrganization(input: {name: "Second"}) {'
        " organization { name } errors { message } } }",
        (_at("name"), _at("createOrganization", "organization", "name")),
        {"name": "Second"},
    ),
    "one organization": Twin(
        "GET /organizations/$organization",
        '{ organization(id: "$organization_id") { role } }',
        (_at("role"), _at("organization", "role")),
    ),
    "change an organization": Twin(
        "PATCH /organizations/$organization",
        'mutation { updateOrganization(input: {settings: {locale: "it"}}) {'
        " organization { settings } errors { message } } }",
        (
            _at("settings", "locale"),
            _at("updateOrganization", "organization", "settings", "locale"),
        ),
        {"settings": {"locale": "it"}},
    ),
    "list API keys": Twin(
        "GET /api-keys",
        "{ apiKeys { name } }",
        (_each("name"), _each("name", "apiKeys")),
    ),
    "make an API key": Twin(
        "POST /api-keys",
        'mutation { createApiKey(input: {name: "CI", scopes: [SCANS_READ]}) {'
        " apiKey { name } errors { message } } }",
        (_at("name"), _at("createApiKey", "apiKey", "name")),
        {"name": "CI", "scopes": ["scans:read"]},
    ),
    "revoke an API key": Twin(
        "DELETE /api-keys/$api_key",
        'mutation { revokeApiKey(input: {id: "$api_key"}) { errors { message } } }',
        (_is_empty, _is_empty),
    ),
    "the audit log": Twin(
        "GET /audit-log",
        "{ auditLog { nodes { action } } }",
        (_each("action", "items"), _each("action", "auditLog", "nodes")),
    ),
    "list members": Twin(
        "GET /organizations/$organization/members",
        "{ members { status } }",
        (_each("status"), _each("status", "members")),
    ),
    "invite": Twin(
        "POST /organizations/$organization/members",
        'mutation { inviteMember(input: {email: "new@example.com", role: AUDITOR}) {'
        " member { email role status } errors { message } } }",
        (_at("email"), _at("inviteMember", "member", "email")),
        {"email": "new@example.com", "role": "auditor"},
    ),
    "renew an invitation": Twin(
        "POST /organizations/$organization/members/$invitation/resend",
        'mutation { resendInvitation(input: {id: "$invitation"}) {'
        " member { status } errors { message } } }",
        (_at("status"), _at("resendInvitation", "member", "status")),
    ),
    "change a role": Twin(
        "PATCH /organizations/$organization/members/$colleague",
        'mutation { updateMemberRole(input: {id: "$colleague", role: AUDITOR}) {'
        " member { role } errors { message } } }",
        (_at("role"), _at("updateMemberRole", "member", "role")),
        {"role": "auditor"},
    ),
    "remove a member": Twin(
        "DELETE /organizations/$organization/members/$colleague",
        'mutation { removeMember(input: {id: "$colleague"}) {'
        " deletedMemberId errors { message } } }",
        (_is_empty, _is_empty),
    ),
    "accept an invitation": Twin(
        "POST /invitations/accept",
        'mutation { acceptInvitation(input: {invitationId: "$offer"}) {'
        " organization { role } errors { message } } }",
        (_at("role"), _at("acceptInvitation", "organization", "role")),
        {"invitation_id": "$offer"},
    ),
    "list assets": Twin(
        "GET /assets",
        "{ assets { nodes { targetValue } } }",
        (_each("target_value", "items"), _each("targetValue", "assets", "nodes")),
    ),
    "add an asset": Twin(
        "POST /assets",
        'mutation { createAsset(input: {targetValue: "new.example.org"}) {'
        " asset { targetType } errors { message } } }",
        (_at("target_type"), _at("createAsset", "asset", "targetType")),
        {"target_value": "new.example.org"},
    ),
    "one asset": Twin(
        "GET /assets/$asset",
        '{ asset(id: "$asset") { targetValue } }',
        (_at("target_value"), _at("asset", "targetValue")),
    ),
    "change an asset": Twin(
        "PATCH /assets/$asset",
        'mutation { updateAsset(input: {id: "$asset", criticality: HIGH}) {'
        " asset { criticality } errors { message } } }",
        (_at("criticality"), _at("updateAsset", "asset", "criticality")),
        {"criticality": "high"},
    ),
    "delete an asset": Twin(
        "DELETE /assets/$asset",
        'mutation { deleteAsset(input: {id: "$asset"}) { deletedAssetId errors { message } } }',
        (_is_empty, _is_empty),
    ),
    "list scans": Twin(
        "GET /scans",
        "{ scans { nodes { status } } }",
        (_each("status", "items"), _each("status", "scans", "nodes")),
    ),
    "start a scan": Twin(
        "POST /scans",
        'mutation { createScan(input: {assetIds: ["$asset"]}) {'
        " scan { status } errors { message } } }",
        (_at("status"), _at("createScan", "scan", "status")),
        {"asset_ids": ["$asset"]},
    ),
    "one scan": Twin(
        "GET /scans/$scan",
        '{ scan(id: "$scan") { status } }',
        (_at("status"), _at("scan", "status")),
    ),
    "results of a scan": Twin(
        "GET /scans/$scan/results",
        '{ scan(id: "$scan") { results { nodes { target } } } }',
        (_each("target", "items"), _each("target", "scan", "results", "nodes")),
    ),
    "findings of a scan": Twin(
        "GET /scans/$scan/findings",
        '{ scan(id: "$scan") { findings { nodes { checkId } } } }',
        (_each("check_id", "items"), _each("checkId", "scan", "findings", "nodes")),
    ),
    "stop a scan": Twin(
        "POST /scans/$pending/cancel",
        'mutation { cancelScan(input: {id: "$pending"}) { scan { status } errors { message } } }',
        (_at("status"), _at("cancelScan", "scan", "status")),
    ),
    "delete a scan": Twin(
        "DELETE /scans/$scan",
        'mutation { deleteScan(input: {id: "$scan"}) { deletedScanId errors { message } } }',
        (_is_empty, _is_empty),
    ),
    "compare scans": Twin(
        "GET /scans/$scan/compare/$earlier",
        '{ compareScans(scanId: "$scan", baselineId: "$earlier") {'
        " new { count findings { checkId } } persistentCount } }",
        (_at("summary", "new"), _at("compareScans", "new", "count")),
    ),
    "list findings": Twin(
        "GET /findings",
        "{ findings { nodes { target } } }",
        (_each("target", "items"), _each("target", "findings", "nodes")),
    ),
    "count findings": Twin(
        "GET /findings/stats",
        "{ findingStats { total } }",
        (_at("total"), _at("findingStats", "total")),
    ),
    "one finding": Twin(
        "GET /findings/$finding",
        '{ finding(id: "$finding") { severity } }',
        (_at("severity"), _at("finding", "severity")),
    ),
    "change a finding": Twin(
        "PATCH /findings/$finding",
        'mutation { updateFinding(input: {id: "$finding", status: ACKNOWLEDGED}) {'
        " finding { status } errors { message } } }",
        (_at("status"), _at("updateFinding", "finding", "status")),
        {"status": "acknowledged"},
    ),
    "change many findings": Twin(
        "POST /findings/bulk-update",
        'mutation { bulkUpdateFindings(input: {ids: ["$finding"], status: RESOLVED}) {'
        " updatedCount errors { message } } }",
        (_at("updated"), _at("bulkUpdateFindings", "updatedCount")),
        {"finding_ids": ["$finding"], "status": "resolved"},
    ),
    "history of a finding": Twin(
        "GET /findings/$finding/history",
        '{ findingHistory(id: "$finding") { nodes { kind } } }',
        (_each("kind", "items"), _each("kind", "findingHistory", "nodes")),
    ),
    "comments on a finding": Twin(
        "GET /findings/$finding/comments",
        '{ findingComments(id: "$finding") { nodes { text } } }',
        (_each("text", "items"), _each("text", "findingComments", "nodes")),
    ),
    "comment on a finding": Twin(
        "POST /findings/$finding/comments",
        'mutation { commentOnFinding(input: {id: "$finding", text: "Ours"}) {'
        " comment { text } errors { message } } }",
        (_at("text"), _at("commentOnFinding", "comment", "text")),
        {"text": "Ours"},
    ),
    "posture": Twin(
        "GET /compliance",
        "{ compliancePosture { unresolved letters { letter status } } }",
        (_each("status", "letters"), _each("status", "compliancePosture", "letters")),
    ),
    "a letter": Twin(
        "GET /compliance/letters/$letter",
        '{ complianceLetter(letter: "$letter") { points { point } } }',
        (_each("point", "points"), _each("point", "complianceLetter", "points")),
    ),
    "a point": Twin(
        "GET /compliance/points/$point",
        '{ compliancePoint(point: "$point") { heading } }',
        (_at("heading"), _at("compliancePoint", "heading")),
    ),
    "list attestations": Twin(
        "GET /compliance/attestations",
        "{ attestations { nodes { statement } } }",
        (_each("statement", "items"), _each("statement", "attestations", "nodes")),
    ),
    "attest": Twin(
        "POST /compliance/attestations",
        'mutation { attest(input: {subject: "1.1", statement: "Signed"}) {'
        " attestation { subject statement } errors { message } } }",
        (_at("statement"), _at("attest", "attestation", "statement")),
        {"subject": "1.1", "statement": "Signed"},
    ),
    "withdraw an attestation": Twin(
        "DELETE /compliance/attestations/$attestation",
        'mutation { withdrawAttestation(input: {id: "$attestation"}) {'
        " withdrawnAttestationId errors { message } } }",
        (_is_empty, _is_empty),
    ),
    "trends": Twin(
        "GET /stats/trends?from=2026-01-01&to=2026-01-03",
        '{ findingTrend(firstDay: "2026-01-01", lastDay: "2026-01-03") { days { date } } }',
        (_each("date", "days"), _each("date", "findingTrend", "days")),
    ),
    "findings of an asset": Twin(
        "GET /assets/$asset/findings",
        '{ asset(id: "$asset") { findings { totalCount } } }',
        (_at("total"), _at("asset", "findings", "totalCount")),
    ),
    "list schedules": Twin(
        "GET /schedules",
        "{ schedules { name } }",
        (lambda answer: [each["name"].lower() for each in answer], _each("name", "schedules")),
    ),
    "add a schedule": Twin(
        "POST /schedules",
        'mutation { createSchedule(input: {name: "N", cronExpression: "@daily",'
        ' assetIds: ["$asset"]}) { schedule { cronExpression } errors { message } } }',
        (_at("cron_expression"), _at("createSchedule", "schedule", "cronExpression")),
        {"name": "N", "cron_expression": "@daily", "asset_ids": ["$asset"]},
    ),
    "change a schedule": Twin(
        "PATCH /schedules/$schedule",
        'mutation { updateSchedule(input: {id: "$schedule", isActive: false}) {'
        " schedule { isActive } errors { message } } }",
        (_at("is_active"), _at("updateSchedule", "schedule", "isActive")),
        {"is_active": False},
    ),
    "delete a schedule": Twin(
        "DELETE /schedules/$schedule",
        'mutation { deleteSchedule(input: {id: "$schedule"}) {'
        " deletedScheduleId errors { message } } }",
        (_is_empty, _is_empty),
    ),
    "run a schedule": Twin(
        "POST /schedules/$schedule/run",
        'mutation { runSchedule(input: {id: "$schedule"}) { scan { status } errors { message } } }',
        (_is_empty, _is_empty),
    ),
    "ask for a report": Twin(
        "POST /reports/generate",
        'mutation { generateReport(input: {scanId: "$scan", format: CSV}) {'
        " report { format } errors { message } } }",
        (_at("format"), _at("generateReport", "report", "format")),
        {"scan_id": "$scan", "format": "csv"},
    ),
    "ask whether a file is genuine": Twin(
        f"GET /reports/verify/{'0' * 64}",
        f'{{ verifyReport(sha256: "{"0" * 64}") {{ id }} }}',
        (_at("task_id"), _at("verifyReport")),
    ),
    "follow a report": Twin(
        "GET /reports/status/$report",
        '{ report(id: "$report") { status } }',
        (_at("status"), _at("report", "status")),
    ),
}


async def _world(client: AsyncClient, resources: Resources, email: str) -> tuple[Member, Answer]:
    """An admin, and the names of everything in their organization."""
    member = await register(client, email)
    colleague = await register(client, f"colleague.{email}", organization="Own")

    async def post(path: str, **body: object) -> Answer:
        response = await client.post(f"/api/v1{path}", json=body, headers=member.headers)
        assert response.is_success, response.text
        return response.json()

    asset = (await post("/assets", target_value="example.org"))["id"]
    spare = (await post("/assets", target_value="spare.example.org"))["id"]
    earlier = await see(resources, member, problems(1))
    scan = await see(resources, member, problems(2), asset_id=UUID(asset))
    pending = await post("/scans", asset_ids=[spare])
    schedule = await post("/schedules", name="S", cron_expression="@daily", asset_ids=[asset])
    report = await post(f"/reports/generate?scan_id={scan}&format=json")
    members = f"/organizations/{member.organization_id}/members"
    invitation = await post(members, email=f"invited.{email}")
    api_key = await post("/api-keys", name="CI", scopes=["scans:read"])
    findings = await client.get("/api/v1/findings", headers=member.headers)
    finding = findings.json()["items"][0]["id"]
    await post(f"/findings/{finding}/comments", text="First")
    attestation = await post("/compliance/attestations", subject="4.1", statement="Exercised")
    membership, offer = await _join(resources, member, colleague)
    return member, {
        "organization": str(member.organization_id),
        "organization_id": global_id(Kind.ORGANIZATION, member.organization_id),
        "asset": asset,
        "earlier": str(earlier),
        "scan": str(scan),
        "pending": pending["id"],
        "schedule": schedule["id"],
        "report": report["task_id"],
        "invitation": invitation["id"],
        "api_key": api_key["id"],
        "colleague": str(membership),
        "offer": str(offer),
        "finding": finding,
        "attestation": attestation["id"],
        "letter": "h",
        "point": "9.2",
    }


async def _join(resources: Resources, member: Member, colleague: Member) -> tuple[UUID, UUID]:
    """The colleague's membership here, and an invitation of the member to the colleague's own."""
    async with resources.database.transaction(member.scope) as work:
        membership = Membership(
            organization_id=member.organization_id,
            user_id=colleague.user_id,
            role=Role.VIEWER,
            accepted_at=utcnow(),
        )
        work.session.add(membership)
        await work.session.execute(
            update(User).where(User.id == member.user_id).values(email_verified=True)
        )
    async with resources.database.transaction(colleague.scope) as work:
        invitation = Invitation(
            organization_id=colleague.organization_id,
            email=member.email,
            role=Role.VIEWER,
            invited_by=colleague.user_id,
            expires_at=utcnow() + timedelta(days=1),
            sent_at=utcnow(),
        )
        work.session.add(invitation)
    return membership.id, invitation.id


def _filled(text: str, world: Answer) -> str:
    return Template(text).substitute(world)


@pytest.mark.parametrize("name", _TWINS)
async def test_a_use_case_answers_the_same_through_both_doors(
    client: AsyncClient, resources: Resources, name: str
) -> None:
    twin = _TWINS[name]
    method, path = twin.rest.split()
    member, world = await _world(client, resources, "rest@example.com")
    response = await client.request(
        method,
        f"/api/v1{_filled(path, world)}",
        content=_filled(json.dumps(twin.body), world) if twin.body else None,
        headers=member.headers | {"Content-Type": "application/json"},
    )
    member, world = await _world(client, resources, "graphql@example.com")

    data = await ask(client, member, _filled(twin.graphql, world))

    assert response.is_success, response.text
    by_rest = twin.picks[0](response.json() if response.content else None)
    assert twin.picks[1](data) == by_rest
    assert [payload["errors"] for payload in data.values() if "errors" in (payload or ())] in (
        [],
        [[]],
    )


async def test_every_rest_operation_has_a_twin_or_a_reason(client: AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    documented = {
        f"{method.upper()} {_shape(path.removeprefix('/api/v1'))}"
        for path, operations in document["paths"].items()
        for method in operations
    }

    twins = {_shape(twin.rest) for twin in _TWINS.values()}
    reasons = {_shape(operation) for operation in _REST_ONLY}

    assert documented - twins - reasons == set()
    assert twins & reasons == set()


def _shape(path: str) -> str:
    parts = path.partition("?")[0].split("/")
    return "/".join("{}" if part[:1] in {"{", "$", "0"} else part for part in parts)


_REPEATABLE = {
    "createAsset": '{targetValue: "twice.example.org"KEY}) { asset { id }',
    "createScan": '{assetIds: ["$asset"]KEY}) { scan { id }',
    "generateReport": '{scanId: "$scan", format: CSVKEY}) { report { id }',
    "runSchedule": '{id: "$schedule"KEY}) { scan { id }',
}


@pytest.mark.parametrize("mutation", _REPEATABLE)
async def test_a_mutation_sent_twice_with_one_key_does_its_work_once(
    client: AsyncClient, resources: Resources, mutation: str
) -> None:
    member, world = await _world(client, resources, "ada@example.com")
    with_key = _filled(_REPEATABLE[mutation], world).replace("KEY", ', idempotencyKey: "one"')
    document = f"mutation {{ {mutation}(input: {with_key} errors {{ code path }} }} }}"

    first = (await ask(client, member, document))[mutation]
    again = (await ask(client, member, document))[mutation]
    other = await ask(
        client,
        member,
        'mutation { createAsset(input: {targetValue: "x.example.org", idempotencyKey: "one"}) {'
        " asset { id } errors { code } } }",
    )

    made = next(value for name, value in first.items() if name != "errors")
    assert first == again
    assert first["errors"] == []
    parse_global_id(made["id"])
    assert other["createAsset"]["errors"] == [{"code": "IDEMPOTENCY_KEY_REUSED"}]


async def test_a_key_that_is_none_is_refused(client: AsyncClient, admin: Member) -> None:
    data = await ask(
        client,
        admin,
        'mutation { createAsset(input: {targetValue: "a.example.org", idempotencyKey: "a b"}) {'
        " errors { code path } } }",
    )

    assert data["createAsset"]["errors"] == [
        {"code": "VALIDATION_FAILED", "path": ["input", "idempotencyKey"]}
    ]
