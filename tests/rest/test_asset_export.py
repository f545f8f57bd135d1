"""Exporting assets: a file that a spreadsheet opens harmlessly and an import takes back."""

import csv
import io

from httpx2 import AsyncClient
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assets import Criticality
from services.assets.csv_export import ExportedAsset, write_assets
from services.assets.csv_rows import COLUMNS, join_tags, read_import, split_tags
from services.assets.values import normalize_description, normalize_name, normalize_tags
from services.errors import InvalidInput
from services.resources import Resources
from services.scanner.address import AddressPolicy
from services.scanner.target import parse_target
from tests.members import Member
from tests.rest.csv_files import Json, counts, exported, imported, watched
from tests.statements import counted

_FORMULAS = ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "|calc", "%0A", "\uff1d1", "'=1", "''=1")


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def _kept(assets: list[Json]) -> list[Json]:
    return [{column: asset[column] for column in COLUMNS} for asset in assets]


async def test_an_export_is_taken_back_unchanged(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    for number, name in enumerate(_FORMULAS):
        created = await client.post(
            "/api/v1/assets",
            json={
                "name": name,
                "target_value": f"h{number}.example",
                "tags": ["a;b", "c|d", "e\\", '"f"'],
                "criticality": "high",
                "owner_email": "ada@example.com",
                "description": f"\tx\r\ny, {name}",
                "is_active": number % 2 == 0,
            },
            headers=admin.headers,
        )
        assert created.status_code == 201, created.text
    await imported(client, admin, "target_value\n192.0.2.0/24\n2001:db8::1\nbücher.example")

    content = await exported(client, admin)
    report = await imported(client, stranger, content)
    again = await exported(client, stranger)

    assert counts(report) == (len(_FORMULAS) + 3, 0, 0, 0)
    assert report["warnings"] == []
    assert _kept(await watched(client, stranger)) == _kept(await watched(client, admin))
    assert again == content


async def test_no_cell_of_an_export_is_a_formula(client: AsyncClient, admin: Member) -> None:
    for number, name in enumerate(_FORMULAS):
        await client.post(
            "/api/v1/assets",
            json={"name": name, "target_value": f"h{number}.example", "description": name},
            headers=admin.headers,
        )

    content = await exported(client, admin)

    header, *rows = _rows(content)
    assert content.startswith(b"\xef\xbb\xbf")
    assert header == list(COLUMNS)
    assert len(rows) == len(_FORMULAS)
    for row in rows:
        assert row[0].startswith("'")
        assert not any(cell.startswith(("=", "+", "-", "@", "|", "%")) for cell in row)


async def test_an_export_is_a_file_filtered_as_the_list_is(
    client: AsyncClient, admin: Member, stranger: Member
) -> None:
    await imported(client, admin, "target_value,tags\na.example,x\nb.example,y")
    await imported(client, stranger, "target_value\nc.example")

    response = await client.get("/api/v1/assets/export?tag=x", headers=admin.headers)

    assert [row[2] for row in _rows(response.content)[1:]] == ["a.example"]
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-store"


async def test_the_number_of_statements_does_not_grow_with_the_list(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    spent: list[int] = []
    for rows in (1, 300):
        await imported(
            client, admin, "target_value\n" + "\n".join(f"h{n}.example" for n in range(rows))
        )
        with counted(resources) as statements:
            content = await exported(client, admin)
        spent.append(len(statements))
        assert len(_rows(content)) == rows + 1

    assert spent[0] == spent[1]


# What PostgreSQL can hold: no NUL and no lone surrogate.
_TEXT = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0")
    | st.sampled_from("'=+-@|%;\\\",\t\r\n "),
    max_size=40,
)


@given(st.lists(st.tuples(_TEXT, st.lists(_TEXT, max_size=5), _TEXT, st.booleans()), max_size=5))
@settings(max_examples=300, deadline=None)
def test_whatever_can_be_stored_survives_export_and_import(
    given_assets: list[tuple[str, list[str], str, bool]],
) -> None:
    assets: list[ExportedAsset] = []
    for number, (name, tags, description, is_active) in enumerate(given_assets):
        target = parse_target(f"h{number}.example")
        try:
            shown = normalize_name(name)
        except InvalidInput:  # no name is left when its blanks are gone
            shown = target.value
        assets.append(
            ExportedAsset(
                name=shown,
                target_type=target.type,
                target_value=target.value,
                tags=normalize_tags(tags),
                criticality=Criticality.HIGH,
                owner_email=None,
                description=normalize_description(description),
                is_active=is_active,
            )
        )

    file = read_import(write_assets(assets), [], AddressPolicy())

    assert (file.failed, file.repeated, list(file.issues)) == (0, 0, [])
    for asset, row in zip(assets, file.rows, strict=True):
        assert (row.target.type, row.target.value) == (asset.target_type, asset.target_value)
        for column in ("name", "tags", "criticality", "owner_email", "description", "is_active"):
            assert row.values[column] == getattr(asset, column), column


@given(st.lists(st.text(min_size=1)))
def test_tags_are_joined_so_that_they_can_be_split(tags: list[str]) -> None:
    assert [tag for tag in split_tags(join_tags(tags)) if tag] == tags
