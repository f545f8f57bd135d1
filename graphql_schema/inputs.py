"""Bounds of inputs, as REST's schemas have them: length, number, list, and no NUL."""

from collections.abc import Sequence
from typing import TypeVar

from services.errors import InvalidInput

Item = TypeVar("Item")

MAX_LIST = 100
MAX_SEARCH = 200


def text(value: str, field: str, *, at_most: int, at_least: int = 0) -> str:
    """Trimmed where it must not be empty. Raises InvalidInput; PostgreSQL could not hold a NUL."""
    checked = value.strip() if at_least else value
    if not at_least <= len(checked) <= at_most:
        bounds = f"{at_least} to {at_most}" if at_least else f"at most {at_most}"
        raise InvalidInput(f"{field} must have {bounds} characters", field=field)
    if "\0" in checked:
        raise InvalidInput(f"{field} must not contain NUL", field=field)
    return checked


def optional_text(value: str | None, field: str, *, at_most: int, at_least: int = 0) -> str | None:
    return None if value is None else text(value, field, at_most=at_most, at_least=at_least)


def number(value: int | None, field: str, *, at_least: int, at_most: int) -> int | None:
    """Raises InvalidInput."""
    if value is not None and not at_least <= value <= at_most:
        raise InvalidInput(f"{field} must be between {at_least} and {at_most}", field=field)
    return value


def items(values: Sequence[Item] | None, field: str, *, at_most: int = MAX_LIST) -> Sequence[Item]:
    """Raises InvalidInput for a list that is too long."""
    if values is not None and len(values) > at_most:
        raise InvalidInput(f"{field} must have at most {at_most} items", field=field)
    return values or ()


def texts(values: Sequence[str] | None, field: str) -> tuple[str, ...]:
    return tuple(text(value, field, at_most=MAX_SEARCH) for value in items(values, field))
