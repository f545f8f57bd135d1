"""Charts as SVG, written by hand: vectors in the PDF, no library, readable in grey.

Each function gives a ``data:`` URI for an ``<img>``; the texts in them are ours, never a user's.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

from services.rendering.colors import INK, ink_on
from services.rendering.document import Json, TrendPoint
from services.rendering.presentation import DASH, Words
from services.rendering.sentences import STATUS_SIGNS
from services.scanner.check import Severity
from services.translations import N_

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
_MUTED = "#5c6b78"
_RULE = "#b9c4ce"
_WIDTH = 520
_HALF = 250
"""Of a chart that stands beside another."""


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
        parts.append(f'<polygon points="{x - 6:g},8 {x + 6:g},8 {x:g},20" fill="{INK}"/>')
        parts.append(f'<rect x="{x - 1:g}" y="18" width="2" height="22" fill="{INK}"/>')
    return _svg(58, parts)


def severity_bar(counts: Mapping[Severity, int], words: Words) -> str:
    """One bar, worst severity left; each part at least wide enough to be seen."""
    total = sum(counts.values())
    if not total:
        nothing = words.language.text(N_("No findings"))
        return _svg(
            30, [_rect(0, 4, _HALF, 22, "#f7f9fa"), _text(_HALF / 2, 19, nothing, size=10)], _HALF
        )
    present = [(severity, counts[severity]) for severity in Severity if counts.get(severity)]
    least = 30.0
    free = _HALF - least * len(present)
    parts: list[str] = []
    x = 0.0
    for severity, count in present:
        width = least + free * count / total
        color = SEVERITY_COLORS[severity]
        parts.append(_rect(x, 4, width - 1.5, 22, color))
        parts.append(
            _text(x + width / 2, 19, f"{count}", size=10, color=ink_on(color), is_bold=True)
        )
        x += width
    return _svg(30, parts, _HALF)


def trend(points: Sequence[TrendPoint], words: Words) -> str:
    """Scores over time, oldest left; the line breaks where the scoring or the checks changed.

    Empty for fewer than two scores: a point is no trend.
    """
    scored = [point for point in points if point.score is not None]
    if len(scored) < 2:  # noqa: PLR2004 - see above
        return ""
    left, right, top, bottom = 30.0, _HALF - 14.0, 8.0, 68.0
    step = (right - left) / (len(scored) - 1)

    def at(index: int) -> tuple[float, float]:
        return left + index * step, bottom - (bottom - top) * (scored[index].score or 0) / 100

    parts = [
        line
        for mark in (0, 50, 100)
        for line in (
            _line((left, _height(mark, top, bottom)), (right, _height(mark, top, bottom)), _RULE),
            _text(
                left - 10,
                _height(mark, top, bottom) + 3,
                str(mark),
                size=8,
                color=_MUTED,
                anchor="end",
            ),
        )
    ]
    for index, (one, other) in enumerate(pairwise(scored)):
        is_same = (one.scoring_version, one.catalog_version) == (
            other.scoring_version,
            other.catalog_version,
        )
        parts.append(_line(at(index), at(index + 1), INK, is_dashed=not is_same))
    for index, point in enumerate(scored):
        x, y = at(index)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{INK}"/>')
        if index in {0, len(scored) - 1}:
            parts.append(_text(x, y - 5, str(point.score), size=9, is_bold=True))
    for index, anchor in ((0, "start"), (len(scored) - 1, "end")):
        x = left if anchor == "start" else right + 12
        date = words.day(scored[index].completed_at)
        parts.append(_text(x, bottom + 13, date, size=8, color=_MUTED, anchor=anchor))
    return _svg(86, parts, _HALF)


def _height(score: float, top: float, bottom: float) -> float:
    return bottom - (bottom - top) * score / 100


def letter_tiles(rows: Iterable[Json]) -> str:
    """One tile per letter of Article 21(2): sign of its status, and its score where it has one."""
    parts: list[str] = []
    for index, row in enumerate(rows):
        x = index * 52.0
        status, score = str(row["status"]), row["score"]
        color = STATUS_COLORS.get(status, "#ffffff")
        ink = ink_on(color)
        parts.append(
            f'<rect x="{x + 1:g}" y="1" width="48" height="50" fill="{color}" stroke="{_RULE}"/>'
        )
        parts.append(_text(x + 25, 16, f"({row['letter']})", size=10, color=ink, is_bold=True))
        parts.append(_text(x + 25, 31, STATUS_SIGNS.get(status, DASH), size=11, color=ink))
        label = DASH if score is None else str(score)
        parts.append(_text(x + 25, 46, label, size=9, color=ink))
    return _svg(54, parts)


def _at(score: float) -> float:
    return 8 + (_WIDTH - 16) * score / 100


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{height:g}" fill="{fill}"/>'


def _line(
    start: tuple[float, float], end: tuple[float, float], color: str, *, is_dashed: bool = False
) -> str:
    dashes = ' stroke-dasharray="3 2"' if is_dashed else ""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{color}" stroke-width="1"{dashes}/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int,
    color: str = INK,
    is_bold: bool = False,
    anchor: str = "middle",
) -> str:
    weight = ' font-weight="bold"' if is_bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="DejaVu Sans" font-size="{size}"{weight} '
        f'text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'
    )


def _svg(height: int, parts: Iterable[str], width: int = _WIDTH) -> str:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
