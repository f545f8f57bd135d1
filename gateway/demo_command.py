"""``nis2 demo``: an organization to look around in."""

import asyncio
import sys

import typer

from gateway.installation import installation_settings
from services.demo import Demo, make_demo
from services.errors import Conflict, InvalidRequest
from services.resources import StartRefused, open_resources
from services.settings import Settings


def fill_demo() -> None:
    """Exits with 1 and one line when it is there already or the installation is not ready."""
    settings = installation_settings()
    try:
        demo = asyncio.run(_make(settings))
    except Conflict:
        sys.exit("nis2: the demo is there already: its account is demo@example.org")
    except (StartRefused, InvalidRequest) as error:
        sys.exit(f"nis2: {error}")
    typer.echo(f"Made {demo.organization!r}: 3 scans, {demo.findings} findings, 2 reports")
    typer.echo(f"Sign in as {demo.email} with the password {demo.password}")


async def _make(settings: Settings) -> Demo:
    async with open_resources(settings) as resources:
        return await make_demo(resources)
