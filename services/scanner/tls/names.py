"""Does a certificate cover a name? RFC 9525: subjectAltName only, the common name never."""

from collections.abc import Iterable

_LABELS_UNDER_A_WILDCARD = 2


def covers(presented: Iterable[str], name: str) -> bool:
    """Whether one of the presented dNSNames matches ``name``, an A-label host name."""
    wanted = _labels(name)
    return any(_matches(_labels(candidate), wanted) for candidate in presented)


def _labels(name: str) -> list[str]:
    return name.lower().removesuffix(".").split(".")


def _matches(presented: list[str], wanted: list[str]) -> bool:
    if presented == wanted:
        return "*" not in presented[0]
    # RFC 9525 6.3: a wildcard is the whole left-most label and stands for exactly one. What
    # would cover a whole top-level domain is accepted by no client.
    is_wildcard = presented[0] == "*" and len(presented) > _LABELS_UNDER_A_WILDCARD
    return is_wildcard and presented[1:] == wanted[1:] and bool(wanted[0])
