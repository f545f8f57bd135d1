"""``nis2 up`` as a person runs it: a fresh directory, a scan, kill -9, and everything recovers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client, TransportError

from services.embedded.account import server_account
from services.embedded.data_directory import temporary_parent

_ROOT = Path(__file__).resolve().parents[2]
_LIMIT_S = 90.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Platform:
    """One data directory, started as often as a test wants."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = _free_port()
        self.client = Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", timeout=10)

    @contextmanager
    def running(self) -> Generator["subprocess.Popen[bytes]"]:
        environment = {name: value for name, value in os.environ.items() if "NIS2_" not in name}  # noqa: TID251 - a child's
        environment |= {
            "NIS2_DATA_DIR": str(self.directory),
            "NIS2_PORT": str(self.port),
            "NIS2_SCAN_ALLOWED_NETWORKS": "127.0.0.0/8",
            "PYTHONPATH": str(_ROOT),
        }
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gateway.cli", "up"],
            env=environment,
            start_new_session=True,
        )
        try:
            wait_until(lambda: self._is_ready(process))
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_LIMIT_S)

    def _is_ready(self, process: "subprocess.Popen[bytes]") -> bool:
        assert process.poll() is None, "nis2 up ended"
        try:
            answer = self.client.get("/health/ready")
        except TransportError:
            return False
        return bool(answer.status_code == 200 and answer.json()["status"] == "ok")

    def post(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:  # Any: JSON
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = self.client.post(path, json=body, headers=headers)
        assert response.is_success, response.text
        return response.json()

    def scan(self, scan_id: str, token: str) -> dict[str, Any]:  # Any: JSON
        """Empty while nobody answers, or the gateway of an earlier start is still dying."""
        try:
            response = self.client.get(
                f"/scans/{scan_id}", headers={"Authorization": f"Bearer {token}"}
            )
        except TransportError:
            return {}
        return response.json() if response.status_code == 200 else {}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def platform() -> Generator[Platform]:
    parent = temporary_parent(server_account())
    directory = parent / f"nis2-up-{os.getpid()}"
    platform = Platform(directory)
    yield platform
    platform.client.close()
    shutil.rmtree(directory)


def test_a_scan_survives_the_death_of_every_process(platform: Platform) -> None:
    with platform.running() as process:
        token = platform.post(
            "/auth/register",
            {
                "email": "you@example.com",
                "password": "a long pass phrase",
                "full_name": "You",
                "org_name": "Example",
            },
        )["access_token"]
        asset = platform.post("/assets", {"target_value": "127.0.78.0/25"}, token)
        scan_id = platform.post(
            "/scans", {"asset_ids": [asset["id"]], "concurrency": 1, "scan_type": "quick"}, token
        )["id"]
        wait_until(lambda: platform.scan(scan_id, token).get("status") == "running")
        process.kill()
        process.wait()

    with platform.running():
        wait_until(lambda: platform.scan(scan_id, token).get("status") == "completed")
        scan = platform.scan(scan_id, token)

    assert (scan["targets_total"], scan["targets_done"]) == (128, 128)
