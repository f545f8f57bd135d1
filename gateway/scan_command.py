"""``nis2 scan TARGET…``: the engine on its own, without database or account.

Light on purpose: the engine is imported once somebody really scans.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.errors import InvalidInput
from services.scanner.check import Severity
from services.scanner.profile import PROBE_TIMEOUT_S, Profile, ScanType
from services.scanner.target import Target, parse_target
from services.settings import ScanSettings

_USAGE_ERROR = 2
_STANDARD_OUTPUT = Path("-")


def scan(
    targets: Annotated[list[str], typer.Argument(help="Domains, addresses, networks.")],
    *,
    scan_type: Annotated[
        ScanType, typer.Option("--type", help="quick tries fewer ports; custom is full here.")
    ] = ScanType.FULL,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every verdict there; - is the output.")
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(min=1, max=300, help="Seconds for one probe; a target may take six times."),
    ] = PROBE_TIMEOUT_S,
    fail_on: Annotated[
        Severity | None, typer.Option(help="Exit with 1 on a finding as bad as this, or worse.")
    ] = None,
) -> None:
    """Scan targets now and show what is wrong with them."""
    asked = _parse(targets)
    settings = ScanSettings()
    _refuse_unwritable(json_file)
    from gateway.scan_report import has_finding, print_report, progress, verdicts_as_json  # noqa: PLC0415 - see the module's second line
    from gateway.scan_run import scan_all  # noqa: PLC0415 - as above

    with progress(sum(target.host_count for _, target in asked)) as note:
        results = asyncio.run(
            scan_all(settings, asked, Profile(scan_type, probe_timeout_s=timeout), note)
        )
    if json_file == _STANDARD_OUTPUT:
        typer.echo(verdicts_as_json(results))
    else:
        print_report(results)
        if json_file is not None:
            json_file.write_text(verdicts_as_json(results) + "\n", encoding="utf-8")
    if fail_on is not None and has_finding(results, fail_on):
        raise typer.Exit(1)


def _parse(targets: Sequence[str]) -> Sequence[tuple[str, Target]]:
    """All of them, or nothing is scanned: exits with 2 on the first that is no target."""
    try:
        return [(text, parse_target(text)) for text in targets]
    except InvalidInput as error:
        typer.echo(f"nis2: {error}", err=True)
        raise typer.Exit(_USAGE_ERROR) from error


def _refuse_unwritable(file: Path | None) -> None:
    """Before the scan rather than after it."""
    if file is None or file == _STANDARD_OUTPUT:
        return
    try:
        file.open("a").close()
    except OSError as error:
        typer.echo(f"nis2: {file} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(_USAGE_ERROR) from error
