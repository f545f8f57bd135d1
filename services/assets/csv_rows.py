"""A row of an imported file to what it says about an asset, or to what is wrong with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from services.assets.csv_file import CsvFile, Record, read_csv
from services.assets.models import Criticality
from services.assets.values import (
    Values,
    normalize_description,
    normalize_name,
    normalize_owner,
    normalize_tags,
    read_target,
)
from services.errors import InvalidInput
from services.scanner.address import AddressPolicy
from services.scanner.target import Target, TargetType
from services.spreadsheet import bare

COLUMNS = (
    "name",
    "target_type",
    "target_value",
    "tags",
    "criticality",
    "owner_email",
    "description",
    "is_active",
)
MAX_CELL_LENGTH = 4096
_SHOWN_LENGTH = 200
_TRUE = frozenset({"true", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Issue:
    """Something a person should know about one row."""

    row: int
    """The line of the file that the row begins in."""
    column: str | None
    value: str
    """What stood there, cut to what fits a message."""
    code: str
    message: str
    is_error: bool = True
    """False: the row was left out on purpose."""

    def __str__(self) -> str:
        place = f"Row {self.row}, {self.column}" if self.column else f"Row {self.row}"
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImportRow:
    line: int
    target: Target
    values: Values
    """The columns that the row gives a value, by name; an empty cell of a text clears it."""
    default_tags: Sequence[str]

    def issue(self, code: str, message: str, *, is_error: bool) -> Issue:
        return Issue(self.line, "target_value", self.target.value, code, message, is_error)


@dataclass(frozen=True, slots=True)
class ImportFile:
    """Every row of a file, read and judged; of a target that comes twice the first row."""

    rows: Sequence[ImportRow]
    issues: Sequence[Issue]
    failed: int
    """Rows that could not be read."""
    repeated: int
    """Rows that name a target again."""
    warnings: Sequence[str]


def read_import(content: bytes, default_tags: Sequence[str], policy: AddressPolicy) -> ImportFile:
    """Raises InvalidRequest when the file as a whole cannot be read."""
    file = read_csv(content, COLUMNS, required="target_value")
    rows: dict[Target, ImportRow] = {}
    issues: list[Issue] = []
    failed = repeated = 0
    for record in file.records:
        row, found = _read_row(file, record, default_tags, policy)
        issues += found
        if row is None:
            failed += 1
        elif (first := rows.setdefault(row.target, row)) is not row:
            repeated += 1
            repeats = f"Repeats row {first.line}, which was taken"
            issues.append(row.issue("duplicate_in_file", repeats, is_error=False))
    return ImportFile(tuple(rows.values()), issues, failed, repeated, file.warnings)


def _read_row(
    file: CsvFile, record: Record, default_tags: Sequence[str], policy: AddressPolicy
) -> tuple[ImportRow | None, list[Issue]]:
    """The row, or None and everything that is wrong with it."""
    cells = list(record.cells)
    # A spreadsheet may leave empty cells behind the last column; short rows are broken ones.
    while len(cells) > file.width and not cells[-1].strip():
        cells.pop()
    if len(cells) != file.width:
        message = f"{len(cells)} cells where the header has {file.width}"
        return None, [Issue(record.line, None, "", "wrong_number_of_cells", message)]
    reading = _Reading(record.line, {n: bare(cells[at]) for n, at in file.columns.items()})
    target = reading.target(policy)
    values = reading.values(default_tags)
    if target is None or reading.issues:
        return None, reading.issues
    return ImportRow(record.line, target, values, default_tags), []


class _Reading:
    """The cells of one row, and what is wrong with them."""

    def __init__(self, line: int, cells: Mapping[str, str]) -> None:
        self._line = line
        self._cells = cells
        self.issues: list[Issue] = []

    def target(self, policy: AddressPolicy) -> Target | None:
        kind = self._read("target_type", lambda cell: _choice(TargetType, cell))
        return self._read("target_value", lambda cell: read_target(cell, kind, policy))

    def values(self, default_tags: Sequence[str]) -> Values:
        """Of the columns that the file has: an empty cell clears tags, owner and description."""
        read: dict[str, Any] = {  # Any: column values
            "name": self._read("name", lambda cell: normalize_name(cell) if cell.strip() else None),
            "criticality": self._read("criticality", lambda cell: _choice(Criticality, cell)),
            "is_active": self._read("is_active", _truth),
        }
        values = {column: value for column, value in read.items() if value is not None}
        if "tags" in self._cells:
            values["tags"] = self._read(
                "tags", lambda cell: normalize_tags([*split_tags(cell), *default_tags])
            )
        if "owner_email" in self._cells:
            values["owner_email"] = self._read("owner_email", normalize_owner)
        if "description" in self._cells:
            values["description"] = self._read("description", normalize_description)
        return values

    def _read(self, column: str, rule: Callable[[str], Any]) -> Any:  # noqa: ANN401 - a column's value
        """What the rule makes of the cell; None for a column that is not there or not right."""
        cell = self._cells.get(column)
        if cell is None:
            return None
        try:
            return rule(_bounded(column, cell))
        except InvalidInput as error:
            code = f"invalid_{column}" if error.code == InvalidInput.default_code else error.code
            shown = cell[:_SHOWN_LENGTH]
            self.issues.append(Issue(self._line, column, shown, code, error.message))
            return None


def _bounded(column: str, cell: str) -> str:
    """The cell. The rules of tags are narrower, once the marks before separators are gone."""
    if len(cell) > MAX_CELL_LENGTH and column != "tags":
        raise InvalidInput(f"A cell has at most {MAX_CELL_LENGTH} characters", code="cell_too_long")
    return cell


def _choice(choices: type[Choice], cell: str) -> Choice | None:
    if not cell.strip():
        return None
    try:
        return choices(cell.strip().lower())
    except ValueError:
        raise InvalidInput(f"One of {', '.join(choices)}") from None


def _truth(cell: str) -> bool | None:
    word = cell.strip().lower()
    if not word:
        return None
    if word not in _TRUE | _FALSE:
        raise InvalidInput("One of true, false, yes, no, 1, 0")
    return word in _TRUE


def split_tags(cell: str) -> list[str]:
    """Tags between ``;`` or ``|``. A backslash makes one of these, or itself, part of a tag."""
    tags, marked = [""], False
    for character in cell:
        if marked:
            tags[-1] += character if character in "\\;|" else f"\\{character}"
            marked = False
        elif character == "\\":
            marked = True
        elif character in ";|":
            tags.append("")
        else:
            tags[-1] += character
    if marked:
        tags[-1] += "\\"
    return tags


def join_tags(tags: Sequence[str]) -> str:
    """The cell that ``split_tags`` makes these tags of."""
    marks = str.maketrans({"\\": "\\\\", ";": "\\;", "|": "\\|"})
    return ";".join(tag.translate(marks) for tag in tags)
