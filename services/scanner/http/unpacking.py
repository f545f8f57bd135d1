"""Bodies that come packed although none was asked for: one layer, bounded (TGT-3). Pure."""

import zlib

MAX_UNPACKED_BYTES = 1024 * 1024
"""Of a page."""
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def unpack(wire: bytes, encoding: str, limit: int) -> tuple[bytes, str]:
    """The body, at most ``limit`` bytes of it, and why it is not all there. Never raises."""
    match encoding.strip().lower():
        case "" | "identity":
            return wire, ""
        case "gzip" | "x-gzip":
            windows: tuple[int, ...] = (_GZIP_WINDOW,)
        case "deflate":
            windows = (zlib.MAX_WBITS, -zlib.MAX_WBITS)  # many servers send raw deflate
        case _:
            return b"", "the body is encoded although no encoding was asked for"
    for window in windows:
        unpacker = zlib.decompressobj(window)
        try:
            body = unpacker.decompress(wire, limit)
        except zlib.error:
            continue
        return body, "" if unpacker.eof else "only a part of the packed body was read"
    return b"", "the body cannot be unpacked"
