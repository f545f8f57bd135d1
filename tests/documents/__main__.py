"""``python -m tests.documents``: follow README and the guides as a newcomer would, within limits.

Uses the ports the documents name: 8000 for the gateway, 8080 and 8443 for the lab, all on loopback.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

from services.embedded.account import server_account
from services.embedded.data_directory import temporary_parent
from tests.documents.blocks import ROOT, Block, blocks_of

_LIMIT_S = 240
_START_LIMIT_S = 90
_BACKGROUND = ("lab", "up")
_STORIES: Sequence[Sequence[str]] = (
    ("README.md",),
    ("docs/getting-started.md", "docs/backup.md"),
)


def follow(documents: Sequence[str]) -> None:
    """Raises CalledProcessError or TimeoutExpired when a command does not do what it should."""
    print(f"following {' and '.join(documents)}", flush=True)
    blocks = [b for name in documents for b in blocks_of(name) if b.language == "sh"]
    data_dir = temporary_parent(server_account()) / f"nis2-follow-{os.getpid()}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NIS2_")},  # noqa: TID251 - the reader's
        "NIS2_DATA_DIR": str(data_dir),
    }
    script = "set -euo pipefail\n" + "".join(b.text for b in blocks if b.label not in _BACKGROUND)
    try:
        with _background(blocks, environment):
            subprocess.run(
                ["bash", "-c", script], cwd=ROOT, env=environment, check=True, timeout=_LIMIT_S
            )
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
        for made in ("report.pdf", "first-report.pdf", "nis2.backup"):
            (ROOT / made).unlink(missing_ok=True)


@contextmanager
def _background(blocks: Sequence[Block], environment: dict[str, str]) -> Generator[None]:
    """Each in a session of its own, as a terminal is; stopped in reverse by SIGINT."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for block in blocks:
            if block.label in _BACKGROUND:
                running.append(
                    subprocess.Popen(
                        ["bash", "-c", f"exec bash -c {_quoted(block.text)}"],
                        cwd=ROOT,
                        env=environment,
                        start_new_session=True,
                    )
                )
                _wait_for(block.label)
        yield
    finally:
        for process in reversed(running):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _wait_for(label: str) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while not (_is_listening(8443) if label == "lab" else _is_ready()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{label} did not start")
        time.sleep(0.2)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready() -> bool:
    """With a worker: a gateway alone would leave the first scan waiting."""
    try:
        with urlopen("http://127.0.0.1:8000/api/v1/health/ready", timeout=3) as answer:
            return b'"ok"' in answer.read() and answer.status == 200
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    for story in _STORIES:
        follow(story)
    print(f"{len(_STORIES)} passed, 0 failed")
    sys.exit(0)
