"""The documentation builds without a warning, and nothing in it leads nowhere."""

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from services.scanner.engine import CATALOGUE
from tests.documents.blocks import ROOT

_STANDARD = re.compile(r"\bRFC \d+|Directive \(EU\) \d+/\d+|Regulation \(EU\) \d+/\d+")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.anchors.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in {"script", "img"} and "src" in values:
            self.loads.append(values["src"])
        if tag == "link" and values.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loads.append(values["href"])


def _read(page: Path) -> _Links:
    links = _Links()
    links.feed(page.read_text(encoding="utf-8"))
    return links


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def site(builder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("docs") / "site"
    builder.lay_out(target)
    zensical = str(Path(sys.executable).with_name("zensical"))
    done = subprocess.run(
        [zensical, "build", "--strict"], cwd=target, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    return target / "site"


def test_every_check_has_a_page(site: Path) -> None:
    for check_id in CATALOGUE:
        assert (site / f"checks/{check_id}/index.html").is_file(), check_id


def test_every_internal_link_leads_to_a_page_and_to_a_place_on_it(site: Path) -> None:
    pages = {page: _read(page) for page in site.rglob("*.html") if page.name != "404.html"}
    assert len(pages) > len(CATALOGUE)
    dead: list[str] = []
    for page, found in pages.items():
        for link in found.links:
            if ":" in link.partition("#")[0] or not link:
                continue
            path, _, place = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (
                place and target in pages and place not in pages[target].anchors
            ):
                dead.append(f"{page.relative_to(site)} -> {link}")
    assert not dead


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not [load for load in _read(page).loads if "//" in load], page


def test_every_source_of_a_check_is_in_the_bibliography(builder: ModuleType) -> None:
    known = builder.bibliography()
    missing = {
        source
        for info in CATALOGUE.values()
        for source in info.sources
        if builder.entry_of(source, known) is None
    }
    assert not missing


def test_every_standard_that_a_page_names_is_in_the_bibliography(builder: ModuleType) -> None:
    known = builder.bibliography()
    texts = [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = {name for text in texts for name in _STANDARD.findall(text.read_text("utf-8"))}
    assert named
    assert not {name for name in named if builder.entry_of(name, known) is None}
