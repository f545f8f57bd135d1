"""What was found beside the pages of one endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FileKind(StrEnum):
    GIT = "git"
    SVN = "svn"
    ENV = "env"
    BACKUP = "backup"
    DS_STORE = "ds_store"
    PHPINFO = "phpinfo"
    SERVER_STATUS = "server_status"


@dataclass(frozen=True, slots=True)
class Hit:
    """A file that is served, with what proves it."""

    kind: FileKind
    path: str
    proof: str
    """In words, without anything secret of the file."""


@dataclass(frozen=True, slots=True)
class Trace:
    """An error page that shows internals."""

    path: str
    status: int
    kind: str


@dataclass(frozen=True, slots=True)
class ExposureFacts:
    """Of one endpoint."""

    url: str
    onward: str = ""
    """Where a plain endpoint sends every path; nothing else is asked then."""
    hits: tuple[Hit, ...] = ()
    unknown: Mapping[FileKind, str] = field(default_factory=dict[FileKind, str])
    """Why it is not known whether a kind of file is served."""
    listings: tuple[str, ...] = ()
    """Paths of directories that list their files."""
    directories: tuple[str, ...] = ()
    """Paths that were looked at for that."""
    unknown_directories: str = ""
    traces: tuple[Trace, ...] = ()
    error_pages: int = 0
    unknown_errors: str = ""
    is_public_archive: bool = False
    """The host's name says that listings are its purpose."""


def describe(facts: ExposureFacts) -> dict[str, object]:
    """JSON-ready, for a target's ``http_info``."""
    return {
        "exposure": {
            "every_path_leads_to": facts.onward or None,
            "files": [{"kind": h.kind.value, "path": h.path, "proof": h.proof} for h in facts.hits],
            "directories_looked_at": list(facts.directories),
            "listings": list(facts.listings),
            "error_pages": facts.error_pages,
            "stack_traces": [
                {"path": t.path, "status": t.status, "kind": t.kind} for t in facts.traces
            ],
        }
    }
