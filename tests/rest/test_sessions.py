"""The session of a browser in cookies, and what ends a login."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from services.resources import Resources
from services.settings import Settings
from tests.members import PASSWORD, Member

_NEW = "another long password"


@pytest.fixture
async def browser(resources: Resources, settings: Settings) -> AsyncGenerator[AsyncClient]:
    """A client with cookies of its own and no other token, over https in production."""
    app = create_app(settings, resources)
    production = settings.model_copy(update={"environment": "production"})

    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            opened = replace(resources, settings=production)
            scope["state"] = {**(state or {}), "resources": opened}
            await app(scope, receive, send)

        async with AsyncClient(
            transport=ASGITransport(app=with_state), base_url="https://testserver"
        ) as client:
            yield client


async def _login(client: AsyncClient, email: str, password: str = PASSWORD) -> Response:
    return await client.post("/api/v1/auth/login", json={"email": email, "password": password})


async def _csrf(browser: AsyncClient, admin: Member) -> dict[str, str]:
    """Log in; gives back the header that unsafe requests need."""
    tokens = await _login(browser, admin.email)
    assert tokens.status_code == 200
    assert tokens.json()["csrf_token"] == browser.cookies["csrf_token"]
    return {"X-CSRF-Token": browser.cookies["csrf_token"]}


async def test_login_sets_three_cookies_with_the_right_marks(
    browser: AsyncClient, admin: Member
) -> None:
    response = await _login(browser, admin.email)

    cookies = {line.split("=")[0]: line for line in response.headers.get_list("set-cookie")}
    marks = {
        name: {part.strip().lower() for part in line.split(";")[1:]}
        for name, line in cookies.items()
    }
    assert marks.keys() == {"access_token", "refresh_token", "csrf_token"}
    assert all({"samesite=strict", "secure"} <= mark for mark in marks.values())
    assert {"httponly", "path=/"} <= marks["access_token"]
    assert {"httponly", "path=/api/v1/auth"} <= marks["refresh_token"]
    assert "httponly" not in marks["csrf_token"]


async def test_in_development_cookies_work_without_https(
    client: AsyncClient, admin: Member
) -> None:
    response = await _login(client, admin.email)

    assert all("secure" not in line.lower() for line in response.headers.get_list("set-cookie"))


async def test_a_cookie_reads_and_with_the_header_writes(
    browser: AsyncClient, admin: Member
) -> None:
    csrf = await _csrf(browser, admin)
    body = {"full_name": "Countess"}

    read = await browser.get("/api/v1/auth/me")
    without = await browser.patch("/api/v1/auth/me", json=body)
    wrong = await browser.patch("/api/v1/auth/me", json=body, headers={"X-CSRF-Token": "x"})
    right = await browser.patch("/api/v1/auth/me", json=body, headers=csrf)

    assert read.json()["email"] == admin.email
    assert [(r.status_code, r.json()["code"]) for r in (without, wrong)] == [
        (403, "csrf_failed")
    ] * 2
    assert (right.status_code, right.json()["full_name"]) == (200, "Countess")


async def test_a_planted_csrf_cookie_is_not_enough(browser: AsyncClient, admin: Member) -> None:
    """The token belongs to the login: whoever can set a cookie cannot make one up."""
    await _login(browser, admin.email)
    access = browser.cookies["access_token"]
    browser.cookies.clear()

    response = await browser.patch(
        "/api/v1/auth/me",
        json={"full_name": "Eve"},
        headers={"X-CSRF-Token": "planted", "Cookie": f"access_token={access}; csrf_token=planted"},
    )

    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")


async def test_a_header_goes_before_the_cookie(
    browser: AsyncClient, admin: Member, stranger: Member
) -> None:
    await _login(browser, admin.email)

    me = await browser.patch(
        "/api/v1/auth/me", json={"full_name": "Mallory"}, headers=stranger.headers
    )
    wrong = await browser.get("/api/v1/auth/me", headers={"Authorization": "Basic Zm9v"})

    assert me.json()["email"] == stranger.email
    assert wrong.status_code == 401


async def test_graphql_takes_no_cookie(browser: AsyncClient, admin: Member) -> None:
    csrf = await _csrf(browser, admin)

    response = await browser.post("/graphql", json={"query": "{ __typename }"}, headers=csrf)

    assert response.status_code == 401


async def test_refresh_reads_the_cookie_when_the_body_has_none(
    browser: AsyncClient, admin: Member
) -> None:
    csrf = await _csrf(browser, admin)
    before = browser.cookies["refresh_token"]

    without = await browser.post("/api/v1/auth/refresh")
    refreshed = await browser.post("/api/v1/auth/refresh", headers=csrf)
    again = await browser.post("/api/v1/auth/refresh", json={}, headers=csrf)

    assert without.status_code == 403
    assert (refreshed.status_code, again.status_code) == (200, 200)
    assert refreshed.json()["refresh_token"] != before
    assert refreshed.json()["csrf_token"] == csrf["X-CSRF-Token"]
    assert (await browser.get("/api/v1/auth/me")).status_code == 200


async def test_refresh_without_any_token_is_401(browser: AsyncClient) -> None:
    response = await browser.post("/api/v1/auth/refresh")

    assert (response.status_code, response.json()["code"]) == (401, "refresh_invalid")


async def test_logout_clears_the_cookies_and_ends_the_login_at_once(
    browser: AsyncClient, admin: Member
) -> None:
    csrf = await _csrf(browser, admin)
    access = browser.cookies["access_token"]

    without = await browser.post("/api/v1/auth/logout")
    out = await browser.post("/api/v1/auth/logout", headers=csrf)
    again = await browser.post("/api/v1/auth/logout")
    me = await browser.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {access}"})

    assert (without.status_code, out.status_code, again.status_code) == (403, 204, 204)
    assert dict(browser.cookies) == {}
    assert me.status_code == 401


async def test_a_new_password_ends_every_other_login_and_keeps_this_one(
    client: AsyncClient, admin: Member
) -> None:
    """AUTH-3: access tokens too, with the next request."""
    other = (await _login(client, admin.email)).json()
    others = {"Authorization": f"Bearer {other['access_token']}"}

    changed = await client.post(
        "/api/v1/auth/change-password",
        json={"current_password": PASSWORD, "new_password": _NEW},
        headers=admin.headers,
    )

    statuses = [
        (await client.get("/api/v1/auth/me", headers=admin.headers)).status_code,
        (await client.get("/api/v1/auth/me", headers=others)).status_code,
    ]
    refreshed = [
        (await client.post("/api/v1/auth/refresh", json={"refresh_token": token})).status_code
        for token in (admin.refresh_token, other["refresh_token"])
    ]
    assert (changed.status_code, statuses, refreshed) == (204, [200, 401], [200, 401])
    assert (await _login(client, admin.email)).status_code == 401
    assert (await _login(client, admin.email, _NEW)).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "status"),
    [
        ("wrong password", _NEW, 400),
        ("x" * 1000, _NEW, 400),
        (PASSWORD, "short", 422),
        (PASSWORD, "x" * 129, 422),
        (PASSWORD, "ada@example.com", 422),
    ],
)
async def test_a_password_change_that_is_not_acceptable_changes_nothing(
    client: AsyncClient, admin: Member, current: str, new: str, status: int
) -> None:
    response = await client.post(
        "/api/v1/auth/change-password",
        json={"current_password": current, "new_password": new},
        headers=admin.headers,
    )

    assert response.status_code == status
    assert (await _login(client, admin.email)).status_code == 200


async def test_without_a_mail_server_forgetting_a_password_says_nothing(
    client: AsyncClient, admin: Member
) -> None:
    response = await client.post("/api/v1/auth/forgot-password", json={"email": admin.email})

    assert (response.status_code, response.content) == (204, b"")
