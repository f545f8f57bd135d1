"""As much of BSON as one question to MongoDB and its answer need (bsonspec.org 1.1). Pure."""

import struct

_DOUBLE, _STRING, _DOCUMENT, _BOOL, _INT32, _INT64 = 1, 2, 3, 8, 16, 18
_SIZES = {_DOUBLE: 8, 7: 12, _BOOL: 1, 9: 8, 10: 0, _INT32: 4, 17: 8, _INT64: 8, 19: 16}
_SIZED = frozenset({_DOCUMENT, 4})
"""Documents and arrays: a length that counts itself."""
_MAX_ELEMENTS = 200

Value = int | float | bool | str | bytes


def document(fields: dict[str, "bool | int | str | bytes"]) -> bytes:
    """Encode flags, numbers, text, and documents that are encoded already."""
    body = b"".join(_element(name.encode(), value) for name, value in fields.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def _element(name: bytes, value: "bool | int | str | bytes") -> bytes:
    match value:
        case bool():
            return bytes((_BOOL,)) + name + b"\0" + bytes((value,))
        case int():
            return bytes((_INT32,)) + name + b"\0" + struct.pack("<i", value)
        case str():
            text = value.encode() + b"\0"
            return bytes((_STRING,)) + name + b"\0" + struct.pack("<i", len(text)) + text
        case bytes():
            return bytes((_DOCUMENT,)) + name + b"\0" + value


def read_document(data: bytes) -> dict[str, Value]:
    """The top-level values as far as they can be read; nested ones stay encoded.

    Stops without an error where the bytes end or make no sense: they are a stranger's.
    """
    values: dict[str, Value] = {}
    at = 4
    for _ in range(_MAX_ELEMENTS):
        end_of_name = data.find(b"\0", at + 1)
        if at >= len(data) or data[at] == 0 or end_of_name < 0:
            break
        kind, name = data[at], data[at + 1 : end_of_name].decode("utf-8", "replace")
        start = end_of_name + 1
        size = _size(kind, data[start : start + 4])
        if size is None or start + size > len(data):
            break
        values[name] = _value(kind, data[start : start + size])
        at = start + size
    return values


def _size(kind: int, head: bytes) -> int | None:
    if kind in _SIZES:
        return _SIZES[kind]
    if len(head) < 4:  # noqa: PLR2004 - an int32
        return None
    length: int = struct.unpack("<i", head)[0]
    if length < 0:
        return None
    if kind in _SIZED:
        return length
    if kind == _STRING:
        return 4 + length
    return 5 + length if kind == 5 else None  # noqa: PLR2004 - 5 is binary: length and subtype


def _value(kind: int, raw: bytes) -> Value:
    match kind:
        case 1:
            return float(struct.unpack("<d", raw)[0])
        case 2:
            return raw[4:-1].decode("utf-8", "replace")
        case 8:
            return raw == b"\1"
        case 16 | 18:
            return int.from_bytes(raw, "little", signed=True)
        case _:
            return raw
