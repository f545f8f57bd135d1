"""What was found at the place of security.txt."""

from dataclasses import dataclass
from datetime import datetime

from services.scanner.disclosure.security_txt import SecurityTxt


@dataclass(frozen=True, slots=True)
class DisclosureFacts:
    """Of one host. Without ``file`` and ``unknown`` there is no security.txt."""

    url: str
    """Where it was found, or looked for."""
    looked_at: datetime
    status: int = 0
    content_type: str = ""
    file: SecurityTxt | None = None
    absence: str = ""
    """What was there instead, in words fit for a report."""
    unknown: str = ""
    """Why it is not known whether there is one."""
    is_site: bool = True
    """False: another port than 443 that serves no pages, such as the API of a database."""


def describe(facts: DisclosureFacts) -> dict[str, object]:
    """JSON-ready, for a target's ``http_info``."""
    file = facts.file
    return {
        "security_txt": {
            "url": facts.url,
            "status": facts.status,
            "is_present": None if facts.unknown else file is not None,
            "contacts": [] if file is None else list(file.contacts),
            "canonical": [] if file is None else list(file.canonical),
            "expires": None if file is None or file.expires is None else file.expires.isoformat(),
            "is_signed": file is not None and file.is_signed,
            "faults": [] if file is None else list(file.faults),
            "reason": facts.absence or facts.unknown,
        }
    }
