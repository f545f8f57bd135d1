"""``python -m tests.benchmarks.graphql``: the same page of findings through both doors, in one run.

Over ASGI in one process, so that nothing but the doors differs; the two are asked in turn, and the
least of the rounds counts.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from httpx2 import ASGITransport, AsyncClient, Response
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url
from starlette.types import Receive, Scope, Send

from gateway.app import create_app
from services.embedded import temporary_servers
from services.migrations.run import migrate
from services.resources import open_resources
from services.settings import Settings
from tests.graphql_schema.asking import problems
from tests.members import Member, register
from tests.seeing import see

ROWS = 100
_ROUNDS = 60
_FIELDS = (
    "id databaseId severity status category checkId title message host port protocol firstSeenAt"
)
_EDGES = f"query {{ findings(first: {ROWS}) {{ edges {{ cursor node {{ {_FIELDS} }} }} }} }}"
_NODES = f"query {{ findings(first: {ROWS}) {{ nodes {{ {_FIELDS} }} }} }}"
_TINY = "{ me { id } }"

Ask = Callable[[], Awaitable[Response]]


@asynccontextmanager
async def _gateway() -> AsyncGenerator[tuple[AsyncClient, Member]]:
    """A gateway on servers of its own with one organization that has the rows."""
    with temporary_servers(lambda _text: None) as servers:
        owner = make_url(servers.owner_database_url).set(drivername="postgresql+asyncpg")
        role = owner.set(username="nis2_benchmark", password=secrets.token_hex(8))
        owner_url, url = (each.render_as_string(hide_password=False) for each in (owner, role))
        await migrate(owner_url, url)
        settings = Settings(
            database_url=url,
            redis_url=servers.redis_url,
            secret_key=secrets.token_hex(32),  # pyright: ignore[reportArgumentType] - becomes a SecretStr
            rate_limits="off",
        )
        async with open_resources(settings) as resources:
            app = create_app(settings, resources)
            async with app.router.lifespan_context(app) as state:

                async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
                    scope["state"] = dict(state or {})
                    await app(scope, receive, send)

                transport = ASGITransport(app=with_state)
                async with AsyncClient(transport=transport, base_url="http://test") as client:
                    member = await register(client, "bench@example.com")
                    await see(resources, member, problems(ROWS))
                    yield client, member


async def measure() -> dict[str, float]:
    """Seconds of processor time for each, the least of the rounds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    async with _gateway() as (client, member):

        def graphql(query: str) -> Ask:
            return lambda: client.post("/graphql", json={"query": query}, headers=member.headers)

        def rest(path: str) -> Ask:
            return lambda: client.get(f"/api/v1{path}", headers=member.headers)

        asked: dict[str, Ask] = {
            "REST, page of 100 findings": rest(f"/findings?page_size={ROWS}"),
            "GraphQL, the same as nodes of 12 fields": graphql(_NODES),
            "GraphQL, the same as edges": graphql(_EDGES),
            "REST, who am I": rest("/auth/me"),
            "GraphQL, who am I": graphql(_TINY),
        }
        least = dict.fromkeys(asked, float("inf"))
        for _ in range(_ROUNDS):
            for name, ask in asked.items():
                began = time.perf_counter()
                response = await ask()
                least[name] = min(least[name], time.perf_counter() - began)
                assert response.status_code == 200, response.text
                assert "errors" not in response.json(), response.text
        return least


def main() -> None:
    least = asyncio.run(measure())
    table = Table("what", "ms", "ratio")
    names = list(least)
    floors = (names[0],) * 3 + (names[3],) * 2
    for name, floor in zip(names, floors, strict=True):
        table.add_row(name, f"{least[name] * 1000:.2f}", f"{least[name] / least[floor]:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
