"""Content Security Policy Level 3: what a page's policies let run. Pure.

Several policies are all enforced: something runs only where each of them lets it run. So every
question is asked of each policy, and the answer is "yes" only when all say so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_MAX_POLICY = 16 * 1024
_MAX_POLICIES = 20
_IGNORED_IN_META = frozenset({"frame-ancestors", "report-uri", "sandbox"})
# CSP 3 6.1: the chain in which a fetch directive falls back to a wider one.
_FALLBACKS = {
    "script-src-elem": ("script-src-elem", "script-src", "default-src"),
    "script-src-attr": ("script-src-attr", "script-src", "default-src"),
    "script-src": ("script-src", "default-src"),
    "object-src": ("object-src", "default-src"),
    "style-src-elem": ("style-src-elem", "style-src", "default-src"),
    "style-src-attr": ("style-src-attr", "style-src", "default-src"),
}
_NONCE_OR_HASH = re.compile(r"'(nonce|sha256|sha384|sha512)-[A-Za-z0-9+/_=-]+'", re.IGNORECASE)
_ANY_HOST = re.compile(r"(\*|(https?|wss?|data):|(https?|wss?)://\*(:\*)?|\*:\*)", re.IGNORECASE)

Sources = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """One serialized policy: directives by lower-case name, the first of a name counts."""

    directives: Mapping[str, Sources]

    def effective(self, directive: str) -> Sources | None:
        """The sources that govern it; None where nothing does, so that all is allowed."""
        for name in _FALLBACKS.get(directive, (directive,)):
            if name in self.directives:
                return self.directives[name]
        return None

    @property
    def allows_inline_script(self) -> bool:
        """CSP 3 6.7.3.2: 'unsafe-inline' counts only without nonce, hash and strict-dynamic."""
        return any(
            sources is not None and _allows_inline(sources)
            for sources in (self.effective("script-src-elem"), self.effective("script-src-attr"))
        )

    @property
    def allows_inline_style(self) -> bool:
        """'strict-dynamic' is about scripts alone (CSP 3 6.7.3.2)."""
        return any(
            sources is not None
            and _has(sources, "'unsafe-inline'")
            and not any(_NONCE_OR_HASH.fullmatch(source) for source in sources)
            for sources in (self.effective("style-src-elem"), self.effective("style-src-attr"))
        )

    @property
    def restricts_style(self) -> bool:
        return self.effective("style-src-elem") is not None

    @property
    def nonces(self) -> frozenset[str]:
        """Every nonce of every directive."""
        sources = (source for values in self.directives.values() for source in values)
        return frozenset(s for s in sources if s.lower().startswith("'nonce-"))

    @property
    def restricts_script(self) -> bool:
        return self.effective("script-src") is not None or (
            "script-src-elem" in self.directives and "script-src-attr" in self.directives
        )

    @property
    def allows_eval(self) -> bool:
        return _has(self.effective("script-src") or (), "'unsafe-eval'")

    @property
    def uses_nonce_or_hash(self) -> bool:
        sources = self.effective("script-src-elem") or ()
        return any(_NONCE_OR_HASH.fullmatch(source) for source in sources)

    @property
    def limits_base(self) -> bool:
        base = self.directives.get("base-uri")
        return base is not None and not any(_ANY_HOST.fullmatch(source) for source in base)

    @property
    def limits_framing(self) -> bool:
        ancestors = self.directives.get("frame-ancestors")
        return ancestors is not None and not any(_ANY_HOST.fullmatch(s) for s in ancestors)

    @property
    def upgrades_requests(self) -> bool:
        return "upgrade-insecure-requests" in self.directives

    @property
    def wide_scripts(self) -> Sources:
        """What lets script come from nearly anywhere, in words; empty when nothing does."""
        sources = self.effective("script-src-elem")
        if sources is None:
            return ("no script-src and no default-src",)
        if _has(sources, "'strict-dynamic'"):
            return ()  # host and scheme sources are inert then (CSP 3 6.7.1.1)
        return tuple(f"script-src {s}" for s in sources if _ANY_HOST.fullmatch(s))

    @property
    def wide_objects(self) -> Sources:
        """What lets plugins come from nearly anywhere."""
        sources = self.effective("object-src")
        if sources is None:
            return ("no object-src and no default-src",)
        return tuple(f"object-src {s}" for s in sources if _ANY_HOST.fullmatch(s))


def parse_policies(values: tuple[str, ...], *, is_meta: bool = False) -> tuple[Policy, ...]:
    """Every policy of all headers of a name; a comma separates policies. Never raises."""
    serialized = [part for value in values for part in _parts(value, is_meta=is_meta)]
    policies = (_parse(text, is_meta=is_meta) for text in serialized[:_MAX_POLICIES])
    return tuple(policy for policy in policies if policy.directives)


def _parts(value: str, *, is_meta: bool) -> list[str]:
    return [value] if is_meta else value.split(",")


def _parse(text: str, *, is_meta: bool) -> Policy:
    directives: dict[str, Sources] = {}
    for part in text[:_MAX_POLICY].split(";"):
        name, *sources = part.split() or [""]
        name = name.lower()
        is_ignored = is_meta and name in _IGNORED_IN_META
        if name and part.isascii() and not is_ignored:
            directives.setdefault(name, tuple(sources))
    return Policy(directives)


def _allows_inline(sources: Sources) -> bool:
    if any(_NONCE_OR_HASH.fullmatch(source) for source in sources):
        return False
    return _has(sources, "'unsafe-inline'") and not _has(sources, "'strict-dynamic'")


def _has(sources: Sources, keyword: str) -> bool:
    return any(source.lower() == keyword for source in sources)
