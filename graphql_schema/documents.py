"""Trusted documents: what a front end may ask is known before it asks.

By the appendix Persisted Documents of GraphQL over HTTP. The manifest is the JSON object that
relay-compiler and others write: names to texts. A client sends ``documentId``: ``sha256:`` and the
hash of a text in hex, or the manifest's own name for it.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

import msgspec
import structlog

from services.settings import Settings

log = structlog.get_logger()

_PREFIX: Final = "sha256:"


class DocumentMode(StrEnum):
    OPEN = "open"
    """Any document."""
    LOG = "log"
    """Any document; one that is not in the manifest is written into the log."""
    ONLY = "only"
    """No document but those of the manifest."""


class UntrustedDocument(Exception):
    """``is_unknown``: asked for by an id that stands for nothing."""

    def __init__(self, *, is_unknown: bool) -> None:
        super().__init__("no trusted document")
        self.is_unknown = is_unknown


class TrustedDocuments:
    def __init__(self, mode: DocumentMode, manifest: Mapping[str, str]) -> None:
        self._mode = mode
        self._texts = {f"{_PREFIX}{_digest(text)}": text for text in manifest.values()} | dict(
            manifest
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises OSError or ValueError when the manifest cannot be read."""
        path = settings.graphql_documents_file
        return cls(DocumentMode(settings.graphql_documents), read_manifest(path) if path else {})

    def text(self, document_id: str) -> str:
        """Raises UntrustedDocument."""
        text = self._texts.get(document_id)
        if text is None:
            raise UntrustedDocument(is_unknown=True)
        return text

    def require(self, text: str) -> None:
        """What a client wrote out instead of naming it. Raises UntrustedDocument."""
        if self._mode is DocumentMode.OPEN:
            return
        digest = _digest(text)
        if f"{_PREFIX}{digest}" in self._texts:
            return
        if self._mode is DocumentMode.ONLY:
            raise UntrustedDocument(is_unknown=False)
        log.warning("untrusted_document", sha256=digest, length=len(text))


def read_manifest(path: Path) -> dict[str, str]:
    """Raises OSError, and ValueError for what is no JSON object of texts."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is no JSON object of documents: {error}") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
