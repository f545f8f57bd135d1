"""A newcomer who types what CONTRIBUTING.md says ends with a check that works."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.blocks import ROOT, block, blocks_of

_ASKED = (
    "from services.scanner.engine import CATALOGUE;"
    "from services.scanner.http.checks import HTTP_CHECKS, HTTPS_CHECKS;"
    "id = 'http.info.backend_server'; assert CATALOGUE[id].letter == 'e';"
    "assert all(id in {c.info.id for c in checks} for checks in (HTTP_CHECKS, HTTPS_CHECKS))"
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources as a newcomer has them."""
    skip = shutil.ignore_patterns("__pycache__", "vendor", "node_modules")
    for name in ("gateway", "graphql_schema", "jobs", "rest", "services", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_first_check_is_made_as_the_guide_says(copy: Path) -> None:
    catalogue = copy / "services/scanner/catalogue.json"
    entries = json.loads(catalogue.read_text(encoding="utf-8"))
    entries.append(json.loads(block("CONTRIBUTING.md", "json", "catalogue")))
    catalogue.write_text(json.dumps(entries), encoding="utf-8")
    for part in blocks_of("CONTRIBUTING.md"):
        if part.language == "python":
            (copy / part.label).write_text(part.text, encoding="utf-8")
        elif part.language == "sh":
            subprocess.run(["bash", "-ec", part.text], cwd=copy, check=True)

    _run(copy, "-c", _ASKED)
    _run(copy, "-m", "pytest", "-q", "tests/scanner/http/test_backend_checks.py")
    ruff = str(Path(sys.executable).with_name("ruff"))
    subprocess.run([ruff, "check", "services/scanner/http"], cwd=copy, check=True)


def _run(directory: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=directory, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
