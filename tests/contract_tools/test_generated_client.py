"""A client that a generator wrote from our document goes from registering to findings."""

import asyncio
import json
from pathlib import Path

from services.resources import Resources
from services.scanner.check import CheckResult, Verdict
from services.scanner.target import Target
from services.settings import Settings
from tests.conftest import RunJobs
from tests.fuzz.gateway import gateway_thread
from tests.scanners import StubScanner, at

_DRIVER = Path(__file__).with_name("drive_client.py")


def _expired(target: Target) -> list[CheckResult]:
    return [at(target, "tls.cert.expired", Verdict.failed("ended yesterday"))]


async def test_the_generated_python_client_registers_scans_and_reads_findings(
    settings: Settings, resources: Resources, run_jobs: RunJobs, tools: Path
) -> None:
    with gateway_thread(settings) as url:
        driver = await asyncio.create_subprocess_exec(
            tools / "venv/bin/python",
            _DRIVER,
            url,
            tools / "generated",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            talk = group.create_task(driver.communicate())
            while not talk.done():
                await run_jobs(StubScanner(_expired))

    output, complaint = talk.result()
    assert driver.returncode == 0, complaint.decode()
    assert json.loads(output) == {
        "status": "completed",
        "findings": [["tls.cert.expired", "high", "open"]],
        "error": "Asset not found",
    }
