"""Attack documents: each refused in linear time, before anything runs."""

import time

import pytest
from graphql import get_introspection_query, parse
from httpx2 import AsyncClient

from graphql_schema.cost import cost_of
from graphql_schema.limits import check_shape
from graphql_schema.schema import create_schema
from tests.graphql_schema.asking import ask, post
from tests.members import Member

_SCHEMA = create_schema()
_LIMIT_S = 0.5
"""Of processor time; unguarded, the attacks take seconds to for ever."""


def _fragment_bomb(levels: int) -> str:
    """Every fragment spreads the next one twice: 2^levels fields if expanded."""
    fragments = [
        f"fragment F{n} on Viewer {{ a{n}: organization {{ ...O{n} }} b{n}: organization"
        f" {{ ...O{n} }} ...F{n + 1} ...F{n + 1} }} fragment O{n} on Organization {{ id }}"
        for n in range(levels)
    ]
    last = f"fragment F{levels} on Viewer {{ role }}"
    return "{ viewer { ...F0 } } " + " ".join([*fragments, last])


def _doubling(levels: int) -> str:
    """The bomb that hangs Strawberry's limiters: 800 bytes, exponential when expanded."""
    fragments = [f"fragment A{n} on Viewer {{ ...A{n + 1} ...A{n + 1} }}" for n in range(levels)]
    return "{ viewer { ...A0 } } " + " ".join(
        [*fragments, f"fragment A{levels} on Viewer {{ role }}"]
    )


def _nested(levels: int) -> str:
    inner = "{ scan { findings { nodes " * levels
    return "{ findings { nodes " + inner + "{ id }" + " } } }" * levels + " } }"


_ATTACKS = {
    "aliases by the thousand": ("{" + " ".join(f"a{n}: me {{ id }}" for n in range(10_000)) + "}"),
    "aliases under the token limit": (
        "{ viewer {" + " ".join(f"a{n}: role" for n in range(300)) + "} }"
    ),
    "root fields": "{" + " ".join("me { id }" for _ in range(21)) + "}",
    "root fields by fragment": "{"
    + "...R " * 7
    + "} fragment R on Query { "
    + "me { id } " * 3
    + "}",
    "depth": _nested(5),
    "inline fragments": "{ viewer " + "{ ... " * 150 + "{ role }" + " }" * 150 + " }",
    "fragment bomb": _fragment_bomb(24),
    "doubling fragments": _doubling(60),
    "directives": "{ me { id " + "@include(if: true) " * 51 + "} }",
    "fields": "{ viewer { " + "role " * 1001 + "} }",
    "tokens": "{ viewer { " + "role " * 2001 + "} }",
    "comments": "#\n" * 201 + "{ me { id } }",
    "length": "{ me { id } } #" + "x" * 33_000,
    "brackets": "{ a(b: " + "[" * 5_000 + "]" * 5_000 + ") }",
    "braces": "{" * 20_000,
    "many pages": "{ scans(first: 100) { nodes { findings(first: 100) { nodes { id } } } } }",
    "pages by default": """{ scans(first: 100) { nodes { findings { nodes {
        asset { findings { nodes { id } } } } } } } }""",
}


@pytest.mark.parametrize("name", _ATTACKS)
async def test_an_attack_is_refused_by_its_limit_in_milliseconds(
    client: AsyncClient, admin: Member, name: str
) -> None:
    response = await post(client, admin, _ATTACKS[name])
    took: list[float] = []
    for _ in range(3):  # the least of them is the document's; the rest is the machine's
        started = time.process_time()
        await post(client, admin, _ATTACKS[name])
        took.append(time.process_time() - started)

    body = response.json()
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] in {
        "LIMIT_EXCEEDED",
        "GRAPHQL_PARSE_FAILED",
    }, body
    assert len(response.content) < 20_000
    assert min(took) < _LIMIT_S


async def test_page_sizes_in_variables_count(client: AsyncClient, admin: Member) -> None:
    query = """query ($n: Int = 2) {
      scans(first: $n) { nodes { findings(first: $n) { nodes { id } } } } }"""

    await ask(client, admin, query)
    await ask(client, admin, query, n=50)
    body = (await post(client, admin, query, n=100)).json()

    assert body["errors"][0]["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "cost",
        "maximum": 10_000,
    }


async def test_more_than_a_hundred_ids_are_refused(client: AsyncClient, admin: Member) -> None:
    me = (await ask(client, admin, "{ me { id } }"))["me"]["id"]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    hundred = await ask(client, admin, query, ids=[me] * 100)
    body = (await post(client, admin, query, ids=[me] * 101)).json()
    flood = (await post(client, admin, query, ids=["x"] * 9_000)).json()

    assert len(hundred["nodes"]) == 100
    assert body["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"
    assert flood["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"


async def test_introspection_passes_the_limits(client: AsyncClient, admin: Member) -> None:
    """The standard query is deeper than any query of ours may be."""
    data = await ask(client, admin, get_introspection_query(descriptions=True))

    assert data["__schema"]["queryType"]["name"] == "Query"


async def test_the_cost_is_told_on_request(client: AsyncClient, admin: Member) -> None:
    query = "{ scans(first: 10) { nodes { findings(first: 5) { nodes { asset { id } } } } } }"

    told = (await post(client, admin, query, {"X-GraphQL-Cost": "1"})).json()
    untold = (await post(client, admin, query)).json()

    # 10 scans, 5 findings of each, one asset of each of those.
    assert told["extensions"] == {"cost": {"requestedNodes": 110, "maximumNodes": 10_000}}
    assert "extensions" not in untold


def test_a_fragment_costs_what_it_would_cost_in_place() -> None:
    schema = _SCHEMA._schema  # pyright: ignore[reportPrivateUsage] - Strawberry has no public name for it
    inline = parse("{ scans(first: 3) { edges { node { findings(last: 4) { nodes { id } } } } } }")
    by_fragment = parse(
        """{ scans(first: 3) { ...P } } fragment P on ScanConnection { edges { node { ...S } } }
        fragment S on Scan { ... on Scan { findings(last: 4) { nodes { id } } } }"""
    )

    assert cost_of(schema, inline, None, {}) == cost_of(schema, by_fragment, None, {}) == 15


@pytest.mark.parametrize("size", ["99999999999999999999", "-5"])
def test_an_odd_page_size_has_a_cost_too(size: str) -> None:
    schema = _SCHEMA._schema  # pyright: ignore[reportPrivateUsage] - as above
    document = parse(f"{{ scans(first: {size}) {{ nodes {{ id }} }} }}")

    assert cost_of(schema, document, None, {}) in {25, 10_000}


def test_a_fragment_that_contains_itself_ends_the_walk() -> None:
    document = parse(
        "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }"
    )

    assert check_shape(document) == []


async def test_a_fragment_cycle_is_refused(client: AsyncClient, admin: Member) -> None:
    body = (
        await post(client, admin, "{ viewer { ...A } } fragment A on Viewer { role ...A }")
    ).json()

    assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    "query",
    [
        "{ viewr { role } }",
        "{ viewer { rol } }",
        "{ findings(frist: 1) { nodes { id } } }",
        "{ findings(filter: {severty: HIGH}) { nodes { id } } }",
        "{ findings(filter: {severity: HIHG}) { nodes { id } } }",
        "query ($f: FindingFiltr) { findings(filter: $f) { nodes { id } } }",
        "{ me { id @inclde(if: true) } }",
        "{ me { id @include(fi: true) } }",
    ],
)
async def test_a_typo_is_told_nothing_of_what_else_there_is(
    client: AsyncClient, admin: Member, query: str
) -> None:
    body = (await post(client, admin, query)).json()

    assert all("id you mean" not in error["message"] for error in body["errors"])
    assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_coercion_suggests_nothing_and_does_not_echo_the_input(
    client: AsyncClient, admin: Member
) -> None:
    query = "query ($f: FindingFilter) { findings(filter: $f) { nodes { id } } }"

    for wrong in ({"severity": ["HIHG"]}, {"severty": "HIGH"}, {"search": ["x" * 100_000]}):
        response = await post(client, admin, query, f=wrong)
        error = response.json()["errors"][0]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "id you mean" not in error["message"]
        assert len(response.content) < 2_000
