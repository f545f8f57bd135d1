"""How an organization stands now: live exposure, coverage and attestations together."""

from services.posture.service import (
    Posture,
    get_letter,
    get_point,
    get_posture,
)

__all__ = ["Posture", "get_letter", "get_point", "get_posture"]
