"""Whatever is sent: no 5xx, no answer that the OpenAPI document does not describe.

``NIS2_FUZZ_EXAMPLES`` is how many requests each operation gets, half of them malformed.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from httpx2 import AsyncClient
from hypothesis import HealthCheck, Phase, given, strategies
from hypothesis import settings as hypothesis_settings
from pydantic_settings import BaseSettings, SettingsConfigDict
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks

from gateway.app import create_app
from services.resources import Resources
from services.scanner.check import Verdict
from services.scanner.target import parse_target
from services.settings import Settings
from tests.conftest import Servers, empty_tables
from tests.fuzz.gateway import gateway_thread
from tests.members import Member, register
from tests.rest.schedule_requests import create_asset, create_schedule
from tests.scanners import at
from tests.seeing import see

Operation = Any  # an operation of Schemathesis, whose types are half known
Case = Any  # as above


class FuzzSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="NIS2_FUZZ_")

    examples: int = 20


def _document(mode: GenerationMode) -> dict[str, Any]:  # Any: an OpenAPI document is JSON
    nowhere = {
        "database_url": "postgresql://nobody@127.0.0.1/none",
        "redis_url": "redis://127.0.0.1",
        "secret_key": "x" * 32,
    }
    document = create_app(Settings.model_validate(nowhere)).openapi()
    if mode is GenerationMode.NEGATIVE:
        # The test brings its own token; Schemathesis would take it for the malformed one it made.
        for methods in document["paths"].values():
            for operation in methods.values():
                operation["security"] = []
    return document


# Rules of the business (a target that may be scanned, a member that exists, a scan that has not
# ended) are no schema: a request that fits it may be refused, but by one of these only.
_REFUSALS = ["400", "401", "403", "404", "409", "412", "422"]
_CONFIG = schemathesis.Config.from_dict(  # pyright: ignore[reportUnknownMemberType] - as above
    {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "304", *_REFUSALS]}}}
)


def _operations(mode: GenerationMode) -> dict[str, Operation]:
    schema: Any = schemathesis.openapi.from_dict(_document(mode), config=_CONFIG)  # Any: as above
    operations = (result.ok() for result in schema.get_all_operations())
    return {operation.definition.raw["operationId"]: operation for operation in operations}


def _can_be_sent_wrongly(operation: Operation) -> bool:
    """There is a body, or a parameter that is not any text of a path."""
    raw = operation.definition.raw
    free = [
        parameter["in"] == "path" and parameter["schema"].keys() <= {"type", "title"}
        for parameter in raw.get("parameters", ())
    ]
    return "requestBody" in raw or not all(free)


_OPERATIONS = {mode: _operations(mode) for mode in GenerationMode}
_CASES: list[tuple[str, GenerationMode]] = [
    (operation_id, mode)
    for mode, operations in _OPERATIONS.items()
    for operation_id, operation in operations.items()
    if mode is GenerationMode.POSITIVE or _can_be_sent_wrongly(operation)
]
_HURRY = hypothesis_settings(
    max_examples=max(1, FuzzSettings().examples // 2),
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    member: Member
    ids: dict[str, str]
    """Rows that are there, by the name of the path parameter."""


@pytest.fixture(scope="module")
async def target(
    settings: Settings, migrated: Servers, open_platform: Resources
) -> AsyncGenerator[Target]:
    """A gateway without limits, and an organization with one row of each kind."""
    unlimited = settings.model_copy(update={"rate_limits": "off"})
    with gateway_thread(unlimited) as url:
        async with AsyncClient(base_url=url) as client:
            member = await register(client, "fuzz@example.com")
            yield Target(url, member, await _rows(client, open_platform, member))
    await empty_tables(migrated)


async def _rows(client: AsyncClient, resources: Resources, member: Member) -> dict[str, str]:
    asset_id = await create_asset(client, member)
    schedule = await create_schedule(client, member, asset_ids=[asset_id])
    scan = await client.post(
        "/api/v1/scans", json={"asset_ids": [asset_id]}, headers=member.headers
    )
    await see(
        resources,
        member,
        [at(parse_target("example.org"), "tls.cert.expired", Verdict.failed("ended yesterday"))],
    )
    findings = await client.get("/api/v1/findings", headers=member.headers)
    return {
        "asset_id": asset_id,
        "schedule_id": schedule["id"],
        "scan_id": scan.json()["id"],
        "other_id": findings.json()["items"][0]["scan_id"],
        "finding_id": findings.json()["items"][0]["id"],
        "organization_id": str(member.organization_id),
    }


@pytest.mark.parametrize(("operation_id", "mode"), _CASES)
def test_every_answer_is_as_documented(
    target: Target, operation_id: str, mode: GenerationMode
) -> None:
    load_all_checks()
    operation = _OPERATIONS[mode][operation_id]

    @_HURRY
    @given(case=operation.as_strategy(generation_mode=mode), is_there=strategies.booleans())
    def ask(case: Case, *, is_there: bool) -> None:
        if is_there and mode is GenerationMode.POSITIVE:
            known = {name: target.ids[name] for name in case.path_parameters if name in target.ids}
            if operation_id == "watch_scan":  # one that has ended: the other's stream would not
                known["scan_id"] = target.ids["other_id"]
            case.path_parameters.update(known)
        response = case.call(base_url=target.url, headers=target.member.headers)
        case.validate_response(response, headers=target.member.headers)
        is_readiness = operation_id == "get_readiness"  # its 503 names the part that is away
        if response.status_code >= 400 and not is_readiness:
            assert isinstance(response.json()["detail"], str)

    ask()
