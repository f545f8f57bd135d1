"""What was found in a page and its scripts, masked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leak:
    """One secret, or one key that is public by design. The value is not here."""

    kind: str
    url: str
    """The page or script it stands in."""
    preview: str
    """Its first four characters."""
    digest: str
    """HMAC-SHA-256 over host, kind and value, shortened to 128 bits, hexadecimal."""
    is_public: bool
    is_in_script: bool

    @property
    def mark(self) -> str:
        """Tells the findings of two secrets apart, also when a script is renamed."""
        return f"{self.kind} {self.digest[:12]}"

    def as_info(self) -> dict[str, object]:
        """JSON-ready, for a target's ``secrets_found``."""
        return {
            "kind": self.kind,
            "url": self.url,
            "preview": self.preview + "…",
            "hash": self.digest,
            "is_public_by_design": self.is_public,
        }


@dataclass(frozen=True, slots=True)
class LeakFacts:
    """Of one endpoint."""

    no_page: str = ""
    """Why the endpoint has no page of its own; empty when it has one."""
    is_page_unseen: bool = False
    """There is no page to be had, and nobody knows what it would hold."""
    unread_page: str = ""
    """Why the page, or a part of it, was not read."""
    scripts_read: int = 0
    unread_scripts: tuple[str, ...] = ()
    """Why a script was not read, or not to its end."""
    leaks: tuple[Leak, ...] = ()


def describe(facts: LeakFacts) -> dict[str, object]:
    """JSON-ready, for a target's ``http_info``."""
    return {
        "secrets": {
            "scripts_read": facts.scripts_read,
            "scripts_not_read": list(facts.unread_scripts[:10]),
            "found": len(facts.leaks),
        }
    }
