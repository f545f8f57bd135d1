"""``nis2 jobs``: the work of the platform on one screen."""

import asyncio
import sys

from rich.console import Console
from rich.table import Table

from gateway.installation import installation_settings
from services.operations import JobsOverview, jobs_overview
from services.resources import StartRefused, open_resources
from services.settings import Settings


def show_jobs() -> None:
    """Exits with 1 and one line when the installation is not ready."""
    settings = installation_settings()
    try:
        overview = asyncio.run(_overview(settings))
    except StartRefused as error:
        sys.exit(f"nis2: {error}")
    _show(overview, Console())


async def _overview(settings: Settings) -> JobsOverview:
    async with open_resources(settings) as resources:
        return await jobs_overview(resources)


def _show(overview: JobsOverview, console: Console) -> None:
    console.print(f"In the queue: {overview.queued}")
    console.print(f"Worker: {overview.worker_status or 'none has reported in the last seconds'}")
    if overview.oldest_pending_s is not None:
        console.print(f"Oldest pending: {overview.oldest_pending_s:.0f} s")
    for name, number in overview.counts.items():
        console.print(f"{name}: {number}")
    if overview.workers:
        table = Table("worker", "batches", title="Leases")
        for worker in overview.workers:
            table.add_row(worker.name, str(worker.batches))
        console.print(table)
    if overview.failed:
        table = Table("what", "id", "reason", "ended", title="Failed lately")
        for job in overview.failed:
            table.add_row(job.kind, str(job.id), job.reason, f"{job.ended_at:%Y-%m-%d %H:%M}")
        console.print(table)
