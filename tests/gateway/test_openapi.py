"""The OpenAPI document says what a person and a generator need to know."""

import json
from collections.abc import Iterator
from typing import Any

from httpx2 import AsyncClient
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from gateway.cli import app
from tests.rest.openapi_checks import read_document

Json = dict[str, Any]  # Any: an OpenAPI document is JSON


def _operations(document: Json) -> Iterator[Json]:
    for methods in document["paths"].values():
        yield from methods.values()


async def test_every_operation_has_words_a_tag_and_an_id(client: AsyncClient) -> None:
    document = await read_document(client)
    described = {tag["name"] for tag in document["tags"] if tag["description"]}

    for operation in _operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= described
        assert operation["operationId"].isidentifier()


async def test_every_error_is_typed_and_its_example_fits(client: AsyncClient) -> None:
    document = await read_document(client)
    schema = {"$ref": "#/components/schemas/ErrorResponse", "components": document["components"]}
    validator = Draft202012Validator(schema)

    for operation in _operations(document):
        errors = {s: r for s, r in operation["responses"].items() if s >= "400" and s != "503"}
        assert errors
        for status, response in errors.items():
            example = response["content"]["application/json"]["example"]
            assert validator.is_valid(example), (operation["operationId"], status)  # pyright: ignore[reportUnknownMemberType] - its stubs leave it out


async def test_what_is_guarded_says_how_to_authenticate(client: AsyncClient) -> None:
    document = await read_document(client)
    scheme = document["components"]["securitySchemes"]["bearer"]
    public = {o["operationId"] for o in _operations(document) if not o["security"]}

    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert public == {
        "register",
        "login",
        "refresh",
        "logout",
        "forgot_password",
        "reset_password",
        "get_health",
        "get_readiness",
    }


async def test_no_parameter_takes_null(client: AsyncClient) -> None:
    document = await read_document(client)

    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), parameter


async def test_enums_have_names(client: AsyncClient) -> None:
    schemas = (await read_document(client))["components"]["schemas"]

    named = {name for name, schema in schemas.items() if "enum" in schema}

    assert {"Role", "ScanStatus", "ScanType", "Severity", "FindingStatus"} <= named
    assert {"ReportFormat", "ReportStatus", "TargetType"} <= named


async def test_the_command_prints_the_document_that_the_gateway_serves(
    client: AsyncClient,
) -> None:
    served = await read_document(client)

    result = CliRunner().invoke(app, ["openapi"])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == served


def test_the_command_prints_the_graphql_schema() -> None:
    result = CliRunner().invoke(app, ["schema"])

    assert result.exit_code == 0
    assert "type Query" in result.stdout
