"""The columns of an asset that people fill in, made canonical: one rule for every way in."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from services.errors import InvalidInput
from services.scanner.address import AddressPolicy, AddressRefused
from services.scanner.target import Target, TargetType, parse_target
from services.users.email_address import normalize_email

MAX_NAME_LENGTH = 256
MAX_DESCRIPTION_LENGTH = 4096
MAX_TAGS = 50
MAX_TAG_LENGTH = 64

Values = Mapping[str, Any]  # Any: column values


def normalize_values(values: Values) -> dict[str, Any]:  # Any: column values
    """The same columns, canonical. Raises InvalidInput."""
    return {
        column: _RULES[column](value) if column in _RULES else value
        for column, value in values.items()
    }


def read_target(text: str, expected: TargetType | None, policy: AddressPolicy) -> Target:
    """The target, unless an address or network may not be scanned. Raises InvalidInput.

    Nothing is looked up: what a name leads to is vetted at each scan.
    """
    target = parse_target(text, expected)
    try:
        if target.type is TargetType.CIDR:
            policy.check_network(ip_network(target.value))
        elif target.type is TargetType.IP:
            policy.check(ip_address(target.value))
    except AddressRefused as error:
        raise InvalidInput(str(error), field="target_value", code="target_refused") from None
    return target


def normalize_name(name: str) -> str:
    """Trimmed. Raises InvalidInput unless it has 1 to 256 characters."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= MAX_NAME_LENGTH:
        raise InvalidInput(f"A name has 1 to {MAX_NAME_LENGTH} characters", field="name")
    return trimmed


def normalize_tags(tags: Sequence[str] | None) -> list[str]:
    """Trimmed, unique whatever the case, in the order given. Raises InvalidInput."""
    unique: dict[str, str] = {}
    for tag in filter(None, (tag.strip() for tag in tags or ())):
        unique.setdefault(tag.casefold(), tag)
    if len(unique) > MAX_TAGS:
        raise InvalidInput(f"At most {MAX_TAGS} tags", field="tags")
    if any(len(tag) > MAX_TAG_LENGTH for tag in unique.values()):
        raise InvalidInput(f"A tag has at most {MAX_TAG_LENGTH} characters", field="tags")
    return list(unique.values())


def normalize_description(description: str | None) -> str | None:
    """None for an empty one. Raises InvalidInput for one longer than 4,096 characters."""
    if description is not None and len(description) > MAX_DESCRIPTION_LENGTH:
        raise InvalidInput(
            f"A description has at most {MAX_DESCRIPTION_LENGTH} characters", field="description"
        )
    return description or None


def normalize_owner(email: str | None) -> str | None:
    """None for an empty one. Raises InvalidInput for what is no e-mail address."""
    if email is None or not email.strip():
        return None
    try:
        return normalize_email(email)
    except InvalidInput as error:
        raise InvalidInput(error.message, field="owner_email") from None


_RULES: Mapping[str, Callable[[Any], Any]] = {  # Any: each takes the type of its column
    "name": normalize_name,
    "tags": normalize_tags,
    "description": normalize_description,
    "owner_email": normalize_owner,
}
