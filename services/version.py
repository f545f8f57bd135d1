"""The version, read from the one place that has it: ``pyproject.toml``."""

import tomllib
from pathlib import Path
from typing import Final

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

VERSION: Final[str] = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]
PRODUCT: Final[str] = f"NIS2 Gateway {VERSION}"
