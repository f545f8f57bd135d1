"""A database that is away is said so, and may be back soon."""

from httpx2 import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from services.audit import append_entries
from services.database import Database
from services.events import Event
from services.queue import Job
from services.resources import Resources
from services.settings import Settings
from tests.members import Member


async def _nobody(_told: Job | Event) -> None:
    """Hears of everything and does nothing."""


async def test_every_route_says_503_and_when_to_try_again(
    resources: Resources, settings: Settings, admin: Member
) -> None:
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:9/nis2")
    away = Resources(
        settings,
        Database(engine, _nobody, _nobody, append_entries),
        resources.redis,
        resources.identity,
        resources.events,
    )
    app = create_app(settings, away)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = dict(state or {})
            await app(scope, receive, send)

        async with AsyncClient(
            transport=ASGITransport(app=with_state), base_url="http://testserver"
        ) as client:
            guarded = await client.get("/api/v1/assets", headers=admin.headers)
            public = await client.post(
                "/api/v1/auth/login", json={"email": "a@example.com", "password": "12345678"}
            )
            ready = await client.get("/api/v1/health/ready")
            alive = await client.get("/api/v1/health")

    for answer in (guarded, public):
        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        assert int(answer.headers["Retry-After"]) > 0
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "error")
    assert alive.json() == {"status": "ok"}
    await engine.dispose()
