"""What the doctor says about an installation in order, and about each thing that may be wrong."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from services.doctor import Diagnosis, State, examine
from services.queue import HEALTH_KEY
from services.resources import Resources
from services.settings import Settings
from tests.conftest import Servers


async def _by_part(settings: Settings) -> dict[str, Diagnosis]:
    return {diagnosis.part: diagnosis for diagnosis in await examine(settings)}


async def test_what_works_is_called_fine(resources: Resources, settings: Settings) -> None:
    await resources.redis.set(HEALTH_KEY, "alive", ex=30)

    found = await _by_part(settings)

    for part in ("PostgreSQL", "schema", "tenants", "Redis", "worker"):
        assert found[part].state is State.FINE, found[part]


async def test_without_a_worker_it_says_how_to_start_one(
    resources: Resources, settings: Settings
) -> None:
    await resources.redis.delete(HEALTH_KEY)

    found = await _by_part(settings)

    assert found["worker"].state is State.BROKEN
    assert "nis2 worker" in found["worker"].remedy


async def test_a_role_that_could_pass_row_security_is_broken(
    migrated: Servers, settings: Settings
) -> None:
    found = await _by_part(settings.model_copy(update={"database_url": migrated.owner_url}))

    assert found["tenants"].state is State.BROKEN


async def test_an_empty_database_wants_a_migration(migrated: Servers, settings: Settings) -> None:
    url = make_url(migrated.owner_url).set(database="postgres")
    empty = settings.model_copy(update={"database_url": url.render_as_string(hide_password=False)})

    found = await _by_part(empty)

    assert (found["schema"].state, found["schema"].remedy) == (State.BROKEN, "run 'nis2 migrate'")


@pytest.mark.parametrize(
    ("change", "part", "state"),
    [
        (
            {"database_url": "postgresql+asyncpg://app:x@127.0.0.1:1/nis2"},
            "PostgreSQL",
            State.BROKEN,
        ),
        ({"redis_url": "redis://127.0.0.1:1/0"}, "Redis", State.BROKEN),
        ({"port": 1}, "gateway", State.BROKEN),
        ({"scan_ca_file": Path("/nowhere/roots.pem")}, "trusted roots", State.BROKEN),
        ({"scan_dnssec_anchor_file": Path("/nowhere/anchors")}, "scanner's files", State.BROKEN),
        ({"scan_ports_in_flight": 10_000_000}, "open files", State.DOUBTFUL),
        ({"scan_dns_servers": ("127.0.0.1:1",)}, "resolver", State.DOUBTFUL),
        ({"host": "0.0.0.0"}, "environment", State.DOUBTFUL),
        ({"rate_limits": "off"}, "rate limits", State.DOUBTFUL),
        ({"database_pool_size": 500}, "connections", State.DOUBTFUL),
    ],
)
async def test_each_mistake_is_named_and_has_a_remedy(
    settings: Settings, change: dict[str, object], part: str, state: State
) -> None:
    found = await _by_part(settings.model_copy(update=change))

    assert found[part].state is state
    assert found[part].remedy
