"""The organization's logo on a page: its data as a URI, and its size within a box."""

from base64 import b64encode
from dataclasses import dataclass

from services.rendering.document import Branding

_BOX_WIDTH, _BOX_HEIGHT = 210, 72
"""CSS pixels."""


@dataclass(frozen=True, slots=True)
class PlacedLogo:
    uri: str
    width: int
    height: int


def placed_logo(branding: Branding) -> PlacedLogo | None:
    """None where there is no logo."""
    if not branding.logo or not branding.logo_type or not branding.logo_size:
        return None
    width, height = branding.logo_size
    scale = min(_BOX_WIDTH / width, _BOX_HEIGHT / height)
    data = b64encode(branding.logo).decode()
    return PlacedLogo(
        f"data:{branding.logo_type};base64,{data}",
        max(1, round(width * scale)),
        max(1, round(height * scale)),
    )
