"""Our own security.txt (RFC 9116), read by our own parser."""

from dataclasses import replace
from datetime import timedelta

from httpx2 import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from services.database import utcnow
from services.resources import Resources
from services.settings import Settings


async def test_without_a_contact_there_is_none(client: AsyncClient) -> None:
    response = await client.get("/.well-known/security.txt")

    assert response.status_code == 404


async def test_with_a_contact_it_has_what_the_standard_requires(
    resources: Resources, settings: Settings
) -> None:
    named = settings.model_copy(update={"security_contact": "mailto:security@example.org"})
    app = create_app(named, resources)
    async with app.router.lifespan_context(app):

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            opened = replace(resources, settings=named)
            await app({**scope, "state": {"resources": opened}}, receive, send)

        transport = ASGITransport(app=with_state)
        async with AsyncClient(transport=transport, base_url="http://testserver") as client:
            response = await client.get("/.well-known/security.txt")

    fields = dict(line.split(": ", 1) for line in response.text.splitlines())
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert fields["Contact"] == "mailto:security@example.org"
    assert f"{utcnow():%Y-%m-%d}" < fields["Expires"] < f"{utcnow() + timedelta(days=365):%Y-%m-%d}"
