"""``make hostile``: every hostile target with an installation's limits, and what came of it."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.hostile.run import MOST_MEMORY, Ended, Report, scan_everything, serving

_LONGEST = 110
_MEGABYTE = 1024 * 1024
_TOLERANCE = 1.5
"""Of the time limit: a result is put together after it."""


def _run(probe_timeout_s: float, console: Console) -> Report:
    def note(ended: Ended) -> None:
        console.print(f"{ended.seconds:6.1f} s  {ended.target.what}")

    with tempfile.TemporaryDirectory() as directory, serving(Path(directory)) as targets:
        return asyncio.run(scan_everything(targets, probe_timeout_s, note))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probe-timeout", type=float, default=10.0, metavar="SECONDS")
    console = Console()
    report = _run(parser.parse_args().probe_timeout, console)
    table = Table("target", "what it does", "seconds", "what the result says")
    for ended in report.ended:
        table.add_row(
            ended.target.value,
            ended.target.what,
            f"{ended.seconds:.1f}",
            Text(ended.reasons[:_LONGEST], "" if ended.names_the_reason else "red"),
        )
    console.print(table)
    slowest = max(ended.seconds for ended in report.ended)
    console.print(
        f"{len(report.ended)} targets in {report.seconds:.1f} s; the slowest took {slowest:.1f} s"
        f" of {report.limit_s:g} s; memory grew by {report.memory_growth_bytes / _MEGABYTE:.0f} MiB"
    )
    if unclear := [ended.target.what for ended in report.ended if not ended.names_the_reason]:
        console.print("The reason is not named: " + ", ".join(unclear))
    is_good = (
        not unclear
        and report.memory_growth_bytes < MOST_MEMORY
        and slowest < _TOLERANCE * report.limit_s
    )
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
