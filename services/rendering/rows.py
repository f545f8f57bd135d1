"""The rows of a report on their way between processes: one JSON value a line, marked by kind."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, TypeVar

import msgspec

from services.rendering.document import NotTested, ReportAsset, ReportFinding, ReportRows

Row = ReportFinding | ReportAsset | NotTested

_FINDING, _ASSET, _NOT_TESTED = b"f", b"a", b"n"
_MARKS: dict[type[Row], bytes] = {
    ReportFinding: _FINDING,
    ReportAsset: _ASSET,
    NotTested: _NOT_TESTED,
}
_T = TypeVar("_T")


def encode_rows(rows: Iterable[Row]) -> bytes:
    """Lines for ``read_rows``: findings first, then assets, then what was not tested."""
    return b"".join(_MARKS[type(row)] + msgspec.json.encode(row) + b"\n" for row in rows)


def read_rows(source: BinaryIO) -> ReportRows:
    """The three lists as streams over one source: each must be read to its end before the next."""
    lines = _Lines(source)
    return ReportRows(
        findings=lines.section(_FINDING, msgspec.json.Decoder(ReportFinding)),
        assets=lines.section(_ASSET, msgspec.json.Decoder(ReportAsset)),
        not_tested=lines.section(_NOT_TESTED, msgspec.json.Decoder(NotTested)),
    )


class _Lines:
    """Gives out the lines of one kind and keeps the first one of another."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._kept = b""

    def section(self, mark: bytes, decoder: "msgspec.json.Decoder[_T]") -> Iterator[_T]:
        while line := self._kept or self._source.readline():
            self._kept = line
            if not line.startswith(mark):
                return
            self._kept = b""
            yield decoder.decode(memoryview(line)[1:])
