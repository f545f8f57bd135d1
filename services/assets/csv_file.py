"""A CSV file as people really send it, to rows: encoding, delimiter, quotes, line ends.

Judged by its content, never by its name.
"""

import codecs
import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.errors import InvalidRequest

MAX_ROWS = 10_000
MAX_COLUMNS = 64
_DELIMITERS = (",", ";", "\t", "|")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Record:
    """One row. ``line`` is where it begins in the file, counted from 1."""

    line: int
    cells: Sequence[str]

    @property
    def is_blank(self) -> bool:
        return not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class CsvFile:
    columns: Mapping[str, int]
    """The known columns and where they stand."""
    width: int
    """Cells that the header has, and so has every row."""
    records: Sequence[Record]
    warnings: Sequence[str]


def read_csv(content: bytes, known: Collection[str], required: str) -> CsvFile:
    """The rows under a header that names at least the ``required`` column.

    Raises InvalidRequest for a file that cannot be read, and for one past the limits.
    """
    text, warnings = _decode(content)
    if not text.strip():
        raise InvalidRequest(f"The file is empty. {_wanted(known, required)}", code="empty_file")
    delimiter = max(_DELIMITERS, key=lambda candidate: _known_cells(text, candidate, known))
    records = _records(text, delimiter)
    header = next(records)
    names = [_column(cell) for cell in header.cells]
    if required not in names:
        raise InvalidRequest(
            f"The first line must name the columns. {_wanted(known, required)}",
            code="header_missing",
        )
    columns = _columns(names, known)
    unknown = [cell for cell, name in zip(header.cells, names, strict=True) if name not in columns]
    if named := [cell.strip()[:64] for cell in unknown if cell.strip()]:
        warnings.append(f"Unknown columns were ignored: {', '.join(named)}")
    return CsvFile(columns, len(names), _bounded(records), warnings)


def _decode(content: bytes) -> tuple[str, list[str]]:
    """UTF-16 by its byte order mark, else UTF-8, else what Windows calls ANSI."""
    if content.startswith(_UTF16):
        return _without_nul(_strictly(content, "utf-16")), []
    try:
        return _without_nul(content.decode("utf-8-sig")), []
    except UnicodeDecodeError:
        text = _without_nul(_strictly(content, "cp1252"))
        return text, ["The file is not UTF-8: it was read as Windows-1252"]


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidRequest(
            "The file is no text in UTF-8, UTF-16 with a byte order mark, or Windows-1252",
            code="unknown_encoding",
        ) from None


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise InvalidRequest(
            "The file contains NUL characters: save it as CSV in UTF-8", code="nul_in_file"
        )
    return text


def _wanted(known: Collection[str], required: str) -> str:
    others = ", ".join(name for name in known if name != required)
    return f"Columns: {required} (needed), {others}"


def _known_cells(text: str, delimiter: str, known: Collection[str]) -> int:
    """How many known columns the header has when it is cut at this delimiter."""
    try:
        header = next(_records(text, delimiter))
    except InvalidRequest:
        return -1
    return len({_column(cell) for cell in header.cells} & set(known))


def _column(cell: str) -> str:
    return cell.strip("\ufeff \t").casefold()


def _columns(names: Sequence[str], known: Collection[str]) -> dict[str, int]:
    if len(names) > MAX_COLUMNS:
        raise InvalidRequest(f"At most {MAX_COLUMNS} columns", code="too_many_columns")
    columns: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in columns:
            raise InvalidRequest(f"The column {name} is there twice", code="duplicate_column")
        if name in known:
            columns[name] = position
    return columns


def _bounded(records: Iterator[Record]) -> list[Record]:
    rows: list[Record] = []
    for record in records:
        if len(rows) == MAX_ROWS:
            raise InvalidRequest(
                f"At most {MAX_ROWS} rows in a file: cut it into several", code="too_many_rows"
            )
        rows.append(record)
    return rows


def _records(text: str, delimiter: str) -> Iterator[Record]:
    """Every row that is not blank. Raises InvalidRequest where RFC 4180 is broken."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            record = Record(line, cells)
            line = reader.line_num + 1
            if not record.is_blank:
                yield record
    except csv.Error as error:
        raise InvalidRequest(f"Line {line}: {error}", code="malformed_csv") from None
