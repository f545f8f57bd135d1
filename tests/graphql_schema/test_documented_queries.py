"""The queries of docs/graphql.md run as they are, in as many statements for 1 row as for 100."""

import re
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update

from graphql_schema.ids import parse_global_id
from services.findings import Finding
from services.resources import Resources
from tests.graphql_schema.asking import ask, create_asset, problems
from tests.members import Member
from tests.seeing import see
from tests.statements import counted

_DOCUMENT = (Path(__file__).parents[2] / "docs/graphql.md").read_text(encoding="utf-8")
_QUERIES = re.findall(r"```graphql\n(query .*?)```", _DOCUMENT, re.DOTALL)


async def _fill(client: AsyncClient, resources: Resources, member: Member, numbers: range) -> None:
    """An asset, a scan of it and a finding for each number."""
    for number in numbers:
        host = f"host{number}.example.org"
        asset = parse_global_id(await create_asset(client, member, host))[1]
        await see(resources, member, problems(1, host=host), asset_id=asset)
    async with resources.database.transaction(member.scope) as work:
        await work.session.execute(update(Finding).values(status="open"))


def test_the_document_has_queries() -> None:
    assert len(_QUERIES) >= 4


@pytest.mark.parametrize("number", range(len(_QUERIES)))
async def test_a_documented_query_costs_the_same_for_any_number_of_rows(
    client: AsyncClient, resources: Resources, admin: Member, number: int
) -> None:
    counts: list[int] = []
    have = 0
    for rows in (1, 10, 100):
        await _fill(client, resources, admin, range(have, rows))
        have = rows
        with counted(resources) as seen:
            data = await ask(client, admin, _QUERIES[number])
        counts.append(len(seen))

    assert data
    assert counts == [counts[0]] * 3
