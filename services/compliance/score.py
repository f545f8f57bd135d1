"""The technical exposure score: a worst-first damped product.

One operator, used for hosts, scans, letters and points. For losses sorted descending and damping
``r``: ``D = 1 - prod(1 - loss[k] * r**k)``. The result is bounded, never rises when a problem
comes or worsens, is not diluted by clean hosts and never exceeds the worst host.
"""

import math
from collections.abc import Iterable
from enum import StrEnum

from services.scanner.check import Severity

SCORING_VERSION = "wdp-1"
"""Changes with any weight or rule below; stored with each scan, so old scores stay explicable."""

WEIGHTS: dict[Severity, float] = {
    Severity.CRITICAL: 0.60,
    Severity.HIGH: 0.35,
    Severity.MEDIUM: 0.15,
    Severity.LOW: 0.04,
    Severity.INFO: 0.0,
}
"""How much of a host's score one problem takes, alone."""

HOST_DAMPING = 0.7
"""Between the problems of one host."""
SCAN_DAMPING = 0.5
"""Between the hosts of a scan, of an asset, of a letter."""

# Below this, a factor is 1 in a double: the remaining losses cannot be told from none.
_NEGLIGIBLE = 1e-17
# Products of doubles: 85 arrives as 84.99999999999999 and must not become 84.
_SETTLED_DIGITS = 9


class Grade(StrEnum):
    """Of the rounded-down score: A from 90, B from 80, C from 70, D from 60, else F."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    F = "F"

    @classmethod
    def of(cls, score: float) -> "Grade":
        floor = whole(score)
        return next((grade for grade, least in _LEAST if floor >= least), cls.F)


_LEAST = ((Grade.A, 90), (Grade.B, 80), (Grade.C, 70), (Grade.D, 60))


def remainder(losses: Iterable[float], damping: float) -> float:
    """What is left of 1 after all losses: ``1 - D``. Every loss is in 0 to 1."""
    left = 1.0
    weight = 1.0
    for loss in sorted(losses, reverse=True):
        if loss <= 0.0 or weight < _NEGLIGIBLE:
            break
        left *= 1.0 - loss * weight
        weight *= damping
    return left


def host_loss(weights: Iterable[float]) -> float:
    """0 (nothing found) to 1, from the weights of a host's failed checks."""
    return 1.0 - remainder(weights, HOST_DAMPING)


def host_score(severities: Iterable[Severity]) -> float:
    """Of one host, exact, from the severity of each failed check."""
    return 100.0 * remainder((WEIGHTS[s] for s in severities), HOST_DAMPING)


def scan_score(host_losses: Iterable[float]) -> float:
    """Of many hosts, exact; for one host the same as its host score."""
    return 100.0 * remainder(host_losses, SCAN_DAMPING)


def whole(score: float) -> int:
    """Rounded down, so that 100 means no scored finding at all (99.96 gives 99)."""
    return math.floor(round(score, _SETTLED_DIGITS))


def one_decimal(score: float) -> float:
    """Rounded down to one decimal, so that it never contradicts ``whole``."""
    return math.floor(round(score * 10.0, _SETTLED_DIGITS - 1)) / 10.0
