"""``nis2 audit``: whether anybody has meddled with the audit log."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer

from services.audit import ChainHead, Verdict, verify_chains
from services.resources import StartRefused, open_resources
from services.settings import Settings

audit = typer.Typer(help="The audit log.", no_args_is_help=True)
_MEDDLED = 1


@audit.callback()
def _audit() -> None:
    """The audit log."""


@audit.command()
def verify(
    heads: Annotated[
        Path | None,
        typer.Option(help="JSON file of an earlier run: its entries must still be there."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the last entry of each log into this JSON file.")
    ] = None,
) -> None:
    """Recompute the hash chain of every organization; exits with 1 when one is broken."""
    settings = Settings.model_validate({})  # from the environment
    try:
        known = _read(heads) if heads else {}
        verdicts = asyncio.run(_verify(settings, known))
    except (StartRefused, msgspec.MsgspecError, OSError) as error:
        sys.exit(f"nis2: {error}")
    for verdict in verdicts:
        state = verdict.problem or f"whole, {verdict.head.sequence} entries"
        typer.echo(f"{verdict.organization_id}: {state}")
    if any(verdict.problem for verdict in verdicts):
        raise typer.Exit(_MEDDLED)
    if save:
        found = {str(verdict.organization_id): verdict.head for verdict in verdicts}
        save.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    typer.echo(f"{len(verdicts)} logs are whole")


def _read(path: Path) -> dict[UUID, ChainHead]:
    return msgspec.json.decode(path.read_bytes(), type=dict[UUID, ChainHead])


async def _verify(settings: Settings, known: dict[UUID, ChainHead]) -> list[Verdict]:
    async with open_resources(settings) as resources:
        return [verdict async for verdict in verify_chains(resources.database, known)]
