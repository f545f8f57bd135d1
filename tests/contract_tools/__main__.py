"""``python -m tests.contract_tools``: what other people's tools make of our OpenAPI document.

Lints it with redocly and spectral, generates a TypeScript and a Python client, compiles the first
and drives the second through register, asset, scan, findings. Needs npm and a package registry; the
tools go into a directory below the temporary one and are kept there. Ends after ten minutes.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_PYTHON_GENERATOR = ("openapi-python-client==0.29.1", "httpx==0.28.1")
_STEP_S = 240
_TOTAL_S = 600


class ToolSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="NIS2_CONTRACT_")

    tools_dir: Path | None = None
    """Where the tools are installed; a directory of the temporary one unless given."""


class Steps:
    """Runs commands one after the other; each has its time, and all have theirs."""

    def __init__(self) -> None:
        self._end = time.monotonic() + _TOTAL_S

    def run(self, title: str, *command: str | Path, cwd: Path) -> None:
        """Ends the program with what the command wrote when it fails."""
        began = time.monotonic()
        patience_s = min(_STEP_S, self._end - began)
        if patience_s <= 0:
            sys.exit(f"contract: no time left for: {title}")
        try:
            result = subprocess.run(  # noqa: S603 - our own commands
                [str(part) for part in command],
                cwd=cwd,
                timeout=patience_s,
                check=False,
                capture_output=True,
                text=True,
            )
        except subprocess.TimeoutExpired:
            sys.exit(f"contract: {title} took more than {patience_s:.0f} s")
        if result.returncode != 0:
            sys.exit(f"contract: {title} failed\n{result.stdout[-8000:]}\n{result.stderr[-4000:]}")
        print(f"contract: {title}: ok, {time.monotonic() - began:.1f} s", flush=True)  # noqa: T201 - a command


def main() -> None:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("contract: npm is needed, and was not found on the PATH")
    steps = Steps()
    tools = _tools_directory()
    document = tools / "openapi.json"
    with document.open("w", encoding="utf-8") as file:
        subprocess.run(
            [sys.executable, "-m", "gateway.cli", "openapi"], cwd=_ROOT, stdout=file, check=True
        )
    _install(steps, npm, tools)
    _lint(steps, tools, document)
    _typescript(steps, tools, document)
    _python(steps, tools, document)


def _tools_directory() -> Path:
    """One for each set of versions: what is there already is not fetched again."""
    versions = (_HERE / "package.json").read_text(encoding="utf-8") + repr(_PYTHON_GENERATOR)
    digest = hashlib.sha256(versions.encode()).hexdigest()[:12]
    base = ToolSettings().tools_dir or Path(tempfile.gettempdir())
    directory = base / f"nis2-contract-tools-{digest}"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _install(steps: Steps, npm: str, tools: Path) -> None:
    if not (tools / ".npm-installed").exists():
        shutil.copy(_HERE / "package.json", tools)
        arguments = ("install", "--no-audit", "--no-fund", "--ignore-scripts")
        steps.run("npm install", npm, *arguments, cwd=tools)
        (tools / ".npm-installed").touch()
    if not (tools / ".python-installed").exists():
        python = tools / "venv/bin/python"
        steps.run("virtual environment", sys.executable, "-m", "venv", tools / "venv", cwd=tools)
        pip = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
        steps.run("client generator", *pip, *_PYTHON_GENERATOR, cwd=tools)
        (tools / ".python-installed").touch()


def _lint(steps: Steps, tools: Path, document: Path) -> None:
    programs = tools / "node_modules/.bin"
    redocly = (programs / "redocly", "lint", "--extends", "recommended", document)
    steps.run("redocly, recommended rules", *redocly, cwd=tools)
    rules = ("-r", _HERE / "spectral.yaml", "--fail-severity", "warn")
    steps.run(
        "spectral, recommended rules", programs / "spectral", "lint", *rules, document, cwd=tools
    )


def _typescript(steps: Steps, tools: Path, document: Path) -> None:
    programs = tools / "node_modules/.bin"
    generated = tools / "api.ts"
    steps.run(
        "openapi-typescript", programs / "openapi-typescript", document, "-o", generated, cwd=tools
    )
    steps.run("tsc --strict", programs / "tsc", "--strict", "--noEmit", generated, cwd=tools)


def _python(steps: Steps, tools: Path, document: Path) -> None:
    package = tools / "generated/nis2_client"
    shutil.rmtree(package, ignore_errors=True)
    package.parent.mkdir(exist_ok=True)
    generator = tools / "venv/bin/openapi-python-client"
    generate = ("generate", "--path", document, "--output-path", package, "--meta", "none")
    # It would format what it wrote with a ruff on the PATH, which nobody reads.
    config = ("--config", _HERE / "python_client.json", "--fail-on-warning")
    steps.run("openapi-python-client", generator, *generate, *config, cwd=tools)
    test = "tests/contract_tools/test_generated_client.py"
    story = (sys.executable, "-m", "pytest", "-q", test, "--generated-client", tools)
    steps.run("the generated client, driven", *story, cwd=_ROOT)


if __name__ == "__main__":
    main()
