"""CVSS 3.1 base scores from their vectors (FIRST, CVSS v3.1 specification, section 7.1)."""

import math
from functools import cache

_WEIGHTS: dict[str, dict[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


@cache
def base_score(vector: str) -> float:
    """0.0 to 10.0 with one decimal. Raises ValueError or KeyError for what is no 3.1 vector."""
    version, *metrics = vector.split("/")
    if version != "CVSS:3.1":
        raise ValueError(f"{vector!r} is no CVSS 3.1 vector")
    values = dict(metric.split(":", 1) for metric in metrics)
    scope = values["S"]
    weight = {name: options[values[name]] for name, options in _WEIGHTS.items()}
    missed = math.prod(1 - weight[name] for name in ("C", "I", "A"))
    impact_base = 1 - missed
    if scope == "C":
        impact = 7.52 * (impact_base - 0.029) - 3.25 * (impact_base - 0.02) ** 15
    else:
        impact = 6.42 * impact_base
    if impact <= 0:
        return 0.0
    privileges = _PRIVILEGES[scope][values["PR"]]
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _round_up(min((1.08 if scope == "C" else 1.0) * (impact + exploitability), 10.0))


def _round_up(value: float) -> float:
    """To one decimal, upwards, free of binary fractions (appendix A)."""
    scaled = round(value * 100_000)
    if scaled % 10_000 == 0:
        return scaled / 100_000
    return (scaled // 10_000 + 1) / 10
