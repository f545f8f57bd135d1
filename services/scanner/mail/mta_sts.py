"""Reads an MTA-STS record and policy (RFC 8461 sections 3.1 and 3.2). Pure; never raises."""

import re
from dataclasses import dataclass

SHORTEST_S = 86_400
"""Policies that live for less than a day protect hardly any sender."""
_LONGEST_S = 31_557_600
_MAX_LINES = 1000
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_FIELD = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.\-]{0,31}):[ \t]*(?P<value>.*?)[ \t]*")
_LABEL = re.compile(r"[A-Za-z0-9\-]{1,63}")
_LONGEST_NAME = 255
_MODES = frozenset({"enforce", "testing", "none"})


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy as read: what it says and what is wrong with it."""

    mode: str
    """"" where it names none."""
    max_age_s: int | None
    mx: tuple[str, ...]
    errors: tuple[str, ...] = ()

    def covers(self, host: str) -> bool:
        """A wildcard stands for exactly one label (RFC 8461 section 4.1)."""
        wanted = host.lower().rstrip(".")
        rest = wanted.partition(".")[2]
        patterns = {pattern.lower().rstrip(".") for pattern in self.mx}
        return wanted in patterns or (bool(rest) and f"*.{rest}" in patterns)


def record_errors(texts: tuple[str, ...]) -> tuple[str, ...]:
    """What keeps the TXT records at ``_mta-sts`` from counting."""
    if len(texts) != 1:
        return (f"{len(texts)} records where there must be one",)
    tags = {
        name.strip(): value.strip()
        for name, _, value in (part.partition("=") for part in texts[0].split(";"))
    }
    if not _ID.fullmatch(tags.get("id", "")):
        return ("the record has no valid id",)
    return ()


def parse_policy(body: bytes) -> StsPolicy:
    """Every field of a policy file. Unknown fields are legal; of double ones the first counts."""
    errors: list[str] = []
    fields: dict[str, list[str]] = {}
    for line in body.decode("utf-8", "replace").splitlines()[:_MAX_LINES]:
        match = _FIELD.fullmatch(line.rstrip())
        if match is not None:
            fields.setdefault(match["name"], []).append(match["value"])
        elif line.strip():
            errors.append(f"{line.strip()[:60]!r} is no field")
    mode = fields.get("mode", [""])[0]
    mx = tuple(fields.get("mx", ()))
    max_age_s = _age(fields.get("max_age", [""])[0])
    errors += [f"mx {pattern[:60]!r} is no host name" for pattern in mx if not _is_name(pattern)]
    if fields.get("version", [""])[0] != "STSv1":
        errors.append("version is not STSv1")
    if mode not in _MODES:
        errors.append(f"mode {mode[:40]!r} is unknown" if mode else "mode is missing")
    if max_age_s is None:
        errors.append("max_age is missing or no number up to one year")
    if not mx and mode != "none":
        errors.append("no mx is named")
    return StsPolicy(mode, max_age_s, mx, tuple(errors))


def _is_name(pattern: str) -> bool:
    labels = pattern.removeprefix("*.").removesuffix(".").split(".")
    return len(pattern) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)


def _age(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        return None
    return int(text) if int(text) <= _LONGEST_S else None
