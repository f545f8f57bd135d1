"""Holds answers against the application's OpenAPI document."""

import re
from typing import Any

from httpx2 import AsyncClient, Response
from jsonschema import Draft202012Validator

Json = dict[str, Any]  # Any: an OpenAPI document is JSON


async def read_document(client: AsyncClient) -> Json:
    response = await client.get("/openapi.json")
    assert response.status_code == 200
    return response.json()


def shape_of(path: str) -> str:
    """Paths are the same whatever their parameters are called."""
    return re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1"))


def find_operation(document: Json, row: str) -> Json:
    """The operation of ``GET /scans/{scan_id}``."""
    method, _, path = row.partition(" ")
    for template, methods in document["paths"].items():
        if shape_of(template) == shape_of(path) and method.lower() in methods:
            return methods[method.lower()]
    raise AssertionError(f"{row} is not documented")


def violations(document: Json, row: str, response: Response) -> list[str]:
    """Where the answer is not what the document says; empty when it is."""
    documented = find_operation(document, row)["responses"].get(str(response.status_code))
    if documented is None:
        return [f"status {response.status_code} is not documented"]
    media_type = response.headers.get("content-type", "").partition(";")[0]
    content = documented.get("content", {})
    if not response.content:
        return [] if not content else ["an empty body where one is documented"]
    if media_type not in content and "*/*" not in content:
        return [f"{media_type} is not documented"]
    if media_type != "application/json":
        return []
    schema = {**content[media_type]["schema"], "components": document["components"]}
    errors = Draft202012Validator(schema).iter_errors(response.json())  # pyright: ignore[reportUnknownMemberType] - its stubs leave it out
    return [f"{error.json_path}: {error.message}" for error in errors]
