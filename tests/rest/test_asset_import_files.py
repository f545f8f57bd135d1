"""Importing assets from CSV: what a file may look like."""

import codecs

import pytest
from httpx2 import AsyncClient

from services.assets import MAX_FILE_BYTES
from tests.members import Member
from tests.rest.csv_files import counts, imported, send, watched

_LINES = ["name,target_value,tags", '"Café, main",example.org,"web;prod"', "Büro,192.0.2.0/24,"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("\n".join(_LINES).encode(), id="utf-8, LF"),
        pytest.param("\r\n".join(_LINES).encode() + b"\r\n", id="utf-8, CRLF, end of line at end"),
        pytest.param("\r".join(_LINES).encode(), id="utf-8, CR"),
        pytest.param("\n".join(_LINES).encode("utf-8-sig"), id="utf-8 with BOM"),
        pytest.param("\n".join(_LINES).encode("utf-16"), id="utf-16"),
        pytest.param(
            codecs.BOM_UTF16_BE + "\n".join(_LINES).encode("utf-16-be"), id="utf-16, big-endian"
        ),
        pytest.param("\n".join(_LINES).encode("cp1252"), id="cp1252"),
        pytest.param(
            b'\n\n TARGET_VALUE ;Tags; Name\n\nexample.org;"web;prod";"Caf\xc3\xa9, main"\n'
            b"192.0.2.0/24;; B\xc3\xbcro \n;;\n",
            id="semicolons, other order, blank lines, spaces, capitals",
        ),
        pytest.param(
            "\n".join(_LINES).replace(",", "\t").replace("Café\t", "Café,").encode(), id="tabs"
        ),
        pytest.param(
            "name|target_value|tags\n"
            'Café, main|example.org|"web|prod"\nBüro|192.0.2.0/24|'.encode(),
            id="bars",
        ),
    ],
)
async def test_a_file_is_judged_by_its_content(
    client: AsyncClient, admin: Member, content: bytes
) -> None:
    response = await send(client, admin, content, name="ASSETS.TXT")

    report = response.json()
    assert (response.status_code, counts(report)) == (201, (2, 0, 0, 0)), response.text
    assert (report["errors"], report["details"], report["details_truncated"]) == ([], [], False)
    first, second = await watched(client, admin)
    assert (first["name"], first["target_value"], first["target_type"], first["tags"]) == (
        "Café, main",
        "example.org",
        "domain",
        ["web", "prod"],
    )
    assert (second["name"], second["target_value"], second["tags"]) == ("Büro", "192.0.2.0/24", [])


async def test_windows_1252_and_unknown_columns_are_taken_with_a_warning(
    client: AsyncClient, admin: Member
) -> None:
    report = await imported(client, admin, "target_value,Größe\nexample.org,1".encode("cp1252"))

    assert report["created"] == 1
    assert [warning.partition(":")[0] for warning in report["warnings"]] == [
        "The file is not UTF-8",
        "Unknown columns were ignored",
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "empty_file", id="empty"),
        pytest.param(b" \r\n\r\n", "empty_file", id="blank"),
        pytest.param(b"example.org\nexample.net", "header_missing", id="no header"),
        pytest.param(b"name,tags\nx,y", "header_missing", id="no target_value"),
        pytest.param(b"target_value,Target_Value\na,b", "duplicate_column", id="a column twice"),
        pytest.param(b"target_value\nexa\x00mple.org", "nul_in_file", id="NUL"),
        pytest.param("target_value\na.example".encode("utf-16-le"), "nul_in_file", id="no BOM"),
        pytest.param(b"\xff\xfet\x00a", "unknown_encoding", id="half a UTF-16 character"),
        pytest.param(b"target_value\nb\x81.example", "unknown_encoding", id="no encoding"),
        pytest.param(b'target_value\n"example.org', "malformed_csv", id="an open quote"),
        pytest.param(b'target_value\n"a"b', "malformed_csv", id="text after a quote"),
        pytest.param(b"target_value\n" + b"x" * 140_000, "malformed_csv", id="a huge cell"),
        pytest.param(
            b"target_value," + b",".join(b"c%d" % n for n in range(64)), "too_many_columns", id="65"
        ),
        pytest.param(
            b"target_value\n" + b"\n".join(b"h%d.example" % n for n in range(10_001)),
            "too_many_rows",
            id="10,001 rows",
        ),
    ],
)
async def test_a_file_that_cannot_be_read_is_400_and_nothing_is_written(
    client: AsyncClient, admin: Member, content: bytes, code: str
) -> None:
    response = await send(client, admin, content)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert isinstance(response.json()["detail"], str)
    assert await watched(client, admin) == []


async def test_a_missing_header_is_told_which_columns_are_wanted(
    client: AsyncClient, admin: Member
) -> None:
    detail = (await send(client, admin, "example.org")).json()["detail"]

    for column in ("target_value", "name", "target_type", "tags", "criticality", "owner_email"):
        assert column in detail


async def test_a_header_alone_is_taken_and_makes_nothing(
    client: AsyncClient, admin: Member
) -> None:
    assert counts(await imported(client, admin, "target_value,name\n")) == (0, 0, 0, 0)


async def test_a_file_that_is_too_large_is_413(client: AsyncClient, admin: Member) -> None:
    just_over = await send(client, admin, b"target_value\n" + b"\n" * MAX_FILE_BYTES)
    far_over = await send(client, admin, b"x" * (MAX_FILE_BYTES + 200_000))
    fits = await send(client, admin, b"target_value\nexample.org\n".ljust(MAX_FILE_BYTES, b"\n"))

    for response in (just_over, far_over):
        assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
    assert (fits.status_code, fits.json()["created"]) == (201, 1)


async def test_only_multipart_with_a_file_is_taken(client: AsyncClient, admin: Member) -> None:
    url = "/api/v1/assets/import"

    as_json = await client.post(url, json={"file": "x"}, headers=admin.headers)
    no_file = await client.post(url, files={"other": b"x"}, headers=admin.headers)
    bad_option = await send(client, admin, "target_value\nexample.org", on_conflict="replace")

    assert as_json.status_code == 415
    assert no_file.status_code == 422
    assert bad_option.status_code == 422
    assert await watched(client, admin) == []


async def test_the_document_says_that_the_file_is_multipart(client: AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    body = document["paths"]["/api/v1/assets/import"]["post"]["requestBody"]
    assert list(body["content"]) == ["multipart/form-data"]
