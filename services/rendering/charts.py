"""Charts as SVG, written by hand: vectors in the PDF, no library, readable in grey.

Each function gives a ``data:`` URI for an ``<img>``; the texts in them are ours, never a user's.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping

from services.rendering.document import Json
from services.rendering.presentation import DASH
from services.scanner.check import Severity

# From dark to light, so that the order survives a black and white printer.
SEVERITY_COLORS: Mapping[Severity, str] = {
    Severity.CRITICAL: "#7a1420",
    Severity.HIGH: "#c8441b",
    Severity.MEDIUM: "#e0a526",
    Severity.LOW: "#a9c6dc",
    Severity.INFO: "#dfe5ea",
}
STATUS_COLORS: Mapping[str, str] = {
    "gap_indicated": "#7a1420",
    "attention": "#e0a526",
    "partially_evaluated": "#a9c6dc",
    "no_contrary_evidence": "#cfe3d4",
    "not_evaluated": "#eef1f4",
    "manual": "#ffffff",
}
# Shape says what colour says, for grey and for colour-blind readers. All are in DejaVu Sans.
STATUS_SIGNS: Mapping[str, str] = {
    "gap_indicated": "■",
    "attention": "▲",
    "partially_evaluated": "◐",
    "no_contrary_evidence": "○",
    "not_evaluated": DASH,
    "manual": "✎",
}

_DARK = frozenset({"#7a1420", "#c8441b"})
_INK = "#16222e"
_MUTED = "#5c6b78"
_RULE = "#b9c4ce"
_WIDTH = 520


def score_scale(score: int | None, score_lower: int | None) -> str:
    """0 to 100 with the grades' zones, the interval as a band and the score as a mark."""
    parts = [
        _rect(x, 22, width, 16, fill)
        for x, width, fill in (
            (_at(0), _at(60) - _at(0), "#b9c6d0"),
            (_at(60), _at(70) - _at(60), "#cbd5dd"),
            (_at(70), _at(80) - _at(70), "#dbe3e9"),
            (_at(80), _at(90) - _at(80), "#ebf0f3"),
            (_at(90), _at(100) - _at(90), "#fafcfd"),
        )
    ]
    parts += [
        _text(_at(middle), 34, grade, size=11, color=_MUTED)
        for grade, middle in (("F", 30), ("D", 65), ("C", 75), ("B", 85), ("A", 95))
    ]
    parts += [
        _text(_at(mark), 52, str(mark), size=10, color=_MUTED) for mark in (0, 60, 70, 80, 90, 100)
    ]
    if score is not None:
        lower = score if score_lower is None else score_lower
        if lower < score:
            parts.append(_rect(_at(lower), 18, _at(score) - _at(lower), 3, "#c8441b"))
        x = _at(score)
        parts.append(f'<polygon points="{x - 6:g},8 {x + 6:g},8 {x:g},20" fill="{_INK}"/>')
        parts.append(f'<rect x="{x - 1:g}" y="18" width="2" height="22" fill="{_INK}"/>')
    return _svg(58, parts)


def severity_bar(counts: Mapping[Severity, int]) -> str:
    """One bar, worst severity left; each part at least wide enough to be seen."""
    total = sum(counts.values())
    if not total:
        return _svg(
            44, [_rect(0, 4, _WIDTH, 22, "#f7f9fa"), _text(260, 19, "No findings", size=10)]
        )
    present = [(severity, counts[severity]) for severity in Severity if counts.get(severity)]
    least = 26.0
    free = _WIDTH - least * len(present)
    parts: list[str] = []
    x = 0.0
    for severity, count in present:
        width = least + free * count / total
        color = SEVERITY_COLORS[severity]
        parts.append(_rect(x, 4, width - 1.5, 22, color))
        ink = "#ffffff" if color in _DARK else _INK
        parts.append(_text(x + width / 2, 19, f"{count}", size=10, color=ink, is_bold=True))
        x += width
    return _svg(30, parts)


def letter_tiles(rows: Iterable[Json]) -> str:
    """One tile per letter of Article 21(2): sign of its status, and its score where it has one."""
    parts: list[str] = []
    for index, row in enumerate(rows):
        x = index * 52.0
        status, score = str(row["status"]), row["score"]
        color = STATUS_COLORS.get(status, "#ffffff")
        ink = "#ffffff" if color in _DARK else _INK
        parts.append(
            f'<rect x="{x + 1:g}" y="1" width="48" height="50" fill="{color}" stroke="{_RULE}"/>'
        )
        parts.append(_text(x + 25, 16, f"({row['letter']})", size=10, color=ink, is_bold=True))
        parts.append(_text(x + 25, 31, STATUS_SIGNS.get(status, DASH), size=11, color=ink))
        label = "n/a" if score is None else str(score)
        parts.append(_text(x + 25, 46, label, size=9, color=ink))
    return _svg(54, parts)


def _at(score: float) -> float:
    return 8 + (_WIDTH - 16) * score / 100


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{height:g}" fill="{fill}"/>'


def _text(
    x: float, y: float, text: str, *, size: int, color: str = _INK, is_bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if is_bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:g}" font-family="DejaVu Sans" font-size="{size}"{weight} '
        f'text-anchor="middle" fill="{color}">{text}</text>'
    )


def _svg(height: int, parts: Iterable[str]) -> str:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}">{"".join(parts)}</svg>'
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
