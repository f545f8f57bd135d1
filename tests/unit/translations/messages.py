"""Every message that reports may print: found in the code, in the templates and in the data."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2.ext import babel_extract

from services.compliance import DISCLAIMER, MEASURES, annex_points
from services.scanner.engine import CATALOGUE

_ROOT = Path(__file__).parents[3]
_ROOMS = ("services/rendering", "services/compliance", "services/reports")
_KEYWORDS = ("_", "ngettext")

Plurals = dict[str, str | None]
"""By message: its plural, or None where it has none."""


def report_messages() -> Plurals:
    """What reports say themselves."""
    found: Plurals = {}
    for room in _ROOMS:
        for source in sorted((_ROOT / room).glob("*.py")):
            found |= dict(_marked(ast.parse(source.read_text(encoding="utf-8"))))
        for source in sorted((_ROOT / room).glob("templates/*.html")):
            found |= dict(_in_template(source))
    measures = (text for m in MEASURES for text in (m.title, m.description, m.limits))
    headings = (point.heading for point in annex_points().values())
    return dict.fromkeys((DISCLAIMER, *measures, *headings)) | found


def check_messages() -> Plurals:
    """What is said of each check."""
    return {
        text: None
        for check in CATALOGUE.values()
        for text in (check.title, check.rationale, check.remediation)
    }


def _marked(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    plurals: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "count":
            texts = [text for argument in node.args[:2] if (text := _text(argument))]
            if len(texts) == 2:
                plurals[texts[0]] = texts[1]
    for node in ast.walk(tree):
        if (text := _text(node)) and (text in plurals or text not in plurals.values()):
            yield text, plurals.get(text)


def _text(node: ast.AST) -> str | None:
    """The message of ``N_("…")``."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_" and node.args:
        argument = node.args[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return argument.value
    return None


def _in_template(source: Path) -> Iterator[tuple[str, str | None]]:
    with source.open("rb") as file:
        for _, function, messages, _ in babel_extract(file, _KEYWORDS, [], {}):
            texts = [messages] if isinstance(messages, str) else list(messages or ())
            one, *others = [text for text in texts if text]
            yield one, others[0] if function == "ngettext" else None
