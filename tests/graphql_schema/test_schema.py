"""The schema as a contract: printed, described, and its errors in one table with REST's."""

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLNamedType,
    is_introspection_type,
    is_specified_scalar_type,
    parse,
)
from sqlalchemy.exc import OperationalError

from gateway.errors import STATUS
from graphql_schema.cursors import CursorType, parse_key, parse_rank, parse_text
from graphql_schema.errors import coded
from graphql_schema.ids import Kind, global_id, key_of, parse_global_id
from graphql_schema.payloads import TOP_LEVEL_ERRORS, USER_ERRORS
from graphql_schema.preparation import DocumentCache
from graphql_schema.schema import create_schema
from services.errors import Conflict, InvalidInput, NotFound, TooManyRequests
from services.identifiers import uuid7
from services.scanner.check import Severity

_SCHEMA = create_schema()


def test_the_printed_schema_is_current() -> None:
    """``make schema`` writes it."""
    path = Path(__file__).parents[2] / "graphql_schema" / "schema.graphql"

    assert path.read_text(encoding="utf-8").strip() == _SCHEMA.as_str().strip()


def _described(type_: GraphQLNamedType) -> list[tuple[str, str | None]]:
    """Every coordinate of a type with its description."""
    found = [(type_.name, type_.description)]
    fields: dict[str, Any] = getattr(type_, "fields", {})
    for name, field in fields.items():
        found.append((f"{type_.name}.{name}", field.description))
        arguments: dict[str, Any] = getattr(field, "args", {})
        found += [
            (f"{type_.name}.{name}({argument})", definition.description)
            for argument, definition in arguments.items()
        ]
    values: dict[str, Any] = getattr(type_, "values", {})
    return found + [(f"{type_.name}.{name}", each.description) for name, each in values.items()]


def test_every_type_field_argument_and_value_is_described() -> None:
    types = _SCHEMA._schema.type_map.values()  # pyright: ignore[reportPrivateUsage] - Strawberry has no public name for it
    coordinates = [
        pair
        for type_ in types
        if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
        for pair in _described(type_)
    ]

    assert len(coordinates) > 200
    assert [name for name, description in coordinates if not description] == []


def test_every_service_error_has_a_status_and_a_place_in_graphql() -> None:
    assert set(USER_ERRORS) | set(TOP_LEVEL_ERRORS) == set(STATUS)


def test_a_refusal_keeps_its_code_and_what_a_program_needs() -> None:
    errors = [
        GraphQLError("x", original_error=InvalidInput("bad", field="name")),
        GraphQLError("x", original_error=Conflict("twice", existing_id="1")),
        GraphQLError("x", original_error=TooManyRequests("slow", retry_after_s=7)),
        GraphQLError("x", original_error=GraphQLError("y", original_error=NotFound("scan"))),
    ]

    assert [(error.message, error.extensions) for error in coded(errors, None)] == [
        ("bad", {"code": "VALIDATION_FAILED", "field": "name"}),
        ("twice", {"code": "CONFLICT", "existingId": "1"}),
        ("slow", {"code": "RATE_LIMITED", "retryAfterSeconds": 7}),
        ("Scan not found", {"code": "NOT_FOUND"}),
    ]


def test_the_unexpected_is_masked_and_carries_the_request_id() -> None:
    error = GraphQLError("secret", original_error=ZeroDivisionError("secret"), path=["me"])

    masked = coded([error], "request-7")[0]

    assert masked.formatted == {
        "message": "Internal error",
        "path": ["me"],
        "extensions": {"code": "INTERNAL", "requestId": "request-7"},
    }


class _Canceled(Exception):
    sqlstate = "57014"


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (OperationalError("select", None, OSError("away")), "DATABASE_AWAY"),
        (ConnectionRefusedError("secret"), "DATABASE_AWAY"),
        (OperationalError("select", None, _Canceled()), "TIMEOUT"),
    ],
)
def test_a_database_that_is_away_or_slow_is_said_to_be(cause: Exception, code: str) -> None:
    error = coded([GraphQLError("secret", original_error=cause)], None)[0]

    assert error.extensions == {"code": code}
    assert "secret" not in error.message


def test_at_most_twenty_errors_of_five_hundred_characters_are_told() -> None:
    errors = coded([GraphQLError("x" * 100_000)] * 50, None)

    assert (len(errors), len(errors[0].message)) == (20, 500)


def test_a_global_id_is_read_back() -> None:
    key = uuid7()

    for kind in Kind:
        name = global_id(kind, key)
        assert len(name) == 24
        assert parse_global_id(name) == (kind, key)
        assert key_of(kind, name) == key_of(kind, str(key)) == key
    with pytest.raises(NotFound):
        key_of(Kind.ASSET, global_id(Kind.SCAN, key))


@pytest.mark.parametrize("id", ["", "x", "=" * 24, "AAAA" * 6, "AQ8" + "A" * 21, "é" * 24])
def test_what_is_no_global_id_is_refused(id: str) -> None:
    with pytest.raises(InvalidInput, match="no id"):
        parse_global_id(id)


def test_a_cursor_is_read_back_by_its_own_ordering_only() -> None:
    ranked = CursorType("a", (parse_rank, parse_key))
    named = CursorType("b", (parse_text, parse_key))
    position = (Severity.HIGH, uuid7())
    text = ("zone é", uuid7())

    assert ranked.parse(ranked.dump(position), "after") == position
    assert named.parse(named.dump(text), "after") == text
    for cursor in (named.dump(text), ranked.dump((Severity.HIGH,)), "", "W10", "x" * 2000, "é"):
        with pytest.raises(InvalidInput, match="no cursor"):
            ranked.parse(cursor, "after")


def test_the_document_cache_is_bounded_in_documents_and_characters() -> None:
    document = parse("{ a }")
    cache = DocumentCache(max_documents=2, max_characters=10)

    cache.put("one", document)
    cache.put("two", document)
    assert cache.get("one") is document
    cache.put("six", document)
    assert (cache.get("two"), cache.get("one")) == (None, document)
    cache.put("eight...", document)
    assert (cache.get("one"), cache.get("eight...")) == (None, document)
