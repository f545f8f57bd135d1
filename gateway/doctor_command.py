"""``nis2 doctor``: what is wrong with this installation, and what to do."""

import asyncio
import sys

from pydantic import ValidationError
from rich.console import Console

from gateway.installation import data_directory, installation_settings
from services.doctor import Diagnosis, State, broken
from services.doctor import examine as examine_installation

_MARKS = {State.FINE: "ok", State.DOUBTFUL: "??", State.BROKEN: "!!"}


def examine() -> None:
    """Exits with 1 when something is broken; doubts alone end with 0."""
    console = Console(soft_wrap=True, highlight=False)
    try:
        settings = installation_settings()
    except ValidationError as error:
        diagnoses = [
            broken(
                f"NIS2_{'_'.join(str(part) for part in problem['loc']).upper()}",
                problem["msg"].removeprefix("Value error, "),
                "see .env.example; or start 'nis2 up', which needs no settings",
            )
            for problem in error.errors(include_url=False, include_input=False)
        ]
    else:
        data_dir = data_directory()
        diagnoses = asyncio.run(examine_installation(settings, data_dir=data_dir))
    for diagnosis in diagnoses:
        _show(console, diagnosis)
    if any(diagnosis.state is State.BROKEN for diagnosis in diagnoses):
        sys.exit(1)


def _show(console: Console, diagnosis: Diagnosis) -> None:
    mark = _MARKS[diagnosis.state]
    console.print(f"{mark}  {diagnosis.part}: {diagnosis.seen}", markup=False)
    if diagnosis.remedy:
        console.print(f"    -> {diagnosis.remedy}", markup=False)
