"""A client of the last release still works: breaking changes fail (docs/graphql.md)."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema
from graphql.utilities import find_breaking_changes

_ROOM = Path(__file__).parents[2] / "graphql_schema"
_REMOVED_AFTER = re.compile(r"Removed after (\d{4}-\d\d-\d\d)")


def breaking_changes(published: GraphQLSchema, present: GraphQLSchema, today: date) -> list[str]:
    """What could break a client, but for what was to be removed by now."""
    return [
        change.description
        for change in find_breaking_changes(published, present)
        if not _is_due(published, change.description, today)
    ]


def _is_due(published: GraphQLSchema, description: str, today: date) -> bool:
    """Whether the change removes a field that was deprecated with a date that has passed."""
    removed = re.match(r"(?:Field )?(\w+)\.(\w+) was removed", description)
    if removed is None:
        return False
    type_ = published.get_type(removed[1])
    field = getattr(type_, "fields", {}).get(removed[2])
    reason = _REMOVED_AFTER.search(getattr(field, "deprecation_reason", None) or "")
    return reason is not None and date.fromisoformat(reason[1]) < today


def _read(name: str) -> GraphQLSchema:
    return build_schema((_ROOM / name).read_text(encoding="utf-8"))


def test_nothing_breaks_a_client_of_the_last_release() -> None:
    today = datetime.now(UTC).date()

    assert breaking_changes(_read("schema.published.graphql"), _read("schema.graphql"), today) == []


_PUBLISHED = """type Query {
  kept(first: Int): String
  old: Int @deprecated(reason: "Use kept. Removed after 2026-06-30.")
  color: Color!
}
enum Color { RED BLUE }"""


@pytest.mark.parametrize(
    ("present", "count"),
    [
        (_PUBLISHED, 0),
        (_PUBLISHED.replace("enum", "type New { a: Int } enum"), 0),
        (_PUBLISHED.replace("kept(first: Int): String", ""), 1),
        (_PUBLISHED.replace("first: Int", "first: Int!"), 1),
        (_PUBLISHED.replace("kept(first: Int): String", "kept(first: Int): Int"), 1),
        (_PUBLISHED.replace("RED BLUE", "RED"), 1),
        (re.sub(r"  old: .*\n", "", _PUBLISHED), 0),
    ],
)
def test_what_breaks_is_found_and_what_was_announced_is_not(present: str, count: int) -> None:
    found = breaking_changes(build_schema(_PUBLISHED), build_schema(present), date(2026, 7, 1))

    assert len(found) == count


def test_a_deprecated_field_stays_until_its_date() -> None:
    present = build_schema(re.sub(r"  old: .*\n", "", _PUBLISHED))

    assert len(breaking_changes(build_schema(_PUBLISHED), present, date(2026, 6, 30))) == 1
