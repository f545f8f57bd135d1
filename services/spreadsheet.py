"""CSV that a spreadsheet opens: how every cell we write is kept from being taken for a formula.

A cell that a spreadsheet would calculate gets a leading apostrophe (IN-9), and so does one that
already looks like the result of that, so that ``bare`` undoes ``guarded`` for every text.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from typing import BinaryIO

_FORMULA_STARTS = frozenset("=+-@|%")
_LINE_STARTS = ("\t", "\r", "\n")
_GUARD = "'"


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The whole file, see ``stream_csv``."""
    out = io.BytesIO()
    stream_csv(out, header, rows)
    return out.getvalue()


def stream_csv(out: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """RFC 4180 with every cell quoted, UTF-8 with a byte order mark (else Excel guesses).

    The header is ours and written as it stands; every other cell is guarded.
    """
    text = io.TextIOWrapper(out, encoding="utf-8-sig", errors="replace", newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    text.detach()  # flushes, and leaves the stream to its owner


def guarded(value: str) -> str:
    """The cell with a leading apostrophe where a spreadsheet would calculate it.

    That is: where the first character that is neither blank nor control is one of ``= + - @ | %``,
    in its ASCII or full-width form, or where the cell starts with a tab or a line break.
    """
    return f"{_GUARD}{value}" if _is_formula(value.lstrip(_GUARD)) else value


def bare(cell: str) -> str:
    """The value that ``guarded`` made this cell of; any other cell is its own value."""
    if cell.startswith(_GUARD) and _is_formula(cell.lstrip(_GUARD)):
        return cell.removeprefix(_GUARD)
    return cell


def _is_formula(text: str) -> bool:
    return text.startswith(_LINE_STARTS) or _first_visible(text) in _FORMULA_STARTS


def _first_visible(text: str) -> str:
    for character in text:
        # Cf: byte order marks and zero-width characters, skipped by some spreadsheets.
        if character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}:
            continue
        return unicodedata.normalize("NFKC", character)[:1]
    return ""
