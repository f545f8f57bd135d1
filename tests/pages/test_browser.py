"""What a person sees: each page drawn by Chromium with no other host in reach."""

import json
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from tests.pages.browser import Browser, Page
from tests.pages.conftest import Site


def assert_clean(page: Page, site: Site) -> None:
    """Nothing was blocked, thrown or asked of another host."""
    assert page.complaints() == []
    assert [each["url"] for each in page.requests() if not each["url"].startswith(site.url)] == []


def assert_drawn(page: Page, file: Path) -> None:
    """The picture is not one blank area: text in it leaves many shades."""
    with Image.open(page.screenshot(file)) as picture:
        colors = picture.convert("RGB").getcolors(maxcolors=picture.width * picture.height)
    assert colors is not None
    assert len(colors) > 64


def sign_in(page: Page, site: Site) -> None:
    page.open(f"{site.url}/graphql")
    page.wait_until("document.activeElement.id === 'email'")
    page.type("#email", site.email)
    page.type("#password", site.password)
    page.click("#sign-in-button")
    page.wait_for_text("#person", site.email)
    page.wait_until("document.querySelector('.graphiql-query-editor .CodeMirror')")


_EDITOR = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
_BUTTON_SAYS = (
    "document.querySelector('.graphiql-execute-button').getAttribute('aria-label').startsWith('%s')"
)
# A press while a query runs would stop it. So: press whenever nothing runs, until the answer is the
# right one.
_PRESSED = """(() => {
  if (document.querySelector('.result-window')?.innerText.includes(%s)) return true;
  const button = document.querySelector('.graphiql-execute-button:not([aria-haspopup])');
  if (button?.getAttribute('aria-label')?.startsWith('Execute')) button.click();
  return false;
})()"""


def run_query(page: Page, query: str, expected: str) -> None:
    """Put the query into the editor and press the button until this is shown."""
    page.evaluate(f"{_EDITOR}.setValue({query!r})")
    # The explorer knows the operations of a text only once it has the schema and has read it:
    # pressed before that, it runs the text as it is, or an operation that is gone.
    page.wait_until(f"{_EDITOR}.documentAST.loc.source.body === {json.dumps(query)}")
    page.wait_until(_PRESSED % json.dumps(expected))


def asked(page: Page, path: str) -> int:
    return sum(each["url"].endswith(path) and each["method"] == "POST" for each in page.requests())


def test_the_landing_page_leads_to_every_door(site: Site, browser: Browser, tmp_path: Path) -> None:
    with browser.page() as page:
        page.open(f"{site.url}/")
        page.wait_for_text("main", "OpenAPI document")

        links = page.evaluate("[...document.querySelectorAll('main a')].map(a => a.pathname)")

        assert {"/docs", "/redoc", "/graphql", "/openapi.json"} <= set(links)
        assert_drawn(page, tmp_path / "landing.png")
        assert_clean(page, site)


def test_swagger_ui_shows_the_operations(site: Site, browser: Browser, tmp_path: Path) -> None:
    with browser.page() as page:
        page.open(f"{site.url}/docs")

        page.wait_for_text(".opblock-summary-path", "/api/v1/auth/")

        assert_drawn(page, tmp_path / "docs.png")
        assert_clean(page, site)


def test_redoc_shows_the_operations_and_finds_one(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    with browser.page() as page:
        page.open(f"{site.url}/redoc")
        page.wait_until("document.querySelector('[data-section-id*=\"operation\"]')")
        page.wait_until("document.body.innerText.includes('/api/v1/auth/login')")
        assert_drawn(page, tmp_path / "redoc.png")

        page.type("[role=search] input", "refresh")

        page.wait_for_text("[data-role='search:results']", "refresh token")
        assert_clean(page, site)


def test_the_explorer_asks_to_sign_in_and_says_why_it_failed(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    with browser.page() as page:
        page.open(f"{site.url}/graphql")
        page.wait_until("document.activeElement.id === 'email'")
        assert_drawn(page, tmp_path / "sign-in.png")

        page.type("#email", site.email)
        page.type("#password", "not the password")
        page.click("#sign-in-button")

        page.wait_for_text("#sign-in-error", "Invalid email or password")
        assert page.evaluate("document.getElementById('graphiql').hidden") is True


def test_signed_in_the_explorer_runs_a_query_as_the_member(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    with browser.page() as page:
        sign_in(page, site)
        page.wait_for_text("#organization", site.organization)

        run_query(page, "query Me { me { email } }", site.email)

        sent = [each for each in page.requests() if each["url"] == f"{site.url}/graphql"][-1]
        assert sent["headers"]["X-Organization-Id"] == site.organization_id
        assert_drawn(page, tmp_path / "graphql.png")
        assert_clean(page, site)


def test_a_scan_is_started_from_the_explorer(site: Site, browser: Browser) -> None:
    api = f"{site.url}/api/v1"
    account = {"email": site.email, "password": site.password}
    token = httpx2.post(f"{api}/auth/login", json=account).json()["access_token"]
    asset = httpx2.post(
        f"{api}/assets",
        json={"target_value": "shop.example"},
        headers={"Authorization": f"Bearer {token}"},
    ).json()["id"]
    with browser.page() as page:
        sign_in(page, site)

        run_query(
            page,
            f'mutation {{ createScan(input: {{ assetIds: ["{asset}"] }})'
            " { scan { status } errors { message } } }",
            "PENDING",
        )


def test_a_scan_is_watched_in_the_explorer(site: Site, browser: Browser) -> None:
    api = f"{site.url}/api/v1"
    account = {"email": site.email, "password": site.password}
    token = httpx2.post(f"{api}/auth/login", json=account).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    asset = httpx2.post(f"{api}/assets", json={"target_value": "watch.example"}, headers=headers)
    scan = httpx2.post(f"{api}/scans", json={"asset_ids": [asset.json()["id"]]}, headers=headers)
    scan_id = scan.json()["id"]
    with browser.page() as page:
        sign_in(page, site)
        query = f'subscription {{ scanProgress(scanId: "{scan_id}") {{ status }} }}'
        run_query(page, query, "PENDING")

        cancelled = httpx2.post(f"{api}/scans/{scan_id}/cancel", headers=headers)

        assert cancelled.status_code == 200
        page.wait_for_text(".result-window", "CANCELLED")
        assert_clean(page, site)


def test_every_example_tab_runs_as_it_is(site: Site, browser: Browser) -> None:
    with browser.page() as page:
        sign_in(page, site)
        page.wait_until("document.querySelectorAll('.graphiql-tab').length === 3")

        page.click(".graphiql-tab-button", "Clients")
        page.wait_until(_PRESSED % json.dumps(site.organization))
        page.click(".graphiql-tab-button", "ScansThatEnd")
        page.wait_until(f"{_EDITOR}.documentAST.loc.source.body.includes('scanCompleted')")
        page.wait_until(_BUTTON_SAYS % "Execute")
        page.click(".graphiql-execute-button:not([aria-haspopup])")
        page.wait_until(_BUTTON_SAYS % "Stop")
        page.click(".graphiql-execute-button:not([aria-haspopup])")
        page.wait_until(_BUTTON_SAYS % "Execute")
        assert_clean(page, site)


@pytest.mark.parametrize(("operation", "field"), [("Me", '"email"'), ("LatestScans", '"nodes"')])
def test_the_query_that_the_explorer_starts_with_can_be_run(
    site: Site, browser: Browser, tmp_path: Path, operation: str, field: str
) -> None:
    with browser.page() as page:
        sign_in(page, site)
        page.wait_until("document.querySelector('.graphiql-execute-button[aria-haspopup]')")

        page.click(".graphiql-execute-button")
        page.wait_for_text("[role=menu]", operation)
        page.click("[role=menuitem]", operation)

        page.wait_for_text(".result-window", field)
        assert '"errors"' not in page.evaluate("document.querySelector('.result-window').innerText")
        page.screenshot(tmp_path / "graphql.png")
        assert_clean(page, site)


def test_a_token_about_to_end_is_renewed_before_the_query(site: Site, browser: Browser) -> None:
    with browser.page() as page:
        sign_in(page, site)
        assert asked(page, "/auth/refresh") == 0

        page.evaluate("Date.now = ((now) => () => now() + 86400000)(Date.now)")
        run_query(page, "{ me { email } }", site.email)

        assert asked(page, "/auth/refresh") == 1
        assert_clean(page, site)


def test_a_reload_stays_signed_in_and_signing_out_does_not(site: Site, browser: Browser) -> None:
    with browser.page() as page:
        sign_in(page, site)

        page.open(f"{site.url}/graphql")
        page.wait_for_text("#person", site.email)
        page.click("#sign-out")
        page.wait_until("!document.getElementById('welcome').hidden")
        page.open(f"{site.url}/graphql?again")
        page.wait_until("document.activeElement.id === 'email'")

        assert page.evaluate("sessionStorage.length") == 0
        assert_clean(page, site)


def test_a_session_that_ended_on_the_server_leads_back_to_the_form(
    site: Site, browser: Browser
) -> None:
    with browser.page() as page:
        sign_in(page, site)

        page.evaluate("sessionStorage.setItem('nis2.refresh_token', 'long gone')")
        page.open(f"{site.url}/graphql?again")

        page.wait_for_text("#sign-in-error", "Your session has ended")
        assert page.evaluate("sessionStorage.length") == 0
