"""``make measure``: how soon a cancelled scan lets go, and how a network spreads over workers.

Absolute times follow the machine and its load. Everything is loopback.
"""

import asyncio
import os
import socket
import statistics
import time
from contextlib import ExitStack
from uuid import UUID

import typer
from sqlalchemy import text

from services import scans
from services.actor import Actor
from services.scanner.profile import ScanType
from services.scans import UNLIMITED, ScanRequest
from tests.torture.platform import (
    Platform,
    Workers,
    new_assets,
    new_organization,
    open_platform,
    scope,
)

app = typer.Typer(no_args_is_help=True)
_HANGING = tuple(f"127.40.0.{n}" for n in range(1, 5))
_NETWORK = "127.41.0.0/22"


async def _start(platform: Platform, actor: Actor, asset_ids: list[UUID]) -> UUID:
    request = ScanRequest(asset_ids=asset_ids, scan_type=ScanType.QUICK, scan_timeout_s=120)
    async with platform.resources.database.transaction(scope(actor)) as work:
        return (await scans.create_scan(work, actor, request, UNLIMITED)).id


async def _until(platform: Platform, statement: str, **parameters: object) -> None:
    """Until the statement counts at least one."""
    async with platform.owner() as owner:
        while not await owner.scalar(text(statement), parameters):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


@app.command()
def cancel(times: int = 20) -> None:
    """Seconds from a cancellation until the worker has let go of targets that hang."""
    latencies = asyncio.run(_cancel(times))
    percentile = statistics.quantiles(latencies, n=20)[-1]
    typer.echo(
        f"{times} cancellations of scans with {len(_HANGING)} hanging targets:"
        f" median {statistics.median(latencies):.2f} s, 95th percentile {percentile:.2f} s,"
        f" most {max(latencies):.2f} s; load {os.getloadavg()[0]:.1f}"
    )


async def _cancel(times: int) -> list[float]:
    """The turns at the addresses end when the targets have been let go."""
    latencies: list[float] = []
    with ExitStack() as stack:
        for host in _HANGING:  # it takes connections, and never answers
            stack.enter_context(socket.create_server((host, 8443), backlog=4096))
        async with open_platform() as platform:
            actor = await new_organization(platform.resources, "cancel")
            asset_ids = await new_assets(platform.resources, actor, _HANGING)
            stack.callback(Workers(platform.settings, 1).stop)
            for _ in range(times):
                scan_id = await _start(platform, actor, asset_ids)
                await _until(
                    platform,
                    "select count(*) = :all from address_turns",
                    all=len(_HANGING),
                )
                began = time.monotonic()
                async with platform.resources.database.transaction(scope(actor)) as work:
                    await scans.cancel_scan(work, actor, scan_id)
                await _until(platform, "select count(*) = 0 from address_turns")
                latencies.append(time.monotonic() - began)
    return latencies


@app.command()
def spread(network: str = _NETWORK) -> None:
    """Seconds that one network takes with 1, 2 and 4 workers, and each worker's share."""
    alone = 0.0
    for count in (1, 2, 4):
        seconds, shares = asyncio.run(_spread(network, count))
        alone = alone or seconds
        typer.echo(
            f"{network} with {count} workers: {seconds:.0f} s, {alone / seconds:.2f} x,"
            f" batches by worker {shares}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )


async def _spread(network: str, count: int) -> tuple[float, list[int]]:
    with ExitStack() as stack:
        async with open_platform() as platform:
            actor = await new_organization(platform.resources, "spread")
            asset_ids = await new_assets(platform.resources, actor, [network])
            stack.callback(Workers(platform.settings, count).stop)
            # Every worker has made its start before the clock runs.
            warm = await _start(
                platform, actor, await new_assets(platform.resources, actor, ["127.42.0.0/26"])
            )
            ended = "select count(*) from scans where id = :id and status = 'completed'"
            await _until(platform, ended, id=warm)
            began = time.monotonic()
            scan_id = await _start(platform, actor, asset_ids)
            await _until(platform, ended, id=scan_id)
            took = time.monotonic() - began
            async with platform.owner() as owner:
                shares = await owner.scalars(
                    text(
                        "select count(*) from scan_batches where scan_id = :id"
                        " group by lease_owner order by 1 desc"
                    ),
                    {"id": scan_id},
                )
                return took, list(shares)


if __name__ == "__main__":
    app()
