"""Parts of a file: ``Range`` and ``If-Range`` (RFC 9110, 14), for one range of bytes."""

import re
from dataclasses import dataclass

from fastapi import HTTPException

_ONE_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``first`` to ``last`` of ``size``, both included."""

    first: int
    last: int
    size: int
    is_partial: bool

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(self.length)}
        if self.is_partial:
            headers["Content-Range"] = f"bytes {self.first}-{self.last}/{self.size}"
        return headers


def asked_span(range_: str | None, if_range: str | None, *, size: int, tag: str) -> Span:
    """What to answer: the whole file unless one satisfiable range of this very file is asked for.

    Several ranges, or a header that is no range, get the whole file, as the RFC allows. Raises 416
    for a range beyond the end.
    """
    whole = Span(0, size - 1, size, is_partial=False)
    found = _ONE_RANGE.fullmatch(range_.strip()) if range_ else None
    if found is None or (if_range and if_range.strip() != tag):
        return whole
    first, last = found.groups()
    if first:
        span = Span(int(first), min(int(last or size), size - 1), size, is_partial=True)
        if last and int(last) < int(first):
            return whole
    elif last:
        span = Span(max(0, size - int(last)), size - 1, size, is_partial=True)
    else:
        return whole
    if span.first >= size or span.length < 1:
        raise HTTPException(
            416, "The range lies beyond the end of the file", {"Content-Range": f"bytes */{size}"}
        )
    return span
