"""A database that goes away and comes back."""

import os
import signal
from pathlib import Path

import psutil

from services.embedded import EmbeddedServers

_STOP_LIMIT_S = 30


def stop_postgres(servers: EmbeddedServers) -> None:
    """A fast shutdown from outside: whoever is connected is cut off. ``revive`` starts it again."""
    pid = int(Path(servers.data.cluster, "postmaster.pid").read_text().split("\n")[0])
    os.kill(pid, signal.SIGINT)
    postmaster = psutil.Process(pid)
    psutil.wait_procs([postmaster], timeout=_STOP_LIMIT_S)


def start_postgres(servers: EmbeddedServers) -> None:
    servers.revive(lambda _text: None)
