"""Colours of a report: ours, or those of the organization, and ink that can be read on them."""

from dataclasses import dataclass

from services.rendering.document import Branding

INK = "#16222e"
WHITE = "#ffffff"
_PRIMARY = "#14344f"
_ACCENT = "#c8441b"
_READABLE = 4.5
"""WCAG 2.2, 1.4.3: contrast of text."""


@dataclass(frozen=True, slots=True)
class Colors:
    """``#rrggbb`` each."""

    primary: str
    accent: str
    on_primary: str
    """Text on a surface of the primary colour."""

    @classmethod
    def of(cls, branding: Branding) -> "Colors":
        """A primary colour too light to be read on white gives its place to ours."""
        primary = branding.primary_color or _PRIMARY
        if contrast(primary, WHITE) < _READABLE:
            primary = _PRIMARY
        return cls(primary, branding.accent_color or _ACCENT, ink_on(primary))


def ink_on(surface: str) -> str:
    return WHITE if contrast(surface, WHITE) >= contrast(surface, INK) else INK


def contrast(one: str, other: str) -> float:
    """1 to 21, see WCAG 2.2."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
