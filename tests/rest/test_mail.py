"""Mail by a real SMTP server: invitations, and passwords that were forgotten."""

import dataclasses
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from arq.worker import Worker as ArqWorker
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from jobs.context import JobContext
from jobs.functions import FUNCTIONS
from jobs.sweep import sweep
from services.database import Scope as DatabaseScope
from services.queue import HEALTH_KEY, QUEUE_NAME, deserialize_job, serialize_job
from services.resources import Resources
from services.scans import Worker as ScanWorker
from tests.mail_server import MailServer, mail_server
from tests.members import PASSWORD, Member, register
from tests.scanners import BrokenScanner

Deliver = Callable[[], Awaitable[None]]
_GUEST = "guest@example.org"
_NEW = "another long password"


@pytest.fixture
async def post() -> AsyncGenerator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
def mailing(resources: Resources, post: MailServer) -> Resources:
    """A platform with a mail server and a front end."""
    settings = resources.settings.model_copy(
        update={
            "smtp_url": SecretStr(f"smtp://127.0.0.1:{post.port}"),
            "mail_from": "NIS2 Gateway <nis2@example.com>",
            "app_url": "https://app.example.com/",
        }
    )
    return dataclasses.replace(resources, settings=settings)


@pytest.fixture
async def client(mailing: Resources) -> AsyncGenerator[AsyncClient]:
    app = create_app(mailing.settings, mailing)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = dict(state or {})
            await app(scope, receive, send)

        async with AsyncClient(
            transport=ASGITransport(app=with_state), base_url="http://testserver"
        ) as client:
            yield client


@pytest.fixture
def context(mailing: Resources) -> dict[Any, Any]:  # Any: arq's own type
    ctx: dict[Any, Any] = {}  # Any: arq's own type
    worker = ScanWorker(mailing.database, BrokenScanner(), name="test", lease_s=5)
    JobContext(mailing, worker, AsyncExitStack()).put_into(ctx)
    return ctx


@pytest.fixture
def deliver(mailing: Resources, context: dict[Any, Any]) -> Deliver:  # Any: arq's own type
    """Work until the queue is empty."""

    async def run() -> None:
        await ArqWorker(
            functions=FUNCTIONS,
            redis_pool=mailing.redis,
            queue_name=QUEUE_NAME,
            health_check_key=HEALTH_KEY,
            job_serializer=serialize_job,
            job_deserializer=deserialize_job,
            ctx=context,
            burst=True,
            poll_delay=0.01,
            handle_signals=False,
        ).main()

    return run


async def _later(resources: Resources) -> None:
    """As if an hour had passed since the last try."""
    async with resources.database.transaction(DatabaseScope()) as work:
        await work.session.execute(
            text("update password_resets set mail_due_at = mail_due_at - interval '1 hour'")
        )


def _token(server: MailServer) -> str:
    """Of the newest letter."""
    found = re.search(r"#token=([\w-]+)", server.messages[-1].get_content())
    assert found is not None
    return found[1]


async def _forgot(client: AsyncClient, email: str) -> int:
    return (await client.post("/api/v1/auth/forgot-password", json={"email": email})).status_code


async def _reset(client: AsyncClient, token: str, password: str = _NEW) -> int:
    response = await client.post(
        "/api/v1/auth/reset-password", json={"token": token, "new_password": password}
    )
    return response.status_code


async def _login(client: AsyncClient, email: str, password: str) -> int:
    response = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
    return response.status_code


async def _waiting(resources: Resources) -> int:
    async with resources.database.read(DatabaseScope()) as session:
        waiting = await session.scalar(
            text("select count(*) from password_resets where mail_due_at is not null")
        )
    return waiting or 0


async def test_an_invitation_is_mailed_and_its_token_is_nowhere_else(
    client: AsyncClient, admin: Member, post: MailServer, deliver: Deliver
) -> None:
    invited = await client.post(
        f"/api/v1/organizations/{admin.organization_id}/members",
        json={"email": _GUEST},
        headers=admin.headers,
    )
    await deliver()
    await deliver()
    guest = await register(client, _GUEST, organization="Own")
    accepted = await client.post(
        "/api/v1/invitations/accept", json={"token": _token(post)}, headers=guest.headers
    )
    me = await client.get("/api/v1/auth/me", headers=guest.headers)

    (letter,) = post.messages
    assert invited.json()["invite_token"] is None
    assert (letter["To"], letter["From"]) == (_GUEST, "NIS2 Gateway <nis2@example.com>")
    assert letter["Subject"] == "Invitation to Acme on NIS2 Gateway"
    assert "https://app.example.com/accept-invitation#token=" in letter.get_content()
    assert accepted.status_code == 200
    assert me.json()["email_verified"] is True


async def test_a_renewed_invitation_is_mailed_again_with_another_token(
    client: AsyncClient, admin: Member, post: MailServer, deliver: Deliver
) -> None:
    members = f"/api/v1/organizations/{admin.organization_id}/members"
    invited = await client.post(members, json={"email": _GUEST}, headers=admin.headers)
    await deliver()
    first = _token(post)
    await client.post(f"{members}/{invited.json()['id']}/resend", headers=admin.headers)
    await deliver()
    guest = await register(client, _GUEST, organization="Own")

    statuses = [
        (
            await client.post(
                "/api/v1/invitations/accept", json={"token": token}, headers=guest.headers
            )
        ).status_code
        for token in (first, _token(post))
    ]

    assert (len(post.messages), statuses) == (2, [404, 200])


async def test_a_forgotten_password_is_replaced_by_a_mailed_token_once(
    client: AsyncClient, admin: Member, post: MailServer, deliver: Deliver
) -> None:
    assert await _forgot(client, admin.email.upper()) == 204
    await deliver()
    token = _token(post)

    assert await _reset(client, token, admin.email) == 422
    assert await _reset(client, token) == 204
    assert await _reset(client, token) == 400
    me = await client.get("/api/v1/auth/me", headers=admin.headers)
    refreshed = await client.post(
        "/api/v1/auth/refresh", json={"refresh_token": admin.refresh_token}
    )
    assert (me.status_code, refreshed.status_code) == (401, 401)
    assert await _login(client, admin.email, PASSWORD) == 401
    assert await _login(client, admin.email, _NEW) == 200


async def test_an_unknown_address_hears_the_same_and_gets_no_mail(
    client: AsyncClient, mailing: Resources, post: MailServer, deliver: Deliver
) -> None:
    assert await _forgot(client, "nobody@example.com") == 204
    await deliver()

    assert post.messages == []
    assert await _waiting(mailing) == 0


async def test_known_and_unknown_addresses_cost_the_same_statements(
    client: AsyncClient, mailing: Resources, admin: Member
) -> None:
    """The worker looks the user up, so a request cannot tell by its time."""
    await _forgot(client, admin.email)
    await _forgot(client, "nobody@example.com")

    async with mailing.database.read(DatabaseScope()) as session:
        rows = await session.execute(
            text("select token_hash, mail_attempt, used_at from password_resets")
        )
        assert [tuple(row) for row in rows] == [(None, 0, None)] * 2


async def test_three_requests_for_one_address_are_heard(
    client: AsyncClient, admin: Member, post: MailServer, deliver: Deliver
) -> None:
    statuses = [await _forgot(client, admin.email) for _ in range(5)]
    await deliver()

    assert (statuses, len(post.messages)) == ([204] * 5, 3)


async def test_one_reset_ends_the_other_tokens_of_the_user(
    client: AsyncClient, admin: Member, post: MailServer, deliver: Deliver
) -> None:
    await _forgot(client, admin.email)
    await deliver()
    first = _token(post)
    await _forgot(client, admin.email)
    await deliver()

    assert await _reset(client, _token(post)) == 204
    assert await _reset(client, first, "a third long password") == 400


async def test_an_expired_or_unknown_token_is_refused(
    client: AsyncClient, mailing: Resources, admin: Member, post: MailServer, deliver: Deliver
) -> None:
    await _forgot(client, admin.email)
    await deliver()
    async with mailing.database.transaction(DatabaseScope()) as work:
        await work.session.execute(text("update password_resets set expires_at = now()"))

    assert await _reset(client, _token(post)) == 400
    assert await _reset(client, "x" * 43) == 400
    assert await _login(client, admin.email, PASSWORD) == 200


async def test_a_mail_that_has_to_wait_is_sent_by_the_sweep(
    client: AsyncClient,
    mailing: Resources,
    admin: Member,
    post: MailServer,
    deliver: Deliver,
    context: dict[Any, Any],  # Any: arq's own type
) -> None:
    post.recipient_reply = "451 come again"
    await _forgot(client, admin.email)
    await deliver()
    assert (post.messages, await _waiting(mailing)) == ([], 1)

    post.recipient_reply = "250 ok"
    await sweep(context)
    await deliver()
    assert post.messages == []  # its time has not come

    await _later(mailing)
    await sweep(context)
    await deliver()
    assert (len(post.messages), await _waiting(mailing)) == (1, 0)
    assert await _reset(client, _token(post)) == 204


async def test_a_mail_that_is_refused_is_not_tried_again(
    client: AsyncClient, mailing: Resources, admin: Member, post: MailServer, deliver: Deliver
) -> None:
    post.recipient_reply = "550 nobody here"
    await _forgot(client, admin.email)
    await deliver()

    assert (post.messages, await _waiting(mailing)) == ([], 0)


async def test_requests_past_their_life_are_swept_away(
    client: AsyncClient,
    mailing: Resources,
    admin: Member,
    context: dict[Any, Any],  # Any: arq's own type
) -> None:
    await _forgot(client, admin.email)
    async with mailing.database.transaction(DatabaseScope()) as work:
        await work.session.execute(text("update password_resets set expires_at = now()"))

    await sweep(context)

    assert await _waiting(mailing) == 0


async def test_a_name_cannot_put_lines_into_the_head_of_a_mail(
    client: AsyncClient, post: MailServer, deliver: Deliver
) -> None:
    founder = await register(client, "eve@example.com", organization="Acme\r\nBcc: all@example.net")
    await client.post(
        f"/api/v1/organizations/{founder.organization_id}/members",
        json={"email": _GUEST},
        headers=founder.headers,
    )
    await deliver()

    assert post.messages[0]["Bcc"] is None
    assert post.messages[0]["Subject"] == "Invitation to Acme Bcc: all@example.net on NIS2 Gateway"
