"""JSON written piece by piece: no document is held whole, and each leaf stands on a line."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, BinaryIO

import msgspec


class JsonStream:
    """Writes one JSON value. Members and items come in the order of the calls."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._depth = 0
        self._is_first = True

    @contextmanager
    def object(self, name: str | None = None) -> Generator[None]:
        yield from self._inside(name, b"{", b"}")

    @contextmanager
    def array(self, name: str | None = None) -> Generator[None]:
        yield from self._inside(name, b"[", b"]")

    def member(self, name: str, value: Any) -> None:  # noqa: ANN401 - what msgspec encodes
        self._begin(name)
        self._out.write(msgspec.json.encode(value))

    def item(self, value: Any) -> None:  # noqa: ANN401 - as above
        self._begin(None)
        self._out.write(msgspec.json.encode(value))

    def _inside(self, name: str | None, opening: bytes, closing: bytes) -> Generator[None]:
        self._begin(name)
        self._out.write(opening)
        self._depth += 1
        self._is_first = True
        yield
        self._depth -= 1
        if not self._is_first:
            self._out.write(self._line)
        self._is_first = False
        self._out.write(closing if self._depth else closing + b"\n")

    def _begin(self, name: str | None) -> None:
        if self._depth:
            self._out.write(self._line if self._is_first else b"," + self._line)
        self._is_first = False
        if name is not None:
            self._out.write(msgspec.json.encode(name) + b": ")

    @property
    def _line(self) -> bytes:
        return b"\n" + b"  " * self._depth
