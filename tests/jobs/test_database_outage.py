"""The database is away for a while: the API says so, workers wait, and everything goes on."""

import asyncio
from collections.abc import Collection
from uuid import UUID

from httpx2 import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from services.embedded import temporary_servers
from services.migrations.run import migrate
from services.resources import open_resources
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult
from services.scanner.target import Target
from services.scans import UNLIMITED, Worker, finalize_scan, plan_next_scan, run_next_batch
from services.settings import Settings
from tests.members import register
from tests.outage import start_postgres, stop_postgres
from tests.scanners import StubScanner


class _Slow(StubScanner):
    """Begins before the outage and ends in the middle of it."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        self.has_begun.set()
        await self.go_on.wait()
        return await super().scan(target, profile, known)


async def test_a_scan_outlives_an_outage_of_the_database() -> None:
    with temporary_servers(lambda _text: None) as servers:
        settings = Settings(
            database_url=servers.application_database_url,
            redis_url=servers.redis_url,
            secret_key=servers.secrets.secret_key,  # pyright: ignore[reportArgumentType] - becomes a SecretStr
            password_memory_kib=8,
            password_time_cost=1,
        )
        owner = servers.owner_database_url.replace("postgresql://", "postgresql+asyncpg://")
        await migrate(owner, settings.database_url)
        async with open_resources(settings) as resources:
            app = create_app(settings, resources)
            async with app.router.lifespan_context(app) as state:

                async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
                    scope["state"] = dict(state or {})
                    await app(scope, receive, send)

                async with AsyncClient(
                    transport=ASGITransport(app=with_state), base_url="http://testserver"
                ) as client:
                    admin = await register(client, "ada@example.com")
                    asset = await client.post(
                        "/api/v1/assets",
                        json={"target_value": "192.0.2.0/30"},
                        headers=admin.headers,
                    )
                    created = await client.post(
                        "/api/v1/scans",
                        json={"asset_ids": [asset.json()["id"]], "concurrency": 2},
                        headers=admin.headers,
                    )
                    scan_id = UUID(created.json()["id"])
                    await plan_next_scan(
                        resources.database, admin.organization_id, batch_size=4, quota=UNLIMITED
                    )
                    scanner = _Slow()
                    async with asyncio.TaskGroup() as group:
                        group.create_task(
                            run_next_batch(
                                Worker(resources.database, scanner, name="one", lease_s=2)
                            )
                        )
                        await scanner.has_begun.wait()
                        await asyncio.to_thread(stop_postgres, servers)
                        answers = [
                            await client.get(f"/api/v1/{path}", headers=admin.headers)
                            for path in ("scans", "findings", "auth/me")
                        ]
                        scanner.go_on.set()
                        # Longer than the lease: nobody else could have taken it.
                        await asyncio.sleep(3)
                        start_postgres(servers)
                    await finalize_scan(resources.database, admin.organization_id, scan_id)
                    after = await client.get(f"/api/v1/scans/{scan_id}", headers=admin.headers)

    assert [answer.status_code for answer in answers] == [503] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert {answer.json().get("code") for answer in answers} == {"database_away"}
    assert after.json()["status"] == "completed"
    assert (after.json()["targets_done"], len(scanner.seen)) == (4, 4)
