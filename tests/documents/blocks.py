"""Fenced blocks of a Markdown file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    label: str
    """What stands after the language: a role, or the file the block goes into."""
    text: str


def blocks_of(name: str) -> Sequence[Block]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [Block(match[1], match[2] or "", match[3]) for match in _FENCE.finditer(text)]


def block(name: str, language: str, label: str) -> str:
    """The one block with that label."""
    (found,) = [b for b in blocks_of(name) if (b.language, b.label) == (language, label)]
    return found.text
