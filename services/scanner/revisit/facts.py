"""What a page said when it was asked again."""

from dataclasses import dataclass
from enum import StrEnum


class Ruse(StrEnum):
    """Which wrong origin was shown to the server."""

    RANDOM = "a random origin"
    NULL = "the origin null"
    PREFIX = "a name that ends like the host"
    SUFFIX = "a name that begins like the host"
    PLAIN = "the host without TLS"


@dataclass(frozen=True, slots=True)
class Grant:
    """What an origin was allowed to read; ``unknown`` says why that is not known."""

    ruse: Ruse
    origin: str
    allowed: str = ""
    """Access-Control-Allow-Origin."""
    with_credentials: bool = False
    unknown: str = ""

    @property
    def is_reflected(self) -> bool:
        """The very origin came back, and the browser may send cookies along."""
        return self.allowed == self.origin and self.with_credentials


@dataclass(frozen=True, slots=True)
class Nonces:
    """The nonces of the page's policies, from two answers."""

    first: frozenset[str]
    second: frozenset[str] = frozenset()
    unknown: str = ""
    """Why the second answer says nothing about freshness."""


@dataclass(frozen=True, slots=True)
class RevisitFacts:
    """Of one endpoint."""

    url: str
    onward: str = ""
    """Where a plain endpoint leads over TLS, so that its page is asked again there."""
    grants: tuple[Grant, ...] = ()
    nonces: Nonces | None = None
    """None where there is no page of its own."""
    no_page: str = ""
    is_page_unseen: bool = False
    """Without a page, and nobody knows what there would be."""


def describe(facts: RevisitFacts) -> dict[str, object]:
    """JSON-ready, for a target's ``http_info``."""
    return {
        "cors": [
            {
                "origin": grant.origin,
                "allowed": grant.allowed or None,
                "credentials": grant.with_credentials,
                "reason": grant.unknown,
            }
            for grant in facts.grants
        ]
    }
