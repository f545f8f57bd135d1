"""Other people's GraphQL clients against a running gateway."""

import asyncio
import json
from pathlib import Path
from typing import Any

from services.resources import Resources
from services.scanner.check import CheckResult, Verdict
from services.scanner.target import Target
from tests.conftest import RunJobs
from tests.members import PASSWORD, Member
from tests.scanners import StubScanner, at

_PATIENCE_S = 90


async def _node(clients: Path, script: str, *arguments: str) -> tuple[int | None, str, str]:
    """Exit code and what a script of the clients' directory wrote."""
    process = await asyncio.create_subprocess_exec(
        "node",
        clients / script,
        *arguments,
        cwd=clients,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await process.communicate()
    return process.returncode, output.decode(), complaint.decode()


def _expired(target: Target) -> list[CheckResult]:
    verdict = Verdict.failed("ended yesterday")
    return [
        at(target, "tls.cert.expired", verdict),
        at(target, "tls.cert.expired", verdict, port=8443),
    ]


async def test_every_audit_of_graphql_http_passes(
    clients: Path, admin: Member, gateway: str
) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        code, output, complaint = await _node(
            clients, "audit.mjs", f"{gateway}/graphql", admin.access_token
        )

    assert code == 0, output + complaint
    result: dict[str, Any] = json.loads(output)
    assert result["failed"] == []
    assert result["count"]["MUST"] > 10
    assert result["count"]["SHOULD"] > 20


async def test_a_front_end_goes_from_login_to_findings(
    clients: Path, admin: Member, resources: Resources, run_jobs: RunJobs, gateway: str
) -> None:
    async with asyncio.timeout(_PATIENCE_S), asyncio.TaskGroup() as group:
        talk = group.create_task(_node(clients, "story.mjs", gateway, admin.email, PASSWORD))
        while not talk.done():
            await run_jobs(StubScanner(_expired))

    code, output, complaint = talk.result()
    assert code == 0, output + complaint
    story = json.loads(output)
    assert story["last"] == {"status": "COMPLETED", "progress": 100}
    assert story["scan"]["findings"]["totalCount"] == 2
    assert story["scan"]["findings"]["pageInfo"]["hasNextPage"] is True
    assert [edge["node"]["checkId"] for edge in story["scan"]["findings"]["edges"]] == [
        "tls.cert.expired"
    ]
