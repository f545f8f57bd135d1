"""``python -m tests.documents.image``: the Dockerfile's steps in a clean place, then Compose's.

No engine is needed: each COPY and each RUN that is ours is done in a directory of its own with a
new virtual environment, and the services' commands run as processes on servers of their own.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from services.embedded import temporary_servers
from tests.documents.blocks import ROOT
from tests.scanner.net.listeners import free_port

_LIMIT_S = 60


def build(image: Path) -> Path:
    """Replay the Dockerfile below ``image``; gives back the interpreter of its environment."""
    places = {"/opt/venv": str(image / "venv"), "/tmp/main.txt": str(image / "main.txt")}
    application = image / "app"
    application.mkdir()
    python = image / "venv/bin/python"
    steps = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in steps.splitlines():
        verb, _, rest = line.partition(" ")
        words = shlex.split(_in_place(rest, places))
        if verb == "RUN" and words[0] != "useradd":
            if words[0] == "python":
                words[0] = str(python) if python.exists() else sys.executable
            subprocess.run(words, cwd=application, check=True, env=_environment())
        elif verb == "COPY" and not rest.startswith("--from"):
            *sources, target = words
            for source in sources:
                _copy(ROOT / source, application / target)  # an absolute target stays itself
    return python


def _in_place(text: str, places: dict[str, str]) -> str:
    for place, here in places.items():
        text = text.replace(place, here)
    return text


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NIS2_")}  # noqa: TID251 - a child's
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


def run(image: Path, python: Path) -> None:
    """Migration, gateway and worker as Compose starts them, with secrets in files, until ready."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    port = free_port()
    with ExitStack() as stack:
        servers = stack.enter_context(temporary_servers(lambda _text: None))
        secrets = {
            "NIS2_DATABASE_URL": servers.application_database_url,
            "NIS2_MIGRATION_DATABASE_URL": servers.owner_database_url,
            "NIS2_REDIS_URL": servers.redis_url,
            "NIS2_SECRET_KEY": "k" * 64,
        }
        files: dict[str, str] = {}
        for name, value in secrets.items():
            file = image / name.lower()
            file.write_text(f"{value}\n")
            files[f"{name}_FILE"] = str(file)
        environment = _environment(**files, NIS2_PORT=str(port), NIS2_HOST="127.0.0.1")
        command = [str(python), "-m", "gateway.cli"]
        application = image / "app"
        subprocess.run(
            [*command, *services["migrate"]["command"]],
            cwd=application,
            env=environment,
            check=True,
        )
        del environment["NIS2_MIGRATION_DATABASE_URL_FILE"]
        for name in ("gateway", "worker"):
            argv = [*command, *services[name]["command"]]
            stack.enter_context(_process(argv, application, environment))
        _wait_until_ready(port)


@contextmanager
def _process(argv: list[str], directory: Path, environment: dict[str, str]) -> Generator[None]:
    with subprocess.Popen(argv, cwd=directory, env=environment) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(_LIMIT_S)


def _wait_until_ready(port: int) -> None:
    """With a worker, which readiness calls ``ok``; without one it would say ``degraded``."""
    deadline = time.monotonic() + _LIMIT_S
    answer = b""
    while b'"status":"ok"' not in answer.replace(b" ", b""):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the services did not become ready: {answer.decode()}")
        time.sleep(0.3)
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/v1/health/ready", timeout=3) as response:
                answer = response.read()
        except (URLError, OSError):
            continue


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="nis2-image-") as directory:
        image = Path(directory)
        began = time.monotonic()
        python = build(image)
        print(f"built in {time.monotonic() - began:.0f} s", flush=True)
        run(image, python)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
