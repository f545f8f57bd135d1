"""Fetch the vendored browser bundles again: ``python -m gateway.assets.refresh``.

`manifest.json` says which file of which package and version is kept where, and which strings are
replaced on the way: ReDoc's logo comes from its vendor's network, source maps are not kept, and
GraphiQL's menus write a style element where our policy wants a constructed style sheet.

To upgrade, change the version there and run this: each package is fetched with ``npm pack``, which
checks its integrity, and the hashes are written back. ``--check`` fetches nothing and compares the
files at hand with the manifest. Needs npm only to fetch; nothing here runs when the gateway does.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

ASSETS: Final = Path(__file__).parent
MANIFEST: Final = ASSETS / "manifest.json"


class Replacement(BaseModel):
    """A string that must occur exactly once in the published file, and what stands there here."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    old: str
    new: str


class VendoredFile(BaseModel):
    """One file of a published package."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    version: str
    licence: str
    """SPDX identifier."""
    source: str
    """Path inside the package."""
    file: str
    """Path below this directory."""
    sha256: str
    """Of the file as kept here, after the replacements."""
    replace: tuple[Replacement, ...] = ()


_Manifest = TypeAdapter(list[VendoredFile])


def read_manifest() -> list[VendoredFile]:
    """All vendored files, in the order of the manifest."""
    return _Manifest.validate_json(MANIFEST.read_bytes())


def altered_files() -> list[str]:
    """Names of vendored files that are missing or differ from the manifest."""
    return [
        entry.file
        for entry in read_manifest()
        if not (ASSETS / entry.file).is_file()
        or _sha256((ASSETS / entry.file).read_bytes()) != entry.sha256
    ]


def refresh() -> list[VendoredFile]:
    """Fetch every package once, write its files and the manifest; gives back the new entries.

    Raises ValueError when a string to replace does not occur exactly once.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not on the PATH; it is needed to fetch the packages.")
    entries = read_manifest()
    with tempfile.TemporaryDirectory() as directory:
        packages = {
            name: _pack(npm, name, Path(directory))
            for name in sorted({_requirement(entry) for entry in entries})
        }
        refreshed = [_write(entry, packages[_requirement(entry)]) for entry in entries]
    MANIFEST.write_bytes(_Manifest.dump_json(refreshed, indent=2, exclude_defaults=True) + b"\n")
    return refreshed


def _requirement(entry: VendoredFile) -> str:
    return f"{entry.package}@{entry.version}"


def _pack(npm: str, requirement: str, directory: Path) -> Path:
    command = [npm, "pack", requirement, "--silent", "--pack-destination", str(directory)]
    # The names come from the manifest in this repository, not from a user.
    packed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return directory / packed.stdout.split()[-1]


def _write(entry: VendoredFile, archive: Path) -> VendoredFile:
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/{entry.source}")
        if member is None:
            raise FileNotFoundError(f"{entry.source} is no file of {_requirement(entry)}.")
        content = member.read()
    for replacement in entry.replace:
        if content.count(replacement.old.encode()) != 1:
            raise ValueError(f"{entry.file}: {replacement.old!r} must occur exactly once.")
        content = content.replace(replacement.old.encode(), replacement.new.encode())
    target = ASSETS / entry.file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return entry.model_copy(update={"sha256": _sha256(content)})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> int:
    """Fetch, or with ``--check`` compare; gives back the exit code."""
    parser = argparse.ArgumentParser(prog="gateway.assets.refresh", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fetch nothing, compare the hashes")
    if parser.parse_args().check:
        altered = altered_files()
        sys.stdout.write("".join(f"differs: {name}\n" for name in altered))
        return 1 if altered else 0
    sys.stdout.write("".join(f"{entry.sha256}  {entry.file}\n" for entry in refresh()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
