"""``make lab``: scan a lab of good and bad servers, and compare with what is true of them.

``python -m tests.lab.measure [ROOM …]`` takes all rooms of ``ground``, or those that are named.
Exits with 1 when an aim is missed (see ``truth``).
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from tests.lab.ground import ROOMS
from tests.lab.lab import Lab
from tests.lab.truth import Case, Measurement, Verdicts, measure

_ROOT = Path(__file__).parents[2]
Room = Callable[[Lab], Iterator[Case]]


def scan(
    lab: Lab, targets: Sequence[str], options: Sequence[str] = (), *, timeout_s: float = 1800
) -> Verdicts:
    """What ``nis2 scan`` says of the targets, all in one call, in a process of its own."""
    output = lab.directory / "verdicts.json"
    subprocess.run(  # noqa: S603 - the lab's own words
        [sys.executable, "-m", "gateway.cli", "scan", *targets, "--json", str(output), *options],
        cwd=_ROOT,
        env=lab.environment,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=timeout_s,
    )
    return json.loads(output.read_text("utf-8"))


def run(
    directory: Path,
    rooms: Mapping[str, Room],
    choose: Callable[[Sequence[Case]], Sequence[Case]] = lambda cases: cases,
) -> tuple[Sequence[Case], Measurement]:
    """Build, scan, compare."""
    with Lab(directory) as lab:
        cases = [case for room in rooms.values() for case in room(lab)]
        lab.serve_dns()
        chosen = choose(cases)
        targets = dict.fromkeys(case.target for case in chosen)
        # The machine may be busy with other things: that is no fault of a target's.
        verdicts = scan(lab, list(targets), ("--timeout", "30"))
    return chosen, measure(chosen, verdicts)


def show(result: Measurement, cases: Sequence[Case]) -> None:
    for title, lines in (
        ("Missed", result.misses),
        ("False", result.false_hits),
        ("Traps fallen", result.fallen_traps),
    ):
        for line in lines:
            typer.echo(f"{title}: {line}")
    typer.echo(
        f"\n{'area':<10} {'required':>8} {'found':>6} {'false':>6} {'recall':>7} {'precision':>9}"
    )
    for area, count in (*sorted(result.areas.items()), ("overall", result.overall)):
        typer.echo(
            f"{area:<10} {count.required:>8} {count.found:>6} {count.false:>6}"
            f" {count.recall:>7.3f} {count.precision:>9.3f}"
        )
    typer.echo(
        f"\n{len(cases)} targets, {result.traps} traps, {len(result.shown)} checks shown to fail"
    )


def main(
    rooms: Annotated[
        list[str] | None, typer.Argument(help="Names of rooms; none means all.")
    ] = None,
    *,
    only: Annotated[str, typer.Option(help="Only cases whose name contains this.")] = "",
) -> None:
    """Measure recall and precision of the scanner on the lab."""
    chosen = {name: room for name, room in ROOMS.items() if not rooms or name in rooms}
    started = time.monotonic()
    with TemporaryDirectory(prefix="nis2-lab-") as directory:
        cases, result = run(
            Path(directory), chosen, lambda cases: [case for case in cases if only in case.name]
        )
    show(result, cases)
    typer.echo(f"{time.monotonic() - started:.0f} s")
    for shortfall in result.shortfalls:
        typer.echo(f"Not reached: {shortfall}")
    raise typer.Exit(bool(result.shortfalls))


if __name__ == "__main__":
    typer.run(main)
