"""``make docs``: the pages of this folder, one page for each check, and a bibliography, as a site.

Works without internet: fonts, search and highlighting come from the package. A link that leads
nowhere ends the build.
"""

import html
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parent
sys.path.insert(0, str(_ROOT))

from services.compliance.measures import MEASURE_BY_LETTER  # noqa: E402 - after the path
from services.scanner.check import CheckInfo  # noqa: E402 - as above
from services.scanner.engine import CATALOGUE  # noqa: E402 - as above

_RFC = re.compile(r"RFC (\d+)")
_AREAS = {
    "net": "Hosts and ports",
    "svc": "Services that should not face the internet",
    "tls": "TLS and certificates",
    "http": "Web",
    "sectxt": "security.txt",
    "dns": "DNS",
    "mail": "Mail",
    "reg": "Registration",
    "ssh": "SSH",
}
_NOT_PAGES = {"bibliography.toml", "zensical.toml", "build.py"}


def bibliography() -> Mapping[str, tuple[str, str]]:
    """Title and address of each entry, by what a source begins with."""
    entries = tomllib.loads((_HERE / "bibliography.toml").read_text(encoding="utf-8"))
    known = {
        f"RFC {number}": (title, f"https://www.rfc-editor.org/rfc/rfc{number}")
        for number, title in entries["rfc"].items()
    }
    return known | {key: (title, address) for key, (title, address) in entries["other"].items()}


def entry_of(source: str, known: Mapping[str, tuple[str, str]]) -> str | None:
    """The key of the entry that a source of a check belongs to; None when there is none."""
    if found := _RFC.match(source):
        key = f"RFC {found[1]}"
        return key if key in known else None
    return max((key for key in known if source.startswith(key)), key=len, default=None)


def anchor(key: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")


def _source(source: str, known: Mapping[str, tuple[str, str]]) -> str:
    key = entry_of(source, known)
    return f"[{source}](../bibliography.md#{anchor(key)})" if key else source


def check_page(info: CheckInfo, known: Mapping[str, tuple[str, str]]) -> str:
    vector = f"`{info.cvss_vector}`" if info.cvss_vector else "none: a fact, not a weakness"
    points = ", ".join(info.points)
    sources = "\n".join(f"- {_source(source, known)}" for source in info.sources)
    measure = MEASURE_BY_LETTER[info.letter]
    return f"""# {html.escape(info.title)}

`{info.id}`

| | |
|---|---|
| Severity | {info.severity} |
| CVSS 4.0 | {vector} |
| NIS2 Article 21(2) | ({info.letter}) {measure.title} |
| Annex of Regulation (EU) 2024/2690 | {points} |

## Why it matters

{info.rationale}

## How it is decided

The check *{info.id}* judges what its probe saw at one endpoint and ends as **passed**, **failed**
or **not evaluated**, with the reason beside it. When the probe could not look, the answer is *not
evaluated*: never *passed*. Only *passed* at the same endpoint resolves an earlier finding.

## How to fix it

{info.remediation}

## Sources

{sources}

## Limits

A look from outside at one moment. It shows what anybody on the internet can see, and nothing of
what stands behind it; see [what a result means](../nis2.md#what-a-result-means).
"""


def checks_index() -> str:
    by_area: defaultdict[str, list[CheckInfo]] = defaultdict(list)
    for info in CATALOGUE.values():
        by_area[info.category].append(info)
    parts = [
        "# Checks\n",
        f"{len(CATALOGUE)} checks. Each has a page: why, how to fix it, where it comes from.\n",
    ]
    for area, title in _AREAS.items():
        parts.append(f"\n## {title}\n\n| check | severity | Article 21(2) |\n|---|---|---|\n")
        parts += [
            f"| [{html.escape(info.title)}]({info.id}.md) | {info.severity} | ({info.letter}) |\n"
            for info in sorted(by_area[area], key=lambda info: (info.severity.rank, info.id))
        ]
    return "".join(parts)


def bibliography_page(known: Mapping[str, tuple[str, str]]) -> str:
    used: defaultdict[str, list[str]] = defaultdict(list)
    for info in CATALOGUE.values():
        for key in {entry_of(source, known) for source in info.sources} - {None}:
            used[str(key)].append(info.id)
    parts = ["# Bibliography\n\nWhat the checks and these pages lean on.\n"]
    for key, (title, address) in sorted(known.items(), key=lambda item: _order(item[0])):
        parts.append(f"\n## {key} {{ #{anchor(key)} }}\n\n[{title}]({address})\n")
        if used[key]:
            links = ", ".join(f"[{check}](checks/{check}.md)" for check in sorted(used[key]))
            parts.append(f"\nUsed by {links}.\n")
    return "".join(parts)


def _order(key: str) -> tuple[int, int, str]:
    found = _RFC.match(key)
    return (1, int(found[1]), "") if found else (0, 0, key.lower())


def lay_out(target: Path) -> None:
    """Everything the site is made of, in ``target``."""
    shutil.rmtree(target, ignore_errors=True)
    pages = target / "pages"
    known = bibliography()
    ignored = shutil.ignore_patterns(*_NOT_PAGES, "__pycache__", "deploy", "samples")
    shutil.copytree(_HERE, pages, ignore=ignored)
    shutil.copy(_HERE / "zensical.toml", target)
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(_ROOT / name, pages / name.lower())
    (pages / "checks").mkdir()
    (pages / "checks/index.md").write_text(checks_index(), encoding="utf-8")
    (pages / "bibliography.md").write_text(bibliography_page(known), encoding="utf-8")
    for info in CATALOGUE.values():
        (pages / f"checks/{info.id}.md").write_text(check_page(info, known), encoding="utf-8")


def build(target: Path) -> int:
    """Zensical's exit code; the site is in ``target / "site"``."""
    lay_out(target)
    program = str(Path(sys.executable).with_name("zensical"))
    command = [program, "build", "--strict", "--clean"]
    return subprocess.run(command, cwd=target, check=False).returncode


if __name__ == "__main__":
    sys.exit(build(_ROOT / "build/docs"))
