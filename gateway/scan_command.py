"""``nis2 scan TARGET…``: the engine on its own, without database or account.

Light on purpose: the engine is imported once somebody really scans.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from services.errors import InvalidInput
from services.scanner.check import Severity
from services.scanner.profile import PROBE_TIMEOUT_S, Features, Profile, ScanType
from services.scanner.target import parse_target, split_port
from services.settings import ScanSettings

if TYPE_CHECKING:
    from gateway.scan_run import Asked, Scanned

_FOUND, _USAGE_ERROR, _NOTHING_SEEN, _INTERRUPTED = 1, 2, 3, 130
_STANDARD_OUTPUT = Path("-")


class Part(StrEnum):
    """What a scan can do without."""

    PORTS = "ports"
    WEB = "web"
    DNS = "dns"
    WHOIS = "whois"


def scan(  # noqa: PLR0913 - a parameter for each option
    targets: Annotated[
        list[str], typer.Argument(help="Domains, addresses, networks; host:port for one port.")
    ],
    *,
    scan_type: Annotated[
        ScanType, typer.Option("--type", help="quick tries fewer ports, and only the web's roots.")
    ] = ScanType.FULL,
    skip: Annotated[
        list[Part] | None, typer.Option(help="Leave a part out; may be given more than once.")
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(min=1, max=300, help="Seconds for one probe; a target may take six times."),
    ] = PROBE_TIMEOUT_S,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every verdict there; - is the output.")
    ] = None,
    pdf_file: Annotated[
        Path | None, typer.Option("--pdf", help="Write the full report there.")
    ] = None,
    fail_on: Annotated[
        Severity | None, typer.Option(help="Exit with 1 on a finding as bad as this, or worse.")
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="List every fact of severity info on a line of its own.")
    ] = False,
) -> None:
    """Scan targets now and show what is wrong with them.

    Exit codes: 0 scanned; 1 a finding as bad as --fail-on; 2 a target, option or file that cannot
    be used; 3 no target could be looked at; 130 interrupted.
    """
    asked = _parse(targets)
    settings = ScanSettings()
    _refuse_unwritable(json_file, pdf_file)
    started_at = datetime.now(UTC)
    from gateway.scan_report import (  # noqa: PLC0415 - see the module's second line
        has_finding,
        print_report,
        progress,
        verdicts_as_json,
        was_looked_at,
    )
    from gateway.scan_run import scan_all  # noqa: PLC0415 - as above
    from services.scanner.data_file import DataFileError  # noqa: PLC0415 - as above

    profile = replace(_profile(scan_type, skip or []), probe_timeout_s=timeout)
    try:
        with progress(sum(one.target.host_count for one in asked)) as watcher:
            results = asyncio.run(scan_all(settings, asked, profile, watcher))
    except DataFileError as error:
        _fail(str(error), _USAGE_ERROR)
    except KeyboardInterrupt:
        _fail("interrupted: nothing was written", _INTERRUPTED)
    if pdf_file is not None:
        _write_pdf(pdf_file, results, profile, started_at)
    if json_file == _STANDARD_OUTPUT:
        typer.echo(verdicts_as_json(results))
    else:
        print_report(results, is_whole=show_all)
        if json_file is not None:
            json_file.write_text(verdicts_as_json(results) + "\n", encoding="utf-8")
    if fail_on is not None and has_finding(results, fail_on):
        raise typer.Exit(_FOUND)
    if not any(was_looked_at(scanned) for scanned in results):
        _fail("no target could be looked at: the reasons stand with the targets", _NOTHING_SEEN)


def _write_pdf(
    file: Path, results: Sequence["Scanned"], profile: Profile, started_at: datetime
) -> None:
    from gateway.scan_pdf import write_pdf  # noqa: PLC0415 - see the module's second line
    from services.rendering.render import RenderError  # noqa: PLC0415 - as above

    try:
        asyncio.run(write_pdf(file, results, profile, started_at))
    except (RenderError, OSError) as error:
        _fail(f"{file} could not be written: {error}", _USAGE_ERROR)


def _profile(scan_type: ScanType, skip: Sequence[Part]) -> Profile:
    features = Features(
        port_scan=Part.PORTS not in skip,
        web_checks=Part.WEB not in skip,
        dns_checks=Part.DNS not in skip,
        whois_checks=Part.WHOIS not in skip,
    )
    return Profile(scan_type, features)


def _parse(targets: Sequence[str]) -> "Sequence[Asked]":
    """All of them, or nothing is scanned: exits with 2 and names every one that is no target."""
    from gateway.scan_run import Asked  # noqa: PLC0415 - see the module's second line

    asked: list[Asked] = []
    wrong: list[str] = []
    for text in targets:
        try:
            host, port = split_port(text)
            asked.append(Asked(text, parse_target(host), port))
        except InvalidInput as error:
            wrong.append(str(error))
    if wrong:
        _fail("\nnis2: ".join(wrong), _USAGE_ERROR)
    return asked


def _refuse_unwritable(*files: Path | None) -> None:
    """Before the scan rather than after it."""
    for file in files:
        if file is None or file == _STANDARD_OUTPUT:
            continue
        is_new = not file.exists()
        try:
            file.open("a").close()
            if is_new:
                file.unlink()
        except OSError as error:
            _fail(f"{file} cannot be written: {error.strerror}", _USAGE_ERROR)


def _fail(text: str, code: int) -> NoReturn:
    typer.echo(f"nis2: {text}", err=True)
    raise typer.Exit(code)
