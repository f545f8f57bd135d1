"""Files an operator gives the engine: read once at the start, so that a bad one stops no scan."""

from collections.abc import Callable
from pathlib import Path


class DataFileError(ValueError):
    """A file of the operator's cannot be used; the message names setting, file and fault."""


def require_readable(setting: str, path: Path | None, load: Callable[[Path], object]) -> None:
    """For the start of a process. Raises DataFileError where ``load`` raises for the file."""
    if path is None:
        return
    try:
        load(path)
    except OSError as error:
        raise DataFileError(f"{setting} {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DataFileError(f"{setting} {path}: {error}") from error
