"""The pages as HTTP answers: what they promise by their headers, and what they may not hold."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from gateway.assets.refresh import ASSETS, altered_files, read_manifest
from gateway.pages import page_routes, wants_page
from tests.pages.application import create_test_application

PAGES = ("/", "/docs", "/redoc", "/graphql")
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
REDOC_STYLES = (
    "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
OWN_FILES = sorted(
    path
    for path in (*ASSETS.glob("*.html"), *(ASSETS / "static").glob("*"))
    if path.is_file() and path.suffix in {".html", ".js", ".css", ".svg"}
)


class PageParser(HTMLParser):
    """Collects what a page loads, and what it holds inline that it should not."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(tag)
        self.inline += [name for name in names if name == "style" or name.startswith("on")]
        for name in ("src", "href"):
            if tag in {"script", "link", "img"} and (address := names.get(name)) is not None:
                self.loads.append(address)


def parse(page: str) -> PageParser:
    parser = PageParser()
    parser.feed(page)
    return parser


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(create_test_application())
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as opened:
        opened.headers["Accept"] = BROWSER
        yield opened


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_and_draws_only_what_comes_from_its_own_origin(
    client: httpx2.AsyncClient, path: str
) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    expected = STRICT.replace("style-src 'self'", REDOC_STYLES) if path == "/redoc" else STRICT
    assert answer.headers["content-security-policy"] == expected
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    page = parse(answer.text)
    assert page.inline == []
    assert page.loads
    assert [each for each in page.loads if not each.startswith("/assets/")] == []


@pytest.mark.parametrize("path", PAGES)
async def test_everything_a_page_loads_exists_and_may_be_kept_for_ever(
    client: httpx2.AsyncClient, path: str
) -> None:
    page = parse((await client.get(path)).text)

    for address in page.loads:
        answer = await client.get(address)

        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable", address
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.content) == int(answer.headers["content-length"])


@pytest.mark.parametrize("path", [*PAGES, "/assets/site.css"])
async def test_what_the_browser_already_has_is_not_sent_again(
    client: httpx2.AsyncClient, path: str
) -> None:
    first = await client.get(path)

    again = await client.get(path, headers={"If-None-Match": f"W/{first.headers['etag']}"})
    other = await client.get(path, headers={"If-None-Match": '"other"'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert other.status_code == 200


async def test_an_asset_without_its_hash_is_checked_each_time(client: httpx2.AsyncClient) -> None:
    plain = await client.get("/assets/site.css")
    stale = await client.get("/assets/site.css?v=0000000000000000")

    assert plain.headers["cache-control"] == "no-cache"
    assert stale.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("site.css", "text/css; charset=utf-8"),
        ("graphql.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml; charset=utf-8"),
        ("vendor/redoc.standalone.js", "text/javascript; charset=utf-8"),
        ("vendor/licences/redoc.txt", "text/plain; charset=utf-8"),
    ],
)
async def test_an_asset_is_served_as_what_it_is(
    client: httpx2.AsyncClient, path: str, media_type: str
) -> None:
    answer = await client.get(f"/assets/{path}")

    assert answer.headers["content-type"] == media_type


@pytest.mark.parametrize(
    "path",
    [
        "",
        "vendor",
        "missing.js",
        "../manifest.json",
        "..%2fmanifest.json",
        "%2e%2e/%2e%2e/pages.py",
        "vendor/../../refresh.py",
        "vendor/.gitattributes",
        "%2fetc%2fpasswd",
        "site.css%00.js",
        "site.css/",
    ],
)
async def test_nothing_but_the_known_assets_can_be_reached(
    client: httpx2.AsyncClient, path: str
) -> None:
    answer = await client.get(f"/assets/{path}")

    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/assets/site.css"])
async def test_a_page_is_only_read(client: httpx2.AsyncClient, path: str) -> None:
    head = await client.head(path)
    posted = await client.post(path)

    assert (head.status_code, head.content) == (200, b"")
    assert posted.status_code == 405


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/assets/site.css"])
async def test_pages_that_are_switched_off_are_not_there(path: str) -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.router.routes.extend(page_routes(enabled=False))
    transport = httpx2.ASGITransport(app)

    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answer = await client.get(path)

    assert answer.status_code == 404


async def test_the_pages_name_the_document_they_are_told_to() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.router.routes.extend(page_routes(openapi_url='/api/v1/"openapi".json'))
    transport = httpx2.ASGITransport(app)

    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answer = await client.get("/docs")

    assert 'data-openapi-url="/api/v1/&quot;openapi&quot;.json"' in answer.text


@pytest.mark.parametrize(
    ("method", "accept", "query", "expected"),
    [
        ("GET", BROWSER, "", True),
        ("HEAD", BROWSER, "", True),
        ("GET", "text/html", "operation=1", True),
        ("POST", BROWSER, "", False),
        ("GET", BROWSER, "query={me{id}}", False),
        ("GET", BROWSER, "documentId=sha256:1", False),
        ("GET", "", "", False),
        ("GET", "*/*", "", False),
        ("GET", "application/json", "", False),
        ("GET", "application/graphql-response+json, text/html;q=0.5", "", False),
        ("GET", "application/json;q=0.5, text/html", "", True),
        ("GET", "text/html;q=0", "", False),
        ("GET", "text/html;q=nonsense", "", False),
    ],
)
def test_only_a_browser_that_opens_the_address_gets_the_explorer(
    method: str, accept: str, query: str, *, expected: bool
) -> None:
    headers = [(b"accept", accept.encode())]
    request = Request(
        {"type": "http", "method": method, "headers": headers, "query_string": query.encode()}
    )

    assert wants_page(request) is expected


@pytest.mark.parametrize("file", OWN_FILES, ids=lambda file: file.name)
def test_no_page_script_or_style_of_ours_names_another_host(file: Path) -> None:
    text = file.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")

    assert re.findall(r"(?:https?:|wss?:)?//[\w-]+\.[\w.-]+", text) == []


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    listed = {entry.file for entry in read_manifest()}
    kept = {
        path.relative_to(ASSETS).as_posix()
        for path in (ASSETS / "static" / "vendor").rglob("*")
        if path.is_file() and path.name != ".gitattributes"
    }

    assert kept == listed
    assert altered_files() == []


def test_every_vendored_package_comes_with_its_licence() -> None:
    entries = read_manifest()

    licensed = {entry.package for entry in entries if "/licences/" in entry.file}

    assert licensed == {entry.package for entry in entries}
    assert {entry.licence for entry in entries} <= {"MIT", "Apache-2.0"}


def test_redoc_does_not_fetch_its_logo_from_its_vendor() -> None:
    bundle = (ASSETS / "static" / "vendor" / "redoc.standalone.js").read_text()

    assert "cdn.redoc.ly" not in bundle
